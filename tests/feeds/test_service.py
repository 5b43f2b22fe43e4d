"""When feeds are asked, whatever others do: on their interval, less and less if they fail."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from itertools import pairwise

import pytest
from support.clock import NOON, Hands, until
from support.service import ROW, asked_by, feed_of, rest, running

from citylib.city.profile import load_city
from citylib.feeds import schedule, service
from citylib.feeds.connector import FeedFault

pytestmark = pytest.mark.anyio


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
        # Up to a hundredth of an interval before its moment counts as that moment.
        assert timedelta(0) < due - clock.now() <= timedelta(seconds=60.6)
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
