"""The next version of the cube, on top of what others have left."""

import json

import icechunk
import numpy as np
import xarray as xr

from citylib.indicators.cube import Cube
from citylib.indicators.versions import storage


def test_figures_of_an_earlier_version_of_the_platform_are_written_anew(tmp_path, figures):
    """Its groups said nothing of where their periods begin."""
    uri, array = str(tmp_path / "cube"), figures("a")
    session = icechunk.Repository.create(storage(uri)).writable_session("main")
    about = {"groups": {"a": "district/day"}, "tables": {}}
    root = xr.Dataset(attrs={"about": json.dumps(about)})
    root.to_zarr(session.store, mode="w", consolidated=False)
    array.astype(float).to_dataset().to_zarr(
        session.store, group="district/day", consolidated=False, zarr_format=3
    )
    session.commit("before")
    np.testing.assert_array_equal(Cube(uri).read("a").values, array.values)
    with Cube(uri).draft() as draft:
        draft.put([array])
        draft.commit("now")
    cube = Cube(uri)
    xr.testing.assert_equal(cube.read("a"), array)
    assert cube.dataset("day").sizes["time"] == array.sizes["time"]


def test_the_time_zone_of_figures_is_that_of_the_newest(tmp_path, figures):
    cube, array = Cube(str(tmp_path / "cube")), figures("a")
    with cube.draft() as draft:
        draft.put([array])
        draft.commit("first")
    elsewhere = array.copy()
    elsewhere["time"].attrs["time_zone"] = "Europe/London"
    with cube.draft() as draft:
        draft.put([elsewhere])
        draft.commit("second")
    assert cube.read("a")["time"].attrs["time_zone"] == "Europe/London"
    xr.testing.assert_equal(cube.read("a"), array)
