"""Where a task stands still: what a page waits for when it does not come."""

from __future__ import annotations

import asyncio
import gc
import inspect
from typing import Any

KINDS = (("cr_frame", "cr_await"), ("ag_frame", "ag_await"), ("gi_frame", "gi_yieldfrom"))
"""Of a coroutine, an asynchronous generator, a generator: its place, and what it waits for."""


def waits_in(task: asyncio.Task[Any] | None) -> list[str]:
    """The places of a task that waits, outermost first: file, line, and what is called.

    Where one coroutine awaits another, all of them are told, not only the first as by
    `asyncio.Task.get_stack`.

    Examples
    --------
    >>> async def inner():
    ...     await asyncio.sleep(1)
    >>> async def outer():
    ...     task = asyncio.ensure_future(inner())
    ...     await asyncio.sleep(0)
    ...     found = [line.rpartition(" ")[2] for line in waits_in(task)]
    ...     task.cancel()
    ...     return found[:2]
    >>> asyncio.run(outer())
    ['inner', 'sleep']
    """
    found: list[str] = []
    awaited: Any = task.get_coro() if task else None
    while awaited is not None and len(found) < 100:
        # A step of an asynchronous generator does not tell by itself whose it is.
        if type(awaited).__name__.startswith("async_generator_a"):
            awaited = next(filter(inspect.isasyncgen, gc.get_referents(awaited)), None)
        frame, further = next(
            (
                (getattr(awaited, frame), further)
                for frame, further in KINDS
                if hasattr(awaited, frame)
            ),
            (None, ""),
        )
        if not further:
            found.append(repr(awaited)[:200])
            break
        if frame:
            found.append(f"{frame.f_code.co_filename}:{frame.f_lineno} {frame.f_code.co_qualname}")
        awaited = getattr(awaited, further)
    return found
