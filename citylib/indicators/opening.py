"""Opening a city's cube by its name."""

from __future__ import annotations

from datetime import datetime

from citylib.city.errors import CityError
from citylib.city.profile import load_city
from citylib.city.settings import Settings
from citylib.indicators.cube import Cube, CubeMissing


def opened(city: str, as_of: datetime | str | None) -> Cube:
    """See `citylib.open_cube`."""
    if "/" in city or "\\" in city:
        cube = Cube(city, as_of)
    else:
        settings = Settings.load()
        here = load_city(settings.profile).id
        if city != here:
            raise CityError(
                f"this installation's city is {here!r}, not {city!r}; write that, or the folder "
                "or address of a cube"
            )
        cube = Cube(settings.cube, as_of)
    if cube.empty:
        raise CubeMissing(f"there is no cube at {cube.uri} yet; run: citylib compute")
    return cube
