"""Files in a folder, in object storage, and at an address."""

import asyncio
import gzip
import io
import json
import lzma
import os
import zipfile
from datetime import timedelta

import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import hostile
from support.feeds import NOW, column, feed, poll, reasons
from support.payloads import VALUES, broken, hostile_payloads, written
from support.store import serving

from citylib.feeds.connector import FeedFault
from citylib.feeds.connectors.files import Options, _Read

BEFORE = (NOW - timedelta(hours=1)).timestamp()
ROWS = [{"time": "2026", "place": "Quay", "number": "1"}, {"time": "2026", "place": "강변"}]
CSV = "time,place,number\n2026,Quay,1\n2026,강변,\n".encode()


def reading(format="csv"):
    columns = {"place": "place", "number": "number"}
    time = {"header": "time", "formats": "%Y"}
    area = {"level": "city"}
    return {"format": format, "time": time, "area": area, "columns": columns}


def put(folder, name, data=CSV, changed=BEFORE):
    path = folder / name
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_bytes(data)
    os.utime(path, (changed, changed))
    return path


def polled(address, memory=None, format="csv", keys=(), **options):
    return asyncio.run(
        poll("files", str(address), options, memory, read=reading(format), **dict(keys))
    )


def parquet():
    data = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([{"number": None, **row} for row in ROWS]), data)
    return data.getvalue()


def workbook():
    book, data = openpyxl.Workbook(), io.BytesIO()
    for row in (["time", "place", "number"], ["2026", "Quay", "1"], ["2026", "강변", None]):
        book.active.append(row)
    book.save(data)
    return data.getvalue()


GOOD = {
    "csv": CSV,
    "json": json.dumps(ROWS).encode(),
    "parquet": parquet(),
    "xlsx": workbook(),
}


@pytest.mark.parametrize("format", GOOD)
def test_every_format(tmp_path, format):
    put(tmp_path, f"a.{format}", GOOD[format])
    sheets = polled(tmp_path, format=format)
    assert column(sheets, "place") == ["Quay", "강변"]
    assert column(sheets, "number") == ["1", ""]
    assert sheets[0].file == f"trial/a.{format}"


def test_only_what_is_new_or_has_changed_is_read(tmp_path):
    memory = {}
    put(tmp_path, "a.csv")
    put(tmp_path, "b.csv")
    assert [sheet.file for sheet in polled(tmp_path, memory)] == ["trial/a.csv", "trial/b.csv"]
    assert polled(tmp_path, memory) == []
    put(tmp_path, "b.csv", CSV, BEFORE + 60)  # same size, another time
    put(tmp_path, "c.csv")
    assert [sheet.file for sheet in polled(tmp_path, memory)] == ["trial/b.csv", "trial/c.csv"]
    (tmp_path / "a.csv").unlink()
    assert polled(tmp_path, memory) == []
    assert list(json.loads(memory["files"])) == ["b.csv", "c.csv"]


def test_a_file_that_may_still_be_written_is_left_for_the_next_poll(tmp_path):
    memory = {}
    put(tmp_path, "a.csv", changed=NOW.timestamp() - 5)
    assert polled(tmp_path, memory) == []
    assert column(polled(tmp_path, memory, settle=1), "place") == ["Quay", "강변"]


def test_patterns_and_packing(tmp_path):
    folder = tmp_path / "odd [name]*"
    put(folder, "sub/a.csv.gz", gzip.compress(CSV))
    put(folder, "b.csv")
    put(folder, "c.txt", b"nothing")
    assert [sheet.file for sheet in polled(folder, pattern="**/*.csv*")] == [
        "trial/b.csv",
        "trial/sub/a.csv.gz",
    ]
    assert [sheet.file for sheet in polled(folder, pattern="*.csv")] == ["trial/b.csv"]


@pytest.mark.parametrize("pattern", ["../*", "/etc/*", "a/../../b", "", "a\0"])
def test_a_pattern_stays_below_the_address(pattern):
    with pytest.raises(ValueError, match="below the address"):
        Options(pattern=pattern)


def test_a_link_out_of_the_folder_is_not_followed(tmp_path):
    put(tmp_path, "outside/secret.csv")
    put(tmp_path, "in/a.csv")
    (tmp_path / "in" / "link.csv").symlink_to(tmp_path / "outside" / "secret.csv")
    assert [sheet.file for sheet in polled(tmp_path / "in")] == ["trial/a.csv"]


def test_a_file_that_cannot_be_read_does_not_cost_the_others(tmp_path):
    memory = {}
    put(tmp_path, "a.csv", b"")
    put(tmp_path, "b.csv", b"time,place\n2026,\xff\n")
    put(tmp_path, "c.csv.gz", gzip.compress(CSV)[:-9])
    put(tmp_path, "d.csv")
    sheets = polled(tmp_path, memory)
    assert column(sheets, "place")[-2:] == ["Quay", "강변"]
    assert len(reasons(sheets)) == 3
    assert polled(tmp_path, memory) == []
    put(tmp_path, "a.csv", CSV, BEFORE + 60)
    assert column(polled(tmp_path, memory), "place") == ["Quay", "강변"]


@pytest.mark.parametrize(
    ("keys", "options", "said"),
    [
        ({"max_bytes": 10}, {}, "more than 10 bytes; raise max_bytes"),
        ({}, {"max_files": 1}, "2 files match '*'; raise max_files"),
    ],
)
def test_what_is_more_than_was_meant_is_a_fault(tmp_path, keys, options, said):
    put(tmp_path, "a.csv")
    put(tmp_path, "b.csv")
    with pytest.raises(FeedFault) as caught:
        polled(tmp_path, keys=keys, **options)
    assert said in str(caught.value)


def test_bombs(tmp_path):
    put(tmp_path, "a.csv.gz", gzip.compress(CSV + b"2026,Quay,1\n" * 500_000))
    book = io.BytesIO()
    with zipfile.ZipFile(book, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b" " * 5_000_000)
    put(tmp_path, "b.xlsx", book.getvalue())
    [*_, gz] = polled(tmp_path, pattern="*.gz", max_unpacked=2**20)
    [xlsx] = polled(tmp_path, pattern="*.xlsx", format="xlsx", max_unpacked=2**20)
    assert "more than 1,048,576 bytes when unpacked" in gz.bad[0][1]
    assert "5,000,000 bytes when unpacked" in xlsx.bad[0][1]


def test_what_unpacking_takes_is_bounded(tmp_path):
    packed = bytearray(lzma.compress(CSV, format=lzma.FORMAT_ALONE))
    packed[1:5] = (2**30).to_bytes(4, "little")  # asks for a gigabyte
    put(tmp_path, "a.csv.xz", bytes(packed))
    put(tmp_path, "b.csv.xz", lzma.compress(CSV, preset=9))
    [bad, good] = polled(tmp_path)
    assert "more than 128 MB of memory; pack it with xz -9" in bad.bad[0][1]
    assert column([good], "place") == ["Quay", "강변"]


@pytest.mark.parametrize("nested", [False, True])
def test_a_text_that_parquet_holds_once_may_not_become_more_than_memory_holds(tmp_path, nested):
    index = pa.array(np.zeros(100_000, np.int32))
    column = pa.DictionaryArray.from_arrays(index, pa.array(["x" * 2_000_000]))
    if nested:
        column = pa.ListArray.from_arrays(pa.array(np.arange(100_001, dtype=np.int32)), column)
    data = io.BytesIO()
    pq.write_table(pa.table({"time": index, "place": column, "number": index}), data)
    assert len(data.getvalue()) < 200_000
    put(tmp_path, "a.parquet", data.getvalue())
    [sheet] = polled(tmp_path, format="parquet")
    assert "of its rows have 200,000,000,000 bytes" in sheet.bad[0][1]


@pytest.mark.parametrize("format", ["csv", "json"])
@pytest.mark.parametrize("packed", ["cut.gz", "none.gz", "cut.xz", "none.xz"])
def test_broken_packing_costs_only_its_file(tmp_path, format, packed):
    data = GOOD[format]
    pack = gzip.compress if packed.endswith("gz") else lzma.compress
    put(tmp_path, f"a.{format}.{packed}", data if "none" in packed else pack(data)[:-6])
    put(tmp_path, f"b.{format}", data)
    sheets = polled(tmp_path, format=format)
    assert column(sheets, "place")[-2:] == ["Quay", "강변"]
    [reason] = reasons(sheets)
    assert "fetch it again" in reason


@pytest.mark.parametrize("address", ["nowhere", "ftp://source.example/x", "memory://x"])
def test_an_address_that_cannot_be_read_is_a_fault(address, tmp_path):
    with pytest.raises(FeedFault, match=r"no such folder|can be read"):
        polled(tmp_path / address if "://" not in address else address)


def test_a_file_at_an_address_is_read_when_it_has_changed():
    memory = {}

    async def both():
        async with hostile.server() as source:
            source.on("/d/ä b.csv", hostile.tagged(CSV), hostile.tagged(CSV), hostile.throttled(99))
            ask = ("files", source.url + "/d/%C3%A4%20b.csv", {}, memory)
            first = await poll(*ask, read=reading())
            second = await poll(*ask, read=reading())
            with pytest.raises(FeedFault, match="429"):
                await poll(*ask, read=reading())
            return first, second

    first, second = asyncio.run(both())
    assert (first[0].file, column(first, "place")) == ("trial/ä b.csv", ["Quay", "강변"])
    assert second == []


def test_object_storage(monkeypatch):
    memory = {}
    with serving() as store:
        for name, value in store.environment.items():
            monkeypatch.setenv(name, value)
        client = store.client()
        client.create_bucket(Bucket="incoming")
        for key in ("day/a.csv", "day/b.csv", "day/c.txt", "other.csv"):
            client.put_object(Bucket="incoming", Key=key, Body=CSV)
        ask = ("s3://incoming/day", memory)
        assert [sheet.file for sheet in polled(*ask, pattern="*.csv")] == [
            "trial/a.csv",
            "trial/b.csv",
        ]
        assert polled(*ask, pattern="*.csv") == []
        client.put_object(Bucket="incoming", Key="day/b.csv", Body=CSV + b"2026,Hill,2\n")
        assert column(polled(*ask, pattern="*.csv"), "place") == ["Quay", "강변", "Hill"]
        with pytest.raises(FeedFault, match="no such folder"):
            polled("s3://incoming/nowhere")
        store.refuses = "<Error><Code>AccessDenied</Code></Error>"
        with pytest.raises(FeedFault) as caught:
            polled(*ask)
    assert store.environment["AWS_SECRET_ACCESS_KEY"] not in str(caught.value)


@pytest.mark.parametrize("format", GOOD)
def test_hostile_payloads(format):
    spec = feed("files", "folder", read=reading(format)).read
    read = _Read(spec, Options(max_unpacked=2**24), False)
    kinds = broken(GOOD[format]) | st.binary(max_size=60)
    if format == "json":
        kinds |= st.lists(VALUES, max_size=5).map(written)

    @hostile_payloads
    @given(kinds)
    def holds(data):
        for sheet in read.sheets(f"a.{format}", io.BytesIO(data)):
            for values in sheet.columns.values():
                assert len(values) == len(sheet.lines)
                values.validate(full=True)
            for line in [*sheet.lines.tolist(), *(line for line, _ in sheet.bad)]:
                sheet.raw(line).encode()

    holds()
