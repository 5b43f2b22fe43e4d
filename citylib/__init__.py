"""A city's platform for its mayor: from records to indicators to dashboards."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    import xarray as xr

__version__ = "0.1.0"


def open_cube(city: str, as_of: datetime | str | None = None) -> xr.DataTree:
    """Open the figures of a city, as plain xarray.

    Indicators of one area level and frequency share coordinates and are an `xarray.Dataset`; the
    datasets are the nodes of a tree. Values are read when they are needed.

    Parameters
    ----------
    city : str
        The installation's city by the id in its profile, or the folder or address of a cube.
    as_of : datetime or str, optional
        The figures as they were at a moment (text: ISO 8601, UTC unless it says otherwise), or a
        version by its identifier; see `citylib.indicators.cube.Cube.versions`.

    Returns
    -------
    xarray.DataTree
        Nodes such as `district/day`, with dims `(time, area)`.

    Raises
    ------
    CityError
        There is no such cube, or no such version of it (any more).

    Examples
    --------
    >>> import citylib
    >>> cube = citylib.open_cube("seoul")  # doctest: +SKIP
    >>> cube["district/day"]["pm25"].sel(area="11").mean()  # doctest: +SKIP
    >>> cube["district/day"].to_dataset()  # doctest: +SKIP
    """
    from citylib.indicators.opening import opened

    return opened(city, as_of).tree()
