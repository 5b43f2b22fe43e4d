"""Areas along the cube's dimension, and where records belong."""

from __future__ import annotations

from dataclasses import dataclass

from citylib.city.errors import CityError
from citylib.city.profile import City


@dataclass(frozen=True)
class Areas:
    """Areas along the cube's dimension for one level, and where each record's area belongs.

    Attributes
    ----------
    codes : tuple of str
        The city, then the level's areas in the profile's order.
    place : dict of str to int
        Number of the level's area for every code at or below it; 0, the city's own, for a code of
        which only the city is known.
    """

    codes: tuple[str, ...]
    place: dict[str, int]

    @classmethod
    def of(cls, city: City, level: str) -> Areas:
        """Areas of a level of a city; the level `city` has the city alone."""
        codes = (city.code, *(() if level == "city" else city.levels[level].areas))
        number = {code: index for index, code in enumerate(codes) if index}
        place = {city.code: 0}
        for finer in city.levels.values():
            for code in finer.areas:
                line = (code, *city.ancestors(code))
                place[code] = next((number[c] for c in line if c in number), 0)
        return cls(codes, place)


def unknown(dataset: str, code: str) -> CityError:
    """What is said of a record whose area the city does not have."""
    return CityError(
        f"dataset {dataset!r}: area {code!r} is not in the city's profile; "
        "load the dataset again after changing the profile's areas"
    )
