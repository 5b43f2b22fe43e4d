"""Seoul's profile: complete, small, and right where it can be checked."""

import csv
import json
import time
from pathlib import Path

import pytest
import shapely
from shapely.geometry import Point, shape

from citylib.city.profile import load_city

FOLDER = Path(__file__).parents[2] / "cities" / "seoul"


@pytest.fixture(scope="module")
def seoul():
    return load_city(FOLDER)


def test_areas_are_complete(seoul):
    district, neighbourhood = seoul.levels["district"], seoul.levels["neighbourhood"]
    assert len(district.areas) == 25
    assert len(neighbourhood.areas) == 423
    assert list(district.areas) == [f"11{n:02}0" for n in range(1, 26)]
    assert all(code.startswith(area.parent) for code, area in neighbourhood.areas.items())
    for level in (district, neighbourhood):
        assert all(set(area.name) == {"ko", "en"} for area in level.areas.values())
        assert all(all(area.name.values()) for area in level.areas.values())
        assert {feature["id"] for feature in level.geojson()["features"]} == set(level.areas)


def test_the_same_district_by_every_code(seoul):
    district = seoul.levels["district"]
    for value, scheme in [
        ("11250", None),
        ("11740", "mois"),
        ("25", "ars"),
        ("강동구", "name"),
        ("강 동 구", None),
        ("gangdong-gu", None),
    ]:
        assert district.code_of(value, scheme) == "11250"
    for scheme in ("mois", "ars", "kostat"):
        assert len(set(district.crosswalk[scheme])) == 25


def test_neighbourhoods_by_other_codes_and_names(seoul):
    level = seoul.levels["neighbourhood"]
    assert level.code_of("1111053000", "mois") == "1101053"
    assert level.code_of("종로1.2.3.4가동") == "1101061"
    assert level.code_of("종로1234가동") == "1101061"
    assert level.code_of("창신제1동") == "1101067"
    assert len(level.crosswalk["mois"]) == 423


def test_positions_lie_where_a_plain_search_finds_them(seoul):
    level = seoul.levels["neighbourhood"]
    shapes = {f["id"]: shape(f["geometry"]) for f in level.geojson()["features"]}
    points = [geometry.representative_point() for geometry in shapes.values()]
    points += [Point(126.9780, 37.5665), Point(129.0, 35.1), Point(0, 0)]
    found = level.locate([p.x for p in points], [p.y for p in points])
    for point, code in zip(points, found, strict=True):
        holding = [other for other, geometry in shapes.items() if geometry.contains(point)]
        assert code == (holding[0] if holding else None)


def test_neighbourhoods_cover_their_districts(seoul):
    parts = {
        f["id"]: shape(f["geometry"]) for f in seoul.levels["neighbourhood"].geojson()["features"]
    }
    for feature in seoul.levels["district"].geojson()["features"]:
        whole = shape(feature["geometry"])
        own = [geometry for code, geometry in parts.items() if code.startswith(feature["id"])]
        assert whole.is_valid
        assert shapely.unary_union(own).symmetric_difference(whole).area < 0.15 * whole.area


def test_what_goes_to_a_browser_is_small():
    assert (FOLDER / "areas" / "district.geojson").stat().st_size < 40_000
    assert (FOLDER / "areas" / "neighbourhood.geojson").stat().st_size < 150_000
    assert sum(path.stat().st_size for path in (FOLDER / "basemap").iterdir()) < 50_000


def test_the_basemap_lies_in_the_city(seoul):
    west, south, east, north = seoul.bounds
    for layer in seoul.basemap:
        features = layer.geojson()["features"]
        assert features
        for feature in features:
            box = shape(feature["geometry"]).bounds
            assert box[0] >= west
            assert box[1] >= south
            assert box[2] <= east
            assert box[3] <= north
    assert all(f["properties"]["name_en"] for f in seoul.basemap[1].geojson()["features"])


def test_every_coordinate_is_rounded():
    def numbers(value):
        if isinstance(value, list):
            for part in value:
                yield from numbers(part)
        else:
            yield value

    for path in [*FOLDER.glob("areas/*.geojson"), *FOLDER.glob("basemap/*.geojson")]:
        for feature in json.loads(path.read_text("utf-8"))["features"]:
            assert all(round(n, 5) == n for n in numbers(feature["geometry"]["coordinates"]))


def test_stations_have_places():
    with (FOLDER / "places" / "subway_stations.csv").open(encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    assert len({(row["line"], row["station"]) for row in rows}) == len(rows)
    assert [row["station"] for row in rows if not row["lon"]] == ["원종"]
    assert all(126 < float(row["lon"]) < 128 for row in rows if row["lon"])


def test_a_profile_is_read_quickly():
    def once() -> float:
        start = time.perf_counter()
        load_city(FOLDER)
        return time.perf_counter() - start

    assert min(once() for _ in range(5)) < 0.3
