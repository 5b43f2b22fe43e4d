import math
import re
import xml.etree.ElementTree as ET
from datetime import datetime

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from citylib.look import colours
from citylib.panels.charts import ChartPanel
from citylib.panels.mayor import MayorDashboard
from citylib.panels.model import CityModel
from citylib.panels.picture import reading as read
from citylib.panels.picture.axes import DATES, date_ticks, ticks
from citylib.panels.picture.basemap import layers, rounded
from citylib.panels.picture.charts import history, ranking, shown_ranks, sparkline
from citylib.panels.picture.choropleth import choropleth, legend
from citylib.panels.picture.tile import tile


def classes(html):
    """What a legend says of each class, from the lowest."""
    return re.findall(r"</svg>([^<]+)</li>", html)[::-1]


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


def test_a_map_draws_the_level_of_its_indicator(city, make):
    array = make("fires", "year", 2, "2021", units="1", aggregation="sum", level="neighbourhood")
    svg = choropleth(city, array, "ko")
    areas = parse(svg).findall(f".//{SVG}path[@data-area]")
    assert {path.get("data-area") for path in areas} == set(city.levels["neighbourhood"].areas)
    assert not [path for path in areas if "missing" in path.get("class")]
    assert "<title>종로구 사직동: " in svg
    assert len(svg.encode()) < 120_000


def test_areas_of_one_name_are_told_apart(city):
    level = city.levels["neighbourhood"]
    shared = [code for code, area in level.areas.items() if area.name["ko"] == "신사동"]
    assert sorted(read.place_name(city, code, "ko", short=True) for code in shared) == [
        "강남구 신사동",
        "관악구 신사동",
    ]
    assert read.place_name(city, "1101053", "ko", short=True) == "사직동"
    assert read.place_name(city, "1101053", "en") == "Sajik-dong, Jongno-gu"
    assert read.place_name(city, "11010", "ko") == "종로구"


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


@given(st.lists(st.integers(0, 99_999), min_size=2, max_size=40))
def test_every_count_is_in_one_class_of_the_legend_and_painted_so(counts):
    said = classes(legend(map(float, counts), "1", "en"))
    spans = [[int(part.replace(",", "")) for part in text.split("–")] for text in said]
    limits = colours.breaks(counts)
    for count in counts:
        within = [n for n, span in enumerate(spans) if span[0] <= count <= span[-1]]
        assert within == [colours.class_of(count, limits)]


def test_classes_of_measured_figures_say_where_their_ends_belong():
    said = classes(legend([17.3, 18.9, 20.4, 22.8, 23.0, 25.9, 31.4], "ug m-3", "en"))
    assert said == [
        "&lt; 19.0",
        "19.0 – &lt; 20.5",
        "20.5 – &lt; 23.0",
        "23.0 – &lt; 26.0",
        "≥ 26.0",
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


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ([3.0, 92.3], [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]),
        ([199.5], [0.0, 50.0, 100.0, 150.0, 200.0]),  # and not ten of them
        ([0.0, 2.0], [0.0, 1.0, 2.0]),  # nobody counts half a fire
        ([0.04176], [0.0, 0.01, 0.02, 0.03, 0.04, 0.05]),
        ([-3.0, 8.0], [-5.0, 0.0, 5.0, 10.0]),
        ([0.0, math.nan], [0.0, 1.0]),
    ],
)
def test_ticks_are_round_and_hold_all_figures(values, shown):
    assert ticks(values) == shown


@pytest.mark.parametrize(
    ("first", "last", "frequency", "unit", "dates"),
    [
        ("2018", "2023", "year", "year", ["2018", "2020", "2022"]),
        ("2022-01", "2022-04", "month", "month", ["2022-01", "2022-02", "2022-03", "2022-04"]),
        ("2021-01", "2022-12", "month", "month", ["2021-01", "2021-07", "2022-01", "2022-07"]),
        ("2020-12-11", "2022-12-31", "day", "month", ["2021-01", "2021-07", "2022-01", "2022-07"]),
        ("2014-01-01", "2022-12-31", "day", "year", ["2015", "2020"]),
        ("2022-12-18T00", "2023-01-01T00", "hour", "day", None),
    ],
)
def test_dates_are_evenly_apart(first, last, frequency, unit, dates):
    times = np.array([first, last], dtype="datetime64[ns]")
    found, ticks = date_ticks(times, frequency)
    assert found == unit
    assert 2 <= ticks.size <= DATES
    if dates:
        assert ticks.tolist() == np.array(dates, dtype="datetime64[s]").tolist()
    else:
        assert len(set(np.diff(ticks))) == 1


def test_a_history_says_its_dates_and_figures_alike(city, make):
    svg = parse(history(city, make(periods=750, start="2020-12-12"), "en"))
    said = [text.text for text in svg.findall(f"{SVG}text")]
    assert said == ["0", "10", "20", "30", "40", "50", *said[6:]]
    assert said[6:] == ["Jan 2022", "Apr 2022", "Jul 2022", "Oct 2022"]
    array = make(periods=3, start="2022-01-01", frequency="month", units="1")
    array.values[:, 0] = [122_924_269, 109_449_717, 98_000_000]
    said = [text.text for text in parse(history(city, array, "ko")).findall(f"{SVG}text")]
    assert said == ["0", "0.5억", "1.0억", "1.5억", "2022.1", "2022.2", "2022.3"]


def test_a_history_of_one_figure_is_a_sentence(city, make):
    array = make("racks", "year", 1, "2025-01-01", units="1", aggregation="sum")
    array.values[0, 0] = 37_383
    html = history(city, array, "en")
    assert "<svg" not in html
    assert "One figure only, no history yet: 37,383 (2025)" in html


def test_a_history_ends_with_its_last_figure(city, make):
    array = make(periods=40)
    array.values[20:, 0] = np.nan
    assert "20 Nov 2022" in history(city, array, "en")
    assert "10 Dec 2022" not in history(city, array, "en")


def test_one_figure_alone_is_a_dot():
    dot = 'class="line dot" points="50.0,15.0 50.0,15.0"'
    assert dot in sparkline(np.array([np.nan, 3.0, np.nan]))


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
    told = [w.html for w in (dashboard.header, dashboard.footer, dashboard.glance.map.heading)]
    glance = dashboard.glance
    told += [w.html for w in (glance.map.legend, glance.domains, glance.trend, glance.ranks)]
    told += [title.html for title in ChartPanel(model).titles]
    model.domain = "air"
    told += [glance.domains.html]
    assert not [html for html in told if "<img" in html]


def test_a_long_name_is_cut_and_said_in_full_when_pointed_at(city, make):
    array = make("pm25")
    level = city.levels["district"]
    code = max(level.areas, key=lambda area: array.sel(area=area).values[-1])
    long = "Todt Hill-Emerson Hill-Heartland Village"
    level.areas[code].name["en"], before = long, level.areas[code].name["en"]
    try:
        html = ranking(city, array, "en")
    finally:
        level.areas[code].name["en"] = before
    assert f"<title>{long}</title>" in html
    assert f"1. {long}" not in html
    assert "1. Todt Hill-Emerson" in html
    assert "…" in html
