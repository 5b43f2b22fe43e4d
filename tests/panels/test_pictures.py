import math
import re
import xml.etree.ElementTree as ET
from datetime import datetime

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from citylib.look import colours
from citylib.panels.mayor import MayorDashboard
from citylib.panels.model import CityModel
from citylib.panels.picture import reading as read
from citylib.panels.picture.basemap import layers, rounded
from citylib.panels.picture.charts import history, ranking, shown_ranks, sparkline, ticks
from citylib.panels.picture.choropleth import choropleth, legend
from citylib.panels.picture.tile import tile

SVG = "{http://www.w3.org/2000/svg}"


def parse(svg):
    named = svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    return ET.fromstring(named)  # noqa: S314


def test_a_tile_says_the_cubes_figure(city, make, now):
    array = make()
    html = tile(city, array, "en", now=now)
    value = float(array.sel(area=city.code)[-1])
    earlier = float(array.sel(area=city.code)[-2])
    assert float(re.search(r'<data value="([^"]+)"', html)[1]) == value
    assert f"{value:.1f}" in html
    assert "µg/m³" in html
    assert '<time datetime="2022-12-10">10 Dec 2022</time>' in html
    assert "1 month ago" in html, "a day's figure is old after a month"
    assert float(re.search(r'data-change="([^"]+)"', html)[1]) == pytest.approx(value - earlier)
    assert f"{abs(value / earlier - 1) * 100:.1f}%" in html
    assert ("change bad" in html) == (value > earlier)
    assert 'class="badge public">Public<' in html


def test_a_tile_compares_with_the_period_before_and_no_other(city, make, now):
    array = make()
    array[-2] = np.nan
    assert "no data for the period before" in tile(city, array, "en", now=now)


def test_a_tile_without_any_figure_says_so(city, make, now):
    array = make(periods=3) * np.nan
    array.attrs = make().attrs
    html = tile(city, array, "ko", now=now)
    assert "자료 없음" in html
    assert "0</data>" not in html


def test_titles_cannot_bring_markup(city, make, now):
    html = tile(city, make(long_name_en="<script>x</script>"), "en", now=now)
    assert "<script>" not in html


@settings(
    deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.integers(0, 10_000), st.integers(0, 39), st.floats(0, 1))
def test_a_map_says_and_shows_the_cubes_figures(city, make, seed, place, gaps):
    array = make(seed=seed)
    random = np.random.default_rng(seed)
    array[place, 1:] = np.where(random.uniform(size=25) < gaps, np.nan, array[place, 1:])
    time = read.as_datetime(array["time"].values[place])
    areas = parse(choropleth(city, array, "en", time)).findall(f".//{SVG}path[@data-area]")
    assert {path.get("data-area") for path in areas} == set(city.levels["district"].areas)
    limits = colours.breaks(array.values[place, 1:])
    for path in areas:
        value = float(array.sel(area=path.get("data-area"))[place])
        shown = float(path.get("data-value"))
        assert shown == value or (math.isnan(shown) and math.isnan(value))
        assert path.get("class") == f"area {colours.paint(value, limits)}"
        words = path.find(f"{SVG}title").text
        assert words.startswith(city.area_name(path.get("data-area"), "en"))
        assert ("No data" in words) == math.isnan(value)
        assert ("url(#" in path.get("fill")) == math.isnan(value), "missing is hatched"


def test_a_map_is_small_and_asks_for_nothing(city, make):
    svg = choropleth(city, make(), "ko")
    assert len(svg.encode()) < 40_000
    assert "http" not in svg
    assert "style=" not in svg


def test_a_legend_covers_every_figure_once(city, make):
    array = make()
    values = array.values[-1, 1:]
    html = legend(values, "ug m-3", "en")
    assert html.count("<li>") == len(colours.breaks(values)) + 1
    assert "No data" not in html
    assert "No data" in legend([*values, math.nan], "ug m-3", "en")


def test_a_history_draws_every_figure_and_leaves_gaps_open(city, make):
    array = make()
    array[10] = np.nan
    svg = parse(history(city, array, "ko", "11010"))
    own = svg.findall(f"{SVG}polyline[@class='first']")
    assert [len(line.get("points").split()) for line in own] == [10, 29]
    assert "pm25 제목" in svg.find(f"{SVG}title").text
    assert len(svg.findall(f"{SVG}polyline[@class='second']")) == 2


def test_a_ranking_shows_the_first_the_chosen_and_the_last(city, make):
    array = make()
    values = read.at(array, read.as_datetime(array["time"].values[-1]))
    order = read.ranked(values, read.districts(array, city.code))
    rows = parse(ranking(city, array, "en", area=order[12])).findall(f".//{SVG}text[@data-area]")
    assert [row.get("data-area") for row in rows] == [*order[:5], order[12], *order[-2:]]
    assert [float(row.get("data-value")) for row in rows] == [
        values[code] for code in [*order[:5], order[12], *order[-2:]]
    ]


def test_city_only_figures_have_no_ranking(city, make):
    assert "whole city only" in ranking(city, make(areas=False), "en")


def test_ranks_fit_when_there_are_few():
    assert shown_ranks(["a", "b"], None) == ["a", "b"]
    assert shown_ranks(list("abcdefghij"), "b", 5) == ["a", "b", "c", "i", "j"]


def test_an_area_of_a_sum_is_compared_with_the_mean_of_areas(city, make):
    array = make(aggregation="sum", units="1")
    mean = array.values[:, 1:].mean(axis=1)
    assert read.reference(array, city.code) == pytest.approx(mean)
    array = make(aggregation="mean")
    assert read.reference(array, city.code) == pytest.approx(array.values[:, 0])


def test_a_reading_of_a_period_without_figures_is_missing(city, make):
    found = read.reading(make(), city.code, "en", datetime(1999, 1, 1))
    assert math.isnan(found.value)
    assert found.says("en") == "–"


def test_ticks_hold_all_figures():
    assert ticks(0.0, 92.3) == [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]
    assert ticks(5.0, 5.0)[0] <= 5.0 < ticks(5.0, 5.0)[-1]


def test_one_figure_alone_is_a_dot():
    assert "<circle" in sparkline(np.array([np.nan, 3.0, np.nan]))


def test_coarse_shores_are_rounded_within_their_own_hull(city):
    ring = [[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 4.0], [0.0, 0.0]]
    smooth = rounded(ring)
    assert smooth[0] == smooth[-1]
    assert len(smooth) == 17
    assert all(0 <= x <= 4 and 0 <= y <= 4 for x, y in smooth)
    assert {layer.kind for layer, _ in layers(city)} == {"water", "line"}


HOSTILE = "<img src=x onerror=alert(1)>"


def test_what_a_profile_says_is_text_and_not_markup(city, make, now):
    array = make(units=HOSTILE, long_name_en=HOSTILE, source=HOSTILE, licence=HOSTILE)
    pictures = [
        tile(city, array, "en", now=now),
        choropleth(city, array, "en"),
        history(city, array, "en"),
        ranking(city, array, "en"),
        legend([1.0, 2.0], HOSTILE, "en"),
    ]
    for html in pictures:
        assert "<img" not in html
        assert "&lt;img" in html


def test_what_a_profile_says_is_text_on_the_dashboard(city, make):
    model = CityModel(city, {"pm25": make(units=HOSTILE, long_name_en=HOSTILE, source=HOSTILE)})
    model.language = "en"
    model.touch("11010")
    dashboard = MayorDashboard(model)
    told = [w.html for w in (dashboard.header, dashboard.footer, dashboard.map.heading)]
    told += [w.html for w in (dashboard.map.legend, *dashboard.charts.titles)]
    told += [tile["html"] for tile in dashboard.tiles.tiles]
    assert not [html for html in told if "<img" in html]
