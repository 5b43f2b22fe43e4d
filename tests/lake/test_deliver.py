"""Deliveries of feeds: stored once, whatever is delivered again."""

from datetime import UTC, datetime

import numpy as np
import pytest
from support.port import build_port

from citylib.lake import DatasetMissing, Delivery, FileFault, Lake
from citylib.lake.sheet import Sheet, sheet_of


@pytest.fixture
def lake(tmp_path):
    return Lake(str(tmp_path / "lake"), build_port(tmp_path / "profile"))


def delivery(lake, name, rows, **options):
    reading = lake.city.datasets["counts"].read[0]
    return Delivery(name, [(sheet_of(f"{name}.json", rows), reading)], **options)


def row(hour, gate="A", n=3, district="East"):
    when = f"2022-01-05 {hour:02d}:00"
    return {"when": when, "district": district, "gate": gate, "n": n, "speed": 1}


def account(report):
    return report.read, report.stored, report.duplicate, report.set_aside


def test_a_delivery_is_stored(lake):
    rows = [row(7), row(7), row(8, n=-1)]
    assert account(lake.deliver("counts", delivery(lake, "a", rows, feed="gates"))) == (3, 1, 1, 1)
    (record,) = lake.table("counts").read().to_pylist()
    assert record == {
        "time": datetime(2022, 1, 5, 6, tzinfo=UTC),
        "area": "9e",
        "gate": "A",
        "n": 3,
        "speed": 1,
        "source_file": "a.json",
        "replayed": False,
    }
    (aside,) = lake.set_aside("counts").to_pylist()
    assert (aside["reason"], aside["feed"], aside["file"]) == ("n is below 0", "gates", "a.json")
    assert (datetime.now(UTC) - aside["received"]).total_seconds() < 60


def test_a_delivery_is_refused_the_second_time(lake):
    lake.deliver("counts", delivery(lake, "a", [row(7), row(8, n=-1)]))
    version = lake.table("counts").version
    again = lake.deliver("counts", delivery(lake, "a", [row(7), row(8, n=-1)]))
    assert account(again) == (2, 0, 1, 1)
    assert lake.table("counts").version == version
    assert lake.set_aside("counts").num_rows == 1


def test_a_feeds_delivery_after_another_is_what_was_delivered_last(lake):
    """A source whose content goes there and back, and whose feed was killed before it knew."""

    def bring(name, n):
        rows = [row(7, n=n), row(8, n=-1)]
        return account(lake.deliver("counts", delivery(lake, name, rows, feed="gates")))

    def shows():
        return lake.table("counts").read(["n"])["n"].to_pylist()

    assert bring("one", 3) == (2, 1, 0, 1)
    assert bring("same", 3) == (2, 0, 1, 1)
    assert bring("other", 4) == (2, 1, 0, 1)
    for name in ("one", "other", "same"):
        n = 4 if name == "other" else 3
        assert bring(name, n) == (2, 1, 0, 1), name
        assert shows() == [n]
        version = lake.table("counts").version
        assert bring(name, n) == (2, 0, 1, 1), "brought again at once"
        assert lake.table("counts").version == version
    # What another feed brings is no reason to take this one's again.
    lake.deliver("counts", delivery(lake, "a", [row(7, n=9)], feed="counter"))
    assert bring("same", 3) == (2, 0, 1, 1)
    assert shows() == [9]
    # What does not fit is kept once, however often it is brought.
    assert lake.set_aside("counts").num_rows == 3


def test_a_preview_stores_nothing(lake):
    preview = lake.preview("counts", delivery(lake, "a", [row(7), row(8, n=-1)]))
    assert account(preview.report) == (2, 1, 0, 1)
    assert preview.records["gate"].to_pylist() == ["A"]
    assert preview.aside["reason"].to_pylist() == ["n is below 0"]
    assert lake.datasets() == []
    lake.deliver("counts", delivery(lake, "a", [row(7)]))
    assert account(lake.preview("counts", delivery(lake, "b", [row(7)])).report) == (1, 0, 1, 0)
    assert lake.table("counts").rows == 1


def test_what_is_replayed_says_so(lake):
    lake.deliver("counts", delivery(lake, "a", [row(7)], replayed=True))
    assert lake.table("counts").read(["replayed"])["replayed"].to_pylist() == [True]


def test_a_sheet_without_a_header_is_refused(lake):
    with pytest.raises(FileFault, match="no column 'gate'"):
        lake.deliver("counts", delivery(lake, "a", [{"when": "2022-01-05 07:00"}]))


def test_an_unknown_dataset_is_named(lake):
    with pytest.raises(DatasetMissing, match="fish"):
        lake.deliver("fish", delivery(lake, "a", [row(7)]))


def test_a_delivery_of_what_cannot_be_read_is_set_aside(lake):
    broken = Sheet("a.csv", {}, np.array([], int), lambda line: "a.csv", [(1, "it is broken")])
    reading = lake.city.datasets["counts"].read[0]
    for name, sheets in (("alone", [broken]), ("besides", [broken, sheet_of("b", [row(7)])])):
        given = Delivery(name, [(sheet, reading) for sheet in sheets], "gates")
        assert account(lake.deliver("counts", given)) == (len(sheets), len(sheets) - 1, 0, 1)
    assert lake.set_aside("counts")["reason"].to_pylist() == ["it is broken"] * 2
