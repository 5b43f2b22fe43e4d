"""Files in pieces: whatever the size of the pieces, the rows are the same, and memory is flat."""

from __future__ import annotations

import gzip
import io
import json
import lzma
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from citylib.city.mapping import Reading
from citylib.lake import files, text
from citylib.lake.errors import FileFault
from citylib.lake.files import read_sheets
from citylib.lake.sheet import together

RULES = {
    "time": {"header": "when", "formats": "%Y"},
    "area": {"level": "district", "header": "area"},
    "columns": {"n": "n"},
}


def reading(**more):
    return Reading.model_validate({**RULES, **more})


def rows(sheets):
    """Line, cells and raw text of each row, and the bad ones."""
    sheets = list(sheets)
    whole = together(sheets)
    names = [name for name in ("when", "area", "n") if name in whole.columns]
    cells = zip(*(whole.columns[name].to_pylist() for name in names), strict=True)
    lines = whole.lines.tolist()
    every = {line for line, _ in whole.bad} | set(lines)
    return (
        list(zip(lines, cells, strict=True)),
        sorted(whole.bad),
        {line: whole.raw(line) for line in every},
    )


def read(data, size, **more):
    """Rows of bytes, read in blocks of some size; or the fault, without its place."""
    before, text.BLOCK = text.BLOCK, size
    try:
        return rows(read_sheets(Path("a.csv"), reading(**more), io.BytesIO(data)))
    except FileFault as fault:
        return str(fault).split(" fails at byte")[0]
    finally:
        text.BLOCK = before


LINE = st.one_of(
    st.lists(st.text(st.sampled_from("ab 가"), max_size=3), min_size=3, max_size=3).map(",".join),
    st.lists(
        st.text(st.sampled_from('a,\n"'), max_size=4).map(
            lambda cell: '"' + cell.replace('"', '""') + '"'
        ),
        min_size=3,
        max_size=3,
    ).map(",".join),
    st.text(st.sampled_from('ab",\t '), max_size=8),
    st.sampled_from(["", ",,", '"', '2020,x"y,"z', 'a,"b\nc,d', "1,2,3,4", "1,2,3,", '1,5" x,3']),
)


@settings(max_examples=400, deadline=None)
@given(
    st.lists(LINE, max_size=40),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["", "\n"]),
    st.integers(1, 40),
    st.booleans(),
)
@example(['2020,x"y,"z', "2020,a,1"], "\n", "\n", 25, True)
@example(['2020,"x', *["2020,a,1"] * 18, 'y",1', "2020,b,2"], "\n", "", 7, True)
def test_pieces_of_any_size_give_the_same_rows(lines, end, last, size, quoting):
    data = ("when,area,n" + end + end.join(lines) + last).encode()
    whole = read(data, 1 << 20, quoting=quoting)
    assert read(data, size, quoting=quoting) == whole
    assert "quotes are not closed" not in whole


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60), st.integers(1, 20))
def test_bytes_of_any_kind(data, size):
    for encodings in (["utf-8-sig"], ["utf-8", "cp949"], ["utf-16", "latin-1"]):
        whole = b"when,area,n\n" + data
        assert read(whole, size, encodings=encodings) == read(whole, 1 << 20, encodings=encodings)


@pytest.mark.parametrize("size", [1, 3, 1 << 20])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949", "utf-16", "johab"])
def test_encodings(encoding, size):
    lines = [f"20{n:02d},강남{n},{n}" for n in range(40)]
    data = "\r\n".join(["when,area,n", *lines]).encode(encoding)
    found, bad, raw = read(data, size, encodings=["ascii", encoding])
    assert [cells for _, cells in found] == [tuple(line.split(",")) for line in lines]
    assert [line for line, _ in found] == list(range(2, 42))
    assert (bad, raw[41]) == ([], lines[-1])


def test_where_the_text_is_wrong_is_said():
    data = b"when,area,n\n" + b"2020,a,1\n" * 9 + b"2020,\xff,1\n"
    with pytest.raises(FileFault, match="utf-8-sig fails at byte 98"):
        list(read_sheets(Path("a.csv"), reading(), io.BytesIO(data)))


def test_a_line_whose_quote_stays_open_costs_that_line():
    data = b'when,area,n\n2020,a,1\n2020,x"y,"z\n2020,b,2\n2020,c,"3\n2020,5" d,4,4\n2020,e,5\n'
    found, bad, raw = read(data, 1 << 20)
    assert [cells[1] for _, cells in found] == ["a", "b", "e"]
    assert bad == [(n, "a quote is not closed") for n in (3, 5, 6)]
    assert raw[3] == '2020,x"y,"z'


def test_only_what_the_mapping_speaks_of_is_read():
    data = b"when,other,area,n\n2020,x,a,1\n"
    (sheet,) = read_sheets(Path("a.csv"), reading(), io.BytesIO(data))
    assert list(sheet.columns) == ["when", "area", "n"]
    assert sheet.headers == ("when", "other", "area", "n")
    (sheet,) = read_sheets(Path("a.csv"), reading(), io.BytesIO(data), whole=True)
    assert list(sheet.columns) == ["when", "other", "area", "n"]


@pytest.mark.parametrize("pack", [lzma.compress, gzip.compress, bytes], ids=["xz", "gz", "plain"])
def test_a_path_or_a_stream(tmp_path, pack):
    name = {"compress": "a.csv.xz", "bytes": "a.csv"}.get(pack.__name__, "a.csv")
    name = "a.csv.gz" if pack is gzip.compress else name
    data = pack(b"when,area,n\n2020,a,1\n")
    (tmp_path / name).write_bytes(data)
    stream = io.BytesIO(data)
    wanted = rows(read_sheets(tmp_path / name, reading()))
    assert rows(read_sheets(Path(name), reading(), stream)) == wanted
    assert not stream.closed
    assert wanted[0] == [(2, ("2020", "a", "1"))]


@pytest.mark.parametrize("name", ["a.csv.xz", "a.csv.gz"])
def test_half_a_compressed_file(name):
    pack = lzma.compress if name.endswith("xz") else gzip.compress
    data = pack(b"when,area,n\n" + np.random.default_rng(0).bytes(9999).hex().encode())
    with pytest.raises(FileFault, match="cannot be decompressed"):
        list(read_sheets(Path(name), reading(), io.BytesIO(data[: len(data) // 2])))


def test_a_file_without_line_breaks_is_no_table(monkeypatch):
    monkeypatch.setattr(text, "LONGEST", 1000)
    monkeypatch.setattr(text, "BLOCK", 100)
    with pytest.raises(FileFault, match="a line of more than"):
        list(read_sheets(Path("a.csv"), reading(), io.BytesIO(b"x" * 5000)))


def test_what_must_be_read_as_a_whole_may_be_too_large(monkeypatch):
    monkeypatch.setattr(files, "LARGEST", 1000)
    data = b"when,area,n\n" + b"2020,a,1\n" * 200
    with pytest.raises(FileFault, match=r"only be read as a whole; divide"):
        list(read_sheets(Path("a.csv"), reading(), io.BytesIO(data), whole=True))
    assert len(list(read_sheets(Path("a.csv"), reading(), io.BytesIO(data)))) == 1
    with pytest.raises(FileFault, match="as a whole"):
        list(read_sheets(Path("a.json"), reading(format="json"), io.BytesIO(data)))


def test_a_caller_may_stop_at_any_time(monkeypatch):
    monkeypatch.setattr(text, "BLOCK", 100)
    data = b"when,area,n\n" + b"2020,a,1\n" * 200
    sheets = read_sheets(Path("a.csv"), reading(), io.BytesIO(data))
    assert next(sheets).lines[0] == 2
    sheets.close()


def test_a_fault_comes_after_the_sheets_before_it(monkeypatch):
    monkeypatch.setattr(text, "BLOCK", 100)
    data = b"when,area,n\n" + b"2020,a,1\n" * 50 + b"\xff\n"
    sheets = read_sheets(Path("a.csv"), reading(), io.BytesIO(data))
    assert next(sheets).lines[0] == 2
    with pytest.raises(FileFault, match="byte 462"):
        list(sheets)


FLAT = """
import io, resource, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_files import reading
from citylib.lake.files import read_sheets

class Endless(io.RawIOBase):
    left = int(sys.argv[2]) << 20
    begun = False
    def readable(self): return True
    def seekable(self): return True
    def seek(self, place, whence=0): self.left, self.begun = int(sys.argv[2]) << 20, False; return 0
    def readinto(self, buffer):
        if not self.begun:
            self.begun = True
            buffer[:12] = b"when,area,n\\n"
            return 12
        piece = b"2020,district,12\\n" * (len(buffer) // 17)
        buffer[:len(piece)] = piece
        self.left -= len(piece)
        return len(piece) if self.left > 0 else 0

count = sum(len(sheet.lines) for sheet in read_sheets(Path("a.csv"), reading(), Endless()))
print(count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_does_not_grow_with_the_file():
    found = []
    for megabytes in (50, 400):
        command = [sys.executable, "-c", FLAT, str(Path(__file__).parent), str(megabytes)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        count, kilobytes = map(int, done.stdout.split())
        assert count > megabytes * 58_000
        found.append(kilobytes)
    assert found[1] < found[0] + 100_000


def test_nested_json_has_dotted_headers():
    data = json.dumps([{"when": 2020, "at": {"lat": 1.5}}, 7]).encode()
    (sheet,) = read_sheets(Path("a.json"), reading(format="json"), io.BytesIO(data))
    assert sheet.columns["at.lat"].to_pylist() == ["1.5"]
    assert sheet.bad == [(2, "not a record")]
