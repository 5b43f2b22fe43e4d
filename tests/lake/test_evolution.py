"""A profile that changes: a new column is added, another type is refused, feeds' records stay."""

import pytest
from support.port import COUNTS, HEADER, build_port, write

from citylib.lake import Delivery, Lake, SchemaChanged
from citylib.lake.sheet import sheet_of

NOTE = """
[[column]]
name = "note"
type = "string"
title = { fr = "Remarque", en = "Note" }
units = ""

[[read]]
"""
WITH_NOTE = COUNTS.replace("[[read]]\n", NOTE) + 'note = "note"\n'
ROW = {"when": "2022-01-05 07:00", "district": "East", "gate": "A", "n": 3, "speed": 1}


@pytest.fixture
def port(tmp_path):
    def port(counts=COUNTS):
        city = build_port(tmp_path / "profile", {"datasets/counts.toml": counts})
        return Lake(str(tmp_path / "lake"), city)

    return port


def deliver(lake, name, *rows):
    reading = lake.city.datasets["counts"].read[0]
    return lake.deliver("counts", Delivery(name, [(sheet_of(name, rows), reading)], "gates"))


def rows(lake, *columns):
    return sorted(lake.table("counts").read(list(columns)).to_pylist(), key=str)


@pytest.mark.parametrize("compacted", [True, False])
def test_a_new_column_is_added_to_the_table(port, compacted):
    deliver(port(), "a", ROW)
    lake = port(WITH_NOTE)
    deliver(lake, "b", {**ROW, "gate": "B", "note": "wet"})
    assert rows(lake, "gate", "note") == [
        {"gate": "A", "note": None},
        {"gate": "B", "note": "wet"},
    ]
    deliver(lake, "c", {**ROW, "note": "dry"})
    if compacted:
        lake.compact("counts")
    assert [row["note"] for row in rows(lake, "gate", "note")] == ["dry", "wet"]
    pieces = [
        row for piece in lake.table("counts").pieces() for row in piece.read(["note"])["note"]
    ]
    assert sorted(str(note) for note in pieces) == ["dry", "wet"]
    title = lake.table("counts").schema.field("note").metadata[b"title"]
    assert title == b"Note"


def test_a_column_that_the_profile_has_no_more_stays(port):
    deliver(port(WITH_NOTE), "a", {**ROW, "note": "wet"})
    lake = port()
    deliver(lake, "b", {**ROW, "gate": "B"})
    lake.compact("counts")
    assert [row["note"] for row in rows(lake, "gate", "note")] == ["wet", None]


def test_another_type_is_refused_and_nothing_is_cast(port):
    deliver(port(), "a", ROW)
    lake = port(COUNTS.replace('type = "int64"', 'type = "float64"'))
    with pytest.raises(SchemaChanged, match=r"'n'.*another name"):
        deliver(lake, "b", {**ROW, "gate": "B"})
    assert rows(port(), "gate", "n") == [{"gate": "A", "n": 3}]


def test_a_value_of_another_type_is_set_aside(port):
    lake = port()
    report = deliver(
        lake, "a", ROW, {**ROW, "gate": "B", "n": "3.5"}, {**ROW, "gate": "C", "n": "x"}
    )
    assert (report.stored, report.set_aside) == (1, 2)
    reasons = lake.set_aside("counts")["reason"].to_pylist()
    assert reasons == ["n is not a whole number", "n is not a number"]


def test_records_of_feeds_are_kept_when_a_table_is_made_anew(port):
    lake = port()
    write(lake.city.folder, {"records/counts/a.csv": HEADER + "2022-01-05 08:00,East,A,3,1\n"})
    lake.load("counts")
    deliver(lake, "a", ROW)
    lake = port(WITH_NOTE.replace('null = ["-"]', "scale = 10").replace('note = "note"\n', ""))
    write(lake.city.folder, {"records/counts/a.csv": HEADER + "2022-01-05 08:00,East,A,3,1\n"})
    lake = port(COUNTS.replace('null = ["-"]', "scale = 10"))
    report = lake.load("counts")
    assert (report.read, report.stored, report.failures) == (1, 1, ())
    assert rows(lake, "speed", "source_file") == [
        {"speed": 1, "source_file": "a"},
        {"speed": 10, "source_file": "a.csv"},
    ]
    assert lake.load("counts").stored == 0


def test_a_table_with_records_of_feeds_is_not_made_anew_with_another_type(port):
    lake = port()
    deliver(lake, "a", ROW)
    write(lake.city.folder, {"records/counts/a.csv": HEADER + "2022-01-05 08:00,East,A,3,1\n"})
    lake.load("counts")
    with pytest.raises(SchemaChanged, match="'n'"):
        port(COUNTS.replace('type = "int64"', 'type = "float64"')).load("counts")
    assert port().table("counts").rows == 2


def test_another_length_of_partitions_holds_for_new_records(port):
    """Nothing is made anew for it, and nothing is there twice or lost."""
    deliver(port(), "a", ROW)
    lake = port(COUNTS.replace("key =", 'partition = "month"\nkey =', 1))
    deliver(lake, "b", ROW, {**ROW, "n": 4, "gate": "B"})
    deliver(lake, "c", {**ROW, "n": 5})
    want = [{"gate": "A", "n": 5}, {"gate": "B", "n": 4}]
    assert rows(lake, "gate", "n") == want
    lake.compact("counts")
    lake.compact("counts")
    assert rows(lake, "gate", "n") == want
    assert lake.table("counts").late == 0
    assert all("partition=2022-01/" in file for file in lake.table("counts").files()[-1:])
