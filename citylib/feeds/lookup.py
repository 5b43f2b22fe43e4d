"""Addresses of hosts: a look-up that hangs costs its own host a thread, and nobody else anything.

asyncio looks names up in the few threads that the loop has for everything. Half a dozen servers of
names that do not answer would take them all: no other feed would find its source, and what feeds
remember would not be written.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from typing import Any


@contextmanager
def own_lookups(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Within the block, a loop looks names up in threads of their own.

    There is one look-up at a time for a name: who asks while it is under way waits for the same
    one. So there are never more threads than hosts, however often they are asked for.
    """
    under_way: dict[tuple[Any, ...], asyncio.Future[Any]] = {}

    async def getaddrinfo(
        host: Any, port: Any, *, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
    ) -> Any:
        asked = (host, port, family, type, proto, flags)
        if (found := under_way.get(asked)) is None:
            found = under_way[asked] = loop.create_future()
            found.add_done_callback(lambda done: _forget(under_way, asked, done))
            # A stop does not wait for it.
            Thread(target=_look_up, args=(loop, found, asked), daemon=True).start()
        return await asyncio.shield(found)

    usual = loop.getaddrinfo
    loop.getaddrinfo = getaddrinfo  # type: ignore[method-assign]
    try:
        yield
    finally:
        loop.getaddrinfo = usual  # type: ignore[method-assign]


def _look_up(
    loop: asyncio.AbstractEventLoop, found: asyncio.Future[Any], asked: tuple[Any, ...]
) -> None:
    result: Any = None
    fault: Exception | None = None
    try:
        result = socket.getaddrinfo(*asked)
    except Exception as error:
        fault = error

    def tell() -> None:
        if not found.done():
            found.set_exception(fault) if fault else found.set_result(result)

    with suppress(RuntimeError):  # the loop is closed, and nobody waits any more
        loop.call_soon_threadsafe(tell)


def _forget(
    under_way: dict[tuple[Any, ...], asyncio.Future[Any]],
    asked: tuple[Any, ...],
    done: asyncio.Future[Any],
) -> None:
    under_way.pop(asked, None)
    if not done.cancelled():
        done.exception()  # perhaps nobody waits any more who would hear of it
