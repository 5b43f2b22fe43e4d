"""When a table is made anew, and when it must not be."""

import pyarrow as pa
import pytest
from support.port import COUNTS, HEADER

from citylib.lake.schema import SET_ASIDE

GOOD = "2022-01-05 07:00,East,A,3,1.5\n"


def account(report):
    return report.read, report.stored, report.duplicate, report.set_aside


def rows(lake, *columns):
    table = lake.table("counts").read(columns or ("time", "area", "gate", "n", "speed"))
    return sorted(table.to_pylist(), key=str)


def test_another_mapping_makes_the_table_anew(deliver):
    lake = deliver({"a.csv": HEADER + GOOD + "2022-01-05 08:00,North,A,3,1\n"})
    lake.load("counts")
    spec = COUNTS.replace('header = "district"', 'header = "district", unknown = "city"')
    lake = deliver({}, counts=spec.replace('null = ["-"]', "scale = 10"))
    assert account(lake.load("counts")) == (2, 2, 0, 0)
    assert [(row["area"], row["speed"]) for row in rows(lake)] == [("9e", 15), ("9", 10)]
    assert lake.set_aside("counts").num_rows == 0
    assert account(lake.load("counts")) == (2, 0, 2, 0)


@pytest.mark.parametrize("gone", ["removed", "broken"])
def test_a_table_is_not_made_anew_without_a_file_that_it_holds(deliver, gone):
    lake = deliver({"1.csv": HEADER + GOOD, "2.csv": HEADER + GOOD.replace("A", "B")})
    lake.load("counts")
    first = lake.city.datasets["counts"].folder / "1.csv"
    kept = first.read_bytes()
    if gone == "removed":
        first.unlink()
    else:
        first.write_bytes(b"\xff\xfe")
    spec = COUNTS.replace('null = ["-"]', "scale = 10")
    lake = deliver({"3.csv": HEADER + GOOD.replace("A", "C")}, counts=spec)
    report = lake.load("counts")
    assert account(report) == (0, 0, 0, 0)
    assert "1.csv" in report.failures[-1]
    assert "stays as it was" in report.failures[-1]
    assert rows(lake, "gate", "speed") == [{"gate": gate, "speed": 1.5} for gate in "AB"]
    first.write_bytes(kept)
    assert account(lake.load("counts")) == (3, 3, 0, 0)
    assert rows(lake, "gate", "speed") == [{"gate": gate, "speed": 15} for gate in "ABC"]


def test_a_comment_in_the_mapping_changes_nothing(deliver):
    lake = deliver({"1.csv": HEADER + GOOD})
    lake.load("counts")
    (lake.city.datasets["counts"].folder / "1.csv").unlink()
    lake = deliver({"2.csv": HEADER + GOOD.replace("A", "B")}, counts="# mended\n" + COUNTS)
    report = lake.load("counts")
    assert (account(report), report.failures) == ((1, 1, 0, 0), ())
    assert [row["gate"] for row in rows(lake, "gate")] == ["A", "B"]


def test_tables_of_an_earlier_version_are_made_anew(deliver, monkeypatch):
    faults = {"a.csv": "when,district,gate,n,speed\n2022-01-05 08:00,North,A,3,1\n"}
    earlier = pa.schema(
        [field.with_metadata({"title": "once called otherwise"}) for field in SET_ASIDE]
    )
    with monkeypatch.context() as patch:
        for module in ("folder", "store"):
            patch.setattr(f"citylib.lake.{module}.SET_ASIDE", earlier)
        deliver(faults).load("counts")
    lake = deliver({**faults, "b.csv": faults["a.csv"].replace("North", "South")})
    assert lake.load("counts").set_aside == 2
    assert (
        lake.set_aside("counts").schema.field("file").metadata == SET_ASIDE.field("file").metadata
    )
