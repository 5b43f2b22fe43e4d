"""Bring the cube up to date with the records and tell open screens."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from citylib.city.profile import City, load_city
from citylib.city.settings import Settings
from citylib.indicators.cube import Cube
from citylib.indicators.declaration import Indicator
from citylib.indicators.declared import FOLDER, load_indicators
from citylib.lake import DatasetMissing, Lake
from citylib.operations.store import Store


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
    told = {change.subject for change in store.changes.since(0, limit=2**31 - 1, kind="cube")}
    for version in reversed(cube.history()):
        if version not in told:
            store.changes.append("cube", version, key=f"cube:{version}")


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
    console = Console(file=sys.stdout, highlight=False)
    city = load_city(settings.profile)
    indicators = load_indicators(settings.profile / FOLDER)
    lake, cube = Lake(settings.lake, city), Cube(settings.cube)
    with Store(settings.database) as store:
        store.migrate()
        announce(cube, store)
        for indicator in indicators.values():
            indicator.check(city)
        there = set(lake.datasets())
        possible = {name: one for name, one in indicators.items() if one.dataset in there}
        missing = sorted({one.dataset for one in indicators.values()} - there)
        if not possible and missing:
            lake.table(missing[0])
        made_from = _made_from(possible, lake)
        fresh = again or cube.empty or not _same(cube.attrs, made_from)
        if fresh:
            figures = _with_bar(console, list(possible.values()), lake, city)
            version = cube.write(figures, made_from)
            announce(cube, store)
            console.print(f"{len(figures)} indicators computed, version {version}")
        else:
            console.print(f"{len(possible)} indicators are up to date, version {cube.version}")
    if missing:
        left = ", ".join(name for name in indicators if name not in possible)
        raise DatasetMissing(
            f"no table of {', '.join(missing)} yet, so these were not computed: {left}; "
            f"run `citylib load {' '.join(missing)}` and compute again"
        )
    return fresh


def _made_from(indicators: dict[str, Indicator], lake: Lake) -> dict[str, dict[str, object]]:
    tables = {indicator.dataset for indicator in indicators.values()}
    return {
        "tables": {name: lake.table(name).version for name in sorted(tables)},
        "declarations": {name: indicator.digest for name, indicator in indicators.items()},
    }


def _same(attrs: dict[str, object], made_from: dict[str, dict[str, object]]) -> bool:
    return all(attrs.get(key) == value for key, value in made_from.items())


def _with_bar(console: Console, indicators: list[Indicator], lake: Lake, city: City) -> dict:
    # Imported here: Dask's scheduler takes a second to import, which who is up to date saves.
    from citylib.indicators.engine import compute
    from citylib.indicators.workers import connect

    columns = (TextColumn("computing"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar, connect() as client:
        task = bar.add_task("computing", total=None)
        return compute(
            indicators,
            lake,
            city,
            client,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
