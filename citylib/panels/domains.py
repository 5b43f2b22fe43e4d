"""Indicators by the domains of the city's life: what is beyond its threshold comes first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from citylib.city.profile import City
from citylib.panels.picture import reading as read
from citylib.panels.picture.grade import Grade, beyond, grade

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True)
class Member:
    """An indicator of a domain.

    Attributes
    ----------
    id : str
        Of the indicator.
    grade : Grade or None
        Class of the city's newest figure; None without thresholds.
    areas : tuple of str
        Areas whose figure of that period is past the threshold.
    """

    id: str
    grade: Grade | None = None
    areas: tuple[str, ...] = ()

    @property
    def beyond(self) -> bool:
        """Whether the city's figure is past its threshold."""
        return self.grade is not None and self.grade.beyond

    @property
    def rank(self) -> int:
        """0: the city is past the threshold; 1: some of its areas are; 2: neither."""
        return 0 if self.beyond else 1 if self.areas else 2


@dataclass(frozen=True)
class Domain:
    """A part of the city's life and its indicators, the one that speaks for it first."""

    id: str
    name: str
    members: tuple[Member, ...]

    @property
    def head(self) -> Member:
        """Whose figure stands for the domain."""
        return self.members[0]


def domains_of(
    city: City, figures: Mapping[str, xr.DataArray], ids: Sequence[str], lang: str
) -> list[Domain]:
    """Domains that have a figure.

    In the order of the city's profile, but first what is past its threshold, then what is so in
    some of the areas. Within a domain likewise; otherwise those marked as `headline` come first.

    Parameters
    ----------
    city : City
        Profile.
    figures : mapping of str to xarray.DataArray
        Indicators by id, dims `(time, area)`.
    ids : sequence of str
        Which of them.
    lang : str
        Language of the names.
    """
    groups: dict[str, list[str]] = {domain: [] for domain in city.domains}
    for name in ids:
        groups.setdefault(str(figures[name].attrs.get("domain", "")), []).append(name)
    found = []
    for domain, names in groups.items():
        members = [member_of(city, figures[name], lang) for name in names]
        order = sorted(
            members,
            key=lambda one: (one.rank, not int(figures[one.id].attrs.get("headline") or 0)),
        )
        if order:
            found.append(Domain(domain, city.domain_name(domain, lang), tuple(order)))
    return sorted(found, key=lambda domain: domain.head.rank)


def member_of(city: City, array: xr.DataArray, lang: str) -> Member:
    """An indicator with the class of its newest figure for the city, in the words of a language."""
    found = read.reading(array, city.code, lang)
    if found.time is None or "alarm" not in array.attrs:
        return Member(str(array.name))
    areas = beyond(array, read.at(array, found.time), read.districts(array, city.code))
    return Member(str(array.name), grade(array, found.value, lang), tuple(areas))
