"""The figure of a period that has not ended is no fall: it says so and is not compared."""

from datetime import datetime

import numpy as np
import pytest

from citylib.panels.charts import ChartPanel
from citylib.panels.map import heading
from citylib.panels.model import CityModel
from citylib.panels.picture.charts import history
from citylib.panels.picture.reading import column, reading, settled
from citylib.panels.picture.tile import tile

SO_FAR = {"ko": ("집계 중", "기간이 끝난 뒤 비교"), "en": ("so far", "not compared yet")}
# The figures end on 2022-12-10, in Seoul 9 hours before it ends in Greenwich.
DURING, AFTER = "2022-12-10T14:59:59+00:00", "2022-12-10T15:00:00+00:00"


@pytest.fixture
def figures(make):
    """The same counts, computed in the middle of the last day and after it; and a mean."""
    return {
        "during": make("during", aggregation="count", computed=DURING),
        "after": make("after", aggregation="count", computed=AFTER),
        "mean": make("mean", computed=DURING),
    }


def test_only_the_last_day_runs_and_only_until_it_ends_in_the_city(city, figures):
    for name, runs in [("during", True), ("after", False), ("mean", True)]:
        array = figures[name]
        assert reading(array, city.code, "ko").running == runs
        day_before = datetime.fromisoformat(str(array["time"].values[-2])[:19])
        assert not reading(array, city.code, "ko", day_before).running


def test_figures_that_do_not_say_when_they_were_computed_are_whole(city, make):
    assert not reading(make("fresh"), city.code, "ko").running


@pytest.mark.parametrize("lang", ["ko", "en"])
def test_tile_and_map_say_so_and_compare_nothing(city, figures, now, lang):
    mark, instead = SO_FAR[lang]
    running, whole = (tile(city, figures[name], lang, now=now) for name in ("during", "after"))
    assert mark in running
    assert instead in running
    assert "data-change" not in running
    assert mark not in whole
    assert "data-change" in whole
    model = CityModel(city, figures, "during")
    model.language = lang
    assert mark in heading(model)
    model.move(5)
    assert mark not in heading(model)


def test_a_sum_that_still_grows_is_not_drawn_as_a_fall(city, figures):
    own = column(figures["during"], city.code)
    assert np.isnan(settled(figures["during"], own)[-1])
    assert np.array_equal(settled(figures["during"], own)[:-1], own[:-1])
    for name in ("after", "mean"):
        assert np.array_equal(settled(figures[name], own), own)
    ends = [history(city, figures[name], "en").split("</title>")[0] for name in ("during", "after")]
    assert "10" in ends[1].rsplit(" to ", 1)[1]
    assert ends[0] != ends[1]
    panel = ChartPanel(CityModel(city, figures, "during"))
    line = panel.history.marks[1]
    assert np.isnan(line.y[-1])
    assert np.isfinite(line.y[:-1]).all()
