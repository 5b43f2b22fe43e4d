"""The next version of the cube, until it is committed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import icechunk
import numpy as np
import xarray as xr
import zarr
from zarr.api.asynchronous import create_array, open_array
from zarr.codecs import BloscCodec
from zarr.core.sync import sync

from citylib.city.errors import CityError
from citylib.indicators.periods import UNIT
from citylib.indicators.states import States

CELLS, BESIDE = 1 << 16, 64
"""Figures of a chunk at most, and areas in it: a chunk is read in a millisecond, one time of all
areas touches few of them, and so does one area's whole past."""


class CubeBusy(CityError):
    """Somebody else has committed meanwhile."""


class Draft:
    """Changes to the cube; nobody sees them before `commit`, and then all at once.

    Parameters
    ----------
    session : icechunk.Session
        Writable, at the newest version.
    about : mapping
        What that version says of itself.
    """

    def __init__(self, session: Any, about: Mapping[str, Any]) -> None:
        self._session = session
        self.about: dict[str, Any] = json.loads(json.dumps(about))
        for name in ("groups", "axes", "spans", "states"):
            self.about.setdefault(name, {})
        self.states = States(session.store)
        self._arrays: dict[str, Any] = {}
        self._later: list[tuple[Any, slice, np.ndarray]] = []
        if about and "axes" not in about:  # made by an earlier version, which counted otherwise
            self.clear()

    @property
    def groups(self) -> dict[str, str]:
        """Group of each indicator, such as `district/day`."""
        return self.about["groups"]

    def clear(self) -> None:
        """Begin with nothing."""
        zarr.open_group(self._session.store, mode="w", zarr_format=3)
        self._arrays.clear()
        for name in ("groups", "axes", "spans", "states"):
            self.about[name] = {}
        self.states = States(self._session.store)

    def put(self, figures: Iterable[xr.DataArray]) -> None:
        """Put indicators in, each with all of its figures.

        Parameters
        ----------
        figures : iterable of xarray.DataArray
            Dims `(time, area)`, as `citylib.indicators.engine.compute` gives them.
        """
        groups: dict[str, list[xr.DataArray]] = {}
        for array in figures:
            level, frequency = array["area"].attrs["level"], array.attrs["frequency"]
            groups.setdefault(f"{level}/{frequency}", []).append(array)
        for group, arrays in groups.items():
            for array in arrays:
                self.remove(str(array.name))
            starts = [number(array) for array in arrays]
            ends = [at + array.sizes["time"] for at, array in zip(starts, arrays, strict=True)]
            self._ready(group, arrays[0])
            extents = [(a, b) for a, b in zip(starts, ends, strict=True) if b > a]
            if extents:
                self._reach(group, min(a for a, _ in extents), max(b for _, b in extents))
            self._create(group, arrays)
            for array, start in zip(arrays, starts, strict=True):
                self.groups[str(array.name)] = group
                self.about["spans"][array.name] = [start, start]
                self.patch(str(array.name), start, array.values)

    def patch(self, name: str, start: int, values: np.ndarray) -> None:
        """Put other figures of an indicator in the place of those of the same periods.

        Parameters
        ----------
        name : str
            Its id.
        start : int
            Number of the first period, counted since 1970.
        values : ndarray of float64, shape (periods, areas)
        """
        group = self.groups[name]
        known = np.flatnonzero(~np.isnan(values).all(axis=1))
        first, size = self._axis(group)
        low = min(first, start + int(known[0])) if len(known) else first
        high = max(first + size, start + int(known[-1]) + 1) if len(known) else first + size
        if not size and len(known):
            low = start + int(known[0])
        begin, end = max(low, start), min(high, start + len(values))
        if end <= begin:
            return
        self._reach(group, begin, end)
        first, _ = self._axis(group)
        array = self._array(group, name)
        place = slice(begin - first, end - first)
        self._later.append((array, place, values[begin - start : end - start]))
        self._span(name, array, first, (begin, end), start + known)

    def describe(self, name: str, attrs: Mapping[str, Any]) -> None:
        """What is said of an indicator; written only if it is something else than before."""
        array = self._array(self.groups[name], name)
        if dict(array.attrs) != json.loads(json.dumps(attrs)):
            array.attrs.put(dict(attrs))

    def read(self, name: str, periods: tuple[int, int]) -> np.ndarray:
        """Figures of an indicator in some periods, the last not included."""
        group = self.groups[name]
        self._write()
        first, _ = self._axis(group)
        array = self._array(group, name)
        return np.asarray(array[max(periods[0] - first, 0) : max(periods[1] - first, 0)])

    def remove(self, name: str) -> None:
        """Take an indicator out."""
        if group := self.groups.pop(name, None):
            self._write()
            del self._group(group)[name]
            self._arrays.pop(f"{group}/{name}", None)
            self.about["spans"].pop(name, None)

    def commit(self, message: str) -> str:
        """Make it the newest version.

        Returns
        -------
        str
            The version.

        Raises
        ------
        CubeBusy
            Another version came first; nothing was changed.
        """
        self._write(self.states.store())
        computed = datetime.now(UTC).isoformat(timespec="seconds")
        self.about |= {"computed": computed, "Conventions": "CF-1.12"}
        root = zarr.open_group(self._session.store, mode="a", zarr_format=3)
        root.attrs.put({"about": json.dumps(self.about, ensure_ascii=False)})
        try:
            version = self._session.commit(message, metadata={"computed": computed})
        except icechunk.ConflictError:
            raise CubeBusy(
                "another version of the cube was committed meanwhile, and nothing was changed; "
                "compute again"
            ) from None
        return str(version)

    def _group(self, group: str) -> Any:
        return zarr.open_group(self._session.store, path=group, mode="a", zarr_format=3)

    def _array(self, group: str, name: str) -> Any:
        (array,) = self._every(group, [name])
        return array

    def _every(self, group: str, names: Sequence[str]) -> list[Any]:
        """Arrays of a group; those that were not open are opened together."""
        paths = [f"{group}/{name}" for name in names]
        closed = [path for path in paths if path not in self._arrays]

        async def opened() -> list[Any]:
            store = self._session.store
            return await asyncio.gather(
                *(open_array(store=store, path=path, mode="r+", zarr_format=3) for path in closed)
            )

        if closed:
            found = map(zarr.Array, sync(opened()))
            self._arrays |= dict(zip(closed, found, strict=True))
        return [self._arrays[path] for path in paths]

    def _write(self, *more: Coroutine[Any, Any, None]) -> None:
        """Write what was to be written later: all arrays at a time, which takes as long as one."""
        later, self._later = self._later, []

        async def in_turn(array: Any) -> None:  # what meets in a chunk must not overtake
            for mine, place, values in later:
                if mine is array:
                    await array.async_array.setitem(place, values)

        async def every() -> None:
            arrays = {id(array): array for array, _, _ in later}
            await asyncio.gather(*map(in_turn, arrays.values()), *more)

        if later or more:
            sync(every())

    def _axis(self, group: str) -> tuple[int, int]:
        """Number of a group's first period, and how many there are."""
        return self.about["axes"].get(group, 0), self._array(group, "time").shape[0]

    def _ready(self, group: str, like: xr.DataArray) -> None:
        """The group, with the areas and the time zone of an array; made anew if it has others."""
        codes = [str(code) for code in like["area"].values]
        held = self._group(group)
        if "area" in held and list(held["area"][:]) == codes:
            said, wanted = dict(held["time"].attrs), dict(like["time"].attrs)
            if wanted.items() <= said.items():
                return
        for name in [name for name, where in self.groups.items() if where == group]:
            self.remove(name)
        held = zarr.open_group(self._session.store, path=group, mode="w", zarr_format=3)
        held.attrs.put({"Conventions": "CF-1.12"})
        area = held.create_array(
            "area", shape=(len(codes),), dtype=str, dimension_names=("area",),
            attributes=dict(like["area"].attrs),
        )  # fmt: skip
        area[:] = np.array(codes, object)
        step = "hours" if like.attrs["frequency"] == "hour" else "days"
        units = {"units": f"{step} since 1970-01-01", "calendar": "proleptic_gregorian"}
        held.create_array(
            "time", shape=(0,), chunks=(1 << 14,), dtype="int64", dimension_names=("time",),
            attributes={**like["time"].attrs, **units},
        )  # fmt: skip
        self._arrays.clear()
        self.about["axes"].pop(group, None)

    def _reach(self, group: str, start: int, end: int) -> None:
        """Give a group periods from one number to another at least."""
        first, size = self._axis(group)
        if size and first <= start and end <= first + size:
            return
        low, high = (min(first, start), max(first + size, end)) if size else (start, end)
        self.about["axes"][group] = low
        names = [name for name, where in self.groups.items() if where == group]
        all_names = ["time", *names]
        arrays = dict(zip(all_names, self._every(group, all_names), strict=True))
        moved: dict[str, np.ndarray] = {}
        if size and low < first:  # what stood at the beginning stands later now
            self._write()
            moved = {name: arrays[name][:] for name in names}

        async def every() -> None:
            shapes = ((high - low, *array.shape[1:]) for array in arrays.values())
            async_arrays = (array.async_array for array in arrays.values())
            await asyncio.gather(*(a.resize(s) for a, s in zip(async_arrays, shapes, strict=True)))

        sync(every())
        for name, values in moved.items():
            whole = np.full(arrays[name].shape, np.nan)
            whole[first - low : first - low + size] = values
            arrays[name][:] = whole
        frequency = group.rpartition("/")[2]
        unit, step = UNIT[frequency], "h" if frequency == "hour" else "D"
        begin = low if low < first or not size else first + size
        count = np.arange(begin, high).astype(f"datetime64[{unit}]")
        times = count.astype(f"datetime64[{step}]").astype(np.int64)
        self._later.append((arrays["time"], slice(begin - low, high - low), times))

    def _create(self, group: str, arrays: Sequence[xr.DataArray]) -> None:
        """Make arrays of a group, with nothing in them."""
        (periods,) = self._array(group, "time").shape

        async def made(array: xr.DataArray) -> Any:
            width = array.sizes["area"]
            beside = min(width, BESIDE)
            rows = 1 << (CELLS // beside).bit_length() - 1
            return await create_array(
                self._session.store,
                name=f"{group}/{array.name}",
                shape=(periods, width),
                chunks=(min(rows, 1 << 13), beside),
                dtype="float64",
                fill_value=np.nan,
                compressors=BloscCodec(cname="lz4", shuffle="shuffle"),
                dimension_names=("time", "area"),
                attributes=dict(array.attrs),
            )

        async def every() -> list[Any]:
            return await asyncio.gather(*map(made, arrays))

        for array, one in zip(arrays, sync(every()), strict=True):
            self._arrays[f"{group}/{array.name}"] = zarr.Array(one)

    def _span(
        self, name: str, array: Any, first: int, written: tuple[int, int], known: np.ndarray
    ) -> None:
        """Note from which period to which there are figures, after some were written."""
        low, high = self.about["spans"][name]  # where there are figures, or low == high
        begin, end = written
        before, after = (low, min(high, begin)), (max(low, end), high)
        lows, highs = [], []
        if before[1] > before[0]:
            lows.append(low)
            if high <= begin:
                highs.append(high)
            elif not len(known) and after[1] <= after[0]:
                highs.append(self._edges(array, first, before)[1])
        if after[1] > after[0]:
            highs.append(high)
            if low >= end:
                lows.append(low)
            elif not len(known) and before[1] <= before[0]:
                lows.append(self._edges(array, first, after)[0])
        if len(known):
            lows.append(int(known[0]))
            highs.append(int(known[-1]) + 1)
        self.about["spans"][name] = [min(lows), max(highs)] if lows else [0, 0]

    def _edges(self, array: Any, first: int, part: tuple[int, int]) -> tuple[int, int]:
        """Where figures begin and end among periods at one end of which there are some."""
        self._write()
        some = np.asarray(array[part[0] - first : part[1] - first])
        known = np.flatnonzero(~np.isnan(some).all(axis=1))
        return part[0] + int(known[0]), part[0] + int(known[-1]) + 1


def number(array: xr.DataArray) -> int:
    """Number of an array's first period."""
    if not array.sizes["time"]:
        return 0
    first = np.asarray(array["time"].values[0])
    return int(first.astype(f"datetime64[{UNIT[array.attrs['frequency']]}]").astype(np.int64))
