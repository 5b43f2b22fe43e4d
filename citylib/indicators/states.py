"""States that are kept in the cube, so that a refresh costs what is new.

Beside its figures the cube keeps the states that they were made from: of each indicator an array
`_states/<id>` in which a block of periods is one string of bytes, an Arrow stream of keys and
states. A refresh reads and writes the blocks of the periods that changed. What the tables were like
is kept with them.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import struct
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import pyarrow as pa
import zarr
from zarr.api.asynchronous import create_array
from zarr.core.buffer import default_buffer_prototype
from zarr.core.dtype import VariableLengthBytes
from zarr.core.sync import sync

from citylib.indicators.areas import Areas
from citylib.indicators.declaration import BUILT_IN, Indicator
from citylib.indicators.own import code_of
from citylib.indicators.partial import Partial
from citylib.lake.changes import Seen, ipc

FORMAT = 2
"""Raised when states come to be kept or computed differently: all are computed anew."""
GROUP = "_states"
TABLES = "_tables"
BLOCKS, FIRST = 1 << 31, 1 << 30
"""Blocks that an array has room for, and the place of the one that begins in 1970."""
TOGETHER = 4
"""Blocks that are compressed at a time."""
SHOWN = frozenset(
    {
        *("id", "title", "description", "domain", "units", "classification", "better"),
        *("headline", "target", "thresholds", "scale", "derive", "rolling", "change", "per"),
    }
)
"""What a declaration says of figures only: states are the same whatever it is."""


def digest(indicator: Indicator, areas: Areas, timezone: str) -> str:
    """What must be the same for states to hold: declaration, areas, time zone, form."""
    said: list[Any] = [indicator.meaning]
    if indicator.merges:
        said = [indicator.model_dump(mode="json", exclude=set(SHOWN))]
        if indicator.aggregation not in BUILT_IN:
            how = indicator.how
            said += [repr(how.identity), repr(how.absent)]
            said += [code_of(one) for one in (how.chunk, how.combine, how.finalize)]
    whole = [FORMAT, said, areas.codes, areas.place, timezone]
    return hashlib.sha256(json.dumps(whole).encode()).hexdigest()[:16]


def encode(part: Partial) -> bytes:
    """States as a string of bytes."""
    steps = np.diff(part.keys, prepend=0)  # mostly 1, which takes no room
    columns = [pa.array(column) for column in (steps, *part.states)]
    return ipc(pa.record_batch(columns, [str(number) for number in range(len(columns))]))


def decode(kept: bytes) -> Partial:
    """What `encode` was given."""
    columns = pa.ipc.open_stream(kept).read_next_batch().columns
    steps, *states = (column.to_numpy(zero_copy_only=False) for column in columns)
    return Partial(np.cumsum(steps), tuple(states))


class States:
    """States in a session of the cube's repository; what is written is stored by `store`, or
    from `begin` on, while other things are done.

    Parameters
    ----------
    store : zarr.abc.store.Store
        Of the session.
    """

    def __init__(self, store: Any) -> None:
        self._store = store
        self._later: dict[str, Partial | Seen] = {}  # by their places
        self._begun: dict[str, Partial | Seen] = {}
        self._storing: Future[None] | None = None

    def read(self, wanted: Mapping[str, Iterable[int]]) -> dict[str, dict[int, Partial]]:
        """Blocks of indicators; one that is not there is left out.

        Parameters
        ----------
        wanted : mapping of str to iterable of int
            Numbers of blocks, by the indicator's id.
        """
        names = [(name, number) for name, numbers in wanted.items() for number in numbers]
        kept = self._get([_path(name, number) for name, number in names], decode)
        result: dict[str, dict[int, Partial]] = {name: {} for name in wanted}
        for (name, number), one in zip(names, kept, strict=True):
            if one is not None:
                result[name][number] = one
        return result

    def write(self, blocks: Mapping[str, Mapping[int, Partial]]) -> None:
        """Put blocks of indicators in the place of those of the same numbers."""
        self._create(blocks, BLOCKS)
        for name, mine in blocks.items():
            self._later |= {_path(name, number): part for number, part in mine.items()}

    def remove(self, names: Collection[str]) -> None:
        """Forget all of some indicators."""
        self._end()
        for name, there in zip(names, self._are_there(names), strict=True):
            mine = _path(name)
            self._later = {at: one for at, one in self._later.items() if not at.startswith(mine)}
            if there:
                del self._root[name]

    def seen(self, datasets: Iterable[str]) -> dict[str, Seen]:
        """Versions of the tables that the states were computed from, by dataset."""
        every = list(datasets)
        known = self._are_there(f"{TABLES}/{name}" for name in every)
        names = [name for name, there in zip(every, known, strict=True) if there]
        kept = self._get([_path(f"{TABLES}/{name}", 0) for name in names], Seen.from_bytes)
        return {name: one for name, one in zip(names, kept, strict=True) if one is not None}

    def see(self, dataset: str, seen: Seen) -> None:
        """Remember the version of a table that the states are computed from."""
        name = f"{TABLES}/{dataset}"
        self._create([name], 1)
        self._later[_path(name, 0)] = seen

    @property
    def _root(self) -> zarr.Group:
        return zarr.open_group(self._store, path=GROUP, mode="a", zarr_format=3)

    def _are_there(self, names: Iterable[str]) -> list[bool]:
        paths = [f"{GROUP}/{name}/zarr.json" for name in names]

        async def every() -> list[bool]:
            return await asyncio.gather(*map(self._store.exists, paths))

        return sync(every())

    def _create(self, names: Collection[str], size: int) -> None:
        """Make arrays that are not there yet."""
        missing = [
            name for name, there in zip(names, self._are_there(names), strict=True) if not there
        ]

        async def every() -> None:
            await asyncio.gather(
                *(
                    create_array(
                        self._store,
                        name=f"{GROUP}/{name}",
                        shape=(size,),
                        chunks=(1,),
                        dtype=VariableLengthBytes(),
                        compressors=None,
                        fill_value=b"",
                    )
                    for name in missing
                )
            )

        if missing:
            _ = self._root  # made, if it is not there
            sync(every())

    # Chunks are read and written as they are stored, many at a time: through arrays each takes as
    # long as all of them.

    def _get(self, paths: list[str], made: Callable[[bytes], Any]) -> list[Any]:
        """What is at some places; None: nothing."""
        prototype = default_buffer_prototype()
        known = self._begun | self._later
        there = [path for path in paths if path not in known]

        async def every() -> list[Any]:
            return await asyncio.gather(*(self._store.get(path, prototype) for path in there))

        found: dict[str, Any] = dict(known)
        for path, one in zip(there, sync(every()) if there else [], strict=True):
            if one is not None and len(one) > _FRAME.size:
                found[path] = made(one.to_bytes()[_FRAME.size :])
        return [found.get(path) for path in paths]

    def begin(self) -> None:
        """Store what was written since the last time in a thread; `store` waits for it."""
        self._end()
        self._begun, self._later = self._later, {}
        # A thread for this once, so that no process that forks has it.
        thread = ThreadPoolExecutor(1, "states")
        self._storing = thread.submit(sync, self._put(dict(self._begun)))
        thread.shutdown(wait=False)

    def _end(self) -> None:
        if self._storing:
            self._storing.result()
        self._begun, self._storing = {}, None

    async def store(self) -> None:
        """Store what was written since the last time."""
        begun, self._begun = self._storing, {}
        later, self._later = self._later, {}
        await self._put(later)
        if begun:
            await asyncio.wrap_future(begun)

    async def _put(self, later: dict[str, Partial | Seen]) -> None:
        """Store what is to be at some places, and forget it; threads compress it."""
        make = default_buffer_prototype().buffer.from_bytes

        async def some() -> None:  # so much at a time that memory does not hold it twice
            while later:
                taken = [later.popitem() for _ in range(min(TOGETHER, len(later)))]
                frames = await asyncio.to_thread(_frames, taken)
                for (path, _), one in zip(taken, frames, strict=True):
                    await self._store.set(path, make(one))

        await asyncio.gather(*(some() for _ in range(os.cpu_count() or 1)))


def _frames(some: list[tuple[str, Partial | Seen]]) -> list[bytes]:
    """Chunks as they are stored."""
    kept = [encode(one) if isinstance(one, Partial) else one.to_bytes() for _, one in some]
    return [_FRAME.pack(1, len(one)) + one for one in kept]


_FRAME = struct.Struct("<II")
"""How a chunk of one string of bytes begins (the codec `vlen-bytes`): their number, its length."""


def _path(name: str, number: int | None = None) -> str:
    place = "" if number is None else number if name.startswith(TABLES) else number + FIRST
    return f"{GROUP}/{name}/c/{place}"
