"""The public export: the only way from the cube to the public pages."""

from __future__ import annotations

from collections.abc import Mapping

import xarray as xr

from citylib.city.profile import City, load_city
from citylib.city.settings import Settings
from citylib.indicators.cube import Cube, CubeMissing
from citylib.indicators.declaration import DeclarationError, Indicator
from citylib.indicators.declared import FOLDER, load_indicators


class PublicExport:
    """The cube with everything left out that is not public.

    An indicator is public if it is declared public today, its records are public today, and its
    figures were computed from that very declaration. What has become internal since, or has been
    withdrawn, is gone with the next export, whether or not anything was computed again.

    Parameters
    ----------
    cube : Cube
        Read at the version it shows.
    declared : mapping of str to Indicator
        Today's declarations.
    city : City
        Today's profile, with the classification of datasets and columns.

    Examples
    --------
    >>> PublicExport.open(Settings.load()).ids()  # doctest: +SKIP
    ['pm25', 'pm10', …]
    """

    def __init__(self, cube: Cube, declared: Mapping[str, Indicator], city: City) -> None:
        self._cube = cube
        self._declared = declared
        self._city = city

    @classmethod
    def open(cls, settings: Settings) -> PublicExport:
        """The export of an installation, at the cube's newest version.

        Raises
        ------
        CityError
            The profile has a mistake.
        """
        city = load_city(settings.profile)
        return cls(Cube(settings.cube), load_indicators(settings.profile / FOLDER), city)

    @property
    def empty(self) -> bool:
        """Whether nothing is public."""
        return self._cube.empty or not self.ids()

    @property
    def version(self) -> str:
        """Version of the cube that is exported."""
        return self._cube.version

    def ids(self) -> list[str]:
        """Public indicators, in the order of their declaration."""
        return [name for name in self._cube.ids() if self._is_public(name)]

    def read(self, indicator: str) -> xr.DataArray:
        """Figures of a public indicator, as `Cube.read` gives them.

        Raises
        ------
        CubeMissing
            There is no such indicator, or it is not public; the message is the same, so that
            nobody learns which indicators exist.
        """
        if indicator in self._cube.ids() and self._is_public(indicator):
            return self._cube.read(indicator)
        raise CubeMissing(f"there is no public indicator {indicator!r}")

    def _is_public(self, name: str) -> bool:
        today = self._declared.get(name)
        if today is None or today.classification != "public":
            return False
        try:
            today.check(self._city)
        except DeclarationError:
            return False
        made = self._cube.read(name).attrs
        return made.get("classification") == "public" and made.get("declaration") == today.digest
