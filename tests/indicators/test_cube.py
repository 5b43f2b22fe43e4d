"""The cube: one version or the next, never half."""

import multiprocessing
import os
import signal
import warnings

import numpy as np
import pytest
import xarray as xr

from citylib.city.errors import CityError
from citylib.indicators.cube import Cube, CubeMissing
from tests.indicators.conftest import make_figures


def test_what_is_written_is_read(tmp_path, figures):
    by_day, by_month = figures("pm25"), figures("fires", "month", areas=("11",), level="city")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Cube(str(tmp_path / "cube")).write(
            {"pm25": by_day, "fires": by_month}, {"tables": {"t": 1}}
        )
        cube = Cube(str(tmp_path / "cube"))
        got = cube.read("pm25")
        xr.testing.assert_equal(got, by_day)
    assert got.dims == ("time", "area")
    assert got.attrs["units"] == "1"
    assert got.attrs["computed"]
    assert cube.ids() == ["pm25", "fires"]
    assert cube.attrs["tables"] == {"t": 1}
    assert cube.read("fires").shape == (4, 1)
    assert set(cube.dataset("day").data_vars) == {"pm25"}
    assert cube.dataset("day").attrs["Conventions"].startswith("CF-")


def test_indicators_of_other_length_share_a_group(tmp_path, figures):
    long = figures("a")
    short = figures("b").isel(time=slice(1, 3))
    cube = Cube(str(tmp_path / "cube"))
    cube.write({"a": long, "b": short}, {})
    xr.testing.assert_equal(cube.read("b"), short)
    assert cube.dataset("day").sizes["time"] == 4


def test_a_gap_stays_a_gap(tmp_path, figures):
    values = [[1.0], [np.nan], [np.nan], [4.0]]
    cube = Cube(str(tmp_path / "cube"))
    cube.write({"a": figures("a", areas=("11",), values=values)}, {})
    np.testing.assert_array_equal(cube.read("a").values, values)


def test_a_reader_keeps_its_version_until_it_asks(tmp_path, figures):
    uri = str(tmp_path / "cube")
    writer, reader = Cube(uri), Cube(uri)
    first = writer.write({"a": figures("a")}, {})
    assert reader.version == first
    second = writer.write({"a": figures("a") + 100}, {})
    assert reader.version == first
    assert reader.stale
    assert not writer.stale
    assert reader.read("a").max() == 11
    reader.refresh()
    assert not reader.stale
    assert reader.version == second
    assert reader.read("a").max() == 111
    assert writer.history() == [second, first]


def test_no_cube_says_what_to_do(tmp_path, figures):
    cube = Cube(str(tmp_path / "cube"))
    assert cube.empty
    assert cube.history() == []
    with pytest.raises(CubeMissing, match="citylib compute"):
        _ = cube.version
    cube.write({"a": figures("a")}, {})
    with pytest.raises(CubeMissing, match="no indicator 'b'"):
        cube.read("b")
    with pytest.raises(CubeMissing, match="it has: district/day"):
        cube.dataset("year")
    with pytest.raises(CityError, match="s3://"):
        Cube("ftp://x/y").ids()


def _write_for_ever(uri, started):
    cube = Cube(uri)
    for number in range(10_000):
        cube.write({name: make_figures(name) * 0 + number for name in ("a", "b")}, {})
        started.set()


def test_a_writer_killed_at_any_moment_leaves_a_whole_version(tmp_path):
    uri = str(tmp_path / "cube")
    context = multiprocessing.get_context("spawn")
    random = np.random.default_rng(0)
    for _ in range(4):
        started = context.Event()
        writer = context.Process(target=_write_for_ever, args=(uri, started))
        writer.start()
        assert started.wait(60)
        # A commit takes about 0.1 s: wherever in it this falls, the cube is whole.
        writer.join(random.uniform(0.05, 0.4))
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
        cube = Cube(uri)
        a, b = cube.read("a").values, cube.read("b").values
        assert len(np.unique(a)) == 1
        np.testing.assert_array_equal(a, b)


def test_readers_never_see_half_an_update(tmp_path):
    uri = str(tmp_path / "cube")
    context = multiprocessing.get_context("spawn")
    started = context.Event()
    writer = context.Process(target=_write_for_ever, args=(uri, started))
    writer.start()
    try:
        assert started.wait(60)
        seen = set()
        cube = Cube(uri)
        while len(seen) < 5:
            cube.refresh()
            a, b = cube.read("a"), cube.read("b")
            np.testing.assert_array_equal(a.values, b.values)
            seen.add(cube.version)
    finally:
        writer.kill()
        writer.join()


def test_areas_are_plain_strings(tmp_path, figures):
    cube = Cube(str(tmp_path / "cube"))
    cube.write({"a": figures("a")}, {})
    array = cube.read("a")
    assert array["area"].dtype == object
    assert array["area"].attrs["level"] == "district"
    assert array.isel(time=0).idxmax("area").item() == "11020"
    assert array.to_dataframe().reset_index()["area"].tolist()[:2] == ["11", "11010"]
