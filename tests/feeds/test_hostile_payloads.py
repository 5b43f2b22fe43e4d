"""Whatever a source sends: a fault or a page, and on a page every row that was sent."""

import json
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.feeds import SAMPLES
from support.payloads import VALUES, broken, hostile_payloads, mutated, payloads, written

from citylib.feeds.connector import FeedFault
from citylib.feeds.connectors import (
    ckan,
    gbfs,
    ngsi_ld,
    open311,
    sensorthings,
    seoul_openapi,
    socrata,
)
from citylib.feeds.payload import json_of
from citylib.feeds.rows import Page

SOURCE = "https://source.example/rows"
ROW = {
    "id": "urn:1",
    "type": "Noise",
    "@iot.id": 1,
    ":updated_at": "2026-05-01T00:00:00.000Z",
    "phenomenonTime": "2026-05-01T00:00:00Z/2026-05-01T01:00:00Z",
    "service_request_id": "7",
    "station_id": "1",
    "name": [{"text": "Quay", "language": "en"}],
    "at": {"type": "Point", "coordinates": [1.5, 2]},
    "area": {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]},
}
XML = (
    b"<?xml version='1.0' encoding='utf-8'?><service_requests><request><service_request_id>7"
    b"</service_request_id><lat>1.5</lat><notes a='b'><note>x</note><note>y</note></notes>"
    b"</request><request/></service_requests>"
)


def gbfs_page(url: str, data: bytes) -> Page:
    return gbfs.read_page(url, data, "station_status", "en", {"1": {"name": "Quay"}, "2": None})[0]


def gbfs_envelope(rows: list[Any]) -> Any:
    return {"last_updated": 1, "ttl": 0, "version": "3.0", "data": {"stations": rows}}


def samples_of(folder: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted((SAMPLES / folder).iterdir())]


CONNECTORS = {
    "seoul_openapi": (
        seoul_openapi.read_page,
        lambda rows: {"Air": {"list_total_count": 9, "RESULT": {"CODE": "INFO-000"}, "row": rows}},
        [b"<RESULT><CODE>INFO-100</CODE><MESSAGE><![CDATA[x]]></MESSAGE></RESULT>"],
    ),
    "ckan": (
        ckan.read_page,
        lambda rows: {"success": True, "result": {"records": rows, "total": 5, "limit": 9}},
        [],
    ),
    "socrata": (
        partial(socrata.read_page, incremental=True),
        lambda rows: rows,
        samples_of("socrata"),
    ),
    "open311": (open311.read_page, lambda rows: rows, [XML]),
    "sensorthings": (
        partial(sensorthings.read_page, time="phenomenonTime"),
        lambda rows: {"value": rows, "@iot.nextLink": "https://x/y", "@iot.count": 9},
        [],
    ),
    "ngsi_ld": (
        ngsi_ld.read_page,
        lambda rows: {"type": "FeatureCollection", "features": rows},
        samples_of("ngsi_ld"),
    ),
    "gbfs": (gbfs_page, gbfs_envelope, samples_of("gbfs")),
}


def check(page: Page) -> None:
    """Every row that was sent is on the sheet, good or bad, and can be written down."""
    sheet = page.sheet
    good, bad = sheet.lines.tolist(), [line for line, _ in sheet.bad]
    assert len(good) + len(bad) == len(page.rows)
    assert sorted(good + bad) == list(range(1, len(page.rows) + 1))
    for header, column in sheet.columns.items():
        header.encode()
        assert len(column) == len(good)
        column.validate(full=True)
    for _, reason in sheet.bad:
        reason.encode()
    raws = [sheet.raw(line) for line in good + bad]
    "".join(raws).encode()
    assert sorted(raws) == sorted(raw_of(row) for row in page.rows)


def raw_of(row: Any) -> str:
    text = json.dumps(row, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(row)
    return text


def page_or_fault(read: Any, data: bytes) -> tuple[Page | None, str]:
    """Anything else that may come of it is what these tests look for."""
    try:
        return read(SOURCE, data), ""
    except FeedFault as fault:
        return None, str(fault)


@pytest.mark.parametrize("name", CONNECTORS)
def test_hostile_payloads(name):
    read, envelope, samples = CONNECTORS[name]
    kinds = payloads([written(envelope([ROW, ROW])), *samples], envelope)

    @hostile_payloads
    @given(kinds)
    def holds(data):
        page, fault = page_or_fault(read, data)
        if page:
            check(page)
        else:
            fault.encode()
            assert SOURCE in fault

    holds()


@pytest.mark.parametrize("name", CONNECTORS)
def test_every_row_that_was_sent_is_on_the_sheet(name):
    read, envelope, _ = CONNECTORS[name]

    @hostile_payloads
    @given(st.lists(VALUES | mutated(ROW) | st.just(ROW), max_size=8))
    def holds(rows):
        page, fault = page_or_fault(read, written(envelope(rows)))
        if page:
            assert raw_of(page.rows) == raw_of(json_of(SOURCE, written(rows)))
            check(page)
        else:
            # Only rows that stand for an error, or that are deeper than any record, may do this.
            assert "says no" in fault or "beyond" in fault

    holds()


@hostile_payloads
@given(broken(written(gbfs_envelope([ROW]))), broken(written({"a": 1})))
def test_files_that_lead_to_others(stations, index):
    for read, data in ((gbfs.stations_of, stations), (gbfs.addresses, index)):
        page_or_fault(read, data)[1].encode()
