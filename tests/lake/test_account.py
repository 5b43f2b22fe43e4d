"""Laws of the account, for whatever is delivered in whatever order."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.port import HEADER, build_port, write

from citylib.lake import Lake
from citylib.lake.files import read_sheets

WHEN = st.sampled_from(
    ["2022-01-05 07:00", "2022-01-05 24:00", "2022-03-27 02:30", "2022-02-30 01:00", "25:61", ""]
)
AREA = st.sampled_from(["East", "Ouest", "9w", "North", ""])
GATE = st.sampled_from(["A", "B", ""])
NUMBER = st.sampled_from(["0", "3", "3.0", "-1", "many", "", "1,5"])
ROW = st.tuples(WHEN, AREA, GATE, NUMBER, st.sampled_from(["1", "-", "x"])).map(
    lambda row: ",".join(row) + "\n"
)
ODD = st.sampled_from(["\n", '"\n', "a,b\n", ",,,,,,,\n", '2022-01-05 07:00,East,"A",1,1\n'])
ANYTHING = st.text(st.characters(codec="utf-8"), max_size=40)
DELIVERIES = st.lists(st.lists(st.one_of(ROW, ROW, ODD), min_size=1, max_size=8), max_size=4)
quick = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def port(folder: str) -> Lake:
    return Lake(str(Path(folder) / "lake"), build_port(Path(folder) / "profile"))


def account(report):
    assert report.read == report.stored + report.duplicate + report.set_aside
    return report


def contents(lake):
    if not lake.datasets():
        return []
    names = ["time", "area", "gate", "n", "speed"]
    return sorted(map(str, lake.table("counts").read(names).to_pylist()))


def state(lake):
    aside = lake.set_aside("counts").to_pylist()
    return contents(lake), sorted(map(str, aside))


@quick
@given(DELIVERIES)
def test_every_record_is_accounted_for(deliveries):
    with tempfile.TemporaryDirectory() as folder:
        lake = port(folder)
        stored = 0
        for number, rows in enumerate(deliveries):
            write(lake.city.folder, {f"records/counts/{number}.csv": HEADER + "".join(rows)})
            report = account(lake.load("counts"))
            stored += report.stored
            aside = lake.set_aside("counts")["records"].to_pylist()
            assert sum(aside) == report.set_aside
            # Each late record stands for one that was there before.
            corrections = lake.table("counts").late if lake.datasets() else 0
            assert len(contents(lake)) == stored - corrections
        before = state(lake)
        again = account(lake.load("counts"))
        assert again.stored == 0
        assert state(lake) == before


@quick
@given(DELIVERIES)
def test_one_load_or_many_end_with_the_same_keys(deliveries):
    """What is stored does not depend on how the rows were cut into deliveries."""

    def keys(lake):
        if not lake.datasets():
            return []
        return sorted(map(str, lake.table("counts").read(["time", "gate"]).to_pylist()))

    files = {
        f"records/counts/{number}.csv": HEADER + "".join(rows)
        for number, rows in enumerate(deliveries)
    }
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as many:
        whole, pieces = port(one), port(many)
        write(whole.city.folder, files)
        account(whole.load("counts"))
        for name in reversed(files):
            write(pieces.city.folder, {name: files[name]})
            account(pieces.load("counts"))
        assert keys(whole) == keys(pieces)


@quick
@given(st.lists(ANYTHING, min_size=1, max_size=6))
def test_no_text_is_too_odd(lines):
    """Any text is read, set aside or refused; nothing else happens."""
    with tempfile.TemporaryDirectory() as folder:
        lake = port(folder)
        text = HEADER + "\n".join(lines) + "\n2022-01-05 07:00,East,Z,1,1\n"
        write(lake.city.folder, {"records/counts/a.csv": text})
        report = account(lake.load("counts"))
        assert report.failures or report.stored >= 1 or report.set_aside >= 1


@quick
@given(st.binary(max_size=200))
def test_no_bytes_are_too_odd(data):
    with tempfile.TemporaryDirectory() as folder:
        lake = port(folder)
        path = lake.city.folder / "records" / "counts" / "a.csv"
        path.parent.mkdir(parents=True)
        path.write_bytes(data)
        report = account(lake.load("counts"))
        assert len(report.failures) + report.files == 1


@quick
@given(st.lists(st.lists(st.text(st.sampled_from('ab, "\n'), max_size=4), min_size=5, max_size=5)))
def test_quoted_fields_come_back_as_they_were(rows):
    """Fields that are quoted as CSV asks are read back, line breaks as spaces."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["when", "district", "gate", "n", "speed"])
    writer.writerows([["x", *row[1:]] for row in rows])
    with tempfile.TemporaryDirectory() as folder:
        source = build_port(Path(folder)).datasets["counts"].read[0]
        if not rows:
            return
        data = io.BytesIO(stream.getvalue().encode())
        (sheet,) = read_sheets(Path("a.csv"), source, data, whole=True)
        read = list(zip(*(column.to_pylist() for column in sheet.columns.values()), strict=True))
        wanted = [tuple(cell.replace("\n", "\v") for cell in ["x", *row[1:]]) for row in rows]
        assert read == wanted
        assert sheet.bad == []
