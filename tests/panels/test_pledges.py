"""Targets are judged from the figures alone, by the rule that the page says."""

from datetime import datetime

import numpy as np
import pytest

from citylib.panels.mayor import MayorDashboard
from citylib.panels.model import CityModel
from citylib.panels.pledges import pledges_of


@pytest.fixture
def judged(city, make):
    """The state of one target over yearly figures of the city."""

    def judged(values, value, by, start=None, since="", better="lower", today="2021-06-01"):
        array = make(
            "dust",
            "year",
            len(values),
            "2018",
            better=better,
            target=[value],
            target_by=[by],
            target_start=[start],
            target_since=[since],
            target_source_en=["A plan"],
        )
        array.values[:, 0] = values
        now = datetime.fromisoformat(today)
        [found] = pledges_of(city, {"dust": array}, ["dust"], "en", now)
        return found

    return judged


@pytest.mark.parametrize(
    ("values", "by", "state"),
    [
        ([30, 28, 26], "2028", "on_track"),  # the way asks for 26 in 2020
        ([30, 28, 26.1], "2028", "late"),
        ([30, 20, 9], "2028", "met"),  # before its date
        ([30, 20, 10], "2020", "met"),
        ([30, 20, 11], "2020", "late"),
        ([30, 11, 12], "2019", "late"),  # its period is over
        ([30, 10, 12], "2019", "met"),  # what it became later is another matter
    ],
)
def test_the_state_follows_from_the_straight_way(judged, values, by, state):
    assert judged(values, 10, by).state == state


@pytest.mark.parametrize("values", [[30, 28, 26], [30, 20, 9]])
def test_a_date_that_passed_without_a_figure_is_not_judged(judged, values):
    assert judged(values, 10, "2023", today="2023-12-31").state != "unknown"
    assert judged(values, 10, "2023", today="2024-01-01").state == "unknown"


def test_more_can_be_better(judged):
    assert judged([10, 12, 14], 30, "2028", better="higher").state == "on_track"
    assert judged([10, 12, 13.9], 30, "2028", better="higher").state == "late"


def test_the_way_begins_where_it_was_promised(judged):
    found = judged([40, 30, 28, 26], 10, "2029", start=30, since="2019")
    assert (found.start, found.since.year) == (30.0, 2019)
    assert found.path == pytest.approx(30 - 20 * 2 / 10)
    assert found.state == "on_track"


def test_the_trend_goes_on_through_the_newest_figures(judged):
    assert judged([30, 28, 26], 10, "2028").trend == pytest.approx(10)
    assert np.isnan(judged([30, 28], 10, "2028").trend), "two points are no trend"


def test_when_a_late_target_was_reached_is_known(judged):
    found = judged([30, 20, 9], 10, "2019")
    assert (found.state, found.reached.year) == ("late", 2020)


def test_without_figures_nothing_is_judged(judged):
    assert judged([np.nan, np.nan], 10, "2028").state == "unknown"


def test_a_period_that_still_grows_is_not_judged(city, make):
    array = make(
        "fires", "year", 4, "2023", aggregation="sum", units="1",
        target=[1.0], target_by=["2030"], target_start=[None], target_since=[""],
    )  # fmt: skip
    [found] = pledges_of(city, {"fires": array}, ["fires"], "en")
    assert found.now.year == 2025, "the year in which it was computed had not ended"


def test_the_page_counts_them_and_leads_to_the_indicator(city, make):
    aims = {"target": [10.0, 1000.0], "target_by": ["2020", "2030"]}
    aims |= {"target_start": [None, None], "target_since": ["", ""]}
    figures = {"pm25": make("pm25"), "dust": make("dust", "year", 4, "2018", **aims)}
    dashboard = MayorDashboard(CityModel(city, figures))
    assert 'data-press="page:pledges"' in dashboard.header.html
    dashboard._pressed("page:pledges")
    page = dashboard.pages.made["pledges"]
    assert page.list.html.count('data-press="indicator:dust"') == 2
    assert '<data value="1">1</data>' in page.list.html
    assert "늦음" in page.list.html
    page.list._handle_custom_msg({"press": "indicator:dust"}, [])
    assert (dashboard.model.page, dashboard.model.indicator) == ("indicator", "dust")
    page.list._handle_custom_msg({"press": "indicator:nothing"}, [])
    assert dashboard.model.indicator == "dust"


def test_without_targets_there_is_no_door_to_them(city, make):
    dashboard = MayorDashboard(CityModel(city, {"pm25": make("pm25")}))
    assert "page:pledges" not in dashboard.header.html
    dashboard.model.page = "pledges"  # by its address
    assert "목표가 있는 지표가 없습니다" in dashboard.pages.made["pledges"].list.html
