"""Records as a city's systems publish them, made up: for benchmarks/ingest.py.

The files have the shapes of real ones: counts of passengers per station, per stop and hour, and
air quality per station. Some of each file's records are repeated in it or in the next one, some
come late, and some are corrected later, a few of them after a year or more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

LATE, REPEATED, CORRECTED = 10, 50, 1
"""Of a thousand records."""
BEGIN = np.datetime64("2020-01-01T00:00")
DISTRICTS = 25

CITY = """
id = "made"
code = "0"
name = { en = "Made-up city" }
languages = ["en"]
timezone = "Asia/Seoul"
bounds = [0.0, 0.0, 25.0, 1.0]
attribution = { en = "made up" }

[[level]]
id = "district"
name = { en = "District" }
table = "districts.csv"
boundary = "districts.geojson"
"""
SPEC = """
title = {{ en = "{id}" }}
publisher = "none"
source = "made up"
licence = "none"
classification = "internal"
key = ["time", {keys}]
window = "P14D"
partition = "{partition}"
column = [
{columns}
]

[[read]]
files = "*.csv"
format = "csv"
quoting = {quoting}
time = {{ header = "{time}", formats = "{form}" }}
area = {{ level = "district", {area} }}

[read.columns]
{rules}
"""


@dataclass(frozen=True)
class Shape:
    """A make of file.

    Attributes
    ----------
    name : str
    places : int
        Records at the same time: one for each of them.
    step : str
        Time between two of them.
    form : str
        How the time is written.
    area : str
        Rule for the area.
    text : dict of str to str
        Column of the table for a header of text; of these with the time the key is made.
    numbers : dict of str to (str, type)
        The same for numbers.
    cells : callable
        Columns of the file without the time, from places and random numbers.
    """

    name: str
    places: int
    step: str
    form: str
    area: str
    text: dict[str, str]
    numbers: dict[str, tuple[str, str]]
    cells: Callable[[np.ndarray, np.ndarray], dict[str, pa.Array]]
    quoted: bool = False

    @property
    def time(self) -> str:
        """Header of the time."""
        return "측정일시" if self.name == "air" else "사용일시"


def _pick(values: list[str], places: np.ndarray) -> pa.Array:
    return pa.array(values).take(pa.array(places))


def _subway(places: np.ndarray, noise: np.ndarray) -> dict[str, pa.Array]:
    return {
        "노선명": _pick([f"{n % 9 + 1}호선" for n in range(300)], places),
        "역명": _pick([f"역{n:03d}" for n in range(300)], places),
        "자치구": _pick([f"district {n % DISTRICTS:02d}" for n in range(300)], places),
        "승차총승객수": pa.array(noise % 977),
        "하차총승객수": pa.array(noise // 977 % 983),
    }


def _bus(places: np.ndarray, noise: np.ndarray) -> dict[str, pa.Array]:
    return {
        "노선번호": _pick([str(100 + n % 40) for n in range(1000)], places),
        "ARS번호": _pick([f"{n % DISTRICTS:02d}{n:03d}" for n in range(1000)], places),
        "역명": _pick([f"정류장 {n}" for n in range(1000)], places),
        "승차": pa.array(noise % 97),
        "하차": pa.array(noise // 97 % 89),
    }


def _air(places: np.ndarray, noise: np.ndarray) -> dict[str, pa.Array]:
    missing = pa.array(noise % 53 == 0)
    dust = pc.if_else(missing, pa.scalar(None, pa.int64()), pa.array(noise % 151))
    return {
        "측정소명": _pick([f"district {n:02d}" for n in range(DISTRICTS)], places),
        "이산화질소": pa.array(np.round(noise % 91 / 1000, 3)),
        "오존": pa.array(np.round(noise // 91 % 101 / 1000, 3)),
        "일산화탄소": pa.array(np.round(noise // 9191 % 17 / 10, 1)),
        "미세먼지": dust,
        "초미세먼지": pa.array(noise // 151 % 83),
    }


SUBWAY = Shape(
    "subway",
    300,
    "m",
    "%Y-%m-%d %H:%M",
    'header = "자치구"',
    {"노선명": "line", "역명": "station"},
    {"승차총승객수": ("boardings", "int64"), "하차총승객수": ("alightings", "int64")},
    _subway,
)
QUOTED = Shape(**{**SUBWAY.__dict__, "name": "quoted", "step": "h", "quoted": True})
BUS = Shape(
    "bus",
    1000,
    "h",
    "%Y%m%d%H",
    'header = "ARS번호", pattern = \'^(\\d\\d)\\d+$\', scheme = "bus"',
    {"노선번호": "route", "ARS번호": "stop", "역명": "stop_name"},
    {"승차": ("boardings", "int64"), "하차": ("alightings", "int64")},
    _bus,
)
AIR = Shape(
    "air",
    25,
    "h",
    "%Y-%m-%d %H:%M",
    'header = "측정소명"',
    {"측정소명": "station"},
    {
        "이산화질소": ("no2", "float64"),
        "오존": ("o3", "float64"),
        "일산화탄소": ("co", "float64"),
        "미세먼지": ("pm10", "float64"),
        "초미세먼지": ("pm25", "float64"),
    },
    _air,
)
KINDS = (QUOTED, BUS, AIR)


def write_profile(folder: Path, shapes: dict[str, Shape], partition: str) -> None:
    """Write a profile that reads datasets of these shapes."""
    (folder / "datasets").mkdir(parents=True)
    (folder / "city.toml").write_text(CITY, "utf-8")
    rows = [f"{n:02d},district {n:02d},{n:02d}" for n in range(DISTRICTS)]
    (folder / "districts.csv").write_text("\n".join(["code,name_en,bus", *rows]), "utf-8")
    squares = [
        f'{{"type": "Feature", "properties": {{"code": "{n:02d}"}}, "geometry": {{"type": '
        f'"Polygon", "coordinates": [[[{n}, 0], [{n + 1}, 0], [{n + 1}, 1], [{n}, 0]]]}}}}'
        for n in range(DISTRICTS)
    ]
    text = f'{{"type": "FeatureCollection", "features": [{", ".join(squares)}]}}'
    (folder / "districts.geojson").write_text(text, "utf-8")
    for dataset, shape in shapes.items():
        names = [(name, "string") for name in shape.text.values()] + [*shape.numbers.values()]
        headers = [*shape.text, *shape.numbers]
        spec = SPEC.format(
            id=dataset,
            keys=", ".join(f'"{name}"' for name in shape.text.values()),
            partition=partition,
            columns="\n".join(
                f'  {{ name = "{name}", type = "{kind}", title = {{ en = "{name}" }} }},'
                for name, kind in names
            ),
            quoting=str(shape.quoted).lower(),
            time=shape.time,
            form=shape.form,
            area=shape.area,
            rules="\n".join(
                f'{name} = "{header}"' for header, (name, _) in zip(headers, names, strict=True)
            ),
        )
        (folder / "datasets" / f"{dataset}.toml").write_text(spec, "utf-8")


@dataclass(frozen=True)
class Written:
    """What files hold: lines, records, of those repeated and corrected, and bytes."""

    lines: int
    records: int
    repeated: int
    corrected: int
    bytes: int


def write_files(folder: Path, shape: Shape, records: int, files: int, seed: int = 0) -> Written:
    """Write files of a dataset, in the order in which they are delivered.

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    shape : Shape
        Their make.
    records : int
        Different records.
    files : int
        They are divided among so many.
    seed : int
        Another one gives other values.
    """
    folder.mkdir(parents=True)
    lines = size = repeated = corrected = 0
    for number, (record, version) in enumerate(_deliveries(records, files)):
        path = folder / f"{shape.name}_{number:04d}.csv"
        _write(path, shape, record, version, seed)
        lines += len(record)
        corrected += int(version.sum())
        size += path.stat().st_size
    repeated = lines - records - corrected
    return Written(lines, records, repeated, corrected, size)


def _deliveries(records: int, files: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For each file its records, by number, and whether each is a correction."""
    later: dict[int, list[tuple[np.ndarray, int]]] = {}
    edges = np.linspace(0, records, files + 1).astype(np.int64)
    for file in range(files):
        own = np.arange(edges[file], edges[file + 1])
        draw = _mixed(own, 1) % 1000
        last = file == files - 1
        is_late = (draw < LATE) & (not last)
        parts = [(own[~is_late], 0)]
        again = own[(draw >= LATE) & (draw < LATE + REPEATED)]
        half = len(again) // 2
        parts.append((again if last else again[:half], 0))
        held = {
            "repeated": (again[half:], 0, np.zeros(len(again) - half, np.int64)),
            "late": (own[is_late], 0, _delay(own[is_late], file, files)),
        }
        wrong = own[draw == LATE + REPEATED]
        held["corrected"] = (wrong, CORRECTED, _delay(wrong, file, files))
        if not last:
            for numbers, version, delay in held.values():
                for wait in np.unique(delay).tolist():
                    target = later.setdefault(file + 1 + wait, [])
                    target.append((numbers[delay == wait], version))
        parts += later.pop(file, [])
        record = np.concatenate([numbers for numbers, _ in parts])
        version = np.concatenate([np.full(len(numbers), v) for numbers, v in parts])
        place = np.concatenate(
            [np.arange(len(parts[0][0])), _mixed(record[len(parts[0][0]) :], 2) % max(len(own), 1)]
        )
        order = np.argsort(place, kind="stable")
        yield record[order], version[order]


def _delay(numbers: np.ndarray, file: int, files: int) -> np.ndarray:
    """Files until a record comes besides the next: mostly none, for every fifth any number."""
    draw = _mixed(numbers, 3)
    return np.where(draw % 5 == 0, draw // 5 % (files - file - 1 or 1), 0)


def _mixed(numbers: np.ndarray, seed: int) -> np.ndarray:
    """Numbers that look random, the same for the same ones."""
    mixed = (numbers.astype(np.uint64) + np.uint64(seed * 7919)) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    return (mixed >> np.uint64(33)).astype(np.int64)


def _write(path: Path, shape: Shape, record: np.ndarray, version: np.ndarray, seed: int) -> None:
    period, place = np.divmod(record, shape.places)
    first = period.min()
    steps = np.arange(first, period.max() + 1)
    stamps = pa.array((BEGIN + steps.astype(f"m8[{shape.step}]")).astype("M8[s]"))
    text = pc.strftime(stamps, format=shape.form)
    noise = _mixed(record, seed + 10) + version  # a correction says something else in any case
    table = pa.table({shape.time: text.take(pa.array(period - first)), **shape.cells(place, noise)})
    style = "all_valid" if shape.quoted else "none"
    options = pyarrow.csv.WriteOptions(quoting_style=style, quoting_header=style)
    pyarrow.csv.write_csv(table, path, options)
