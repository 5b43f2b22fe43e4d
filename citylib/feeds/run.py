"""`citylib feed run`: the service as a program, which takes up what changes in the profile."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from citylib.city.errors import CityError
from citylib.city.profile import City, load_city
from citylib.city.settings import Settings
from citylib.feeds.chores import Chores
from citylib.feeds.service import Service
from citylib.feeds.told import place_of
from citylib.lake.lake import Lake
from citylib.operations.store import Store

log = logging.getLogger(__name__)

LOOKUPS = 64
"""Names of hosts that are looked up at the same time: one that is not found takes its time."""
LOOK_EVERY = 10.0
"""Seconds between two looks at the files of feeds and datasets."""


def run_service(settings: Settings, chores: Chores) -> None:
    """Ask all feeds on their intervals until SIGTERM or SIGINT.

    When a file of a feed or dataset changes, all go on with what it says now.

    Parameters
    ----------
    settings : Settings
        Where profile, lake and operations store are.
    chores : Chores
        What else is to be done.

    Raises
    ------
    CityError
        The service runs already, or the operations store cannot be reached.
    """
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr
    )
    # Each request would be a line, with its address; each start several of the migrations'.
    for name in ("httpx", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    with _alone(settings), Store(settings.database) as store:
        store.migrate()
        asyncio.run(_serve(settings, store, chores))


async def _serve(settings: Settings, store: Store, chores: Chores) -> None:
    ended, stop = False, asyncio.Event()

    def end() -> None:
        nonlocal ended
        ended = True
        stop.set()

    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(LOOKUPS, "lookup"))
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    city, mark = load_city(settings.profile), _mark(settings)
    while not ended:
        stop.clear()
        lake = Lake(settings.lake, city, settings.secrets)
        service = Service(city, lake, store, chores, told=place_of(settings))
        running = asyncio.create_task(service.run(stop))
        look = asyncio.create_task(_changed(settings, mark))
        await asyncio.wait([running, look], return_when=asyncio.FIRST_COMPLETED)
        stop.set()
        look.cancel()
        await running
        if not ended:
            city, mark = look.result()
            log.info("the profile has changed")


async def _changed(settings: Settings, mark: str) -> tuple[City, str]:
    """Wait until files of feeds or datasets are others and the profile can be read."""
    while True:
        await asyncio.sleep(LOOK_EVERY)
        if (now := _mark(settings)) != mark:
            mark = now
            try:
                return await asyncio.to_thread(load_city, settings.profile), mark
            except CityError as error:  # what ran goes on until it is mended
                log.error("%s", error)


def _mark(settings: Settings) -> str:
    """What changes when a file of a feed or dataset does."""
    files = [path for room in ("feeds", "datasets") for path in (settings.profile / room).glob("*")]
    told = []
    for path in sorted(files):
        try:
            known = path.stat()
        except FileNotFoundError:  # removed just now
            continue
        told.append(f"{path} {known.st_size} {known.st_mtime_ns}")
    return "\n".join(told)


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    settings.var.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (settings.var / "feeds.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CityError(
                f"the feeds of {settings.var} are being asked already, by another "
                "`citylib feed run` or by the platform; stop that first"
            ) from None
        yield
