import numpy as np
import pytest
import xarray as xr

START = {
    "hour": "2020-01-01T00",
    "day": "2020-01-01",
    "month": "2020-01",
    "year": "2020",
}
STEP = {"hour": "h", "day": "D", "month": "M", "year": "Y"}


def make_figures(
    name, frequency="day", areas=("11", "11010", "11020"), values=None, level="district"
):
    """Figures as the engine makes them."""
    values = np.arange(4.0 * len(areas)).reshape(4, -1) if values is None else np.asarray(values)
    start = np.datetime64(START[frequency], STEP[frequency])
    time = (start + np.arange(len(values))).astype("datetime64[ns]")
    return xr.DataArray(
        values,
        dims=("time", "area"),
        coords={
            "time": ("time", time, {"time_zone": "Asia/Seoul"}),
            "area": ("area", np.array(areas, dtype=object), {"level": level}),
        },
        name=name,
        attrs={"units": "1", "frequency": frequency, "long_name": name},
    )


@pytest.fixture
def figures():
    return make_figures
