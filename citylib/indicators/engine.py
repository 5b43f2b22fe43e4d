"""From tables of records to figures: tasks of even size, whose states Dask merges.

A task reads the columns that a table's indicators need, once, and returns the states of its
groups. How records are divided among tasks, and in which order states are merged, depends on the
table alone, so that the figures do not depend on who computes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

import xarray as xr
from dask.callbacks import Callback
from dask.threaded import get

from citylib.city.errors import CityError
from citylib.city.profile import City
from citylib.indicators.areas import Areas
from citylib.indicators.blocks import Plan, states_of
from citylib.indicators.declaration import Indicator
from citylib.indicators.figures import figures
from citylib.indicators.functions import computed
from citylib.indicators.own import FunctionIndicator
from citylib.indicators.partial import Partial, empty, merge_all
from citylib.indicators.replayed import marked
from citylib.lake.errors import StorageFault
from citylib.lake.freed import give_back

if TYPE_CHECKING:
    from distributed import Client, Future

    from citylib.lake import Lake, Piece

__all__ = ["compute", "figures", "partials"]

Ranges = Sequence[tuple[int, int]]
LEAST, MOST, TASKS = 1 << 20, 1 << 22, 32
"""Records of a task, at least and at most, and how many tasks there are between the two."""
SKETCHED = 1 << 18
"""Records that sketches are made of at a time, at most: it takes many times their memory."""
TOGETHER = 16
"""Parts that are merged at a time."""


def compute(
    indicators: Sequence[Indicator],
    lake: Lake,
    city: City,
    client: Client,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, xr.DataArray]:
    """Compute indicators from the tables of the lake.

    Parameters
    ----------
    indicators : sequence of Indicator
        Any number, over any tables; a table is read once for all its indicators.
    lake : Lake
        Where the tables are. Workers must reach the same address.
    city : City
        Its areas, time zone and languages.
    client : distributed.Client
        Threads of this process or a cluster; the figures are the same.
    progress : callable (done, total), optional
        Called whenever a task is done.

    Returns
    -------
    dict of str to xarray.DataArray
        By id; dims `(time, area)`, see `citylib.indicators.cube`.

    Raises
    ------
    DeclarationError
        An indicator does not fit the city.
    DatasetMissing
        A table has not been loaded yet.
    """
    named = {indicator.id: indicator for indicator in indicators}
    for indicator in indicators:
        indicator.check(city, named)
    tables = {name: lake.table(name) for name in dict.fromkeys(i.dataset for i in indicators)}
    pieces = {name: table.pieces() for name, table in tables.items()}
    merging = [indicator for indicator in indicators if indicator.merges]
    parts = partials(merging, pieces, city, client, progress)
    made: dict[str, xr.DataArray] = {}
    for indicator in sorted(indicators, key=lambda one: one.per is not None):
        table, head = tables[indicator.dataset], made.get(indicator.per or "")
        if isinstance(indicator, FunctionIndicator):
            made[indicator.id] = computed(indicator, table, city, client, head)
        else:
            part = parts[indicator.id]
            made[indicator.id] = figures(indicator, part, city, table.metadata, head)
    return marked({name: made[name] for name in named}, tables)


def partials(
    indicators: Sequence[Indicator],
    pieces: Mapping[str, Sequence[Piece]],
    city: City,
    client: Client | None,
    progress: Callable[[int, int], None] | None = None,
    periods: Mapping[str, Ranges] | None = None,
) -> dict[str, Partial]:
    """States of indicators from pieces of their tables.

    Parameters
    ----------
    indicators : sequence of Indicator
        All pieces of a table are read once for all its indicators.
    pieces : mapping of str to sequence of Piece
        By dataset.
    city : City
        Its areas and time zone.
    client : distributed.Client, optional
        Who computes; None: Dask's threads of this process, one for each processor, without a
        cluster, which takes a second to start.
    progress : callable (done, total), optional
        Called whenever a task is done.
    periods : mapping of str to sequence of (int, int), optional
        By dataset: only records of these times are read, see `Piece.tables`.

    Returns
    -------
    dict of str to Partial
        By id. Those of other pieces can be added by `citylib.indicators.partial.merge`; `figures`
        makes figures of them.
    """
    levels = {level: Areas.of(city, level) for level in {i.level for i in indicators}}
    finished: dict[str, Future] = {}
    results: dict[str, dict[str, Partial]] = {}
    tasks: list[Future] = []
    for name in dict.fromkeys(indicator.dataset for indicator in indicators):
        plans = [Plan(i, levels[i.level], city.timezone) for i in indicators if i.dataset == name]
        within = (periods or {}).get(name)
        if client is None:
            results[name] = _here(even(pieces[name]), plans, within, progress)
            continue
        parts = [
            client.submit(_chunk, some, plans, within, pure=False) for some in even(pieces[name])
        ]
        tasks += parts
        while len(parts) > 1:
            parts = [
                client.submit(_merge, plans, parts[at : at + TOGETHER], pure=False)
                for at in range(0, len(parts), TOGETHER)
            ]
            tasks += parts
        if parts:
            finished[name] = parts[0]
    if tasks:
        _follow(tasks, progress)
    # What reading took is not needed for what follows.
    if sum(piece.rows for some in pieces.values() for piece in some) > TASKS * LEAST:
        give_back()
    results |= {name: future.result() for name, future in finished.items()}
    return {
        i.id: results[i.dataset][i.id] if i.dataset in results else empty(i.how) for i in indicators
    }


def even(pieces: Sequence[Piece]) -> list[list[Piece]]:
    """Pieces divided among tasks of about as many records each."""
    size = min(max(sum(piece.rows for piece in pieces) // TASKS, LEAST), MOST)
    tasks: list[list[Piece]] = []
    room = 0
    for piece in pieces:
        for part in piece.split(max(round(piece.rows / size), 1)):
            if not tasks or part.rows > room:
                tasks.append([])
                room = size
            tasks[-1].append(part)
            room -= part.rows
    return tasks


def _here(
    tasks: Sequence[list[Piece]],
    plans: list[Plan],
    within: Ranges | None,
    progress: Callable[[int, int], None] | None,
) -> dict[str, Partial]:
    """The same as by a cluster, in the same order, by Dask's threads of this process."""
    graph: dict[Any, Any] = {
        ("part", 0, at): (partial(_chunk, some, plans, within),) for at, some in enumerate(tasks)
    }
    parts, height = list(graph), 0
    while len(parts) > 1:
        height += 1
        above = [parts[at : at + TOGETHER] for at in range(0, len(parts), TOGETHER)]
        merging = {
            ("part", height, at): (partial(_merge, plans), some) for at, some in enumerate(above)
        }
        graph |= merging
        parts = list(merging)
    if not parts:
        return _merge(plans, [])
    done = count(1)

    def tell(*_task: object) -> None:
        if progress:
            progress(next(done), len(graph))

    with Callback(posttask=tell):
        result: dict[str, Partial] = get(graph, parts[0], num_workers=os.cpu_count() or 1)
    return result


def _follow(tasks: list[Future], progress: Callable[[int, int], None] | None) -> None:
    from distributed import as_completed  # takes a second, which few records do not need

    for done, task in enumerate(as_completed(tasks), start=1):
        if task.status == "error":
            raise task.exception()
        if progress:
            progress(done, len(tasks))


def _chunk(pieces: list[Piece], plans: list[Plan], periods: Ranges | None) -> dict[str, Partial]:
    """Task: states of some pieces of a table for each indicator, row group by row group."""
    columns = list(dict.fromkeys(name for plan in plans for name in plan.indicator.columns))
    most = SKETCHED if any(plan.indicator.how.sketches for plan in plans) else MOST
    parts = []
    try:
        for piece in pieces:
            for table, dropped in piece.blocks(columns, periods):
                for at in range(0, table.num_rows, most):
                    gone = dropped[(dropped >= at) & (dropped < at + most)] - at
                    parts.append(states_of(table.slice(at, most), gone, plans))
    except StorageFault as error:
        raise CityError(
            f"{error}. If workers run on other machines, the lake must have an address that they "
            "reach too"
        ) from None
    return _merge(plans, parts)


def _merge(plans: list[Plan], parts: list[dict[str, Partial]]) -> dict[str, Partial]:
    """Task: merge what parts of a table brought."""
    return merge_all({plan.indicator.id: plan.indicator.how for plan in plans}, parts)
