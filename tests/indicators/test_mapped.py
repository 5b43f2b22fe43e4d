"""Figures that are mapped are the cube's newest, or the cube is read."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr

from citylib.indicators.cube import Cube
from citylib.indicators.mapped import MappedCube, laid_out, lay_out


@pytest.fixture
def place(tmp_path):
    return tmp_path / "figures"


@pytest.fixture
def cube(tmp_path, figures):
    cube = Cube(str(tmp_path / "cube"))
    month = figures("fires", "month", areas=("11",), level="city")
    cube.write({"pm25": figures("pm25"), "pm10": figures("pm10"), "fires": month}, {})
    return cube


def again(cube):
    return Cube(cube.uri)


def test_mapped_figures_are_those_of_the_cube_and_nobody_can_write_to_them(cube, place):
    lay_out(cube, place)
    mapped = MappedCube(again(cube), place)
    assert mapped.mapped
    assert mapped.ids() == cube.ids()
    for name in cube.ids():
        read, there = cube.read(name), mapped.read(name)
        xr.testing.assert_equal(read.drop_indexes(["time", "area"]), there)
        assert there.attrs == read.attrs
        for axis in ("time", "area"):
            assert there[axis].attrs == read[axis].attrs
    with pytest.raises(ValueError, match="read-only"):
        mapped.read("pm25").values[0] = 0


def test_a_new_version_is_mapped_and_a_reader_of_the_old_one_goes_on(cube, place, figures):
    lay_out(cube, place)
    reader, old = MappedCube(again(cube), place), MappedCube(again(cube), place)
    before, first = old.read("pm10"), reader.version
    with cube.draft() as draft:
        draft.put([figures("pm25") + 100])
        draft.commit("next")
    kept = {path: path.stat().st_ino for path in place.glob("pm10-*")}
    lay_out(cube, place)
    lay_out(cube, place)
    assert reader.stale
    assert reader.version == first
    reader.refresh()
    assert (reader.mapped, reader.stale) == (True, False)
    assert reader.changed_since(first) == {"pm25"}
    assert np.nanmax(reader.read("pm25").values) > 100
    assert {path: path.stat().st_ino for path in place.glob("pm10-*")} == kept
    cube.write({"pm25": figures("pm25")}, {})
    lay_out(cube, place)
    with cube.draft() as draft:
        draft.put([figures("pm25") + 1])
        draft.commit("next")
    lay_out(cube, place)
    assert not list(place.glob("pm10-*"))
    xr.testing.assert_equal(old.read("pm10"), before)
    assert np.nanmax(old.read("pm25").values) < 100


def test_without_files_of_the_newest_version_the_cube_is_read(cube, place, figures):
    assert not MappedCube(again(cube), place).mapped
    lay_out(cube, place)
    reader = MappedCube(again(cube), place)
    first = reader.version
    with cube.draft() as draft:
        draft.put([figures("pm25") + 100])
        draft.commit("nobody lays it out")
    reader.refresh()
    assert not reader.mapped
    assert reader.changed_since(first) == {"pm25"}
    assert np.nanmax(reader.read("pm25").values) > 100
    lay_out(cube, place)
    broken = json.loads((place / "about.json").read_text())["indicators"]["fires"]["file"]
    (place / broken).write_bytes(b"half")
    reader.refresh()
    assert not reader.mapped
    assert reader.read("fires").shape == (4, 1)


def test_what_was_laid_out_before_a_fork_is_taken_over_as_far_as_it_is_the_same(
    cube, place, figures
):
    lay_out(cube, place)
    first = laid_out(place)
    with cube.draft() as draft:
        draft.put([figures("pm25") + 100])
        draft.commit("next")
    lay_out(cube, place)
    mapped = MappedCube(again(cube), place)
    assert mapped.read("pm10").variable._data is first["pm10"].variable._data
    assert np.nanmax(mapped.read("pm25").values) > 100


def test_no_thread_is_started_by_mapping(cube, place):
    """A process that has some could not be forked."""
    lay_out(cube, place)
    code = (
        "import sys, os, pathlib\n"
        "from citylib.indicators.mapped import laid_out\n"
        "assert len(laid_out(pathlib.Path(sys.argv[1]))) == 3\n"
        "print(len(os.listdir('/proc/self/task')))\n"
    )
    one = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    quiet = {"JE_ARROW_MALLOC_CONF": "background_thread:false"}
    found = subprocess.run(
        [sys.executable, "-c", code, str(place)],
        env=os.environ | one | quiet | {"_RJEM_MALLOC_CONF": "background_thread:false"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == "1"
