"""Loading: what becomes of every record, good or bad."""

import gzip
import lzma
from datetime import UTC, datetime

import pyarrow.dataset as ds
import pytest
from support.port import COUNTS, HEADER

from citylib.lake import DatasetMissing, Lake, load, text
from citylib.lake.writer import Writer

GOOD = "2022-01-05 07:00,East,A,3,1.5\n"


def account(report):
    return report.read, report.stored, report.duplicate, report.set_aside


def rows(lake, *columns):
    table = lake.table("counts").read(columns or ("time", "area", "gate", "n", "speed"))
    return sorted(table.to_pylist(), key=str)


def test_records_are_stored_as_they_are(deliver):
    lake = deliver({"a.csv": HEADER + GOOD + '2022-07-05 24:00,Ouest,"B, north",1213.0,-\n'})
    assert account(lake.load("counts")) == (2, 2, 0, 0)
    assert rows(lake) == [
        {
            "time": datetime(2022, 1, 5, 6, tzinfo=UTC),
            "area": "9e",
            "gate": "A",
            "n": 3,
            "speed": 1.5,
        },
        {
            "time": datetime(2022, 7, 5, 22, tzinfo=UTC),
            "area": "9w",
            "gate": "B, north",
            "n": 1213,
            "speed": None,
        },
    ]


def test_a_table_says_what_it_holds(deliver):
    lake = deliver({"a.csv": HEADER + GOOD})
    lake.load("counts")
    table = lake.table("counts")
    assert table.rows == 1
    assert str(table.schema.field("time").type) == "timestamp[us, tz=UTC]"
    assert not table.schema.field("time").nullable
    n = {key.decode(): value.decode() for key, value in table.schema.field("n").metadata.items()}
    assert n == {
        "title": "Passages",
        "title_fr": "Passages",
        "title_en": "Passages",
        "units": "people",
        "classification": "public",
    }
    assert table.metadata["publisher"] == "the port"
    assert table.metadata["licence"] == "open"
    assert table.metadata["classification"] == "public"
    assert table.metadata["timezone"] == "Europe/Paris"
    assert table.metadata["title"] == {"fr": "Passages", "en": "Passages"}
    assert table.files() == sorted(table.files())
    assert ds.dataset(table.files()).count_rows() == 1
    assert table.read(["n"], ds.field("area") == "9w").num_rows == 0


def test_loading_again_stores_nothing_and_says_so(deliver):
    lake = deliver({"a.csv": HEADER + GOOD + GOOD + "2022-01-05 08:00,North,A,3,1\n"})
    assert account(lake.load("counts")) == (3, 1, 1, 1)
    version = lake.table("counts").version
    assert account(lake.load("counts")) == (3, 0, 2, 1)
    assert lake.table("counts").version == version
    assert lake.set_aside("counts").num_rows == 1


def test_a_new_delivery_adds_what_is_new(deliver):
    lake = deliver({"a.csv": HEADER + GOOD})
    lake.load("counts")
    later = GOOD + "2022-01-06 07:00,East,A,5,1\n"
    lake = deliver({"a.csv": HEADER + later, "b.csv": HEADER + later})
    assert account(lake.load("counts")) == (4, 1, 3, 0)
    assert [row["n"] for row in rows(lake, "n")] == [3, 5]


def test_other_values_in_a_later_file_are_a_correction(deliver):
    lake = deliver({"a.csv": HEADER + GOOD, "b.csv": HEADER + GOOD.replace(",3,", ",4,")})
    assert account(lake.load("counts")) == (2, 2, 0, 0)
    assert lake.set_aside("counts").num_rows == 0
    assert [row["n"] for row in rows(lake, "n")] == [4]
    assert lake.table("counts").rows == 1


@pytest.mark.parametrize("fresh", [True, False])
def test_of_several_corrections_loaded_together_the_last_counts(deliver, fresh):
    files = {f"{n}.csv": HEADER + GOOD.replace(",3,", f",{n},") for n in (3, 4, 5)}
    lake = deliver(files)
    assert account(lake.load("counts")) == (3, 3, 0, 0)
    assert [row["n"] for row in rows(lake, "n")] == [5]
    again = {"6.csv": files["5.csv"], "7.csv": files["4.csv"]}
    deliver(again)
    lake = Lake(lake.uri, lake.city) if fresh else lake
    assert account(lake.load("counts")) == (5, 1, 4, 0)
    assert [row["n"] for row in rows(lake, "n")] == [4]


def test_other_values_in_the_same_file_are_set_aside(deliver):
    lake = deliver({"b.csv": HEADER + GOOD + GOOD.replace(",3,", ",4,")})
    assert account(lake.load("counts")) == (2, 1, 0, 1)
    (aside,) = lake.set_aside("counts").to_pylist()
    assert aside["reason"] == "other values than the record before it in b.csv"
    assert (aside["file"], aside["line"]) == ("b.csv", 3)
    assert [row["n"] for row in rows(lake, "n")] == [3]


FAULTS = {
    "an unknown area": ("2022-01-05 08:00,North,A,3,1", "no district goes by 'North'"),
    "no area": ("2022-01-05 08:00,,A,3,1", "no district goes by ''"),
    "a clock time that does not exist": ("2022-01-05 25:61,East,A,3,1", "does not exist"),
    "half past 24": ("2022-01-05 24:30,East,A,3,1", "does not exist"),
    "a day that does not exist": ("2022-02-30 08:00,East,A,3,1", "does not exist"),
    "an hour that summer time skips": (
        "2022-03-27 02:30,East,A,3,1",
        "does not exist in Europe/Paris",
    ),
    "another way to write time": ("05/01/2022 08:00,East,A,3,1", "not written as"),
    "no time": (" ,East,A,3,1", "time is missing"),
    "a negative count": ("2022-01-05 08:00,East,A,-3,1", "n is below 0"),
    "a word": ("2022-01-05 08:00,East,A,many,1", "n is not a number"),
    "a broken number": ("2022-01-05 08:00,East,A,3,1.2.3", "speed is not a number"),
    "a computer's number": ("2022-01-05 08:00,East,A,0x10,1", "n is not a number"),
    "not a number": ("2022-01-05 08:00,East,A,3,nan", "speed is not a number"),
    "without end": ("2022-01-05 08:00,East,A,3,1e999", "speed is not a number"),
    "half a passenger": ("2022-01-05 08:00,East,A,3.5,1", "n is not a whole number"),
    "too fast": ("2022-01-05 08:00,East,A,3,100", "speed is above 99"),
    "no count": ("2022-01-05 08:00,East,A,,1", "n is missing"),
    "no gate": ("2022-01-05 08:00,East,,3,1", "gate is missing"),
    "too few fields": ("2022-01-05 08:00,East,A,3", "4 fields where there should be 5"),
    "too many fields": ("2022-01-05 08:00,East,A,3,1,9", "6 fields where there should be 5"),
    "an open quote": ('2022-01-05 08:00,East,"A,3,1', "a quote is not closed"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_row_is_set_aside_with_the_reason(deliver, fault):
    line, reason = FAULTS[fault]
    lake = deliver({"a.csv": HEADER + GOOD + line + "\n" + GOOD.replace("A", "B")})
    assert account(lake.load("counts")) == (3, 2, 0, 1)
    (aside,) = lake.set_aside("counts").to_pylist()
    assert reason in aside["reason"]
    assert (aside["file"], aside["line"], aside["records"]) == ("a.csv", 3, 1)
    assert aside["raw"] == line
    assert [row["gate"] for row in rows(lake, "gate")] == ["A", "B"]


def test_a_row_with_several_faults_counts_once(deliver):
    lake = deliver({"a.csv": HEADER + "2022-02-30 08:00,North,,-1,x\n" + GOOD})
    assert account(lake.load("counts")) == (2, 1, 0, 1)


HEADERLESS = "\n".join(HEADER.replace("speed", "tempo").splitlines()) + "\n" + GOOD
BROKEN = {
    "an empty file": (b"", "empty"),
    "blanks": (b"\n \n", "empty"),
    "a header only": (HEADER.encode(), "no rows"),
    "another encoding": (
        HEADER.encode() + "2022-01-05 07:00,Orée,A,3,1".encode("latin-1"),
        "utf-8",
    ),
    "a column that is missing": (HEADERLESS.encode(), "'speed'"),
    "a column that is there twice": (
        (HEADER.replace("speed", "speed,n") + GOOD.replace("1.5", "1.5,4")).encode(),
        "several columns have the header 'n'",
    ),
    "no text at all": (bytes(range(256)) * 20, "utf-8"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_file_that_cannot_be_read_is_named_and_the_others_are_loaded(deliver, fault):
    content, says = BROKEN[fault]
    lake = deliver({"a.csv": HEADER + GOOD, "b.csv": content})
    report = lake.load("counts")
    assert account(report) == (1, 1, 0, 0)
    (failure,) = report.failures
    assert "b.csv" in failure
    assert says in failure


def test_a_file_that_breaks_off_is_named(deliver):
    spec = COUNTS.replace("*.csv", "*.csv.xz")
    whole = lzma.compress((HEADER + GOOD * 50).encode())
    lake = deliver({"a.csv.xz": whole[: len(whole) // 2]}, counts=spec)
    (failure,) = lake.load("counts").failures
    assert "a.csv.xz" in failure
    assert "decompressed" in failure


def test_a_damaged_gzip_is_named(deliver):
    whole = bytearray(gzip.compress((HEADER + GOOD * 50).encode()))
    whole[20:30] = b"\xff" * 10
    lake = deliver({"a.csv.gz": bytes(whole)}, counts=COUNTS.replace("*.csv", "*.csv.gz"))
    (failure,) = lake.load("counts").failures
    assert "a.csv.gz: cannot be decompressed" in failure


@pytest.mark.parametrize(("text", "says"), [("[" * 200_000, "JSON"), ("[]", "no records")])
def test_json_without_records_is_named(deliver, text, says):
    spec = COUNTS.replace("*.csv", "*.json").replace('"csv"', '"json"')
    lake = deliver({"a.json": text}, counts=spec)
    (failure,) = lake.load("counts").failures
    assert "a.json" in failure
    assert says in failure


def test_a_file_that_is_not_there_is_named(deliver):
    spec = COUNTS.replace('"*.csv"', '["a.csv", "b.csv"]')
    lake = deliver({"a.csv": HEADER + GOOD}, counts=spec)
    report = lake.load("counts")
    assert account(report) == (1, 1, 0, 0)
    assert "b.csv" in report.failures[0]


def test_a_file_that_nothing_names_is_named(deliver):
    lake = deliver({"a.csv": HEADER + GOOD, "notes.doc": "x"})
    assert "notes.doc" in lake.load("counts").failures[0]


def test_a_dataset_without_any_file_has_no_table(deliver):
    lake = deliver({})
    report = lake.load("counts")
    assert account(report) == (0, 0, 0, 0)
    assert report.failures
    assert lake.datasets() == []
    with pytest.raises(DatasetMissing, match="citylib load"):
        lake.table("counts")


def test_a_table_of_nothing_but_faults_is_empty(deliver):
    lake = deliver({"a.csv": HEADER + GOOD.replace("East", "North")})
    assert account(lake.load("counts")) == (1, 0, 0, 1)
    assert lake.table("counts").rows == 0
    assert lake.datasets() == ["counts"]


def test_unknown_datasets_are_named(deliver):
    lake = deliver({})
    for action in (lake.load, lake.table):
        with pytest.raises(DatasetMissing, match="counts"):
            action("fish")


def test_a_column_that_is_there_twice_but_not_used_does_no_harm(deliver):
    lake = deliver({"a.csv": HEADER.replace("\n", ",x,x\n") + GOOD.replace("\n", ",1,2\n")})
    assert account(lake.load("counts")) == (1, 1, 0, 0)


def test_of_two_loads_at_once_the_second_finds_what_the_first_stored(deliver, monkeypatch):
    lake = deliver({"a.csv": HEADER + GOOD})
    lake.load("counts")
    lake = deliver({"b.csv": HEADER + GOOD + GOOD.replace("A", "B")})
    from citylib.lake import load

    real = load.map_records

    def meanwhile(*arguments):
        monkeypatch.setattr(load, "map_records", real)
        Lake(lake.uri, lake.city).load("counts")
        return real(*arguments)

    monkeypatch.setattr(load, "map_records", meanwhile)
    assert account(lake.load("counts")) == (3, 0, 3, 0)
    assert account(lake.load("counts")) == (3, 0, 3, 0)
    assert [row["gate"] for row in rows(lake, "gate")] == ["A", "B"]


def test_two_first_loads_at_once_make_one_table(deliver, monkeypatch):
    lake = deliver({"a.csv": HEADER + GOOD + "2022-01-05 08:00,North,A,3,1\n"})
    from citylib.lake import load

    real = load.map_records

    def meanwhile(*arguments):
        monkeypatch.setattr(load, "map_records", real)
        Lake(lake.uri, lake.city).load("counts")
        return real(*arguments)

    monkeypatch.setattr(load, "map_records", meanwhile)
    assert account(lake.load("counts")) == (2, 0, 1, 1)
    assert lake.table("counts").rows == 1
    assert lake.set_aside("counts").num_rows == 1


def test_the_first_of_two_equal_clock_times_is_meant(deliver):
    lake = deliver({"a.csv": HEADER + "2022-10-30 02:30,East,A,3,1\n"})
    lake.load("counts")
    assert rows(lake, "time") == [{"time": datetime(2022, 10, 30, 0, 30, tzinfo=UTC)}]


def test_a_day_without_midnight_begins_with_its_first_instant(deliver):
    spec = COUNTS.replace("%Y-%m-%d %H:%M", "%Y-%m-%d")
    line = GOOD.replace("2022-01-05 07:00", "2018-11-04")
    lake = deliver({"a.csv": HEADER + line}, zone="America/Sao_Paulo", counts=spec)
    lake.load("counts")
    assert rows(lake, "time") == [{"time": datetime(2018, 11, 4, 3, tzinfo=UTC)}]


def test_rows_that_do_not_fit_take_no_more_room_than_others(deliver, monkeypatch):
    monkeypatch.setattr(text, "BLOCK", 1000)
    monkeypatch.setattr(load, "BATCH", 100)
    sizes, commit = [], Writer.commit

    def counted(writer, batch, edge):
        sizes.append(sum(part.mapped.read for part in batch.parts))
        return commit(writer, batch, edge)

    monkeypatch.setattr(Writer, "commit", counted)
    lake = deliver({"a.csv": HEADER + "2022-01-05 07:00,Moon,A,3,1\n" * 2000})
    assert lake.load("counts").set_aside == 2000
    assert max(sizes) < 200
