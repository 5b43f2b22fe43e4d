"""Figures as the cube stores them, without what makes them a dataset."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import zarr
from zarr.core.sync import sync


@dataclass(frozen=True)
class Stored:
    """An indicator of the cube.

    Attributes
    ----------
    first : int
        Number of the first period, counted since 1970.
    values : ndarray of float64, shape (periods, areas)
    attrs : dict
    """

    first: int
    values: np.ndarray
    attrs: dict[str, Any]


def read_stored(store: Any, about: Mapping[str, Any], names: Iterable[str]) -> dict[str, Stored]:
    """Read indicators, all at a time, which takes little longer than one.

    Parameters
    ----------
    store : zarr store
        A version of the cube.
    about : mapping
        What that version says of itself.
    names : iterable of str
        Which indicators.
    """

    async def one(name: str) -> Stored:
        group = about["groups"][name]
        axis = about.get("axes", {}).get(group, 0)
        array = await zarr.api.asynchronous.open_array(
            store=store, path=f"{group}/{name}", mode="r", zarr_format=3
        )
        whole = (axis, axis + array.shape[0])
        first, last = about.get("spans", {}).get(name, whole)
        values = await array.getitem(slice(first - axis, last - axis))
        attrs = {key: value for key, value in array.attrs.items() if key != "_FillValue"}
        return Stored(first, np.asarray(values, "float64"), attrs)

    async def every() -> dict[str, Stored]:
        wanted = list(names)
        found = await asyncio.gather(*map(one, wanted))
        return dict(zip(wanted, found, strict=True))

    return sync(every())
