"""The catalogue: one entry for each dataset, from what the tables say of themselves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from support.gates import FEED, deliver
from support.port import COUNTS, HEADER, build_port, write

from citylib.lake import Lake
from citylib.lake.listing import span

FILE = HEADER + "2022-01-05 07:00,East,A,3,1\n2022-01-09 08:00,West,A,3,1\nx\n"


@pytest.fixture
def lake(tmp_path):
    quiet = FEED.replace("interval = 60", "interval = 10\nenabled = false")
    slow = FEED.replace("interval = 60", "interval = 600")
    files = {
        "records/counts/1.csv": FILE,
        "feeds/gates.toml": FEED,
        "feeds/quiet.toml": quiet,
        "feeds/slow.toml": slow,
    }
    return Lake(str(tmp_path / "lake"), build_port(tmp_path / "profile", files))


def test_an_entry_before_anything_is_loaded(lake):
    (entry,) = lake.catalogue()
    assert (entry.rows, entry.first, entry.delivered, entry.bytes) == (0, None, None, 0)
    assert entry.age(datetime.now(UTC)) is entry.waited(datetime.now(UTC)) is None


def test_an_entry(lake):
    before = datetime.now(UTC)
    lake.load("counts")
    (entry,) = lake.catalogue()
    assert (entry.id, entry.title["en"], entry.owner) == ("counts", "Passages", "the port")
    assert (entry.source, entry.licence, entry.classification) == ("its office", "open", "public")
    assert entry.units == {"n": "people", "speed": "m/s"}
    assert entry.interval == 60
    assert (entry.rows, entry.late, entry.set_aside) == (2, 0, 1)
    assert entry.first == datetime(2022, 1, 5, 6, tzinfo=UTC)
    assert entry.last == datetime(2022, 1, 9, 7, tzinfo=UTC)
    assert entry.age(entry.last + timedelta(hours=2)) == 7200
    assert before <= entry.delivered <= datetime.now(UTC)
    assert entry.bytes == sum(
        path.stat().st_size for path in (lake.city.folder.parent / "lake/counts").glob("p*/*")
    )


def test_compaction_is_no_delivery(lake, tmp_path):
    lake.load("counts")
    write(lake.city.folder, {"records/counts/2.csv": HEADER + "2022-01-05 07:00,East,A,4,1\n"})
    lake.load("counts")
    deliver(lake)
    (before,) = lake.catalogue()
    assert (before.rows, before.late) == (3, 1)
    lake.compact("counts")
    (after,) = lake.catalogue()
    assert (after.rows, after.late) == (3, 0)
    assert after.delivered == before.delivered


def test_personal_columns_are_named(tmp_path):
    personal = COUNTS.replace('name = "gate"', 'name = "gate"\nclassification = "personal"')
    city = build_port(tmp_path, {"datasets/counts.toml": personal})
    (entry,) = Lake(str(tmp_path / "lake"), city).catalogue()
    assert entry.personal == ("gate",)


@pytest.mark.parametrize(
    ("seconds", "said"), [(None, ""), (0, "0 s"), (59, "59 s"), (3600, "1 h"), (864000, "10 d")]
)
def test_a_length_of_time(seconds, said):
    assert span(seconds) == said
