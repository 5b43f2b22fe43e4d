"""What an analyst works with in a notebook: the city, its records, its indicators."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import xarray as xr

from citylib.city.profile import City, load_city
from citylib.city.settings import Settings
from citylib.indicators.cube import Cube
from citylib.indicators.declaration import Indicator
from citylib.indicators.declared import FOLDER, load_indicators
from citylib.indicators.progress import progress_bar
from citylib.lake import Lake

if TYPE_CHECKING:
    from distributed import Client


@dataclass(frozen=True)
class Workspace:
    """The city, its tables and its cube, opened together.

    Attributes
    ----------
    city : City
        Names, areas, boundaries, datasets.
    lake : Lake
        Tables of records: `lake.table("air_daily").read()`.
    cube : Cube
        Figures of every declared indicator: `cube.read("pm25")`.

    Examples
    --------
    >>> city = Workspace.open()  # doctest: +SKIP
    >>> city.cube.read("pm25").sel(area="11").mean()  # doctest: +SKIP
    """

    city: City
    lake: Lake
    cube: Cube

    @classmethod
    def open(cls, start: Path | None = None) -> Workspace:
        """Open what `citylib.toml` names.

        Parameters
        ----------
        start : Path, optional
            Folder to look in, and above it; by default the working directory.

        Raises
        ------
        CityError
            The settings or the city's profile have a mistake.
        """
        settings = Settings.load(start)
        city = load_city(settings.profile)
        return cls(city, Lake(settings.lake, city), Cube(settings.cube))

    @property
    def client(self) -> Client:
        """The Dask client that computes; in a notebook it shows the way to Dask's dashboard.

        Raises
        ------
        CityError
            `DASK_SCHEDULER_ADDRESS` names a scheduler that does not answer.
        """
        from citylib.indicators.workers import shared

        return shared()

    def compute(self, indicator: Indicator) -> xr.DataArray:
        """Compute an indicator from the records, without putting it into the cube.

        Parameters
        ----------
        indicator : Indicator
            A declaration, as it will stand in the city's profile.

        Returns
        -------
        xarray.DataArray
            Dims `(time, area)`; as `Cube.read` gives it after `citylib compute`.

        Raises
        ------
        DeclarationError
            The declaration does not fit the city; the message says what to change.
        """
        from citylib.indicators.engine import compute

        declared = load_indicators(self.city.folder / FOLDER) if indicator.per else None
        indicator.check(self.city, declared)
        wanted = [indicator]
        if declared and indicator.per:
            wanted.append(declared[indicator.per])
        with progress_bar() as progress:
            return compute(wanted, self.lake, self.city, self.client, progress)[indicator.id]

    def density(
        self, dataset: str, cell: float = 500.0, where: dict[str, Any] | None = None
    ) -> xr.DataArray:
        """How many records lie in each cell of a grid over the city.

        Parameters
        ----------
        dataset : str
            A table with the columns `lon` and `lat`.
        cell : float
            Width and height of a cell in metres.
        where : dict, optional
            As in `Indicator`.

        Returns
        -------
        xarray.DataArray
            Dims `(lat, lon)`, see `citylib.indicators.grid.density`.
        """
        from citylib.indicators.grid import density

        return density(self.lake.table(dataset), self.city, self.client, cell, where)
