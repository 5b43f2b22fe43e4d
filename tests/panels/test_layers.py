"""Layers of the map take turns, and each explains itself."""

import pytest

from citylib.panels.layers import DensityLayer
from citylib.panels.mayor import MayorDashboard
from citylib.panels.model import CityModel
from citylib.panels.view import describe, restore

SQUARE = [[[127.0, 37.5], [127.01, 37.5], [127.01, 37.51], [127.0, 37.51], [127.0, 37.5]]]


@pytest.fixture
def dashboard(city, make):
    figures = {
        "pm25": make("pm25", domain="air"),
        "homes": make("homes", "year", 3, units="1", level="neighbourhood", domain="population"),
        "rides": make("rides", areas=False, domain="transport"),
    }
    figures["pm25"].values[-1, 3] = float("nan")
    cells = [
        {
            "type": "Feature",
            "properties": {"count": count},
            "geometry": {"type": "Polygon", "coordinates": SQUARE},
        }
        for count in (1, 2, 7)
    ]
    model = CityModel(city, figures)
    model.layers = (
        DensityLayer("bikes", {"ko": "대여소", "en": "Stations"}, 500.0, lambda: cells),
        DensityLayer("gone", {"ko": "없음"}, 500.0, list),
    )
    return MayorDashboard(model)


def test_the_switch_names_every_layer_in_the_readers_language(dashboard):
    heading = dashboard.glance.map.heading
    for name in ("자치구", "행정동", "자료 유무", "대여소"):
        assert name in heading.html
    dashboard.model.language = "en"
    for name in ("District", "Neighbourhood", "Coverage", "Stations"):
        assert name in heading.html
    assert 'data-press="layer:district" aria-pressed="true"' in heading.html


def test_a_level_chooses_an_indicator_that_knows_it(dashboard):
    panel = dashboard.glance.map
    panel._pressed("layer:neighbourhood")
    assert dashboard.model.indicator == "homes"
    panel._pressed("layer:district")
    assert dashboard.model.indicator == "pm25", "not one of the city alone"


def test_density_lies_over_outlines_and_goes_again(dashboard, city):
    panel = dashboard.glance.map
    before = panel.map.layers
    colours = panel.areas.colours
    panel._pressed("layer:density-bikes")
    cells = panel.map.layers[1]
    names = [one["properties"]["style"]["className"] for one in cells.data["features"]]
    assert names[0] == "cell class-0"
    assert names[-1] == "cell class-5"
    assert set(panel.areas.colours.values()) == {"plain"}
    assert "한 변 약 500m" in panel.legend.html
    dashboard.model.move(3)
    assert panel.map.layers[1] is cells
    assert len(panel.map.layers) == len(before) + 1
    panel._pressed("pm25")
    dashboard.model.move(dashboard.model.times.size - 1)
    assert panel.map.layers == before
    assert panel.areas.colours == colours


def test_coverage_counts_indicators_with_a_figure(dashboard, city):
    panel = dashboard.glance.map
    panel._pressed("layer:coverage")
    missing = list(city.levels["district"].areas)[2]
    assert panel.areas.colours[missing] == "missing"
    assert "1개 중 0개" in panel.areas.labels[missing]
    assert "1개 중 1개" in panel.areas.labels["11010"]


def test_the_address_keeps_the_layer(dashboard, city):
    dashboard.glance.map._pressed("layer:coverage")
    assert describe(dashboard.model)["layer"] == "coverage"
    other = CityModel(city, dashboard.model.figures)
    restore(other, {"layer": "coverage"})
    assert other.layer == "coverage"
    restore(other, {"layer": "<script>"})
    assert other.layer == "coverage"
    other.layer = "gone"  # of yesterday
    assert MayorDashboard(other).glance.map.legend.html


def test_the_legend_counts_the_areas_of_each_class(dashboard, city):
    html = dashboard.glance.map.legend.html
    counts = [int(part.split("곳")[0].rsplit(" ", 1)[-1]) for part in html.split("</li>")[:-1]]
    assert sum(counts) == 25
    assert counts[-1] == 1, "the missing one"
    assert "swatch missing" in html


def test_many_levels_share_a_list(city, make, monkeypatch):
    monkeypatch.setattr("citylib.panels.map.BUTTONS", 1)
    figures = {"pm25": make("pm25"), "homes": make("homes", "year", 3, level="neighbourhood")}
    panel = MayorDashboard(CityModel(city, figures)).glance.map
    assert '<option value="layer:district" selected>' in panel.heading.html
    assert 'data-press="layer:district"' not in panel.heading.html
    panel._pressed("layer:neighbourhood")
    assert '<option value="layer:neighbourhood" selected>' in panel.heading.html


def test_a_map_that_is_gone_is_empty(dashboard):
    panel = dashboard.glance.map
    panel._pressed("layer:density-gone")
    assert dashboard.model.layer == "density-gone"
    assert panel.map.layers[1].data["features"] == []
    assert "500" in panel.legend.html
