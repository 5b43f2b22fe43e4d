"""Timetables in GTFS Schedule."""

import asyncio
import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import hostile
from support.feeds import column, feed, poll, sample
from support.payloads import TEXTS, broken, hostile_payloads

from citylib.feeds.connector import FeedFault
from citylib.feeds.connectors.gtfs import Options, read_table

READ = {
    "time": {"header": "published", "formats": "%Y-%m-%d %H:%M:%S"},
    "area": {"level": "city"},
    "columns": {"stop": "stop_id", "name": "stop_name", "arrival": "arrival_time"},
}
READING = feed("gtfs", "https://source.example/gtfs.zip", read=READ).read
STOPS = '\ufeffstop_id,stop_name,stop_lat\r\n1,"Quay, north",1.5\r\n2,강변,2\r\n'
FILES = {
    "agency.txt": "agency_name\nTram\n",
    "routes.txt": "route_id,route_type\n1,0\n",
    "trips.txt": "route_id,service_id,trip_id\n1,1,1\n",
    "stop_times.txt": "trip_id,stop_sequence,stop_id,arrival_time\n1,1,1,25:10:00\n",
    "stops.txt": STOPS,
    "calendar.txt": "service_id,start_date,end_date\n1,20260101,20261231\n",
}


def zipped(files=FILES, **changed):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in {
            **files,
            **{f"{key}.txt": text for key, text in changed.items()},
        }.items():
            info = zipfile.ZipInfo(name, (2026, 5, 1, 12, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            if text is not None:
                archive.writestr(info, text)
    return data.getvalue()


def table(data, name="stops", whole=True, **options):
    return list(read_table("here", data, READING, Options(table=name, **options), whole))


@pytest.mark.parametrize("whole", [True, False])
def test_a_table_with_a_mark_of_byte_order(whole):
    sheets = table(zipped(), whole=whole)
    assert column(sheets, "stop_id") == ["1", "2"]
    assert column(sheets, "stop_name") == ["Quay, north", "강변"]
    assert column(sheets, "published") == ["2026-05-01 12:00:00"] * 2
    assert column(table(zipped(), "stop_times", whole), "arrival_time") == ["25:10:00"]


@pytest.mark.parametrize(
    ("data", "name", "said"),
    [
        (zipped(trips=None, calendar=None), "stops", "no trips.txt, calendar.txt or calendar_"),
        (zipped(), "shapes", "has no shapes.txt; tables are agency, calendar, routes, stop_times"),
        (zipped(stops="stop_name\nQuay\n"), "stops", "stops.txt has no column stop_id"),
        (zipped(stops=""), "stops", "stops.txt: the file is empty"),
        (zipped(stops=b"stop_id\n\xff\n"), "stops", "not in the encoding"),
        (zipped({f"gtfs/{name}": text for name, text in FILES.items()}), "stops", "'gtfs/agency"),
        (b"<html>", "stops", "no ZIP archive"),
        (b"", "stops", "no ZIP archive"),
        (zipped()[:-30], "stops", "no ZIP archive"),
    ],
)
def test_what_is_no_timetable_is_a_fault(data, name, said):
    with pytest.raises(FeedFault) as caught:
        table(data, name)
    assert said in str(caught.value)
    assert "here" in str(caught.value)


def test_a_row_of_too_few_fields_is_bad():
    [sheet] = table(zipped(stops="stop_id,stop_name\n1\n2,Quay\n"))
    assert sheet.bad == [(2, "1 fields where there should be 2")]


def test_a_bomb_is_not_unpacked():
    bomb = zipped(stops="stop_id\n" + "1\n" * 5_000_000)
    assert len(bomb) < 100_000
    with pytest.raises(FeedFault, match="raise max_unpacked"):
        table(bomb, max_unpacked=2**20)


def test_a_table_that_lies_about_its_size_ends_there():
    data = zipped(stops="stop_id\n" + "1\n" * 1_000_000)
    size = (2_000_008).to_bytes(4, "little")
    assert data.count(size) == 2
    with pytest.raises(FeedFault, match=r"stops\.txt: cannot be unpacked"):
        table(data.replace(size, (1000).to_bytes(4, "little")), max_unpacked=2**20)


def test_an_archive_of_too_many_files_is_not_opened():
    with pytest.raises(FeedFault, match="more than 10,000 files"):
        table(zipped() + b"PK\x01\x02" * 10_001)


def test_an_encrypted_table_is_a_fault():
    data = bytearray(zipped())
    for mark, place in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        at = -1
        while (at := data.find(mark, at + 1)) >= 0:
            data[at + place] |= 1
    with pytest.raises(FeedFault, match="cannot be unpacked"):
        table(bytes(data))


def test_an_archive_that_has_not_changed_is_not_read_again():
    memory = {}

    async def run():
        async with hostile.server() as source:
            source.on("/gtfs.zip", hostile.tagged(zipped()))
            ask = ("gtfs", source.url + "/gtfs.zip", {"table": "stops"}, memory)
            return await poll(*ask, read=READ), await poll(*ask, read=READ)

    first, second = asyncio.run(run())
    assert column(first, "stop_id") == ["1", "2"]
    assert second == []


@pytest.mark.parametrize("name", ["../stops", "Stops", "", "stops.txt"])
def test_a_table_is_a_name(name):
    with pytest.raises(ValueError, match="validation error"):
        Options(table=name)


ROWS = st.lists(TEXTS, max_size=6).map(
    lambda texts: zipped(stops=("stop_id,x\n" + "\n".join(texts)).encode("utf-8", "replace"))
)


@hostile_payloads
@given(broken(zipped()) | st.binary(max_size=60) | ROWS)
def test_hostile_payloads(data):
    fault = ""
    sheets = []
    try:
        sheets = table(data)
    except FeedFault as error:
        fault = str(error)
    assert bool(sheets) != bool(fault)
    for sheet in sheets:
        for values in sheet.columns.values():
            values.validate(full=True)
            assert len(values) == len(sheet.lines)
        for line in [*sheet.lines.tolist(), *(line for line, _ in sheet.bad)]:
            sheet.raw(line).encode()


@pytest.mark.parametrize(
    ("name", "rows"),
    [("bullrunner-gtfs", 473), ("cairns_gtfs", 37_790), ("sample-feed-1", 15)],
)
def test_published_samples(name, rows):
    sheets = table(sample(f"gtfs/{name}.zip"), "stop_times")
    assert sum(len(sheet.lines) for sheet in sheets) == rows
