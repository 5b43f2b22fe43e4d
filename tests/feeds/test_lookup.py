"""Servers of names that do not answer: no other feed is delayed, and threads do not pile up."""

from __future__ import annotations

import socket
import threading
from urllib.parse import urlsplit

import pytest
from support import hostile
from support.clock import Hands, until
from support.service import ROW, feed_of, rest, running

from citylib.feeds import connector, service

pytestmark = pytest.mark.anyio
HANGING = 30


@pytest.fixture
def names(monkeypatch):
    """Look-ups of `hang-N.example` hang; says which are under way, and lets them end."""
    go, under_way, real = threading.Event(), [], socket.getaddrinfo

    def getaddrinfo(host, *arguments, **options):
        name = host.decode() if isinstance(host, bytes) else host
        if name.startswith("hang-"):
            under_way.append(name)
            assert go.wait(60)
            raise socket.gaierror(-3, "Temporary failure in name resolution")
        return real("127.0.0.1" if name == "good.example" else host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    yield under_way
    go.set()


async def test_names_that_hang_delay_no_other_feed(town, store, scripts, names, monkeypatch):
    monkeypatch.setattr(service, "WRITE_EVERY", 0.01)
    clock = Hands()
    feeds = [feed_of(f"hang-{n}", timeout=60) for n in range(HANGING)] + [feed_of("good")]
    async with hostile.server() as source:
        source.on("/rows", hostile.reply([ROW]))
        port = urlsplit(source.url).port

        async def asks(request):
            await request.session.get(f"http://{request.feed.id}.example:{port}/rows")
            return [ROW]

        scripts.update({feed.id: asks for feed in feeds})
        async with running(town, store, feeds, clock=clock) as one:
            await rest(one, HANGING + 1)
            for count in (1, 2):
                clock.move(60)
                await until(lambda: len(names) == HANGING)
                await until(lambda count=count: one.states["good"].read == count)
                # The state goes to the store, and a way to the source is looked up anew.
                await until(lambda count=count: store.feeds.read()["good"].read == count)
                await rest(one, 1)
            assert all(one.states[feed.id].errors == 0 for feed in feeds), "they still wait"


async def test_a_name_that_hangs_is_looked_up_once(town, store, scripts, names, monkeypatch):
    monkeypatch.setattr(connector, "ATTEMPTS", 1)
    clock = Hands()
    feeds = [feed_of(f"hang-{n}", timeout=0.05) for n in range(3)]

    async def asks(request):
        await request.session.get(f"http://{request.feed.id}.example/rows")

    scripts.update({feed.id: asks for feed in feeds})
    async with running(town, store, feeds, clock=clock) as one:
        for count in range(5):
            await rest(one, len(feeds))
            assert {state.errors for state in one.states.values()} == {count}
            clock.move(3600)
        await rest(one, len(feeds))
        assert "did not answer within 0.05 s" in one.states["hang-0"].error
        assert sorted(names) == ["hang-0.example", "hang-1.example", "hang-2.example"]
