"""What an address keeps of a view."""

import pytest
from ipywidgets import Box

from citylib.panels.mayor import MayorDashboard
from citylib.panels.model import PAGES, CityModel
from citylib.panels.pages import Pages
from citylib.panels.view import describe, restore

CHOSEN = {"language": "en", "indicator": "fires", "area": "11010", "time": "2024-08-01T00:00"}


@pytest.fixture
def figures(make):
    return {"pm25": make("pm25"), "fires": make("fires", "month", 24, seed=2)}


@pytest.fixture
def model(city, figures):
    return CityModel(city, figures)


def test_a_view_comes_back_on_another_screen(model, city, figures):
    model.language = "en"
    model.show("fires")
    model.touch("11010")
    model.move(model.place - 2)
    assert describe(model) == CHOSEN
    other = CityModel(city, figures)
    restore(other, describe(model))
    assert describe(other) == CHOSEN
    assert other.time == model.time


def test_the_newest_period_is_not_pinned(model):
    model.show("fires")
    assert "time" not in describe(model)
    model.move(0)
    assert "time" in describe(model)


@pytest.mark.parametrize("key", list(CHOSEN))
@pytest.mark.parametrize("nonsense", ["", "xx", "2024-08-31T00:00", "NaT", 5, None, ["fires"]])
def test_nonsense_in_an_address_leaves_the_rest(model, key, nonsense):
    shown = describe(model)
    restore(model, {key: nonsense})
    assert describe(model) == shown
    restore(model, CHOSEN | {key: nonsense})
    # Without the indicator there is no such period either.
    lost = {key, "time"} if key == "indicator" else {key}
    assert describe(model) == {
        name: shown.get(name) if name in lost else value
        for name, value in CHOSEN.items()
        if name not in lost or name in shown
    }


def test_the_page_is_told_the_view_and_asks_for_one(model):
    dashboard = MayorDashboard(model)
    answers = []
    dashboard.page.send = lambda content, buffers=None: answers.append(
        (content, dashboard.page.view)
    )
    dashboard.page._handle_custom_msg({"wish": CHOSEN}, [])
    assert answers == [({"shown": True}, CHOSEN)]
    assert dashboard.glance.time.label == "Aug 2024"
    assert '<option value="fires" selected>' in dashboard.glance.map.heading.html
    assert dashboard.glance.map.areas.selected == "11010"
    dashboard.page._handle_custom_msg({"wish": "fires"}, [])
    assert len(answers) == 1


def test_a_page_is_kept_and_made_when_it_is_first_asked_for(model):
    made = []

    def page(name):
        def make(model):
            made.append(name)
            return Box()

        return make

    pages = Pages(model, {name: page(name) for name in PAGES})
    assert made == ["glance"]
    restore(model, {"page": "district"})
    restore(model, {"page": "nowhere"})
    assert made == ["glance", "district"]
    assert describe(model)["page"] == "district"
    assert "away" in pages.made["glance"]._dom_classes
    assert "away" not in pages.made["district"]._dom_classes
    model.page = "glance"
    assert made == ["glance", "district"]
    assert "page" not in describe(model)
    assert "away" not in pages.made["glance"]._dom_classes
