"""An indicator's page."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from citylib.indicators.declared import load_indicators
from citylib.panels.indicator import IndicatorPage
from citylib.panels.model import CityModel
from citylib.panels.pages import Pages
from citylib.panels.picture.distribution import bins, distribution
from citylib.panels.picture.method import condition_in_words, method
from citylib.panels.picture.multiples import bucketed, multiples
from citylib.panels.picture.ranks import ranks
from citylib.panels.picture.thin import thinned

AREA = "11130"
HOSTILE = "<img src=x onerror=alert(1)>"


class Rows(HTMLParser):
    """Figures of a list, by the area that each row leads to."""

    def __init__(self, html):
        super().__init__()
        self.values, self.pressed = {}, []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        said = dict(attrs)
        if "data-area" in said:
            self.now = said["data-area"]
            self.values[self.now] = None
            if said.get("aria-pressed") == "true":
                self.pressed.append(self.now)
        if tag == "data":
            self.values[self.now] = float(said["value"])


@pytest.fixture
def figures(make):
    return {
        "pm25": make("pm25", periods=900, start="2020-01-01"),
        "fires": make("fires", "month", 24, units="1", aggregation="sum", seed=2),
        "rides": make("rides", areas=False, units="1", aggregation="sum"),
        "homes": make("homes", "year", 3, units="1", aggregation="sum", level="neighbourhood"),
        "hours": make("hours", "hour", 20_000, "2020-01-01", areas=False, seed=5),
    }


@pytest.fixture
def model(city, figures):
    model = CityModel(city, figures)
    model.page = "indicator"
    model.area = AREA
    return model


@pytest.fixture
def page(model):
    return Pages(model).made["indicator"]


def asked(page, **content):
    """What the browser says to the range of the history."""
    page.history.zoom._handle_custom_msg(content, [])


def test_the_ranking_holds_every_area_in_order(page, model, figures, city):
    rows = Rows(page.ranking.html)
    last = figures["pm25"].isel(time=-1)
    want = {
        str(code): float(value) for code, value in zip(last.area.values, last.values, strict=True)
    }
    assert rows.values == want
    codes = list(rows.values)
    assert codes[0] == city.code
    inner = [want[code] for code in codes[1:]]
    assert inner == sorted(inner, reverse=True)
    assert rows.pressed == [AREA]
    page.ranking._handle_custom_msg({"press": "area:11010"}, [])
    assert model.area == "11010"
    assert Rows(page.ranking.html).pressed == ["11010"]


def test_an_area_without_a_figure_stands_last_and_says_so(city, make):
    array = make("pm25")
    array[-1, 5] = np.nan
    html = ranks(city, array, "en", array["time"].values[-1], AREA)
    assert list(Rows(html).values)[-1] == str(array.area.values[5])
    assert html.count("No data") == 1
    assert html.count('class="bar"') == 24


def test_those_past_the_threshold_are_marked(city, make):
    array = make("pm25", thresholds=[15.0, 35.0], alarm=35.0)
    html = ranks(city, array, "en", array["time"].values[-1], AREA)
    assert html.count("state beyond") == int((array.values[-1, 1:] > 35).sum()) > 0


def test_the_history_draws_the_cubes_figures(page, figures, city):
    other, own = page.history.lines
    shown = slice(900 - 366, 900)
    assert page.history.span == shown
    inside = own.x >= figures["pm25"].time.values[shown.start]
    assert np.array_equal(own.y[inside], figures["pm25"].sel(area=AREA).values[shown])
    assert np.array_equal(other.y[inside], figures["pm25"].sel(area=city.code).values[shown])


def test_keys_choose_the_range_and_say_which(page, model, figures):
    page.history.title._handle_custom_msg({"press": "range:month"}, [])
    assert page.history.span == slice(900 - 31, 900)
    assert re.search(r'data-press="range:month" aria-pressed="true"', page.history.title.html)
    page.history.title._handle_custom_msg({"press": "range:all"}, [])
    assert page.history.span == slice(0, 900)
    zoom, stamps = page.history.zoom, figures["pm25"].time.values.astype("datetime64[ms]")
    assert [zoom.begin, zoom.end] == stamps[[0, -1]].astype("int64").tolist()
    page.history.title._handle_custom_msg({"press": "range:nothing"}, [])
    assert page.history.span == slice(0, 900)


def test_a_drag_shows_other_periods_and_their_small_histories(page, figures):
    stamps = figures["pm25"].time.values.astype("datetime64[ms]").astype("int64")
    before = page.multiples.html
    asked(page, range=[float(stamps[100]) + 5, float(stamps[130]) - 5], number=7)
    assert page.history.span == slice(100, 131)
    assert page.history.zoom.answered == 7
    assert [page.history.zoom.begin, page.history.zoom.end] == [stamps[100] + 5, stamps[130] - 5]
    assert page.multiples.html != before
    up = page.history.lines[1].scales["y"]
    inside = figures["pm25"].sel(area=[AREA, "11"]).values[100:131]
    assert up.min <= inside.min()
    assert inside.max() <= up.max


@pytest.mark.parametrize(
    "said",
    [
        {"range": ["a", 3]},
        {"range": [float("nan"), 1.0]},
        {"range": [1.0]},
        {"range": [True, False]},
        {"at": "now"},
        {"at": float("inf")},
        {"step": "left"},
        {"range": None, "at": None},
        {},
    ],
)
def test_what_a_browser_makes_up_changes_nothing(page, model, said):
    before = page.history.span, model.place
    asked(page, **said)
    assert (page.history.span, model.place) == before


def test_a_range_beyond_all_there_is_is_held(page):
    asked(page, range=[-1e15, 1e15], number=1)
    assert page.history.span == slice(0, 900)
    asked(page, range=[1e15, 1e15], number=2)
    assert page.history.span == slice(896, 900)


def test_a_touch_chooses_the_nearest_period_for_all_of_the_page(page, model, figures, city):
    stamps = figures["pm25"].time.values.astype("datetime64[ms]").astype("int64")
    asked(page, at=float(stamps[600]) + 3600e3)
    assert model.place == 600
    assert Rows(page.ranking.html).values[AREA] == float(figures["pm25"].sel(area=AREA)[600])
    assert repr(float(figures["pm25"].sel(area=AREA)[600])) in page.heading.html
    asked(page, step=-40)
    assert model.place == 599
    asked(page, at=float(stamps[3]))
    assert page.history.span.start <= 3 < page.history.span.stop, "it stays in sight"


def test_another_indicator_begins_with_its_newest_periods(page, model):
    asked(page, range=[0.0, 1e12], number=1)
    model.show("fires")
    assert page.history.span == slice(0, 24)
    assert page.history.zoom.count == 24
    model.show("rides")
    assert "시 전체 값만" in page.ranking.html
    assert "시 전체 값만" in page.multiples.html
    assert "기간 수" in page.distribution.html


def test_a_new_period_moves_who_looks_at_the_newest(city, make):
    long = make("pm25", periods=900, start="2020-01-01")
    figures = {"pm25": long[:890]}
    model = CityModel(city, figures)
    page = IndicatorPage(model)
    assert page.history.span == slice(890 - 366, 890)
    figures["pm25"] = long
    model.renew()
    assert page.history.span == slice(900 - 366, 900)
    asked(page, range=[float(long.time.values[0].astype("int64") // 10**6), 1.6e12], number=1)
    before = page.history.span
    model.move(100)
    figures["pm25"] = make("pm25", periods=905, start="2020-01-01")
    model.renew()
    assert page.history.span == before


def test_a_long_line_is_drawn_in_few_points_and_keeps_its_peaks(page, model, figures):
    model.show("hours")
    model.area = "11"
    page.history.show("all")
    own = page.history.lines[1]
    values = figures["hours"].values[:, 0]
    assert own.y.size < 3500
    assert own.y.max() == values.max()
    assert own.y.min() == values.min()
    places = np.searchsorted(figures["hours"].time.values, own.x)
    assert np.array_equal(own.y, values[places])


def test_a_gap_stays_a_gap_however_few_points():
    values = np.sin(np.arange(10_000.0))
    values[4_000:6_000] = np.nan
    kept = thinned(values, slice(0, 10_000), 500)
    assert kept.size < 700
    assert np.isnan(values[kept]).any()
    assert not np.isfinite(values[kept][(kept >= 4_000) & (kept < 6_000)]).any()
    assert (np.diff(kept) > 0).all()


def test_no_line_ends_in_a_gap(city, make):
    array = make("pm25")
    array.loc[{"area": AREA}][-5:] = np.nan
    model = CityModel(city, {"pm25": array})
    model.area = AREA
    assert all(np.isfinite(line.y[-1]) for line in IndicatorPage(model).history.lines)


def test_thresholds_lie_over_the_history_as_lines(city, make):
    array = make("pm25", thresholds=[15.0, 35.0, 75.0], alarm=35.0)
    limits = IndicatorPage(CityModel(city, {"pm25": array})).history.limits
    inside = [15.0, 35.0] if array.values[:, 0].max() > 35 else [15.0]
    assert [pair[0] for pair in limits.y] == [v for v in inside if v < limits.scales["y"].max]


def test_small_histories_are_on_one_scale(city, figures):
    array = figures["pm25"]
    html = multiples(city, array, "en", AREA, slice(800, 900))
    assert html.count("<li>") == 25
    assert 'data-press="area:11130" data-area="11130" aria-pressed="true"' in html
    points = [
        float(pair.split(",")[1])
        for line in re.findall(r'<polyline class="first"[^>]*points="([^"]+)"', html)
        for pair in line.split()
    ]
    means = np.array([bucketed(array.values[800:900, place]) for place in range(1, 26)]).ravel()
    top = float(re.search(r"0 to (\d+)", html)[1])
    assert np.allclose(points, 39 - means / top * 38, atol=0.06)
    assert "mean of 3 days" in html


def test_of_many_areas_those_around_the_chosen_one_are_shown(city, figures):
    array = figures["homes"]
    html = multiples(city, array, "en", "1101053")
    shown = re.findall(r'data-area="(\d+)"', html)
    assert set(shown) == {code for code in array.area.values if str(code).startswith("11010")}
    whole = multiples(city, array, "en", city.code)
    shown = re.findall(r'data-area="(\d+)"', whole)
    last = array.isel(time=-1)[1:]
    largest = last.sortby(-last).area.values[:25]
    assert shown == [str(code) for code in largest]
    assert "25 largest of 423" in whole


def test_means_of_runs_leave_out_what_is_missing():
    values = np.arange(100.0)
    values[::7] = np.nan
    found = bucketed(values, 10)
    assert np.allclose(found, [np.nanmean(values[n : n + 10]) for n in range(0, 100, 10)])
    assert np.isnan(bucketed(np.full(100, np.nan), 10)).all()


def test_each_bar_counts_the_areas_of_its_part(city, figures):
    array = figures["pm25"]
    html = distribution(city, array, "en", array["time"].values[-1], AREA)
    values = array.values[-1, 1:]
    bars = re.findall(r'data-from="([^"]+)" data-to="([^"]+)" data-count="(\d+)"', html)
    assert sum(int(count) for *_, count in bars) == 25
    for place, (start, end, count) in enumerate(bars):
        inside = (values >= float(start)) & (values < float(end))
        if place == len(bars) - 1:
            inside |= values == float(end)
        assert int(count) == int(inside.sum())
    marks = [float(value) for value in re.findall(r'data-value="([^"]+)"', html)]
    assert marks == [float(array[-1, 0]), float(array.sel(area=AREA)[-1])]


@pytest.mark.parametrize(
    "values", [[5.0], [3.0, 3.0], [-4.5, 2.0], [0.0], [1e9, 3e9], [1e-4, 2e-4]]
)
def test_bars_hold_all_values(values):
    edges = bins(values)
    assert edges[0] <= min(values) <= max(values) <= edges[-1]
    assert 2 <= len(edges) <= 30
    assert np.allclose(np.diff(edges), edges[1] - edges[0])


def test_the_method_says_what_was_declared(city, make):
    declared = load_indicators(city.folder / "indicators")["pm25"]
    array = make("pm25", declaration=declared.digest)
    html = method(city, array, "en", declared)
    spec = city.datasets["air_daily"]
    titles = {column.name: column.title["en"] for column in spec.column}
    assert spec.title["en"] in html
    assert f"Mean of: {titles['pm25']}" in html.replace("&#x27;", "'")
    assert f"{titles['station_kind']} is district" in html
    assert "every day, District" in html
    assert "An office" in html
    assert "Open" in html


def test_a_declaration_that_has_changed_since_is_not_told_as_the_method(city, make):
    declared = load_indicators(city.folder / "indicators")["pm25"]
    html = method(city, make("pm25", declaration="another"), "en", declared)
    assert "is district" not in html
    assert "Mean" in html


def test_conditions_are_said_in_both_languages():
    wanted = {"kind": ["a", "b"], "pm25": {"gt": 35, "le": 75}, "town": "x", "n": {"ne": 3}}
    english = "kind is one of a, b; pm25 above 35; pm25 at most 75; town is x; n is not 3"
    assert condition_in_words(wanted, "en", None) == english
    assert "pm25 35 초과" in condition_in_words(wanted, "ko", None)


def test_a_mistake_in_a_declaration_takes_no_figure_away(page, model, monkeypatch):
    def broken(folder):
        from citylib.city.errors import ProfileError

        raise ProfileError("a file is wrong")

    monkeypatch.setattr("citylib.indicators.declared.load_indicators", broken)
    model.show("fires")
    assert "합계" in page.method.html


def test_a_page_behind_another_lies_still(page, model):
    before = page.ranking.html
    model.page = "glance"
    model.show("fires")
    assert page.ranking.html == before
    model.page = "indicator"
    assert page.ranking.html != before


def test_language_changes_what_is_said(page, model):
    model.language = "en"
    told = [page.heading.html, page.ranking.html, page.multiples.html, page.distribution.html]
    told += [page.method.html, page.history.title.html, page.history.zoom.name]
    told += page.take.words.values()
    assert not [html for html in told if re.search("[가-힣]", html)]


def test_names_are_text_and_not_markup(city, make):
    area = city.levels["district"].areas[AREA]
    before = area.name["en"]
    area.name["en"] = HOSTILE
    said = dict.fromkeys(
        ("source", "licence", "description_en", "dataset", "long_name_en"), HOSTILE
    )
    try:
        array = make(units=HOSTILE, domain=HOSTILE, aggregation=HOSTILE, **said)
        model = CityModel(city, {"pm25": array})
        model.language, model.page, model.area = "en", "indicator", AREA
        page = Pages(model).made["indicator"]
    finally:
        area.name["en"] = before
    told = [page.heading.html, page.ranking.html, page.multiples.html, page.distribution.html]
    told += [page.method.html, page.history.title.html]
    for html in told:
        assert "<img" not in html
        assert "&lt;img" in html
