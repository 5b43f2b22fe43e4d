"""Seoul's records: nothing is lost on the way from the files, and nobody is in them."""

from __future__ import annotations

import json
import lzma
from pathlib import Path

import pandas as pd
import pyarrow.compute as pc
import pytest

from citylib.city.profile import load_city
from citylib.lake import Lake

PROFILE = Path(__file__).parents[2] / "cities" / "seoul"
RECORDS = PROFILE / "records"


def text(path: Path, encoding: str) -> str:
    return lzma.decompress(path.read_bytes()).decode(encoding)


def lines(dataset: str, encoding: str = "utf-8-sig") -> int:
    """Rows of the files of a dataset, by counting lines."""
    files = sorted((RECORDS / dataset).iterdir())
    return sum(len(text(path, encoding).split("\n")[1:-1]) for path in files)


@pytest.fixture(scope="module")
def lake(seoul):
    return Lake(seoul.lake, load_city(PROFILE))


@pytest.fixture(scope="module")
def again(lake):
    """Accounts of a second load over the same files."""
    return {report.dataset: report for report in lake.load_all()}


def bus_rows() -> list[str]:
    files = sorted((RECORDS / "bus_hourly").iterdir())
    every = [line for path in files for line in text(path, "utf-8-sig").splitlines()]
    return [line for line in every if line[:1].isdigit()]


def air_rows() -> int:
    excel = [len(pd.read_excel(path)) for path in sorted((RECORDS / "air_daily").glob("*.xlsx"))]
    csv = [text(path, "cp949").count("\n") - 1 for path in (RECORDS / "air_daily").glob("*.csv.xz")]
    return sum(excel) + sum(csv)


EXPECTED = {
    "air_daily": lambda: (air_rows(), 0, 0),
    "air_hourly": lambda: (35_040, 24, 0),  # one day is in the file twice
    "air_sensors": lambda: (lines("air_sensors"), 0, 0),
    "bike_rentals": lambda: (lines("bike_rentals"), 0, 0),
    "bike_stations": lambda: (3_156, 0, 0),
    "bus_hourly": lambda: (24 * len(bus_rows()), 0, 24 * sum(",~," in r for r in bus_rows())),
    "cctv_yearly": lambda: (25 * 8, 0, 6),
    "covid_daily": lambda: (lines("covid_daily"), 0, 18 * 4),  # four days after the counting
    "fire_events": lambda: (905, 0, 0),
    "fire_monthly": lambda: (25 * 24, 0, 0),
    "fire_places": lambda: (15 * (424 + 426), 0, 0),
    "fire_stations": lambda: (177, 0, 0),
    "fire_yearly": lambda: (26 * 6 + 25, 25, 6),  # 2022 is in two files, which agree
    "hydrants": lambda: (2_695, 0, 0),
    "population_yearly": lambda: (768, 0, 30),
    "subway_daily": lambda: (lines("subway_daily"), 0, 0),
}


@pytest.mark.parametrize("dataset", EXPECTED)
def test_every_record_is_accounted_for(lake, again, dataset):
    read, duplicate, aside = EXPECTED[dataset]()
    stored = lake.table(dataset).rows
    assert (read, read - duplicate - aside) == (again[dataset].read, stored)
    assert again[dataset].set_aside == aside
    assert again[dataset].stored == 0
    assert again[dataset].failures == ()
    assert sum(lake.set_aside(dataset)["records"].to_pylist()) == aside


def test_every_dataset_is_expected(lake):
    assert set(lake.datasets()) == set(lake.city.datasets) == set(EXPECTED)


def total(lake, dataset, measure):
    return pc.sum(lake.table(dataset).read([measure])[measure]).as_py()


def test_no_passenger_is_lost(lake):
    subway = [
        pd.read_csv(path, compression="xz", encoding="utf-8-sig", index_col=False)
        for path in sorted((RECORDS / "subway_daily").iterdir())
    ]
    assert total(lake, "subway_daily", "boardings") == sum(f["승차총승객수"].sum() for f in subway)
    assert total(lake, "subway_daily", "alightings") == sum(f["하차총승객수"].sum() for f in subway)
    bus = [[int(n) for n in row.split(",")[-48:]] for row in bus_rows() if ",~," not in row]
    assert total(lake, "bus_hourly", "boardings") == sum(sum(row[0::2]) for row in bus)
    assert total(lake, "bus_hourly", "alightings") == sum(sum(row[1::2]) for row in bus)


def test_units_are_as_declared(lake):
    assert total(lake, "fire_monthly", "fires") == 4_951 + 5_396
    fires = lake.table("fire_yearly").read(["fires", "damage"])
    assert pc.sum(fires["damage"]).as_py() % 1000 == 0
    assert 1e9 < pc.sum(fires["damage"]).as_py() / pc.sum(fires["fires"]).as_py() * 1000 < 1e10
    visibility = lake.table("bike_rentals").read(["visibility"])["visibility"]
    assert pc.max(visibility).as_py() == 20_000


def test_every_area_is_one_of_the_citys(lake):
    known = {"11", None} | {code for level in lake.city.levels.values() for code in level.areas}
    for dataset in lake.datasets():
        areas = set(lake.table(dataset).read(["area"])["area"].to_pylist())
        assert areas <= known, dataset


@pytest.mark.parametrize(
    ("line", "station", "district"),
    [
        ("2호선", "강남", "11230"),
        ("2호선", "신천", "11240"),
        ("2호선", "잠실새내", "11240"),
        ("5호선", "양평", "11190"),
        ("중앙선", "양평", None),
        ("1호선", "서울역", "11020"),
        ("공항철도 1호선", "김포공항", "11160"),
        ("경부선", "평택지제", None),
    ],
)
def test_stations_lie_in_their_district(lake, line, station, district):
    table = lake.table("subway_daily").read(
        ["area"], (pc.field("line") == line) & (pc.field("station") == station)
    )
    (area,) = set(table["area"].to_pylist())
    assert (area and area[:5]) == district


def test_positions_agree_with_the_district_named(lake):
    rows = [
        row
        for path in sorted((RECORDS / "bike_stations").iterdir())
        for row in json.loads(text(path, "utf-8"))["stationInfo"]["row"]
    ]
    district = lake.city.levels["district"]
    found = district.locate(
        [float(row["STA_LONG"]) for row in rows], [float(row["STA_LAT"]) for row in rows]
    )
    named = [district.code_of(row["STA_LOC"]) for row in rows]
    assert sum(a != b for a, b in zip(found, named, strict=True)) < 30


def test_the_records_are_small_and_named():
    files = [path for path in RECORDS.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 30_000_000
    assert all(path.name.isascii() for path in files)
    credits = (PROFILE / "ATTRIBUTION.md").read_text("utf-8")
    city = load_city(PROFILE)
    assert {path.parent.name for path in files} == set(city.datasets)
    for dataset, spec in city.datasets.items():
        assert dataset in credits
        assert spec.publisher
        assert spec.licence


INDIVIDUALS = ("환자", "확진일", "국적", "성명", "주민등록번호", "전화번호", "생년월일", "patient")


def test_nobody_is_in_the_records():
    """No file has a column about a person, and no table a street address or a personal column."""
    for path in sorted(RECORDS.rglob("*.xz")):
        data = lzma.decompress(path.read_bytes())[:4000]
        head = data.decode("cp949", "ignore") + data.decode("utf-8", "ignore")
        assert not [word for word in INDIVIDUALS if word in head.split("\n")[0]], path
    city = load_city(PROFILE)
    for spec in city.datasets.values():
        assert spec.classification in ("public", "internal")
        for column in spec.column:
            assert column.classification in (None, "public", "internal")
            assert "address" not in column.name


def test_where_a_fire_was_is_internal(lake):
    schema = lake.table("fire_events").schema
    for name in ("lon", "lat", "deaths", "area"):
        assert schema.field(name).metadata[b"classification"] == b"internal"
    assert lake.table("fire_events").metadata["classification"] == "internal"
