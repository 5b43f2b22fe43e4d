"""Rows that were set aside: listed, mended, taken in again, and the account over all of it."""

from __future__ import annotations

import csv
import gzip
import stat

import pytest
from click.testing import CliRunner
from deltalake import DeltaTable
from support.gates import FEED, deliver
from support.port import COUNTS, HEADER, build_port, write

from citylib.cli import main
from citylib.lake import FileFault, Lake, load, text
from citylib.lake.aside import left, rows_aside, some, summary, to_csv

FILE = (
    HEADER
    + "2022-01-05 07:00,East,A,3,1\n2022-01-05 08:00,North,A,3,1\n"
    + '2022-01-05 09:00,East,A,-1,1\n"2022-01-05 10:00",East,"A,B",many,1\n'
)


@pytest.fixture
def lake(tmp_path):
    files = {"records/counts/1.csv": FILE, "feeds/gates.toml": FEED}
    return Lake(str(tmp_path / "lake"), build_port(tmp_path / "profile", files))


def exported(lake, path, change, **chosen):
    """Rows set aside as they are mended by text in the place of other text."""
    text = to_csv({"counts": some(rows_aside(lake.uri, "counts"), **chosen)})
    for old, new in change.items():
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, "utf-8")
    return path


def gates(lake):
    rows = lake.table("counts").read(["time", "gate", "n"]).to_pylist()
    return sorted((f"{row['time']:%m-%d %H}", row["gate"], row["n"]) for row in rows)


def test_what_is_set_aside_is_counted(lake):
    lake.load("counts")
    deliver(lake)
    found = [
        (group["reason"], group["feed"], group["records"])
        for group in summary(lake.uri, ["counts"])
    ]
    assert found == [
        ("n is below 0", "", 1),
        ("n is not a number", "", 1),
        ("no district goes by 'Moon'", "gates", 1),
        ("no district goes by 'North'", "", 1),
    ]


def test_mended_rows_are_stored_and_the_account_adds_up(lake, tmp_path):
    reports = [lake.load("counts"), deliver(lake)]
    change = {"North": "West", "Moon": "West", ",many,": ",7,"}
    done = lake.mend(exported(lake, tmp_path / "mended.csv", change))
    assert (done.rows, done.before, done.untold) == (4, 0, 0)
    reports += done.reports
    assert gates(lake) == [
        ("01-05 06", "A", 3),
        ("01-05 07", "A", 3),
        ("01-05 09", "A,B", 7),
        ("02-05 06", "F", 3),
        ("02-05 06", "G", 3),
    ]
    (left,) = rows_aside(lake.uri, "counts").to_pylist()
    assert (left["reason"], left["file"]) == ("n is below 0", "mended/1.csv")
    every = rows_aside(lake.uri, "counts", every=True).num_rows
    assert every == left["records"] + done.rows == sum(report.set_aside for report in reports)
    read = sum(report.read for report in reports)
    stored = sum(report.stored for report in reports)
    assert read == stored + sum(report.duplicate for report in reports) + every
    assert stored == lake.table("counts").rows


def test_loaded_again_nothing_is_stored_twice(lake, tmp_path):
    lake.load("counts")
    file = exported(lake, tmp_path / "mended.csv", {"North": "West"})
    lake.mend(file)
    before, aside = gates(lake), rows_aside(lake.uri, "counts", every=True).num_rows
    done = lake.mend(file)
    assert (done.rows, done.before, done.reports) == (0, 3, [])
    assert gates(lake) == before
    assert rows_aside(lake.uri, "counts", every=True).num_rows == aside


def test_killed_before_the_note_it_is_loaded_again(lake, tmp_path, monkeypatch):
    lake.load("counts")
    file = exported(lake, tmp_path / "mended.csv", {"North": "West"})
    with monkeypatch.context() as patch:
        patch.setattr("citylib.lake.mend._mark", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            lake.mend(file)
    before, aside = gates(lake), rows_aside(lake.uri, "counts", every=True).num_rows
    (report,) = lake.mend(file).reports
    assert (report.stored, report.duplicate) == (0, 1)
    assert gates(lake) == before
    assert rows_aside(lake.uri, "counts", every=True).num_rows == aside


def test_mended_records_stay_when_the_table_is_made_anew(lake, tmp_path):
    lake.load("counts")
    deliver(lake)
    lake.mend(exported(lake, tmp_path / "mended.csv", {"North": "West", "Moon": "West"}))
    before, left = gates(lake), rows_aside(lake.uri, "counts")["reason"].to_pylist()
    other = {"datasets/counts.toml": COUNTS.replace("max = 99", "max = 98")}
    again = Lake(lake.uri, build_port(lake.city.folder, other))
    assert again.load("counts").read == 4
    assert gates(again) == before
    assert rows_aside(lake.uri, "counts")["reason"].to_pylist() == left


def test_what_a_file_s_name_says_holds_for_its_mended_rows(tmp_path):
    named = COUNTS.replace(
        'format = "csv"', 'format = "csv"\nfile_pattern = "^(?P<gate>[A-Z]+)-"'
    ).replace('time = { header = "when"', 'time = { header = "hour"')
    text = "hour,district,n,speed\n2022-01-05 07:00,East,3,1\n2022-01-05 08:00,North,3,1\n"
    files = {"datasets/counts.toml": named, "records/counts/NORD-1.csv": text}
    lake = Lake(str(tmp_path / "lake"), build_port(tmp_path / "profile", files))
    lake.load("counts")
    lake.mend(exported(lake, tmp_path / "mended.csv", {",North,": ",West,"}))
    assert [gate for _, gate, _ in gates(lake)] == ["NORD", "NORD"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("dataset,row", "dataset,name", "no column row"),
        ("counts,", "fish,", "fish"),
        ("\ncounts,", "\ncounts,0", "no row"),
        ('"', "'", "fields are missing or too many"),
    ],
)
def test_another_file_is_refused_and_nothing_is_stored(lake, tmp_path, old, new, said):
    lake.load("counts")
    version = lake.table("counts").version
    with pytest.raises(Exception, match=said):
        lake.mend(exported(lake, tmp_path / "mended.csv", {old: new}))
    assert lake.table("counts").version == version


def test_without_the_header_rows_cannot_be_read(lake, tmp_path):
    lake.load("counts")
    file = exported(lake, tmp_path / "mended.csv", {"North": "West"})
    (lake.city.folder / "records/counts/1.csv").unlink()
    with pytest.raises(FileFault, match="put it back"):
        lake.mend(file)


def test_rows_told_apart_by_their_place_are_mended_in_their_file(tmp_path):
    files = {
        "datasets/counts.toml": COUNTS.replace("key =", 'repeats = "number"\nkey ='),
        "records/counts/1.csv": FILE,
    }
    lake = Lake(str(tmp_path / "lake"), build_port(tmp_path / "profile", files))
    lake.load("counts")
    with pytest.raises(FileFault, match="in the file itself"):
        lake.mend(exported(lake, tmp_path / "mended.csv", {"North": "West"}))


def test_a_row_without_its_text_is_left_until_somebody_fills_it_in(tmp_path):
    personal = COUNTS.replace('name = "gate"', 'name = "gate"\nclassification = "personal"')
    files = {"datasets/counts.toml": personal, "records/counts/1.csv": FILE}
    city = build_port(tmp_path / "profile", files)
    lake = Lake(str(tmp_path / "lake"), city, tmp_path / "secrets")
    lake.load("counts")
    left_out = "(left out: the dataset has personal columns)"
    file = exported(lake, tmp_path / "a.csv", {})
    assert lake.mend(file).untold == 3
    row = {left_out: '"2022-01-05 08:00,West,A,3,1"'}
    assert lake.mend(exported(lake, tmp_path / "b.csv", row, reason="goes by")).rows == 1
    assert lake.table("counts").rows == 2


def test_from_the_command_line(tmp_path):
    build_port(tmp_path / "profile", {"records/counts/1.csv": FILE})
    write(tmp_path, {"citylib.toml": 'profile = "profile"\n'})

    def run(*words):
        result = CliRunner().invoke(main, ["--config", str(tmp_path), *words])
        assert result.exit_code == 0, result.output
        return result.output

    run("load")
    assert "n is below 0" in run("aside", "list", "counts")
    shown = run("aside", "show", "counts", "--reason", "goes by")
    assert "2022-01-05 08:00,North,A,3,1" in shown
    assert "many" not in shown
    file = tmp_path / "out.csv"
    assert "3 rows" in run("aside", "export", str(file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with file.open(newline="") as opened:
        assert len(list(csv.DictReader(opened))) == 3
    file.write_text(file.read_text().replace("North", "West"))
    assert "3 rows were brought again" in run("aside", "load", str(file))
    assert "goes by" not in run("aside", "list")
    said = run("datasets")
    assert "Passages" in said
    assert "the port" in said


def test_notes_of_mended_rows_are_compacted_and_still_known(lake, tmp_path):
    lake.load("counts")
    deliver(lake)
    files = [
        exported(lake, tmp_path / f"{n}.csv", {}, reason=reason)
        for n, reason in enumerate(["Moon", "North", "not a number"])
    ]
    for file in files:
        assert lake.mend(file).rows == 1
    left = rows_aside(lake.uri, "counts").num_rows
    lake.compact("counts")
    assert len(DeltaTable(f"{lake.uri}/_mended/counts").file_uris()) == 1
    assert rows_aside(lake.uri, "counts").num_rows == left
    assert [lake.mend(file).before for file in files] == [1, 1, 1]


def test_a_file_that_comes_with_other_bytes_has_its_rows_listed_once(lake, tmp_path):
    path = lake.city.folder / "records/counts/1.csv"
    reports = []
    for hour in range(3):
        path.write_text(FILE + f"2022-01-07 0{hour}:00,East,A,3,1\n")
        reports.append(lake.load("counts"))
    aside = rows_aside(lake.uri, "counts")
    assert sorted(aside["line"].to_pylist()) == [3, 4, 5]
    assert left(lake.uri, "counts") == 3
    (counts,) = lake.catalogue()
    assert counts.set_aside == 3
    every = rows_aside(lake.uri, "counts", every=True).num_rows
    assert every == sum(report.set_aside for report in reports) == 9
    version = DeltaTable(f"{lake.uri}/_mended/counts").version()
    lake.load("counts")
    assert DeltaTable(f"{lake.uri}/_mended/counts").version() == version
    assert lake.mend(exported(lake, tmp_path / "a.csv", {"North": "West"})).rows == 3


def test_a_row_that_a_feed_brings_at_every_poll_is_listed_once(lake, tmp_path):
    reports = [deliver(lake, f"poll {hour}", (hour,)) for hour in range(3)]
    assert [report.set_aside for report in reports] == [1, 1, 1]
    (row,) = rows_aside(lake.uri, "counts").to_pylist()
    assert row["reason"] == "no district goes by 'Moon'"
    newest = rows_aside(lake.uri, "counts", every=True)["received"].to_pylist()
    assert row["received"] == max(newest)
    assert left(lake.uri, "counts") == 1
    assert [group["records"] for group in summary(lake.uri, ["counts"])] == [1]
    done = lake.mend(exported(lake, tmp_path / "mended.csv", {"Moon": "West"}))
    assert [report.stored for report in done.reports] == [1]
    deliver(lake, "poll 3", (3,))
    assert left(lake.uri, "counts") == rows_aside(lake.uri, "counts").num_rows == 0


def test_a_mended_row_that_still_does_not_fit_is_listed_each_time(lake, tmp_path):
    deliver(lake)
    for number in range(3):
        file = exported(lake, tmp_path / f"{number}.csv", {})
        assert lake.mend(file).rows == 1
        (row,) = rows_aside(lake.uri, "counts").to_pylist()
        assert row["file"].startswith("mended/")
        assert left(lake.uri, "counts") == 1


def test_rows_of_a_file_that_broke_off_are_listed_once(tmp_path, monkeypatch):
    """It breaks off after a part of it was stored."""
    monkeypatch.setattr(load, "BATCH", 1)
    monkeypatch.setattr(text, "BLOCK", 100)
    name = "records/counts/1.csv.gz"
    packed = gzip.compress((FILE + FILE.partition("\n")[2] * 9).encode(), 0)
    files = {"datasets/counts.toml": COUNTS.replace("*.csv", "*.gz"), name: packed[:-99]}
    lake = Lake(str(tmp_path / "lake"), build_port(tmp_path / "profile", files))
    broken = lake.load("counts")
    assert len(broken.failures) == 1
    assert 0 < left(lake.uri, "counts") == broken.set_aside
    write(lake.city.folder, {name: packed})
    whole = lake.load("counts")
    assert left(lake.uri, "counts") == whole.set_aside
