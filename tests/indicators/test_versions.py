"""Older versions of the cube: seen again, kept for their readers, and gone in the end."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import xarray as xr
from support.town import build_town

import citylib
from citylib.city.errors import CityError
from citylib.indicators import refresh
from citylib.indicators.cube import Cube, CubeMissing
from citylib.lake.report import run_load


@pytest.fixture
def three(tmp_path, figures):
    uri = str(tmp_path / "cube")
    cube = Cube(uri)
    return uri, [cube.write({"a": figures("a") + number}, {}) for number in range(3)]


def test_a_version_is_seen_again(three):
    uri, (first, second, third) = three
    times = dict(Cube(uri).versions())
    assert list(times) == [third, second, first]
    assert Cube(uri).read("a").min() == 2
    for as_of in (
        first,
        times[first],
        times[first].isoformat(),
        times[second] - timedelta(0, 0, 1),
    ):
        cube = Cube(uri, as_of)
        assert cube.version == first
        assert cube.read("a").min() == 0
        cube.refresh()
        assert not cube.stale
        assert cube.version == first
    naive = times[second].astimezone(UTC).replace(tzinfo=None)
    assert Cube(uri, naive).version == second


def test_a_version_that_was_never_there_is_named(three):
    uri, _ = three
    for as_of in ("nonsense", datetime(2001, 1, 1, tzinfo=UTC)):
        with pytest.raises(CubeMissing, match=r"no version .* the oldest is of 20"):
            Cube(uri, as_of).read("a")


def test_a_version_expires_when_it_was_replaced_long_ago(three):
    uri, (_, second, third) = three
    reader = Cube(uri, second)
    array = reader.read("a")
    replaced = dict(Cube(uri).versions())[second]
    # Only the first was replaced longer ago than that.
    assert Cube(uri).expire(datetime.now(UTC) - replaced - timedelta(microseconds=1)) == 1
    assert Cube(uri).history() == [third, second]
    np.testing.assert_array_equal(array.values, Cube(uri, second).read("a").values)
    assert Cube(uri).expire(timedelta(days=1)) == 0
    assert Cube(uri).expire(timedelta(0)) == 1
    assert Cube(uri).history() == [third]
    assert Cube(uri).read("a").min() == 2


def test_a_version_that_has_expired_is_not_taken_for_one_of_nothing(three):
    uri, (first, _, _) = three
    then = dict(Cube(uri).versions())[first]
    Cube(uri).expire(timedelta(0))
    with pytest.raises(CubeMissing, match=r"no version .* the oldest is of 20"):
        citylib.open_cube(uri, then)


def test_a_city_is_opened_by_its_name(tmp_path, monkeypatch):
    settings = build_town(tmp_path)
    monkeypatch.setenv("CITYLIB_CONFIG", str(settings.root / "citylib.toml"))
    with pytest.raises(CityError, match="citylib compute"):
        citylib.open_cube("town")
    run_load(settings, ())
    refresh.run_compute(settings)
    tree = citylib.open_cube("town")
    assert set(tree.groups) == {"/", "/district", "/district/day", "/district/month"}
    dataset = tree["district/day"].to_dataset()
    assert isinstance(dataset, xr.Dataset)
    assert dataset["total"].dims == ("time", "area")
    assert float(dataset["total"].sum()) == 20
    version = Cube(settings.cube).version
    xr.testing.assert_equal(
        citylib.open_cube(settings.cube, version)["district/day"].to_dataset(), dataset
    )
    with pytest.raises(CityError, match="city is 'town'"):
        citylib.open_cube("village")


def test_of_many_versions_the_newest_are_kept(three):
    uri = three[0]
    assert len(Cube(uri).history()) == 3
    assert Cube(uri).expire(timedelta(days=1), most=2) == 1
    assert len(Cube(uri).history()) == 2
