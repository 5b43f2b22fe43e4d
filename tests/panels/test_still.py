"""A dashboard drawn without a kernel says what its widgets would."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from ipywidgets import HTML, Box

from citylib.panels.mayor import MayorDashboard
from citylib.panels.model import CityModel
from citylib.panels.still import READER, still
from citylib.panels.view import restore

VOID = {"area", "br", "img", "input", "link", "meta", "hr"}


class Balanced(HTMLParser):
    """Notes what is open, and what was closed out of turn."""

    def __init__(self, text):
        super().__init__()
        self.open, self.wrong = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


@pytest.fixture
def model(city, make):
    figures = {
        "pm25": make("pm25"),
        "fires": make("fires", "month", 24, units="1", aggregation="sum", seed=2),
    }
    return CityModel(city, figures)


def paints(text):
    return dict(re.findall(r'class="area area-(\w+)" data-paint="([\w-]+)"', text))


@pytest.mark.parametrize("view", [{}, {"language": "en", "indicator": "fires"}])
def test_it_has_the_colours_and_words_of_the_widgets(model, view):
    dashboard = MayorDashboard(model)
    restore(model, view)
    text = still(dashboard.widget)
    found = Balanced(text)
    assert (found.open, found.wrong) == ([], [])
    panel = next(one for one in dashboard_parts(dashboard.widget) if hasattr(one, "areas"))
    assert paints(text) == panel.areas.colours
    assert len(paints(text)) == len(model.city.levels["district"].areas)
    for words in (dashboard.header.html, dashboard.footer.html, panel.heading.html):
        assert words in text
    assert text.count(READER) == 1


def test_the_chosen_area_is_marked(model):
    model.area = next(iter(model.city.levels["district"].areas))
    text = still(MayorDashboard(model).widget)
    (chosen,) = re.findall(r'<path class="area area-(\w+)"[^>]*aria-pressed="true"', text)
    assert chosen == model.area


def test_what_it_does_not_know_keeps_its_place(model):
    box = Box([HTML("<script>alert(1)</script>")])
    box.add_class("mine")
    text = still(box)
    assert text.endswith(
        '<div class="lm-Widget widget-box jupyter-widgets mine">'
        '<div class="jupyter-widgets"></div></div>'
    )


def dashboard_parts(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from dashboard_parts(child)
