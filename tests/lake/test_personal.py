"""Personal columns: their values are nowhere in the lake, in whatever way they came."""

from __future__ import annotations

import stat
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from support.port import COUNTS, HEADER, build_port, write

from citylib.city.errors import ProfileError
from citylib.lake import Delivery, Lake, SchemaChanged
from citylib.lake.personal import FILE, LEFT_OUT, VARIABLE, KeyMissing
from citylib.lake.sheet import sheet_of

PERSONAL = COUNTS.replace('name = "gate"', 'name = "gate"\nclassification = "personal"')
ANNA, BEN = "Anna-Karenina-4711", "Ben-Hur-0815"
FILES = {
    "records/counts/1.csv": HEADER
    + f"2022-01-05 07:00,East,{ANNA},3,1\n2022-01-05 08:00,East,{BEN},4,1\n"
    + f"2022-01-06 07:00,East,{ANNA},-3,1\n2022-01-07 07:00,{ANNA},{ANNA},3,1\n"
    + f"2022-01-08 07:00,East,{ANNA},3,1,{BEN}\n{ANNA}\n"
    + f"2022-01-05 07:00,East,{ANNA},5,1\n"
}


@pytest.fixture(autouse=True)
def _no_key(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)


def make(folder: Path, dataset=PERSONAL, files=FILES) -> Lake:
    city = build_port(folder / "profile", {"datasets/counts.toml": dataset, **files})
    return Lake(str(folder / "lake"), city, folder / "secrets")


def delivery(lake, name, gate=ANNA, hour=9, **more):
    row = {"when": f"2022-02-05 {hour:02d}:00", "district": "East", "gate": gate, "n": 3}
    row |= {"speed": 1, **more}
    reading = lake.city.datasets["counts"].read[0]
    return Delivery(name, [(sheet_of(name, [row, {**row, "n": -1}]), reading)], "gates")


def found(folder: Path, *values: str) -> list[str]:
    """Files below a folder that have a value: in their bytes, or when they are read."""
    hits = []
    for path in folder.rglob("*"):
        if path.is_file():
            text = path.read_bytes()
            if path.suffix == ".parquet":
                text += str(pq.ParquetFile(path).read().to_pylist()).encode()
            if any(
                value.encode() in text or value.encode().hex().encode() in text for value in values
            ):
                hits.append(str(path.relative_to(folder)))
    return hits


def test_no_value_is_anywhere_in_the_lake(tmp_path):
    lake = make(tmp_path)
    report = lake.load("counts")
    assert (report.read, report.stored, report.set_aside) == (7, 2, 5)
    lake.deliver("counts", delivery(lake, "a"))
    lake.deliver("counts", delivery(lake, "b", n=7))  # a correction
    lake.compact("counts")
    assert found(tmp_path / "profile", ANNA, BEN), "the search finds what is there"
    assert found(tmp_path / "lake", ANNA, BEN) == []
    aside = lake.set_aside("counts")
    assert set(aside["raw"].to_pylist()) == {LEFT_OUT}
    assert "no district goes by '…'" in aside["reason"].to_pylist()


def test_equal_values_have_equal_pseudonyms(tmp_path):
    lake = make(tmp_path)
    lake.load("counts")
    lake.deliver("counts", delivery(lake, "a"))
    gates = lake.table("counts").read(["time", "gate"]).sort_by("time")["gate"].to_pylist()
    anna, ben, again = gates
    assert anna == again != ben
    assert len(anna) == len(ben) == 32
    assert lake.deliver("counts", delivery(lake, "b")).duplicate == 1


def test_what_a_preview_shows_has_no_value(tmp_path):
    lake = make(tmp_path)
    preview = lake.preview("counts", delivery(lake, "a"))
    assert ANNA not in str(preview.records.to_pylist()) + str(preview.aside.to_pylist())


def test_the_schema_says_so(tmp_path):
    lake = make(tmp_path)
    lake.load("counts")
    schema = lake.table("counts").schema
    assert schema.field("gate").metadata[b"pseudonym"] == b"HMAC-SHA-256"
    assert b"pseudonym" not in schema.field("n").metadata


def test_in_a_personal_dataset_every_text_is_personal(tmp_path):
    whole = COUNTS.replace('classification = "public"', 'classification = "personal"')
    lake = make(tmp_path, whole)
    lake.load("counts")
    assert found(tmp_path / "lake", ANNA, BEN) == []


def test_a_personal_number_cannot_be_kept(tmp_path):
    number = COUNTS.replace('name = "n"', 'name = "n"\nclassification = "personal"')
    with pytest.raises(ProfileError, match=r"'n' is personal.*'string'"):
        make(tmp_path, number)


def test_the_key_is_made_once_and_is_for_its_owner_alone(tmp_path):
    lake = make(tmp_path)
    assert not (tmp_path / "secrets").exists()
    lake.load("counts")
    file = tmp_path / "secrets" / FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    key = file.read_text()
    assert found(tmp_path / "lake", key) == []
    again = make(tmp_path)
    assert again.load("counts").stored == 0
    assert file.read_text() == key


def test_pseudonyms_depend_on_the_key(tmp_path):
    gates = []
    for name in "ab":
        lake = make(tmp_path / name)
        lake.load("counts")
        gates.append(set(lake.table("counts").read(["gate"])["gate"].to_pylist()))
    assert not gates[0] & gates[1]


def test_the_key_may_be_in_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, "k" * 31)
    with pytest.raises(KeyMissing, match=VARIABLE):
        make(tmp_path).load("counts")
    monkeypatch.setenv(VARIABLE, "k" * 32)
    assert make(tmp_path).load("counts").stored == 2
    assert not (tmp_path / "secrets").exists()


def test_without_the_key_a_lake_can_be_read_and_not_written_to(tmp_path):
    lake = make(tmp_path)
    lake.load("counts")
    reader = Lake(lake.uri, lake.city)
    assert reader.table("counts").rows == 2
    with pytest.raises(KeyMissing, match=VARIABLE):
        reader.deliver("counts", delivery(lake, "a"))
    assert reader.table("counts").rows == 2


def test_a_lost_key_is_not_made_anew_in_silence(tmp_path):
    make(tmp_path).load("counts")
    (tmp_path / "secrets" / FILE).unlink()
    lake = make(tmp_path)
    with pytest.raises(KeyMissing, match="Put it back"):
        lake.deliver("counts", delivery(lake, "a"))


@pytest.mark.parametrize("before", [COUNTS, PERSONAL])
def test_a_column_that_becomes_personal_or_public(tmp_path, before):
    """Deliveries wait until the table is made anew; then feeds' records have pseudonyms, too."""
    lake = make(tmp_path, before)
    lake.load("counts")
    lake.deliver("counts", delivery(lake, "a"))
    after = PERSONAL if before is COUNTS else COUNTS
    lake = make(tmp_path, after)
    with pytest.raises(SchemaChanged, match="citylib load"):
        lake.deliver("counts", delivery(lake, "b"))
    lake.load("counts")
    table = lake.table("counts")
    gates = sorted(table.read(["gate"])["gate"].to_pylist())
    pseudonyms = [gate for gate in gates if gate not in (ANNA, BEN)]
    # What a feed brought is known by its pseudonym only.
    assert len(pseudonyms) == (3 if after is PERSONAL else 1)
    assert len(set(pseudonyms)) == (2 if after is PERSONAL else 1)
    aside = lake.set_aside("counts")["raw"].to_pylist()
    assert (ANNA in str(aside)) == (after is COUNTS)


def test_a_row_in_two_files_is_known(tmp_path):
    lake = make(tmp_path)
    lake.load("counts")
    write(lake.city.folder, {"records/counts/2.csv": FILES["records/counts/1.csv"]})
    assert lake.load("counts").stored == 0
