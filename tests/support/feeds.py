"""Polls of one feed by one connector, for tests."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from citylib.city.feeds import FeedSpec
from citylib.feeds.connector import Request, Session
from citylib.feeds.connectors import connector
from citylib.lake.sheet import Sheet

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
SAMPLES = Path(__file__).parents[1] / "feeds" / "samples"


def sample(name: str) -> bytes:
    """A published sample, from `tests/feeds/samples` or the folder that STANDARDS_SAMPLES names.

    Those that may not be passed on are only in the latter; a test that needs one skips without.
    """
    for folder in (SAMPLES, Path(os.environ.get("STANDARDS_SAMPLES") or SAMPLES)):
        if (folder / name).is_file():
            return (folder / name).read_bytes()
    pytest.skip(f"set STANDARDS_SAMPLES to a folder that has {name}")


def feed(name: str, address: str, **keys: Any) -> FeedSpec:
    """A feed that no profile has."""
    read = {"time": {"header": "time", "formats": "%Y"}, "area": {"level": "city"}, "columns": {}}
    values = {
        "id": "trial",
        "title": {},
        "dataset": "trial",
        "connector": name,
        "address": address,
        "interval": 60,
        "timeout": 5,
        "read": read,
        "path": Path("feeds/trial.toml"),
    }
    return FeedSpec.model_validate(values | keys)


async def poll(
    name: str,
    address: str,
    options: dict[str, Any] | None = None,
    memory: dict[str, str] | None = None,
    key: str | None = None,
    now: datetime = NOW,
    client: httpx.AsyncClient | None = None,
    **keys: Any,
) -> list[Sheet]:
    """All sheets of one poll. `keys` are the feed's own, such as timeout."""
    module = connector(name)
    spec = feed(name, address, **keys)
    own = client or httpx.AsyncClient()
    try:
        session = Session(spec, own, {} if memory is None else memory, key)
        chosen = module.Options.model_validate(options or {})
        request = Request(spec, chosen, session, key, now)
        return [sheet async for sheet in module.fetch(request)]
    finally:
        if client is None:
            await own.aclose()


def column(sheets: list[Sheet], header: str) -> list[str]:
    """What stands under a header, over all sheets; empty where a sheet has no such header."""
    return [
        text
        for sheet in sheets
        for text in (
            sheet.columns[header].to_pylist()
            if header in sheet.columns
            else [""] * len(sheet.lines)
        )
    ]


def reasons(sheets: list[Sheet]) -> list[str]:
    """Why rows are bad, over all sheets."""
    return [reason for sheet in sheets for _, reason in sheet.bad]


def sent(sheet: Sheet) -> list[Any]:
    """All rows of a sheet as they were sent, the bad ones last."""
    lines = [*sheet.lines.tolist(), *(line for line, _ in sheet.bad)]
    return [json.loads(sheet.raw(line)) for line in lines]
