"""The feeds' service over sources and a lake that a test makes up."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.clock import Hands, until
from support.town import build_town

from citylib.city.feeds import FeedSpec
from citylib.city.mapping import Reading
from citylib.city.model import Plain
from citylib.city.profile import load_city
from citylib.feeds import poll
from citylib.feeds.poll import Connector
from citylib.feeds.service import Service
from citylib.lake.delivery import LoadReport
from citylib.lake.sheet import sheet_of
from citylib.operations import Store

READ = {
    "time": {"header": "day", "formats": "%Y-%m-%d"},
    "area": {"level": "district", "header": "district"},
    "columns": {"n": "n"},
}
ROW = {"day": "2026-03-01", "district": "East", "n": "1"}


def feed_of(name, interval=60.0, **keys):
    values = {
        "id": name,
        "title": {"en": name},
        "dataset": "counts",
        "connector": "scripted",
        "address": f"http://{name}.example/",
        "interval": interval,
        "read": Reading.model_validate(READ),
        "path": Path(f"feeds/{name}.toml"),
    }
    return FeedSpec.model_validate(values | keys)


class Ledger:
    """A lake that only counts."""

    def __init__(self):
        self.deliveries = []
        self.fault = None

    def deliver(self, dataset, delivery):
        if self.fault:
            raise self.fault
        self.deliveries.append(delivery)
        rows = sum(len(sheet.lines) for sheet, _ in delivery.sheets)
        return LoadReport(dataset, rows, rows, 0, 0, 0.0)


@pytest.fixture
def town(tmp_path):
    return build_town(tmp_path)


@pytest.fixture
def store(town):
    with Store(town.database) as store:
        store.migrate()
        yield store


@pytest.fixture
def scripts(monkeypatch):
    """What each feed's source does: a coroutine function of the request that gives rows."""
    known = {}

    async def fetch(request):
        rows = await known[request.feed.id](request)
        if rows:
            yield sheet_of(request.feed.id, rows)

    module = SimpleNamespace(Options=Plain, fetch=fetch)
    monkeypatch.setattr(poll, "connector_of", lambda feed: Connector(module, None))
    return known


@asynccontextmanager
async def running(town, store, feeds, lake=None, clock=None, chores=None, told=None):
    city = load_city(town.profile).model_copy(update={"feeds": {f.id: f for f in feeds}})
    one = Service(city, lake or Ledger(), store, chores, clock or Hands(), told)
    stop = asyncio.Event()
    task = asyncio.create_task(one.run(stop))
    await until(lambda: task.done() or one.states)
    try:
        yield one
    finally:
        stop.set()
        await task


async def rest(one, count):
    """Until so many feeds wait for their time, and none is being asked."""
    await until(lambda: len(one.clock.sleepers) == count)


def asked_by(moments, clock):
    async def source(request):
        moments.append(clock.now())
        return [ROW]

    return source
