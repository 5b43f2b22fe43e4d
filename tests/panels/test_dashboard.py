import subprocess
import sys
import time

import numpy as np
import pytest

from citylib.city.settings import Settings
from citylib.panels import model as models
from citylib.panels.charts import ChartPanel
from citylib.panels.map import MapPanel
from citylib.panels.mayor import MayorDashboard
from citylib.panels.model import CityModel


@pytest.fixture
def figures(make):
    return {
        "rides": make("rides", areas=False, units="1", aggregation="sum"),
        "pm25": make("pm25"),
        "fires": make("fires", "month", 24, units="1", aggregation="sum", seed=2),
        "homes": make(
            "homes", "year", 3, units="1", aggregation="sum", headline=0, level="neighbourhood"
        ),
        "people": make("people", "year", 5, units="1", aggregation="sum", headline=0, better=""),
    }


@pytest.fixture
def model(city, figures):
    return CityModel(city, figures)


@pytest.fixture
def dashboard(model):
    return MayorDashboard(model)


@pytest.fixture
def glance(dashboard):
    return dashboard.glance


@pytest.fixture
def charts(model):
    return ChartPanel(model)


def said(widget, **content):
    """What the browser says to a widget."""
    widget._handle_custom_msg(content, [])


def test_it_begins_with_what_is_known_by_area(model, city):
    assert model.indicator == "pm25"
    assert model.area == city.code
    assert model.time.isoformat() == "2022-12-10T00:00:00"
    [domain] = model.domains
    # Those with a mark before the others, each in the cube's order.
    assert [one.id for one in domain.members] == ["rides", "pm25", "fires", "homes", "people"]


def test_a_tile_switches_map_and_time(glance, figures, city):
    said(glance.domains, press="show:fires")
    last = figures["fires"].isel(time=-1)
    assert glance.time.label == "2024년 10월"
    assert repr(float(last.sel(area=city.code))) in glance.map.heading.html
    for code in city.levels["district"].areas:
        assert city.area_name(code, "ko") in glance.map.areas.labels[code]
    values = {code: float(last.sel(area=code)) for code in city.levels["district"].areas}
    low, high = min(values, key=values.get), max(values, key=values.get)
    assert glance.map.areas.colours[low] == "class-0"
    assert glance.map.areas.colours[high] == "class-5"


def test_recolouring_sends_no_geometry(dashboard, glance):
    sent = []
    glance.map.map.observe(sent.append)
    for layer in glance.map.map.layers:
        layer.observe(sent.append)
    said(glance.domains, press="show:fires")
    dashboard.model.move(3)
    assert sent == []


def test_the_map_draws_the_level_of_the_indicator_and_sends_it_once(
    dashboard, glance, city, figures
):
    layers = glance.map.map.layers
    dashboard.model.show("homes")
    fine = glance.map.map.layers
    codes = [feature["properties"]["code"] for feature in fine[0].data["features"]]
    assert set(codes) == set(city.levels["neighbourhood"].areas)
    assert fine[1:] == layers[1:], "the basemap stays"
    colours = glance.map.areas.colours
    assert set(colours) == set(codes)
    assert "missing" not in colours.values()
    assert glance.map.areas.labels["1101053"].startswith("종로구 사직동: ")
    dashboard.model.touch("1101053")
    assert "종로구 사직동" in glance.map.heading.html
    assert "423곳 중" in glance.ranks.html
    dashboard.model.show("pm25")
    assert glance.map.map.layers == layers
    assert dashboard.model.area == "11010", "the district around the neighbourhood"
    dashboard.model.show("homes")
    assert dashboard.model.area == city.code
    assert glance.map.map.layers[0] is fine[0]


def test_the_zoom_keys_speak_the_readers_language(dashboard, glance):
    (zoom,) = glance.map.map.controls
    assert (zoom.zoom_in_title, zoom.zoom_out_title) == ("확대", "축소")
    dashboard.model.language = "en"
    (zoom,) = glance.map.map.controls
    assert zoom.zoom_in_title == "Zoom in"


def test_the_history_says_its_ticks_as_the_public_page_does(model, charts, figures):
    model.show("people")
    figures["people"].values[:, 0] = [9_800_000, 9_700_000, 9_900_000, 9_600_000, 9_500_000]
    model.renew()
    across, up = charts.history.axes
    assert up.tick_labels == {
        "0": "0", "2000000": "200만", "4000000": "400만",
        "6000000": "600만", "8000000": "800만", "10000000": "1,000만",
    }  # fmt: skip
    assert up.tick_values.tolist() == [float(value) for value in up.tick_labels]
    model.show("pm25")
    assert across.tick_format == "%Y.%-m.%-d"


def test_one_figure_alone_is_said_in_the_place_of_a_history(city, make):
    model = CityModel(city, {"racks": make("racks", "year", 1, "2025", units="1")})
    charts = ChartPanel(model)
    assert charts.history.layout.visibility == "hidden"
    assert "값이 하나뿐이라 추이가 없습니다" in charts.titles[0].html
    trend = MayorDashboard(model).glance.trend.html
    assert "값이 하나뿐이라 추이가 없습니다" in trend
    assert "<svg" not in trend


def test_a_district_switches_the_charts_and_again_back(dashboard, glance, charts, figures, city):
    code = "11010"
    said(glance.ranks, press=f"area:{code}")
    own, other, _ = charts._lines
    assert np.array_equal(own.y, figures["pm25"].sel(area=code).values)
    assert np.array_equal(other.y, figures["pm25"].sel(area=city.code).values)
    assert glance.map.areas.selected == code
    assert repr(float(figures["pm25"].sel(area=code)[-1])) in glance.map.heading.html
    dashboard.model.touch(code)
    assert dashboard.model.area == city.code
    assert np.array_equal(own.y, figures["pm25"].sel(area=city.code).values)
    assert other.y.size == 0


def test_bars_are_the_cubes_figures(model, charts, figures, city):
    model.touch("11010")
    last = figures["pm25"].isel(time=-1)
    values = last.values[1:]
    shown = charts._ranks.y
    assert shown[-1] == values.max()
    assert shown[0] == values.min()
    parts = dict(zip(charts._parts.x, charts._parts.y, strict=True))
    found = {name.split("  ")[0]: value for name, value in parts.items()}
    assert found[city.area_name("11010", "ko")] == float(last.sel(area="11010"))
    assert found["가장 높음"] == values.max()
    assert found["시 전체"] == float(last.sel(area=city.code))
    assert found["중앙값"] == np.median(values)
    assert list(charts._parts.scales["x"].domain) == list(charts._parts.x)


def test_time_moves_the_map_and_is_said(dashboard, glance, figures, city):
    glance.time.wish = 4
    assert glance.time.label == "2022년 11월 5일"
    assert repr(float(figures["pm25"].sel(area=city.code)[4])) in glance.map.heading.html
    assert glance.time.place == 4
    dashboard.model.move(10_000)
    assert glance.time.place == glance.time.wish == 39


def test_the_period_is_named_before_map_and_charts_are_drawn(glance):
    changed = []
    for widget in (
        glance.time,
        glance.map.areas,
        glance.ranks,
    ):
        widget.observe(lambda change: changed.append((change.owner, change.name)))
    glance.time.wish = 4
    order = [*dict.fromkeys(owner for owner, name in changed if name != "wish")]
    assert order == [
        glance.time,
        glance.map.areas,
        glance.ranks,
    ]


def test_language_and_theme_change_on_the_page(dashboard, glance):
    dashboard.page.language = "en"
    assert "Title of rides" in glance.domains.html
    assert dashboard.page.title == "Seoul at a glance"
    assert glance.time.words["play"] == "Play"
    assert "District" not in glance.map.areas.labels["11010"]
    assert glance.map.areas.labels["11010"].startswith("Jongno-gu")
    dashboard._pressed("theme:light")
    assert dashboard.page.theme == "light"
    dashboard._pressed("language:ko")
    assert dashboard.page.language == "ko"
    dashboard._pressed("language:xx")
    assert dashboard.page.language == "ko"


def test_a_figure_of_the_city_alone_says_so_and_paints_nothing(glance):
    said(glance.domains, press="show:rides")
    assert "시 전체 값만" in glance.map.legend.html
    assert set(glance.map.areas.colours.values()) == {"missing"}
    assert "시 전체 값만" in glance.ranks.html


def test_an_indicator_without_tile_is_chosen_from_the_list(dashboard, glance):
    assert 'value="people"' in glance.map.heading.html
    glance.map._pressed("people")
    assert dashboard.model.indicator == "people"
    assert 'aria-pressed="true"' not in glance.domains.html
    glance.map._pressed("nothing of the kind")
    assert dashboard.model.indicator == "people"


def test_type_of_any_size_has_room(dashboard, charts):
    dashboard.page.rem = 36
    assert dashboard.model.rem == 36
    charts.fit(36)
    assert charts.history.fig_margin["left"] == round(3.6 * 36)


def test_a_change_takes_little_time(glance):
    began = time.perf_counter()
    for place in range(20):
        glance.time.wish = place
    assert (time.perf_counter() - began) / 20 < 0.1


def test_a_map_alone_shows_an_analysts_array(city, make):
    panel = MapPanel(CityModel(city, {"own": make("own", headline=0)}))
    assert panel.areas.labels


def test_without_a_cube_the_page_says_what_to_run(tmp_path, city):
    (tmp_path / "citylib.toml").write_text(f'profile = "{city.folder}"\n')
    box = MayorDashboard.open(Settings.load(tmp_path))
    html = box.children[0].html
    assert "citylib compute" in html
    assert "아직 계산된 지표가 없습니다" in html


def test_a_broken_profile_is_said_on_the_page(tmp_path):
    (tmp_path / "citylib.toml").write_text('profile = "nowhere"\n')
    html = MayorDashboard.open(Settings.load(tmp_path)).children[0].html
    assert "city.toml" in html


def test_the_cubes_figures_are_read_once(make):
    class Cube:
        reads = 0

        def ids(self):
            return ["pm25"]

        def read(self, name):
            self.reads += 1
            return make(name)

    cube = Cube()
    figures = models.CubeFigures(cube)
    assert figures["pm25"] is figures["pm25"]
    assert cube.reads == 1
    assert list(figures) == ["pm25"]
    with pytest.raises(KeyError):
        figures["other"]


def test_pictures_need_no_widgets():
    program = (
        "import sys, citylib.panels.picture.tile, citylib.panels.picture.choropleth\n"
        "print([m for m in ('ipywidgets', 'ipyleaflet', 'bqplot', 'xarray', 'pandas')"
        " if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
