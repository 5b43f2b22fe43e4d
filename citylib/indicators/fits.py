"""Whether a declaration fits the city: its datasets, columns, levels and languages."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from citylib.city.errors import CityError
from citylib.city.profile import City

if TYPE_CHECKING:
    from citylib.indicators.declaration import Indicator

CLASSIFICATIONS = ("public", "internal", "personal")
"""From open to closed."""
ALWAYS = ("time", "area")
"""Columns that every table has, and every function gets."""
FREQUENCIES = ("hour", "day", "month", "year")
"""From short to long."""


class DeclarationError(CityError, ValueError):
    """An indicator was declared wrongly; names the place, the key and the mend.

    Attributes
    ----------
    faults : dict of str to tuple
        What is wrong, each with the key that it is about, from outer to inner.
    """

    faults: Mapping[str, tuple[Any, ...]] = {}

    @classmethod
    def of(cls, indicator: object, faults: Mapping[str, tuple[Any, ...]]) -> DeclarationError:
        """An error of one indicator, from what is wrong with it."""
        named = {f"indicator {indicator!r}: {what}": key for what, key in faults.items()}
        error = cls("\n".join(named))
        error.faults = named
        return error


def near(name: str, known: Iterable[str]) -> str:
    """A question after the known name that is most like a wrong one; "" where none is."""
    found = difflib.get_close_matches(name, list(known), 1)
    return f"did you mean {found[0]!r}? " if found else ""


def check(indicator: Indicator, city: City, others: Mapping[str, Indicator] | None) -> None:
    """See `Indicator.check`."""

    def wrong(what: str, *key: str) -> DeclarationError:
        return DeclarationError.of(indicator.id, {what: key})

    def unknown(key: str, value: str, known: Iterable[str]) -> DeclarationError:
        known = list(known)
        has = f"this city has: {', '.join(known)}"
        return wrong(f"key {key!r} names {value!r}; {near(value, known)}{has}", key, value)

    if indicator.dataset not in city.datasets:
        raise unknown("dataset", indicator.dataset, city.datasets)
    dataset = city.datasets[indicator.dataset]
    columns = {column.name: column for column in dataset.column}
    open_to = [dataset.classification]
    for key, name in _named(indicator):
        if name not in columns:
            raise unknown(key, name, columns)
        open_to.append(columns[name].classification or dataset.classification)
        if what := _misfit(indicator, key, name, columns[name].type):
            raise wrong(what, key, name)
    strictest = max(open_to, key=CLASSIFICATIONS.index)
    if CLASSIFICATIONS.index(indicator.classification) < CLASSIFICATIONS.index(strictest):
        raise wrong(
            f"key 'classification' is {indicator.classification!r}, but its records in "
            f"{indicator.dataset!r} are {strictest!r}; declare it {strictest!r}",
            "classification",
        )
    if indicator.level != "city" and indicator.level not in city.levels:
        raise unknown("level", indicator.level, ("city", *city.levels))
    for language in city.languages:
        if language not in indicator.title:
            raise wrong(f"key 'title' lacks language {language!r}: add {language} = \"…\"", "title")
    if city.domains and indicator.domain not in city.domains:
        raise unknown("domain", indicator.domain, city.domains)
    for key, texts in _said(indicator):
        if missing := [lang for lang in city.languages if not texts.get(lang)]:
            raise wrong(f"key {key!r} lacks language {missing[0]!r}: add it", key)
    if indicator.per is not None and others is not None:
        if indicator.per not in others:
            raise unknown("per", indicator.per, others)
        if what := _no_head(indicator, others[indicator.per]):
            raise wrong(what, "per")


def _said(indicator: Indicator) -> Iterable[tuple[str, dict[str, str]]]:
    """Texts of thresholds and targets that differ by language."""
    if indicator.thresholds:
        yield from (("thresholds", words) for words in indicator.thresholds.words)
    for key, said in [
        ("thresholds", indicator.thresholds),
        *(("target", t) for t in indicator.target),
    ]:
        if said and isinstance(said.source, dict):
            yield key, said.source


def _named(indicator: Indicator) -> Iterable[tuple[str, str]]:
    """Keys and the columns that they name."""
    for key in ("measure", "denominator", "weight"):
        if (name := getattr(indicator, key)) is not None:
            yield key, name
    for key in ("where", "condition", "reads"):
        for name in getattr(indicator, key, ()):
            if key != "reads" or name not in ALWAYS:
                yield key, name


def _misfit(indicator: Indicator, key: str, name: str, kind: str) -> str:
    """What is wrong where a measure is no number, or where like is not compared with like."""
    from citylib.indicators.where import values_of

    if key == "reads":
        return ""
    if key not in ("where", "condition"):
        if kind == "string" and indicator.aggregation != "distinct":
            return f"key {key!r} names {name!r}, which holds text; name a column of numbers"
        return ""
    for value in values_of(getattr(indicator, key)[name]):
        if isinstance(value, str) != (kind == "string"):
            form = "text" if kind == "string" else "a number"
            is_ = f"key '{key}.{name}' is {value!r}"
            return f"{is_}, but the column is of type {kind}; write {form}"
    return ""


def _no_head(indicator: Indicator, other: Indicator) -> str:
    """What is wrong with an indicator that another is divided by."""
    if other.per is not None:
        return f"key 'per' names {other.id!r}, which is a rate itself; name one without 'per'"
    if other.level != indicator.level:
        return (
            f"key 'per' names {other.id!r} of the level {other.level!r}; name one of the level "
            f"{indicator.level!r}"
        )
    if FREQUENCIES.index(other.frequency) < FREQUENCIES.index(indicator.frequency):
        return (
            f"key 'per' names {other.id!r} by {other.frequency}; name one by "
            f"{indicator.frequency} or a longer period"
        )
    if CLASSIFICATIONS.index(indicator.classification) < CLASSIFICATIONS.index(
        other.classification
    ):
        return (
            f"key 'classification' is {indicator.classification!r}, but {other.id!r} is "
            f"{other.classification!r}; declare it {other.classification!r}"
        )
    return ""
