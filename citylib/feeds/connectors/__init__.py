"""Connectors, one module for each standard; a feed names its module.

A connector is a module with a class `Options` (what `options` in the feed's file may say) and

    async def fetch(request: Request) -> AsyncIterator[Sheet]

which gives the rows of one poll, page by page, and raises `FeedFault` when the source does not
answer as it should. It stores nothing, waits for nothing but its source, and does not repeat
requests: the session does.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import AsyncIterator
from typing import Protocol, cast

from citylib.city.model import Plain
from citylib.feeds.connector import Request
from citylib.lake.sheet import Sheet


class Connector(Protocol):
    """What a module of this package has."""

    Options: type[Plain]

    def fetch(self, request: Request) -> AsyncIterator[Sheet]:
        """Rows of one poll, page by page."""
        ...


def names() -> list[str]:
    """Names of all connectors."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def connector(name: str) -> Connector:
    """The connector of this name.

    Raises
    ------
    KeyError
        There is none.
    """
    if name not in names():
        raise KeyError(name)
    return cast(Connector, importlib.import_module(f"{__name__}.{name}"))
