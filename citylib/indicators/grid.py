"""Density maps: how many records lie in each cell of a regular grid."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import xarray as xr

from citylib.city.profile import City
from citylib.indicators.fits import CLASSIFICATIONS, DeclarationError, near
from citylib.indicators.where import checked, meets

if TYPE_CHECKING:
    from distributed import Client

    from citylib.lake import Piece, Table

DEGREE = 111_195.0
"""Metres of a degree of latitude, on a sphere of the Earth's mean radius."""
CELLS = 4_000_000
"""A grid of more is refused: its cells are finer than any map shows."""


@dataclass(frozen=True)
class Grid:
    """Cells of equal size in metres over a city, in degrees.

    Attributes
    ----------
    west, south : float
        Outer corner of the first cell.
    dlon, dlat : float
        Width and height of a cell.
    columns, rows : int
        Number of cells from west to east and from south to north.
    """

    west: float
    south: float
    dlon: float
    dlat: float
    columns: int
    rows: int

    @classmethod
    def over(cls, bounds: tuple[float, float, float, float], cell: float) -> Grid:
        """The grid that covers west, south, east, north (degrees) with cells of `cell` metres.

        Raises
        ------
        DeclarationError
            The cells are too small for the bounds.

        Examples
        --------
        >>> grid = Grid.over((126.0, 37.0, 127.0, 38.0), 1000)
        >>> grid.columns, grid.rows
        (89, 112)
        """
        west, south, east, north = bounds
        dlat = cell / DEGREE
        dlon = dlat / np.cos(np.radians((south + north) / 2))
        columns, rows = (
            max(int(np.ceil(n)), 1) for n in ((east - west) / dlon, (north - south) / dlat)
        )
        if columns * rows > CELLS:
            raise DeclarationError(
                f"cells of {cell} m are {columns * rows:,}; take larger ones (at most {CELLS:,})"
            )
        return cls(west, south, float(dlon), float(dlat), columns, rows)

    def cells(self, lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
        """Number of the cell of each position, row by row from the south; -1: outside, or NaN."""
        with np.errstate(invalid="ignore"):
            column = np.floor((lon - self.west) / self.dlon)
            row = np.floor((lat - self.south) / self.dlat)
            inside = (column >= 0) & (column < self.columns) & (row >= 0) & (row < self.rows)
        number = np.full(len(inside), -1, np.int64)
        number[inside] = (row[inside] * self.columns + column[inside]).astype(np.int64)
        return number


def density(
    table: Table,
    city: City,
    client: Client | None,
    cell: float = 500.0,
    where: dict[str, Any] | None = None,
    lon: str = "lon",
    lat: str = "lat",
) -> xr.DataArray:
    """How many records of a table lie in each cell of a grid over the city.

    Parameters
    ----------
    table : Table
        Of a dataset with columns of positions (degrees, WGS 84).
    city : City
        Its bounds are covered.
    client : distributed.Client or None
        Who computes; None: this process.
    cell : float
        Width and height of a cell in metres, about.
    where : dict, optional
        As in `Indicator`.
    lon, lat : str
        The columns of the positions.

    Returns
    -------
    xarray.DataArray
        Records per cell, dims `(lat, lon)`: the cells' middles in degrees, rising. Attributes:
        `cell` (m), `outside` (records with a position elsewhere or none), `classification` (the
        strictest of what it is made from), `source`, `licence`.

    Raises
    ------
    DeclarationError
        A column is missing, or there would be too many cells.

    Examples
    --------
    >>> density(lake.table("hydrants"), city, client, cell=1000).plot()  # doctest: +SKIP
    """
    from citylib.indicators.engine import even

    wanted = checked(where or {})
    names = tuple(dict.fromkeys((lon, lat, *wanted)))
    for name in names:
        if name not in table.schema.names:
            has = ", ".join(table.schema.names)
            raise DeclarationError(
                f"no column {name!r}; {near(name, table.schema.names)}it has: {has}"
            )
    grid = Grid.over(city.bounds, cell)
    parts = even(table.pieces())
    total = np.zeros(grid.rows * grid.columns + 1, np.int64)
    for cells, counts in _counts(client, parts, names, wanted, grid):
        total[cells] += counts
    fields = [table.schema.field(name).metadata or {} for name in names]
    classes = [str(field.get(b"classification", b"public"), "utf-8") for field in fields]
    return xr.DataArray(
        total[:-1].reshape(grid.rows, grid.columns),
        dims=("lat", "lon"),
        coords={
            "lat": (
                "lat",
                grid.south + grid.dlat * (np.arange(grid.rows) + 0.5),
                _degrees("north"),
            ),
            "lon": (
                "lon",
                grid.west + grid.dlon * (np.arange(grid.columns) + 0.5),
                _degrees("east"),
            ),
        },
        name="density",
        attrs={
            "units": "1",
            "cell": cell,
            "outside": int(total[-1]),
            "classification": max(classes, key=CLASSIFICATIONS.index),
            "source": table.metadata["publisher"],
            "licence": table.metadata["licence"],
        },
    )


def _degrees(direction: str) -> dict[str, str]:
    name = "latitude" if direction == "north" else "longitude"
    return {"units": f"degrees_{direction}", "standard_name": name}


def _counts(
    client: Client | None,
    parts: Iterable[Sequence[Piece]],
    names: Sequence[str],
    where: dict[str, Any],
    grid: Grid,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    if client is None:
        yield from (_counted(some, names, where, grid) for some in parts)
        return
    from distributed import as_completed

    tasks = [client.submit(_counted, some, names, where, grid, pure=False) for some in parts]
    for _, found in as_completed(tasks, with_results=True):
        yield found


def _counted(
    pieces: Sequence[Piece], names: Sequence[str], where: dict[str, Any], grid: Grid
) -> tuple[np.ndarray, np.ndarray]:
    """Task: cells that occur, and their numbers of records; those outside are counted at -1."""
    found = []
    for piece in pieces:
        for part in piece.tables(names):
            kept = part.filter(meets(part, where))
            lon, lat = (kept[name].cast(pa.float64()).to_numpy() for name in names[:2])
            found.append(np.bincount(grid.cells(lon, lat) + 1, minlength=1))
    size = max((len(one) for one in found), default=1)
    total = np.zeros(size, np.int64)
    for one in found:
        total[: len(one)] += one
    places = np.flatnonzero(total)
    return places - 1, total[places]
