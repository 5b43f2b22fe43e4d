"""Bring the cube up to date with the records and tell open screens."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from rich.console import Console

from citylib.city.profile import City
from citylib.city.settings import Settings
from citylib.indicators.areas import Areas
from citylib.indicators.cube import Cube, CubeMissing
from citylib.indicators.declaration import Indicator
from citylib.indicators.draft import CubeBusy, Draft
from citylib.indicators.figures import declarations
from citylib.indicators.progress import progress_bar
from citylib.indicators.states import digest
from citylib.indicators.versions import EVERY
from citylib.lake import Lake, Table
from citylib.operations.store import Store

if TYPE_CHECKING:
    from citylib.indicators.incremental import Outcome

FEW = 4_000_000
"""Records that this process reads by itself before a cluster would have begun to."""
ATTEMPTS = 5


class Refresh:
    """Brings a cube up to date, as often as it is asked.

    What it has opened it keeps open, so that the second time costs what is new since the first.

    Parameters
    ----------
    lake : Lake
        Where the tables are.
    cube : Cube
        Where the figures go.
    city : City
    indicators : mapping of str to Indicator
        All that the cube is to have, by id. Their tables must be there.

    Examples
    --------
    >>> refresh = Refresh(lake, cube, city, load_indicators(folder, city))  # doctest: +SKIP
    >>> refresh.run()  # doctest: +SKIP
    Outcome(computed=[], refreshed=['pm25', 'pm10'])
    """

    def __init__(
        self, lake: Lake, cube: Cube, city: City, indicators: Mapping[str, Indicator]
    ) -> None:
        self.lake, self.cube, self.city, self.indicators = lake, cube, city, indicators
        self._tables: dict[str, Table] = {}
        areas = {one.level: Areas.of(city, one.level) for one in indicators.values()}
        self._digests = {
            name: digest(one, areas[one.level], city.timezone) for name, one in indicators.items()
        }

    def run(
        self, again: bool = False, progress: Callable[[int, int], None] | None = None
    ) -> Outcome | None:
        """Bring the cube up to date.

        Parameters
        ----------
        again : bool
            Compute everything from all records, even what has not changed.
        progress : callable (done, total), optional
            Called whenever a part of a long computation is done.

        Returns
        -------
        Outcome, optional
            What was computed; None: the cube is up to date as it is.

        Raises
        ------
        DatasetMissing
            A table is not there.
        CubeBusy
            Others always committed first; nothing was changed.
        """
        for attempt in range(ATTEMPTS):
            try:
                return self._run(again, progress)
            except CubeBusy:
                self.cube.refresh()
                if attempt == ATTEMPTS - 1:
                    raise
        return None

    def _run(self, again: bool, progress: Callable[[int, int], None] | None) -> Outcome | None:
        if not again and self._up_to_date(self._newest()):
            return None
        from citylib.indicators.incremental import Update

        with ExitStack() as stack, self.cube.draft() as draft:
            tables = self._newest()  # who wrote before us may have seen newer ones than we had
            if not again and self._up_to_date(tables):
                return None
            update = Update(
                draft, self.indicators, tables, self.city, self._digests, _client(stack), progress
            )
            outcome = update.run(again)
            due = _due(draft)
            draft.commit(f"{len(self.indicators)} indicators")
        if due:
            self.cube.expire()
        return outcome

    def _newest(self) -> dict[str, Table]:
        """The tables as they are now, by dataset."""
        self._tables = {
            name: self._tables[name].newer() if name in self._tables else self.lake.table(name)
            for name in dict.fromkeys(one.dataset for one in self.indicators.values())
        }
        return self._tables

    def _up_to_date(self, tables: Mapping[str, Table]) -> bool:
        try:
            if self.cube.stale:
                self.cube.refresh()
            about = self.cube.attrs
        except CubeMissing:
            return False
        known = {name: one["digest"] for name, one in about.get("states", {}).items()}
        return (
            about.get("tables") == {name: table.version for name, table in tables.items()}
            and about.get("declarations") == declarations(self.indicators, tables)
            and known == self._digests
        )


def _due(draft: Draft) -> bool:
    """Whether it is time to remove old versions; if so, it is noted that it is done."""
    now, last = datetime.now(UTC), draft.about.get("tidied")
    if last is not None and now - datetime.fromisoformat(last) < EVERY:
        return False
    draft.about["tidied"] = now.isoformat(timespec="seconds")
    return True


def _client(stack: ExitStack) -> Callable[[int | None], Any]:
    """Who computes so many records: one client for as long as the block lasts, if one is needed.

    Threads of this process read the records of the lake by themselves. A cluster is for when one is
    named, and for functions over Dask collections, of which no number of records is said.
    """
    found: list[Any] = []

    def client(rows: int | None) -> Any:
        needed = rows is None or (rows > FEW and elsewhere())
        if not found and not needed:
            return None
        if not found:
            # Imported here: Dask's scheduler takes a second to import and to start.
            from citylib.indicators.workers import connect

            found.append(stack.enter_context(connect()))
        return found[0]

    return client


def elsewhere() -> bool:
    """Whether a scheduler is named, in `DASK_SCHEDULER_ADDRESS` or Dask's configuration."""
    import dask

    return dask.config.get("scheduler-address", None) is not None


def announce(cube: Cube, store: Store) -> None:
    """Write a row of the change log for each version of the cube that has none yet.

    Called after each commit and on each start: a process killed between a commit and its row is
    put right here. The row's key is the version's, so nothing is announced twice.

    Parameters
    ----------
    cube : Cube
        The versions are read from it.
    store : Store
        The change log is written there.
    """
    last = store.changes.last("cube")
    new = list(takewhile(lambda version: last is None or version != last.subject, _ids(cube)))
    for version in reversed(new):
        store.changes.append("cube", version, key=f"cube:{version}")


def _ids(cube: Cube) -> Iterator[str]:
    return (version for version, _ in cube.versions())


def run_compute(settings: Settings, again: bool = False) -> bool:
    """Compute every declared indicator and commit the cube, with a progress bar.

    Parameters
    ----------
    settings : Settings
        Where profile, lake, cube and operations store are.
    again : bool
        Compute even if neither records nor declarations have changed.

    Returns
    -------
    bool
        Whether there is a new version.

    Raises
    ------
    CityError
        A declaration is wrong, or a cluster does not answer; nothing was computed.
    DatasetMissing
        Tables are missing. All indicators on the others are up to date.
    """
    from citylib.indicators.densities import place_of, tell_densities
    from citylib.indicators.keeping import Keeper

    console = Console(file=sys.stdout, highlight=False)
    with Store(settings.database) as store:
        store.migrate()
        keeper = Keeper(settings, store)
        with progress_bar(console) as progress:
            outcome = keeper.renew(again, progress)
    tell_densities(keeper.lake, keeper.city, place_of(settings))
    count, version = len(keeper.computed), keeper.cube.version
    if outcome is None:
        console.print(f"{count} indicators are up to date, version {version}")
    else:
        console.print(f"{_told(outcome, count)}, version {version}")
    if missing := keeper.missing():
        raise missing
    return outcome is not None


def _told(outcome: Outcome, count: int) -> str:
    done = [f"{len(outcome.computed)} indicators computed"] if outcome.computed else []
    if outcome.refreshed:
        done.append(f"{len(outcome.refreshed)} indicators refreshed by new records")
    return ", ".join(done) or f"{count} indicators are as they were"
