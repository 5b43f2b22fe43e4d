"""Density maps of datasets with positions."""

import json

import numpy as np
import pytest
import xarray as xr
from support.figures import ROOT

from citylib.city.profile import load_city
from citylib.indicators import densities
from citylib.indicators.densities import squares, tell_densities, told_densities, told_squares


def test_cells_that_hold_something_are_squares_around_their_middle():
    counted = xr.DataArray(
        np.array([[0, 2], [0, 0], [5, 0]]),
        dims=("lat", "lon"),
        coords={"lat": [37.0, 37.1, 37.2], "lon": [127.0, 127.2]},
    )
    found = squares(counted)["features"]
    assert [one["properties"]["count"] for one in found] == [2, 5]
    assert found[0]["geometry"]["coordinates"][0][0] == [127.1, 36.95]
    assert found[0]["geometry"]["coordinates"][0][2] == [127.3, 37.05]


@pytest.fixture(scope="module")
def city():
    return load_city(ROOT / "cities/seoul")


class _Lake:
    """Tables as versions."""

    def __init__(self, versions):
        self.versions = versions
        self.counted = []

    def table(self, name):
        if name not in self.versions:
            raise densities.DatasetMissing(name)
        return type("Table", (), {"version": self.versions[name], "name": name})()


@pytest.fixture
def counting(monkeypatch):
    done = []

    def density(table, where, client, cell):
        done.append(table.name)
        return xr.DataArray(
            np.array([[1, 0], [0, 3]]),
            dims=("lat", "lon"),
            coords={"lat": [37.0, 37.1], "lon": [127.0, 127.1]},
        )

    monkeypatch.setattr(densities, "density", density)
    return done


def test_only_what_has_changed_is_counted_again(tmp_path, city, counting):
    lake = _Lake({"bike_stations": 1, "air_sensors": 4, "pm25": 1})
    place = tmp_path / "densities"
    assert sorted(tell_densities(lake, city, place)) == ["air_sensors", "bike_stations"]
    assert tell_densities(lake, city, place) == []
    lake.versions["air_sensors"] = 5
    assert tell_densities(lake, city, place) == ["air_sensors"]
    assert len(counting) == 3
    told = told_densities(place)
    assert set(told) == {"air_sensors", "bike_stations"}
    assert told["air_sensors"]["cell"] == densities.CELL
    assert set(told["air_sensors"]["title"]) == {"ko", "en"}
    assert told["air_sensors"]["squares"] == 2
    shown = told_squares(place, "air_sensors")
    assert [one["properties"]["count"] for one in shown] == [1, 3]


def test_personal_records_are_in_no_map(tmp_path, city, counting):
    secret = city.datasets["bike_stations"].model_copy(update={"classification": "personal"})
    own = city.model_copy(update={"datasets": {"bike_stations": secret}})
    assert tell_densities(_Lake({"bike_stations": 1}), own, tmp_path) == []
    assert counting == []


def test_a_map_that_cannot_be_read_is_no_layer(tmp_path):
    (tmp_path / "a.json").write_text("{")
    (tmp_path / "b.json").write_text(json.dumps({"squares": 0}))
    assert told_densities(tmp_path) == {}
    assert told_densities(tmp_path / "nowhere") == {}
    assert told_squares(tmp_path, "a") == []
