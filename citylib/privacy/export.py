"""The public export: the only way from the cube to the public pages."""

from __future__ import annotations

import xarray as xr

from citylib.indicators.cube import Cube, CubeMissing


class PublicExport:
    """The cube with everything left out that is not public.

    An indicator is public if its declaration says so, and a declaration cannot say so unless all
    records that it is computed from are public (`citylib.indicators.declaration.Indicator.check`).

    Parameters
    ----------
    cube : Cube
        Read at the version it shows.

    Examples
    --------
    >>> PublicExport.open("var/cube").ids()  # doctest: +SKIP
    ['pm25', 'pm10', …]
    """

    def __init__(self, cube: Cube) -> None:
        self._cube = cube

    @classmethod
    def open(cls, uri: str) -> PublicExport:
        """The export of the cube at an address, at its newest version."""
        return cls(Cube(uri))

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
        return [name for name in self._cube.ids() if self._is_public(self._cube.read(name))]

    def read(self, indicator: str) -> xr.DataArray:
        """Figures of a public indicator, as `Cube.read` gives them.

        Raises
        ------
        CubeMissing
            There is no such indicator, or it is not public; the message is the same, so that
            nobody learns which indicators exist.
        """
        if indicator in self._cube.ids():
            array = self._cube.read(indicator)
            if self._is_public(array):
                return array
        raise CubeMissing(f"there is no public indicator {indicator!r}")

    @staticmethod
    def _is_public(array: xr.DataArray) -> bool:
        return array.attrs.get("classification") == "public"
