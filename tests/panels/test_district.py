"""An area's page."""

import re
from datetime import datetime
from html.parser import HTMLParser

import numpy as np
import pytest
import shapely
from shapely.geometry import shape

from citylib.panels.district import DistrictPage
from citylib.panels.model import CityModel
from citylib.panels.notebook import in_notebook
from citylib.panels.pages import Pages
from citylib.panels.picture.district import cards, near_by, standing, standings

AREA = "11130"
HOSTILE = "<img src=x onerror=alert(1)>"


class Shown(HTMLParser):
    """What each card of a profile says: its figures by their class."""

    def __init__(self, html):
        super().__init__()
        self.cards = {}
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        said = dict(attrs)
        if "data-indicator" in said:
            self.now = self.cards.setdefault(said["data-indicator"], {})
        if tag == "data":
            self.now[said.get("class") or "own"] = float(said["value"])
        if "data-rank" in said:
            self.now["rank"] = int(said["data-rank"]), int(said["data-count"])


@pytest.fixture
def figures(make):
    late = make(
        "late", "month", 24, units="1", aggregation="sum", seed=2, classification="internal"
    )
    dust = make("dust", seed=3, thresholds=[15.0, 35.0], alarm=35.0)
    dust.loc[{"area": AREA}] = 50.0
    return {
        "rides": make("rides", areas=False, units="1", aggregation="sum"),
        "pm25": make("pm25"),
        "late": late,
        "homes": make("homes", "year", 3, units="1", aggregation="sum", level="neighbourhood"),
        "dust": dust,
    }


@pytest.fixture
def model(city, figures):
    model = CityModel(city, figures)
    model.area = AREA
    return model


def touching(city, code):
    """Codes of the districts whose boundary meets this one's, straight from the geometry."""
    shapes = {
        str(feature["properties"]["code"]): shape(feature["geometry"])
        for feature in city.levels["district"].geojson()["features"]
    }
    own = shapes.pop(code)
    return [other for other, area in shapes.items() if shapely.distance(own, area) < 1e-5]


def test_each_figure_is_the_cubes(model, figures, city):
    shown = Shown(DistrictPage(model).standings.html).cards
    assert set(shown) == {"pm25", "late", "dust"}
    near = touching(city, AREA)
    assert len(near) == 4
    for name, said in shown.items():
        last = figures[name].isel(time=-1)
        inner = last.sel(area=list(city.levels["district"].areas))
        own = float(last.sel(area=AREA))
        assert said["own"] == own
        assert said["around"] == pytest.approx(float(last.sel(area=near).mean()))
        assert said["rank"] == (int((inner.values > own).sum()) + 1, 25)
        if name == "late":  # a sum: the city's figure is all of them together
            assert said["city"] == pytest.approx(float(inner.mean()))
            assert said["part"] == pytest.approx(own / float(inner.sum()) * 100)
        else:
            assert said["city"] == float(last.sel(area=city.code))
            assert "part" not in said


def test_a_missing_figure_is_not_counted(city, make):
    array = make("pm25")
    array[-1, 3:10] = np.nan
    found = standing(city, array, AREA, "en")
    inner = array.isel(time=-1, area=slice(1, None)).values
    assert found.count == int(np.isfinite(inner).sum())
    array.loc[{"area": AREA}] = np.nan
    assert standing(city, array, AREA, "en") is None
    found = {"pm25": array}
    known = standings(city, found, found, AREA, "en")
    assert known == []
    assert "No data" in cards(city, found, known, "en", datetime(2023, 1, 1))


def test_what_is_past_its_threshold_comes_first_and_says_so(model):
    html = DistrictPage(model).standings.html
    assert list(Shown(html).cards) == ["dust", "pm25", "late"]
    assert "기준 초과 1건" in DistrictPage(model).heading.html
    first = html[: html.index("</li>")]
    assert 'class="state beyond"' in first
    assert 'svg class="sign"' in first, "not by colour alone"


def test_an_internal_figure_says_so(model):
    html = DistrictPage(model).standings.html
    assert html.count('class="badge internal"') == 1


def test_a_touch_leads_to_the_indicator_with_that_area(model):
    model.page = "district"
    pages = Pages(model)
    page = pages.made["district"]
    page.standings._handle_custom_msg({"press": "indicator:late"}, [])
    assert (model.page, model.indicator, model.area) == ("indicator", "late", AREA)
    assert "away" in page._dom_classes
    before = page.standings.html
    model.area = "11010"
    assert page.standings.html == before, "what is not looked at lies still"
    model.page = "district"
    assert page.standings.html != before


def test_what_a_browser_makes_up_changes_nothing(model):
    model.page = "district"
    page = Pages(model).made["district"]
    for what in ("district:nowhere", "indicator:none", "page:none", "area:", "place:x", "…", ""):
        page.place._handle_custom_msg({"press": what}, [])
    assert (model.page, model.area) == ("district", AREA)
    page.place._handle_custom_msg({"press": "district:11010"}, [])
    assert model.area == "11010"


def test_without_an_area_there_is_a_choice(model, city):
    model.area = city.code
    page = DistrictPage(model)
    assert page.standings.html.count('data-press="district:') == 25
    last = model.figures["dust"].isel(time=-1)
    past = dict(re.findall(r'data-press="district:(\d+)" data-past="(\d)"', page.standings.html))
    want = {code: str(int(last.sel(area=code) > 35)) for code in city.levels["district"].areas}
    assert past == want
    assert list(past.values()) == sorted(past.values(), reverse=True)
    assert 'value="district:11010"' in page.heading.html


def test_a_neighbourhood_has_a_profile_and_a_way_up(model, city):
    model.show("homes")
    model.area = "1101053"
    page = DistrictPage(model)
    assert set(Shown(page.standings.html).cards) == {"homes"}
    assert 'data-press="district:11010"' in page.heading.html
    assert 'data-press="indicator:pm25"' in page.others.html


def test_in_a_notebook_it_follows_and_stays(model):
    page = DistrictPage(model)
    in_notebook(model, page)
    assert 'data-press="page:glance"' not in page.heading.html
    page.place._handle_custom_msg({"press": "district:11010"}, [])
    assert model.page == "glance"
    assert "종로구" in page.heading.html


def test_an_island_says_that_nothing_touches_it(city, monkeypatch):
    monkeypatch.setattr("citylib.panels.picture.district.neighbours", lambda level: {})
    assert "No other area" in near_by(city, "district", AREA, "en")


def test_names_are_text_and_not_markup(city, make):
    area = city.levels["district"].areas[AREA]
    before = area.name["en"]
    area.name["en"] = HOSTILE
    try:
        model = CityModel(city, {"pm25": make(long_name_en=HOSTILE, units=HOSTILE, domain=HOSTILE)})
        model.language, model.area = "en", AREA
        page = DistrictPage(model)
        told = [page.heading.html, page.place.html, page.standings.html, page.others.html]
        model.area = "11010"
        told += [page.heading.html, page.place.html, page.standings.html]
        model.area = city.code
        told += [page.heading.html, page.place.html, page.standings.html]
    finally:
        area.name["en"] = before
    assert not [html for html in told if "<img" in html]
    assert any("&lt;img" in html for html in told)
