"""The service: every feed on its interval, whatever others do; nothing lost, nothing twice."""

from __future__ import annotations

import asyncio
import logging
import sys
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.clock import NOON, Hands, until
from support.town import build_town

from citylib.city.feeds import FeedSpec
from citylib.city.mapping import Reading
from citylib.city.model import Plain
from citylib.city.profile import load_city
from citylib.feeds import poll, schedule, service
from citylib.feeds.connector import FeedFault
from citylib.feeds.poll import Connector
from citylib.feeds.service import Chores, Service
from citylib.lake import Lake
from citylib.lake.delivery import LoadReport
from citylib.lake.sheet import sheet_of
from citylib.operations import FeedState, Store

pytestmark = pytest.mark.anyio
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
def anyio_backend():
    return "asyncio"


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
async def running(town, store, feeds, lake=None, clock=None, chores=None):
    city = load_city(town.profile).model_copy(update={"feeds": {f.id: f for f in feeds}})
    one = Service(city, lake or Ledger(), store, chores, clock or Hands())
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


async def test_each_feed_is_asked_on_its_interval_and_all_at_other_moments(town, store, scripts):
    clock, feeds = Hands(), [feed_of(f"f{n}", 60 if n % 2 else 600) for n in range(16)]
    asked = {feed.id: [] for feed in feeds}
    scripts.update({name: asked_by(moments, clock) for name, moments in asked.items()})
    async with running(town, store, feeds, clock=clock) as one:
        await rest(one, 16)
        while clock.now() < NOON + timedelta(hours=1):
            await clock.next()
            await rest(one, 16)
        assert one.tally.lateness() == 0
    for feed in feeds:
        gaps = {(b - a).total_seconds() for a, b in pairwise(asked[feed.id][1:])}
        assert all(abs(gap - feed.interval) < 1e-3 for gap in gaps)
        assert len(asked[feed.id]) >= 3600 / feed.interval
    starts = sorted((moments[0] - NOON).total_seconds() for moments in asked.values())
    assert len(set(starts)) == 16
    assert starts[-1] <= 60
    assert sum(start < 15 for start in starts) < 10


async def test_feeds_that_hang_delay_no_other(town, store, scripts, monkeypatch):
    monkeypatch.setattr(service, "Slots", lambda: schedule.Slots(4, 2, hold=0.01))
    clock, asked = Hands(), []
    address = "http://one.example/"
    hanging = [feed_of(f"h{n}", address=address) for n in range(30)]
    good = feed_of("good", address=address)

    async def hang(_request):
        await asyncio.Event().wait()

    scripts.update({feed.id: hang for feed in hanging}, good=asked_by(asked, clock))
    async with running(town, store, [*hanging, good], clock=clock) as one:
        await rest(one, 31)
        clock.move(60)
        await until(lambda: len(asked) == 1)
        await until(lambda: one.tally.polls == 31)
        for count in range(2, 12):
            await until(lambda: len(clock.sleepers) == 1)
            await clock.next()
            await until(lambda count=count: len(asked) == count)
        assert one.tally.polls == 41


async def test_polls_that_begin_together_wait_for_a_place_at_their_host():
    slots, inside, most = schedule.Slots(4, 2), [], {}

    async def one(host, n):
        async with slots.place(host):
            inside.append(host)
            for name in ("a", "b", "c"):
                most[name] = max(most.get(name, 0), inside.count(name))
            most["all"] = max(most.get("all", 0), len(inside))
            await asyncio.sleep(0)
            inside.remove(host)

    await asyncio.gather(*(one(host, n) for n in range(20) for host in "abc"))
    assert most["all"] == 4
    assert max(most[host] for host in "abc") == 2


async def test_a_failing_feed_is_asked_less_and_less_and_recovers(town, store, scripts, caplog):
    clock, feed, asked, well = Hands(), feed_of("bad", 60), [], []

    async def source(_request):
        asked.append(clock.now())
        if not well:
            raise FeedFault("no answer from the source")
        return [ROW]

    scripts["bad"] = source
    caplog.set_level(logging.WARNING)
    async with running(town, store, [feed], clock=clock) as one:
        for _ in range(9):
            await rest(one, 1)
            await clock.next()
        await rest(one, 1)
        gaps = [(b - a).total_seconds() for a, b in pairwise(asked)]
        for gap, meant in zip(gaps, [60, 120, 240, 480, 480, 480, 480, 480], strict=True):
            assert 0.8 * meant <= gap <= 1.2 * meant
        assert len(set(gaps[4:])) > 1
        assert one.states["bad"].errors == 9
        assert one.states["bad"].error == "no answer from the source"
        assert one.states["bad"].succeeded is None
        well.append(True)
        await clock.next()
        await rest(one, 1)
        assert one.states["bad"].errors == 0
        assert one.states["bad"].succeeded == asked[-1]
        due = one.states["bad"].due
        assert timedelta(0) < due - clock.now() <= timedelta(seconds=60)
    # One line for the first of them, not one for each.
    assert caplog.text.count("no answer from the source") == 1
    assert store.feeds.read()["bad"].stored == 1


async def test_a_source_that_asks_to_wait_is_left_alone_so_long(town, store, scripts):
    clock, asked = Hands(), []

    async def source(_request):
        asked.append(clock.now())
        raise FeedFault("slow down", wait=5000)

    scripts["busy"] = source
    async with running(town, store, [feed_of("busy", 60)], clock=clock) as one:
        for _ in range(2):
            await rest(one, 1)
            await clock.next()
        await rest(one, 1)
    assert asked[1] - asked[0] == timedelta(seconds=5000)


def test_pauses_stay_within_bounds():
    for interval, longest in [(10, 80), (60, 480), (600, 3600), (7200, 7200), (86400, 86400)]:
        feed = feed_of("x", interval)
        for errors in range(1, 2000, 7):
            pause = (schedule.retry_due(feed, errors, None, NOON) - NOON).total_seconds()
            assert 0.8 * min(interval, 60) <= pause <= 1.2 * longest


async def test_what_could_not_be_stored_is_asked_for_again(town, store, scripts):
    clock, lake, seen = Hands(), Ledger(), []

    async def source(request):
        seen.append(dict(request.session.memory))
        request.session.memory["cursor"] = str(len(seen))
        return [ROW | {"n": str(len(seen))}]

    scripts["a"] = source
    lake.fault = OSError(28, "No space left on device")
    async with running(town, store, [feed_of("a")], lake, clock) as one:
        for _ in range(2):
            await rest(one, 1)
            await clock.next()
        await rest(one, 1)
        assert seen == [{}, {}]
        assert "No space left on device" in one.states["a"].error
        assert one.states["a"].sequence == 0
        lake.fault = None
        for _ in range(2):
            await clock.next()
            await rest(one, 1)
        assert seen[2] == {}
        assert seen[3]["cursor"] == "3"
        assert one.states["a"].stored == 2
    assert store.feeds.read(memory=True)["a"].memory["cursor"] == "4"


async def test_the_same_content_is_not_stored_again_but_counted(town, store, scripts):
    clock, lake = Hands(), Ledger()
    answers = [[ROW], [ROW], [ROW | {"n": "2"}], [ROW]]

    async def source(_request):
        return answers.pop(0)

    scripts["a"] = source
    async with running(town, store, [feed_of("a")], lake, clock) as one:
        for _ in range(4):
            await rest(one, 1)
            await clock.next()
        await rest(one, 1)
        state = one.states["a"]
    assert [len(lake.deliveries), state.read, state.stored, state.duplicate] == [3, 4, 3, 1]
    # The third delivery has the first one's content, but must not be taken for it.
    assert len({delivery.id for delivery in lake.deliveries}) == 3


async def test_a_restart_goes_on_where_it_was(town, store, scripts):
    clock, seen = Hands(), []
    due = NOON + timedelta(seconds=42)
    kept = [
        FeedState("on_time", due=due, sequence=7, memory={"cursor": "x"}, read=5, stored=5),
        FeedState("overdue", due=NOON - timedelta(days=1)),
        FeedState("far", due=NOON + timedelta(days=9)),
    ]
    store.feeds.write(kept)

    async def source(request):
        seen.append((request.feed.id, clock.now(), request.session.memory.get("cursor")))
        return [ROW]

    scripts.update(dict.fromkeys(["on_time", "overdue", "far"], source))
    lake = Ledger()
    async with running(town, store, [feed_of(state.feed) for state in kept], lake, clock) as one:
        for _ in range(3):
            await rest(one, 3)
            await clock.next()
        await rest(one, 3)
    times = {name: moment for name, moment, _ in seen}
    assert times["on_time"] == due
    assert set(times) == {"on_time", "overdue", "far"}
    assert max(times.values()) <= NOON + timedelta(seconds=60)
    assert ("on_time", due, "x") in seen
    assert [d.id.split()[0] for d in lake.deliveries if d.feed == "on_time"] == ["8"]
    assert store.feeds.read()["on_time"].stored == 6


async def test_a_stop_waits_for_what_is_being_stored(town, store, scripts):
    import threading

    clock, begun, go = Hands(), threading.Event(), threading.Event()

    class Slow(Ledger):
        def deliver(self, dataset, delivery):
            begun.set()
            assert go.wait(20)
            return super().deliver(dataset, delivery)

    async def source(request):
        request.session.memory["cursor"] = "1"
        return [ROW]

    scripts["a"] = source
    lake = Slow()
    async with running(town, store, [feed_of("a")], lake, clock) as one:
        await rest(one, 1)
        await clock.next()
        await until(begun.is_set)
        asyncio.get_running_loop().call_later(0.2, go.set)
    state = store.feeds.read(memory=True)["a"]
    assert (state.stored, state.memory["cursor"]) == (1, "1")


async def test_an_unforeseen_fault_of_a_connector_stays_its_own(town, store, scripts, caplog):
    clock, asked = Hands(), []

    async def broken(_request):
        raise KeyError("rows")

    scripts.update(broken=broken, good=asked_by(asked, clock))
    async with running(town, store, [feed_of("broken"), feed_of("good")], clock=clock) as one:
        for _ in range(4):
            await rest(one, 2)
            await clock.next()
        await rest(one, 2)
        assert one.states["broken"].error == "KeyError: 'rows'"
        assert len(asked) >= 2
    assert "Traceback" in caplog.text


async def test_an_address_that_is_none_stays_its_own(town, store, scripts):
    clock, asked = Hands(), []
    scripts.update(bad=asked_by([], clock), good=asked_by(asked, clock))
    feeds = [feed_of("bad", address="http://[bad"), feed_of("good")]
    async with running(town, store, feeds, clock=clock) as one:
        for _ in range(4):
            await rest(one, 2)
            await clock.next()
        await rest(one, 2)
        assert "ValueError" in one.states["bad"].error
        assert len(asked) >= 2


async def test_a_feed_with_a_wrong_file_is_named_and_the_others_run(town, store, scripts, caplog):
    folder = town.profile / "feeds"
    folder.mkdir()
    (folder / "wrong.toml").write_text('connector = "x"\nintervall = 5\n')
    (folder / "worse.toml").write_text("= nothing")
    clock, asked = Hands(), []
    scripts["good"] = asked_by(asked, clock)
    city = load_city(town.profile)
    assert set(city.feed_faults) == {"wrong", "worse"}
    async with running(town, store, [feed_of("good")], clock=clock) as one:
        await rest(one, 1)
        await clock.next()
        await until(lambda: asked)
    assert "wrong.toml: key 'intervall' is not known here" in caplog.text
    assert "worse.toml: not readable as TOML" in caplog.text


async def test_a_store_that_is_away_stops_nobody(town, store, scripts, monkeypatch, caplog):
    monkeypatch.setattr(service, "WRITE_EVERY", 0.01)
    clock, asked, away = Hands(), [], [True]
    scripts["a"] = asked_by(asked, clock)
    write = store.feeds.write

    def fails(states):
        if away:
            raise OSError("the database is away")
        write(states)

    monkeypatch.setattr(store.feeds, "write", fails)
    async with running(town, store, [feed_of("a")], clock=clock) as one:
        for _ in range(3):
            await rest(one, 1)
            await clock.next()
        await rest(one, 1)
        await until(lambda: "the database is away" in caplog.text)
        assert len(asked) == 3
        away.clear()
        await until(lambda: "a" in store.feeds.read() and store.feeds.read()["a"].read == 3)


async def test_figures_are_renewed_after_new_records_and_polling_goes_on(
    town, store, scripts, tmp_path, monkeypatch
):
    """The program runs as long as the test wants, without the feeds' keys."""
    monkeypatch.setenv("TOWN_KEY", "secret-of-the-town")
    log, go = tmp_path / "log", tmp_path / "go"
    program = (
        "import os, sys, time, pathlib\n"
        f"open({str(log)!r}, 'a').write(str(os.environ.get('TOWN_KEY')) + '\\n')\n"
        f"while not pathlib.Path({str(go)!r}).exists(): time.sleep(0.01)\n"
    )
    clock, asked = Hands(), []

    async def source(request):
        asked.append(request.key)
        return [ROW | {"n": str(len(asked))}]

    scripts["a"] = source
    chores = Chores(renew=[sys.executable, "-c", program], every=0.01)
    feed = feed_of("a", key="TOWN_KEY")
    async with running(town, store, [feed], clock=clock, chores=chores) as one:
        await rest(one, 1)
        await clock.next()
        await until(lambda: log.exists() and log.read_text())
        for _ in range(5):
            await rest(one, 1)
            await clock.next()
        await rest(one, 1)
        assert len(asked) == 6
        assert log.read_text() == "None\n"
        go.touch()
        await until(lambda: len(log.read_text().splitlines()) == 2)
    assert set(asked) == {"secret-of-the-town"}


async def test_a_key_that_is_not_set_is_named(town, store, scripts, monkeypatch):
    monkeypatch.delenv("TOWN_KEY", raising=False)
    clock = Hands()
    scripts["a"] = asked_by([], clock)
    async with running(town, store, [feed_of("a", key="TOWN_KEY")], clock=clock) as one:
        await rest(one, 1)
        await clock.next()
        await rest(one, 1)
        assert "the environment has no TOWN_KEY" in one.states["a"].error


async def test_a_table_is_compacted_after_so_many_deliveries(town, store, scripts, monkeypatch):
    monkeypatch.setattr(service, "LOOK_EVERY", 0.01)
    ran = []

    async def run(self, command):
        ran.append(list(command))
        return True

    monkeypatch.setattr(Service, "_run", run)
    clock, asked = Hands(), []

    async def source(_request):
        asked.append(1)
        return [ROW | {"n": str(len(asked))}]

    scripts["a"] = source
    chores = Chores(compact=["compact"], after=3)
    async with running(town, store, [feed_of("a")], clock=clock, chores=chores) as one:
        for _ in range(3):
            assert ran == []
            await rest(one, 1)
            await clock.next()
        await until(lambda: ran)
        assert ran == [["compact", "counts"]]


async def test_what_was_stored_but_not_remembered_is_stored_once(town, store, scripts):
    """Killed between the lake's commit and the state: everything is as if it was not known."""
    clock, city = Hands(), load_city(town.profile)
    lake = Lake(town.lake, city)

    async def source(_request):
        return [ROW | {"day": f"2026-03-0{day}"} for day in range(1, 6)]

    scripts["a"] = source
    for _ in range(3):
        async with running(town, store, [feed_of("a")], lake, clock) as one:
            await rest(one, 1)
            await clock.next()
            await until(lambda one=one: one.states["a"].read == 5)
        store.feeds.write([FeedState("a")])
    assert lake.table("counts").rows == 5
