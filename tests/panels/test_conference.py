"""The conference on the dashboard: nothing before it is asked for, nothing left behind."""

from __future__ import annotations

import pytest

from citylib.panels.mayor import MayorDashboard
from citylib.panels.model import CityModel
from citylib.panels.still import still


@pytest.fixture
def dashboard(city, make):
    return MayorDashboard(CityModel(city, {"pm25": make("pm25")}))


def said(widget, **content):
    """What the browser says to a widget."""
    widget._handle_custom_msg(content, [])


def test_a_dashboard_has_only_a_key_until_it_is_touched(dashboard):
    assert dashboard.conference.children == ()
    assert 'data-press="conference:open"' in dashboard.header.html
    assert 'data-press="conference:open"' in still(dashboard.widget)
    assert "conference-panel jupyter" not in still(dashboard.widget)


def test_it_opens_beside_the_map_over_it_and_closes(dashboard):
    box = dashboard.conference
    said(dashboard.header, press="conference:open")
    keys, panel = box.children
    assert "away" not in box._dom_classes
    assert panel.language == dashboard.model.language
    assert list(panel.parts) == [".city-map", ".city-aside", ".city-domains", ".city-page .bqplot"]
    said(dashboard.header, press="conference:open")
    assert box.children == (keys, panel), "it is opened once"
    said(keys, press="wide")
    assert "wide" in box._dom_classes
    assert 'aria-pressed="true"' in keys.html
    said(keys, press="close")
    assert box.children == ()
    assert panel.comm is None, "its browser leaves the room"
    assert {"wide", "away"} & set(box._dom_classes) == {"away"}


def test_it_speaks_the_language_of_the_dashboard(dashboard):
    said(dashboard.header, press="conference:open")
    keys, panel = dashboard.conference.children
    for lang in ("ko", "en"):
        dashboard.model.language = lang
        assert panel.language == lang
        assert panel.words["lang"] == lang
    assert "Over the map" in keys.html


def test_slots_are_made_as_people_come(dashboard):
    said(dashboard.header, press="conference:open")
    _, panel = dashboard.conference.children
    assert panel.slots == []
    panel.participants = [{"id": "a"}, {"id": "b"}]
    first = list(panel.slots)
    assert len(first) == 2
    panel.participants = [{}, {"id": "b"}, {"id": "c"}]
    assert panel.slots[:2] == first
    assert len(panel.slots) == 3
