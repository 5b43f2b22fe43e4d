"""Rows of a Socrata data set."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from support import hostile
from support.feeds import NOW, column, poll, reasons, sample

from citylib.feeds.connector import FeedFault
from citylib.feeds.connectors.socrata import read_page

PATH = "/resource/abcd-1234.json"


def stamp(minute):
    return f"2026-05-01T10:{minute:02d}:00.000Z"


class Portal:
    """A data set whose rows are changed while it is polled; its clock stands at 11:00."""

    def __init__(self, count):
        self.rows = [
            {":id": f"row-{n}", ":updated_at": stamp(n), "n": str(n)} for n in range(count)
        ]
        self.clock = datetime(2026, 5, 1, 11, tzinfo=UTC)

    def __call__(self, asked):
        where = asked.query.get("$where", "")
        since = where.split("'")[1] if "'" in where else ""
        known = [row for row in self.rows if row[":updated_at"] > since]
        start, size = int(asked.query["$offset"]), int(asked.query["$limit"])
        part = known[start : start + size]
        if ":*" not in asked.query.get("$select", ""):
            part = [{"n": row["n"]} for row in part]
        return hostile.reply(part, Date=format_datetime(self.clock, usegmt=True))


def polled(answer, memory=None, key=None, **options):
    async def run():
        async with hostile.server() as source:
            source.on(PATH, answer)
            kept = {} if memory is None else memory
            own = {"page_size": 10} | options
            return await poll("socrata", source.url + PATH, own, kept, key), source

    return asyncio.run(run())


def test_all_rows_in_pages_of_a_fixed_order():
    sheets, source = polled(Portal(25), key="token", where="n > 1")
    assert column(sheets, "n") == [str(n) for n in range(25)]
    assert {asked.query["$order"] for asked in source.asked} == {":id"}
    assert source.asked[0].headers["x-app-token"] == "token"
    assert source.asked[0].query["$where"] == "(n > 1)"


def test_only_what_has_changed_since():
    portal, memory = Portal(25), {}
    assert len(column(polled(portal, memory, incremental=True)[0], "n")) == 25
    assert memory["updated_at"] == "2026-05-01T10:24:00+00:00"
    assert polled(portal, memory, incremental=True)[0] == []
    portal.rows[3] |= {":updated_at": stamp(40), "n": "changed"}
    assert column(polled(portal, memory, incremental=True)[0], "n") == ["changed"]


def test_what_is_changed_behind_the_reader_is_asked_for_again():
    portal, memory = Portal(20), {}
    portal.clock = datetime(2026, 5, 1, 10, 15, tzinfo=UTC)
    polled(portal, memory, incremental=True)
    assert memory["updated_at"] == "2026-05-01T10:05:00+00:00"


def test_a_time_to_come_does_not_silence_the_feed():
    portal, memory = Portal(2), {}
    portal.rows[1][":updated_at"] = "2190-01-01T00:00:00.000Z"
    polled(portal, memory, incremental=True)
    assert memory["updated_at"] == "2026-05-01T10:50:00+00:00"


def test_what_is_not_known_of_the_cursor_is_asked_for_anew():
    sheets, source = polled(Portal(3), {"updated_at": "yesterday"}, incremental=True)
    assert len(column(sheets, "n")) == 3
    assert "$where" not in source.asked[0].query
    since = NOW - timedelta(days=400)
    _, source = polled(Portal(3), {}, incremental=True, since=since)
    assert "2025-03-27T12:00:00.000Z" in source.asked[0].query["$where"]


def test_a_row_that_does_not_say_when_it_was_updated_is_bad_when_that_matters():
    rows = json.dumps([{"n": 1}, {"n": 2, ":updated_at": stamp(1)}]).encode()
    assert reasons([read_page("here", rows, incremental=True).sheet]) == ["no time in :updated_at"]
    assert reasons([read_page("here", rows).sheet]) == []


def test_nested_values_have_dotted_headers():
    rows = b'[{"at": {"type": "Point", "coordinates": [1.5, 2]}, "line": [[1, 2], [3, 4]]}]'
    columns = read_page("here", rows).sheet.columns
    assert {name: column.to_pylist() for name, column in columns.items()} == {
        "at.type": ["Point"],
        "at.coordinates.0": ["1.5"],
        "at.coordinates.1": ["2"],
        "line": ["[[1, 2], [3, 4]]"],
    }


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ({"message": "You must be logged in", "error": True}, "says no: You must"),
        ({"code": "query.soql", "message": "no column"}, "query.soql: no column"),
        ({"Rows Created": 2}, "a list of rows"),
        ("", "nothing at all"),
    ],
)
def test_what_is_no_page_is_a_fault(page, said):
    with pytest.raises(FeedFault, match=said):
        polled(hostile.reply(page))


def test_a_source_that_does_not_page_is_found_out():
    with pytest.raises(FeedFault, match="the same 10 rows"):
        polled(hostile.reply([{"n": n} for n in range(10)]))


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("bike_counts_page_1.json", 1000),
        ("bike_counts_page_2.json", 1),
        ("get_songs.txt", 10),
        ("get_songs_unicode.txt", 10),
    ],
)
def test_published_samples(name, count):
    page = read_page("here", sample(f"socrata/{name}"))
    assert (len(page.sheet.lines), page.sheet.bad) == (count, [])


@pytest.mark.parametrize(
    "name", ["403_response_json.txt", "empty.txt", "replace_songs.txt", "nondatasetfile.zip"]
)
def test_published_samples_that_hold_no_rows(name):
    with pytest.raises(FeedFault):
        read_page("here", sample(f"socrata/{name}"))
