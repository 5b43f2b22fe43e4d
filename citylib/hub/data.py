"""Records, figures and public pages brought up to date before the hub starts.

Run by `citylib.hub.demo`, and with `renew` by the feeds' service, as a process of its own, so that
its memory is free again afterwards.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

import citylib
from citylib.city.errors import CityError
from citylib.city.settings import Settings
from citylib.operations import Store

PUBLISHING = ("look", "panels", "privacy", "publish")


def bring_up_to_date(settings: Settings) -> None:
    """Load the records, compute the indicators, publish the public pages.

    Each step finds out by itself what is new.
    """
    from citylib.indicators.refresh import run_compute
    from citylib.lake.report import run_load
    from citylib.publish.site import build

    with Store(settings.database) as store:
        store.migrate()
    run_load(settings, ())
    run_compute(settings)
    build(settings)


def renew(settings: Settings) -> None:
    """Compute the indicators and publish the public pages, if there are new records."""
    from citylib.indicators.refresh import run_compute
    from citylib.publish.site import build

    if run_compute(settings):
        build(settings)


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
        (renew if sys.argv[1:] == ["renew"] else bring_up_to_date)(Settings.load())
    except CityError as error:
        sys.exit(f"citylib: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
