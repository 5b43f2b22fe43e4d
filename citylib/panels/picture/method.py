"""How an indicator is made and where it comes from, in words."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING, Any

from citylib.city.datasets import DatasetSpec, in_language
from citylib.city.profile import City
from citylib.indicators.where import comparisons
from citylib.look import figures as formats
from citylib.look.words import say
from citylib.panels.picture import reading as read

if TYPE_CHECKING:
    import xarray as xr

    from citylib.indicators.declaration import Indicator


def method(city: City, array: xr.DataArray, lang: str, declared: Indicator | None = None) -> str:
    """Source, terms and method of an indicator as an HTML list of terms.

    Parameters
    ----------
    array : xarray.DataArray
        Indicator from the cube.
    declared : Indicator, optional
        Its declaration: the columns and conditions that the cube does not tell. One that the
        figures were not computed from is left out.
    """
    rows = list(_told(city, array, lang, declared))
    body = "".join(f"<dt>{escape(term)}</dt><dd>{escape(text)}</dd>" for term, text in rows)
    return f'<dl class="method">{body}</dl>'


def _told(
    city: City, array: xr.DataArray, lang: str, declared: Indicator | None
) -> Iterator[tuple[str, str]]:
    attrs = array.attrs
    spec = city.datasets.get(str(attrs.get("dataset", "")))
    if text := read.said(array, "description", lang):
        yield say(lang, "method.description"), text
    if spec is not None:
        yield say(lang, "method.dataset"), in_language(spec.title, lang)
    if declared is not None and declared.digest != attrs.get("declaration"):
        declared = None
    yield say(lang, "method.aggregation"), _aggregation(array, lang, spec, declared)
    if declared is not None:
        for key, condition in (("where", declared.where), ("condition", declared.condition)):
            if condition:
                yield say(lang, f"method.{key}"), condition_in_words(condition, lang, spec)
        yield from _after(declared, lang)
    frequency = str(attrs.get("frequency", "day"))
    level = read.level_of(array, city)
    where = city.levels[level].name[lang] if read.districts(array, city.code) else ""
    parts = [say(lang, f"method.every_{frequency}"), where or say(lang, "whole_city")]
    yield say(lang, "method.frequency"), ", ".join(parts)
    if unit := formats.unit(str(attrs.get("units", "1")), lang):
        yield say(lang, "method.unit"), unit
    if text := read.said(array, "threshold_source", lang):
        yield say(lang, "method.thresholds"), text
    if text := read.said(array, "source", lang):
        yield say(lang, "source"), text
    if spec is not None:
        yield say(lang, "published_at"), in_language(spec.source, lang)
    if text := read.said(array, "licence", lang):
        yield say(lang, "licence"), text
    if said := str(attrs.get("computed") or ""):
        yield say(lang, "method.computed"), said.replace("T", " ").replace("+00:00", " UTC")
    kind = str(attrs.get("classification", "internal"))
    yield say(lang, "method.classification"), say(lang, f"classification.{kind}", default=kind)


def _aggregation(
    array: xr.DataArray, lang: str, spec: DatasetSpec | None, declared: Indicator | None
) -> str:
    name = str(array.attrs.get("aggregation", ""))
    how = say(lang, f"aggregation.{name}", default=name)
    if declared is None or declared.measure is None:
        return how
    text = say(lang, "method.of", how=how, what=_column(declared.measure, lang, spec))
    if declared.denominator is not None:
        text = say(lang, "method.by", what=text, by=_column(declared.denominator, lang, spec))
    if declared.weight is not None:
        text = say(lang, "method.weighted", what=text, by=_column(declared.weight, lang, spec))
    return text


def _after(declared: Indicator, lang: str) -> Iterator[tuple[str, str]]:
    """What is done with the figures once they are there."""
    term = say(lang, "method.after")
    if declared.per is not None:
        yield term, say(lang, "method.per", other=declared.per)
    if declared.scale != 1.0:
        yield term, say(lang, "method.scale", factor=formats.number(declared.scale, lang))
    if declared.derive is not None:
        yield term, say(lang, f"method.{declared.derive}")
    for kind in ("rolling", "change"):
        said = getattr(declared, kind)
        for how, count in said.model_dump(exclude_none=True).items() if said else ():
            yield term, say(lang, f"method.{kind}", how=how, count=count)


def condition_in_words(condition: dict[str, Any], lang: str, spec: DatasetSpec | None) -> str:
    """Which records count, as people say it.

    >>> condition_in_words({"pm25": {"gt": 35, "le": 75}}, "en", None)
    'pm25 above 35; pm25 at most 75'
    """
    parts = []
    for column, wanted in condition.items():
        name = _column(column, lang, spec)
        for word, value in comparisons(wanted):
            values = value if isinstance(value, list) else [value]
            text = ", ".join(
                one if isinstance(one, str) else formats.number(float(one), lang) for one in values
            )
            parts.append(say(lang, f"method.{word}", column=name, value=text))
    return "; ".join(parts)


def _column(name: str, lang: str, spec: DatasetSpec | None) -> str:
    for column in spec.column if spec is not None else ():
        if column.name == name:
            return in_language(column.title, lang)
    return name
