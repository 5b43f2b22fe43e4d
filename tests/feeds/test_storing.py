"""What feeds bring: nothing lost, nothing twice, remembered only once it is stored."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from types import SimpleNamespace

import pytest
from support.clock import NOON, Hands, until
from support.service import ROW, Ledger, asked_by, feed_of, rest, running

from citylib.city.errors import ProfileError
from citylib.city.model import Plain
from citylib.city.profile import load_city
from citylib.feeds import connector, service
from citylib.feeds import poll as polls
from citylib.feeds.told import told
from citylib.lake import Lake
from citylib.lake.sheet import sheet_of
from citylib.operations import FeedState

pytestmark = pytest.mark.anyio


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


async def test_killed_twice_before_it_knows_what_came_last_is_what_is_shown(town, monkeypatch):
    """Each time stored, not yet remembered: A, then B, then A again under the same number."""
    lake = Lake(town.lake, load_city(town.profile))
    shown = []

    async def store(dataset, delivery):
        return lake.deliver(dataset, delivery)

    async with polls.client() as http:
        for n in ("1", "2", "1"):

            async def fetch(_request, n=n):
                yield sheet_of("a", [ROW | {"n": n}])

            module = SimpleNamespace(Options=Plain, fetch=fetch)
            monkeypatch.setattr(polls, "connector_of", lambda _, m=module: polls.Connector(m, None))
            remembered = FeedState("a", sequence=7)
            state = await polls.poll(lake.city, feed_of("a"), remembered, http, store, NOON)
            shown.append(lake.table("counts").read(["n"])["n"].to_pylist())
            assert (state.sequence, state.stored) == (8, 1)
    assert shown == [[1.0], [2.0], [1.0]]


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
        assert caplog.text.count("the database is away") == 1
        away.clear()
        await until(lambda: "a" in store.feeds.read() and store.feeds.read()["a"].read == 3)


async def test_a_key_that_is_not_set_is_named(town, store, scripts, monkeypatch):
    monkeypatch.delenv("TOWN_KEY", raising=False)
    clock = Hands()
    scripts["a"] = asked_by([], clock)
    async with running(town, store, [feed_of("a", key="TOWN_KEY")], clock=clock) as one:
        await rest(one, 1)
        await clock.next()
        await rest(one, 1)
        assert "the environment has no TOWN_KEY" in one.states["a"].error


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


@pytest.mark.parametrize("written", ["s3cr3t-key\n", " s3cr3t-key", "s3cr3t\nkey", "s3cr3t-kéy"])
async def test_a_key_is_told_nobody_however_it_is_written(monkeypatch, written):
    monkeypatch.setenv("TOWN_KEY", written)
    feed = feed_of("a", connector="socrata", key="TOWN_KEY", address="http://127.0.0.1:9/x.json")
    monkeypatch.setattr(connector, "ATTEMPTS", 1)

    async def never(*_):
        raise AssertionError

    async with polls.client() as http:
        with pytest.raises(polls.PollFailed) as caught:
            await polls.poll(None, feed, FeedState("a"), http, never, NOON)
    assert "s3cr3t" not in str(caught.value)
    if written.strip() == "s3cr3t-key":
        assert "connection attempts failed" in str(caught.value)
    else:
        assert "set it to the key alone" in str(caught.value)


def test_a_password_in_an_address_is_refused():
    feed = feed_of("a", connector="socrata", address="https://me:pa55@source.example/x.json")
    with pytest.raises(ProfileError, match="take it out") as caught:
        polls.connector_of(feed)
    assert "pa55" not in str(caught.value)


async def test_a_source_that_never_ends_is_given_up_and_what_it_brought_counts(
    town, store, scripts, monkeypatch
):
    """Storing takes longer than the source may be asked; that is not the source's fault."""
    monkeypatch.setattr(polls, "PART", 1)
    clock, lake = Hands(), Ledger()
    feed = feed_of("a", interval=1, timeout=0.01)
    assert polls.longest(feed) == 1

    class Slow(Ledger):
        def deliver(self, dataset, delivery):
            time.sleep(0.7)
            return super().deliver(dataset, delivery)

    async def endless(_request):
        for n in range(2):
            yield sheet_of("a", [ROW | {"n": str(n)}])
        await asyncio.Event().wait()

    module = SimpleNamespace(Options=Plain, fetch=endless)
    monkeypatch.setattr(polls, "connector_of", lambda feed: polls.Connector(module, None))
    lake = Slow()
    async with running(town, store, [feed], lake, clock) as one:
        await rest(one, 1)
        await clock.next()
        await rest(one, 1)
        state = one.states["a"]
    assert "given up after 1 s; ask for less" in state.error
    assert (state.read, state.stored, state.sequence, state.errors) == (2, 2, 2, 1)
    assert [delivery.id.split()[0] for delivery in lake.deliveries] == ["1", "2"]


async def test_screens_are_told_while_the_store_is_away(
    town, store, scripts, monkeypatch, tmp_path
):
    monkeypatch.setattr(service, "WRITE_EVERY", 0.01)
    clock, place = Hands(), tmp_path / "feeds.json"
    scripts["a"] = asked_by([], clock)

    def fails(states):
        raise OSError("the database is away")

    monkeypatch.setattr(store.feeds, "write", fails)
    async with running(town, store, [feed_of("a")], clock=clock, told=place) as one:
        await rest(one, 1)
        await clock.next()
        await until(lambda: told(place).get("a") and told(place)["a"].succeeded)
        assert told(place)["a"].due == one.states["a"].due


async def test_the_store_is_told_while_nobody_can_write_for_screens(town, store, scripts, tmp_path):
    clock = Hands()
    scripts["a"] = asked_by([], clock)
    nowhere = tmp_path / "gone" / "feeds.json"
    async with running(town, store, [feed_of("a")], clock=clock, told=nowhere) as one:
        await rest(one, 1)
        await clock.next()
        await until(lambda: "a" in store.feeds.read() and store.feeds.read()["a"].read == 1)
