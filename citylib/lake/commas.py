"""Rows of the wrong length, as of text with commas that nobody quoted."""

from __future__ import annotations

import re

from citylib.city.mapping import Reading


def put_together(
    fields: list[str], names: list[str], width: int, source: Reading
) -> list[str] | str:
    """Fields of a row of the wrong length in their places, or the reason why it is bad."""
    whole = len(names)
    commas = source.commas
    surplus = len(fields) - width
    if width <= len(fields) <= whole or (surplus > 0 and not any(fields[width:])):
        return (fields + [""] * whole)[:whole]
    if commas and surplus > 0:
        first = names.index(commas.free[0])
        choices = [surplus] if commas.anchor is None else range(surplus + 1)
        found = []
        for extra in choices:
            row = _absorbed(fields, first, extra, source.separator)
            if commas.anchor is not None and commas.pattern is not None:
                row = _absorbed(row, names.index(commas.free[1]), surplus - extra, source.separator)
                if not re.fullmatch(commas.pattern, row[names.index(commas.anchor)]):
                    continue
            found.append(row)
        if len(found) == 1:
            return (found[0] + [""] * whole)[:whole]
    return f"{len(fields)} fields where there should be {width}"


def _absorbed(fields: list[str], at: int, extra: int, separator: str) -> list[str]:
    return [*fields[:at], separator.join(fields[at : at + extra + 1]), *fields[at + extra + 1 :]]
