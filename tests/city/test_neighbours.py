"""Areas that touch each other."""

from pathlib import Path

import pytest

from citylib.city.neighbours import neighbours
from citylib.city.profile import load_city

CITIES = Path(__file__).parents[2] / "cities"


@pytest.fixture(scope="module")
def seoul():
    return load_city(CITIES / "seoul")


def test_the_districts_around_a_district(seoul):
    found = neighbours(seoul.levels["district"])
    names = {seoul.area_name(code, "en") for code in found["11250"]}
    assert names == {"Gwangjin-gu", "Songpa-gu"}, "across the river as well"


def test_whoever_touches_is_touched_and_none_touches_itself(seoul):
    for level in seoul.levels.values():
        found = neighbours(level)
        assert list(found) == list(level.areas)
        for code, around in found.items():
            assert code not in around
            assert all(code in found[other] for other in around)
            assert around, f"{code} has no neighbour"


def test_an_island_has_none():
    level = load_city(CITIES / "new_york").levels["borough"]
    assert neighbours(level)["SI"] == ()
    assert "MN" in neighbours(level)["BX"]
