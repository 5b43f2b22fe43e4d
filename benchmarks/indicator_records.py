"""Tables of records as the lake writes them, made up: for benchmarks/indicators.py.

Counts of passengers, one record for each of 300 stations and each minute, in 25 districts. The
table `taps` has 1 % of its records late, a fifth of those by any time, and 0.1 % corrected later;
the table `tidy` has the same records in the order of their time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.fs as pafs
from city_records import BEGIN, SUBWAY, _mixed, write_profile

from citylib.city.profile import City, load_city
from citylib.lake.datafiles import LATE, by_period, write_file
from citylib.lake.schema import delta_schema
from citylib.lake.tables import commit, make_table, open_table

DELIVERY = 3_000_000
WINDOW = np.timedelta64(14, "D")
STATIONS = SUBWAY.places
MINUTE = 60_000_000


@dataclass(frozen=True)
class Delivered:
    """Records of a delivery: their numbers, and whether each is a correction."""

    number: np.ndarray
    version: np.ndarray


def make(folder: Path, rows: int) -> City:
    """Write profile and tables, unless they are there; returns the city.

    Parameters
    ----------
    folder : Path
        `profile` and `lake` are made in it.
    rows : int
        Different records of each table.
    """
    profile, done = folder / "profile", folder / f"made-{rows}"
    if not done.exists():
        shapes = {"taps": SUBWAY, "tidy": replace(SUBWAY, name="tidy")}
        write_profile(profile, shapes, "month")
        city = load_city(profile)
        for name, deliveries in (("taps", late(rows)), ("tidy", in_order(rows))):
            write_table(f"{folder}/lake/{name}", city, name, deliveries)
        done.touch()
    return load_city(profile)


def in_order(rows: int) -> Iterator[Delivered]:
    """Deliveries of records as they come to be."""
    for begin in range(0, rows, DELIVERY):
        number = np.arange(begin, min(begin + DELIVERY, rows))
        yield Delivered(number, np.zeros(len(number), np.int64))


def late(rows: int) -> Iterator[Delivered]:
    """Deliveries of which some records come with a later one, or are corrected by it."""
    count = -(-rows // DELIVERY)
    later: dict[int, list[tuple[np.ndarray, int]]] = {}
    for place, own in enumerate(in_order(rows)):
        draw, wait = _mixed(own.number, 1) % 1000, _mixed(own.number, 3)
        wait = np.where(wait % 5 == 0, wait // 5 % max(count - place - 1, 1), 0)
        held, wrong = (draw < 10) & (place < count - 1), (draw == 10) & (place < count - 1)
        for some, version in ((held, 0), (wrong, 1)):
            for delay in np.unique(wait[some]).tolist():
                mine = own.number[some & (wait == delay)]
                later.setdefault(place + 1 + delay, []).append((mine, version))
        parts = [(own.number[~held], 0), *later.pop(place, [])]
        yield Delivered(
            np.concatenate([number for number, _ in parts]),
            np.concatenate([np.full(len(number), version) for number, version in parts]),
        )


def write_table(uri: str, city: City, name: str, deliveries: Iterable[Delivered]) -> None:
    """Make a table and write deliveries into it."""
    make_table(uri, delta_schema(city.datasets[name]), None, ["partition"])
    write_deliveries(uri, city, name, deliveries)


def write_deliveries(uri: str, city: City, name: str, deliveries: Iterable[Delivered]) -> None:
    """Write a commit for each delivery; what is older than the window goes to `late`."""
    system, newest = pafs.LocalFileSystem(), BEGIN
    for delivered in deliveries:
        delta = open_table(uri)
        assert delta is not None  # noqa: S101  it has been made
        number = delta.version() + 1
        minute = delivered.number // STATIONS
        when = BEGIN + minute.astype("m8[m]")
        aside = (delivered.version > 0) | (when < newest - WINDOW)
        newest = when.max()
        actions = []
        main = np.flatnonzero(~aside)
        main = main[np.argsort(delivered.number[main], kind="stable")]
        for period, rows in by_period(records(delivered, main, name), "month"):
            actions.append(write_file(system, uri, period, rows, number))
        if aside.any():
            rows = records(delivered, np.flatnonzero(aside), name)
            order = (number << 32) + np.arange(rows.num_rows)
            rows = rows.append_column("sequence", pa.array(order))
            actions.append(write_file(system, uri, LATE, rows, number))
        commit(delta, actions, [("benchmark", number)])


def records(delivered: Delivered, rows: np.ndarray, name: str) -> pa.Table:
    """Some records of a delivery as the lake stores them."""
    number, version = delivered.number[rows], delivered.version[rows]
    minute, station = np.divmod(number, STATIONS)
    cells = SUBWAY.cells(station, _mixed(number, 10) + version)
    names = {**SUBWAY.text, **{header: column for header, (column, _) in SUBWAY.numbers.items()}}
    stamps = (BEGIN + minute.astype("m8[m]")).astype("M8[us]").astype(np.int64)
    districts = pa.array([f"{n:02d}" for n in range(25)])
    count = len(number)
    return pa.table(
        {
            "time": pa.array(stamps).cast(pa.timestamp("us", "UTC")),
            "area": districts.take(pa.array(station % 25)),
            **{names[header]: cells[header] for header in names},
            "source_file": pa.repeat(f"{name}.csv", count),
            "replayed": pa.repeat(False, count),
        }
    )
