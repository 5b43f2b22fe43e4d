"""Records, figures and public pages brought up to date before the hub starts.

Run by `citylib.hub.demo`, as a process of its own, so that its memory is free again afterwards.
The feeds' service runs it with `figures`, which stays and keeps the figures up to date with the
records, and with `pages`.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import citylib
from citylib.city.errors import CityError
from citylib.city.settings import Settings
from citylib.feeds.chores import DONE, SAME
from citylib.operations import Store

PUBLISHING = ("look", "panels", "privacy", "publish")
FIGURES_OF_BEFORE = 3
"""Exit status: not all is up to date, but there are figures to show."""


def bring_up_to_date(settings: Settings) -> list[CityError]:
    """Load the records, compute the indicators, publish the public pages.

    Each step finds out by itself what is new. A step that fails does not keep the next from
    making the best of what is there.

    Returns
    -------
    list of CityError
        What went wrong.
    """
    from citylib.indicators.refresh import run_compute
    from citylib.lake.report import run_load
    from citylib.publish.site import build

    with Store(settings.database) as store:
        store.migrate()
    steps: list[Callable[[], object]] = [
        lambda: run_load(settings, ()),
        lambda: run_compute(settings),
        lambda: build(settings),
    ]
    errors = []
    for step in steps:
        try:
            step()
        except CityError as error:
            print(f"citylib: {error}", file=sys.stderr, flush=True)
            errors.append(error)
    return errors


def main(settings: Settings) -> int:
    """Bring the data up to date; the exit status says what there is to show.

    Returns
    -------
    int
        0, `FIGURES_OF_BEFORE` when something went wrong but there are figures, else 1.
    """
    if not bring_up_to_date(settings):
        return 0
    from citylib.indicators.cube import Cube

    return 1 if Cube(settings.cube).empty else FIGURES_OF_BEFORE


def keep_up(settings: Settings, asked: Iterable[str], answer: Callable[[str], object]) -> None:
    """Bring the figures up to date for each line that is asked, until there are no more.

    Parameters
    ----------
    settings : Settings
        Where profile, lake, cube and operations store are.
    asked : iterable of str
        A line for each time that there are new records.
    answer : callable (str)
        Is told `done` when there are new figures, `same` when there are none, else what is wrong.
    """
    from citylib.indicators.keeping import Keeper

    with Store(settings.database) as store:
        store.migrate()
        keeper = Keeper(settings, store)
        for _ in asked:
            try:
                answer(SAME if keeper.renew() is None else DONE)
            except Exception as error:  # whatever it is, the next records may be well
                told = "" if isinstance(error, CityError) else f"{type(error).__name__}: "
                answer(" ".join(f"{told}{error}".split()) or type(error).__name__)
                keeper = Keeper(settings, store)


def state(settings: Settings) -> str:
    """A mark that changes when the profile, the programs or the places do.

    While it is the same as after the last time, there is nothing to bring up to date.
    """
    mark = hashlib.sha256()
    rooms = [Path(citylib.__file__).parent / room for room in ("city", "lake", "indicators")]
    rooms += [Path(citylib.__file__).parent / room for room in PUBLISHING]
    for folder in [settings.profile, *rooms]:
        for path in _files(folder):
            known = path.stat()
            mark.update(f"{path} {known.st_size} {known.st_mtime_ns}\n".encode())
    mark.update(settings.model_dump_json().encode())
    for place in (settings.lake, settings.cube, str(settings.public)):
        mark.update(f"{place} {'://' in place or Path(place).exists()}\n".encode())
    return mark.hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path


if __name__ == "__main__":
    try:
        if sys.argv[1:] == ["figures"]:
            # Nothing else may be written where the answers go.
            told, sys.stdout = sys.stdout, sys.stderr
            keep_up(Settings.load(), sys.stdin, lambda said: print(said, file=told, flush=True))
        elif sys.argv[1:] == ["pages"]:
            from citylib.publish.site import build

            build(Settings.load())
        else:
            sys.exit(main(Settings.load()))
    except CityError as error:
        sys.exit(f"citylib: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
