"""The queue of one viewer."""

from __future__ import annotations

import asyncio
import json

from citylib.cameras.gateway import viewer as viewers
from citylib.cameras.gateway.viewer import Viewer


class Network:
    """Takes messages while it is let."""

    def __init__(self):
        self.took = []
        self.free = asyncio.Event()
        self.free.set()

    async def write(self, message):
        await self.free.wait()
        self.took.append(json.loads(message)["type"] if isinstance(message, str) else message)


async def settle():
    for _ in range(20):
        await asyncio.sleep(0)


def test_who_is_too_slow_misses_pictures_up_to_the_next_key_frame_and_memory_is_bounded():
    async def run():
        network = Network()
        one = Viewer(network.write, lambda: None)
        one.begin({"type": "stream"}, [b"K0"], False)
        await settle()
        network.free.clear()
        for number in range(viewers.MOST_PICTURES * 5):
            one.push(b"p%d" % number, False)
        assert one.left_out > viewers.MOST_PICTURES * 3
        one.push(b"K1", True)
        one.push(b"p-last", False)
        network.free.set()
        await settle()
        assert network.took[:2] == ["stream", b"K0"]
        # One message was on its way; then the gap is told, and a key frame begins anew.
        assert network.took[-2:] == ["skipped", b"K1p-last"]
        one.close()

    asyncio.run(run())


def test_of_pictures_that_stand_for_themselves_only_the_newest_waits():
    async def run():
        network = Network()
        one = Viewer(network.write, lambda: None)
        one.begin({"type": "stream"}, [], True)
        await settle()
        network.free.clear()
        one.push(b"a", True)
        await settle()
        for picture in (b"b", b"c", b"d"):
            one.push(picture, True)
        network.free.set()
        await settle()
        assert network.took == ["stream", b"a", b"d"]
        one.close()

    asyncio.run(run())


def test_who_takes_nothing_at_all_is_lost_once(monkeypatch):
    async def run():
        monkeypatch.setattr(viewers, "STUCK", 0.05)
        network, lost = Network(), []
        network.free.clear()
        one = Viewer(network.write, lambda: lost.append(1))
        one.tell({"type": "state"})
        async with asyncio.timeout(5):
            while not lost:
                await asyncio.sleep(0.01)
        one.push(b"x", True)
        await asyncio.sleep(0.1)
        assert lost == [1]

    asyncio.run(run())
