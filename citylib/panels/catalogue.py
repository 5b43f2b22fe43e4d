"""The catalogue in a cell of a notebook: what there is in the lake, whose it is, how fresh."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape

from ipywidgets import HTML

from citylib.city.datasets import in_language
from citylib.lake import Lake
from citylib.lake.listing import cells

HEADS = (
    *("dataset", "title", "owner", "licence", "classification", "asked every", "records"),
    *("from", "to", "newest record", "last delivery", "set aside", "MB"),
)
NUMBERS = ("records", "set aside", "MB")


def catalogue(lake: Lake, language: str = "en") -> HTML:
    """A table of the datasets; the title of a row tells its note and its columns' units.

    Parameters
    ----------
    lake : Lake
        What to show.
    language : str
        Of the datasets' titles.

    Returns
    -------
    HTML
        To be the last line of a cell.

    Examples
    --------
    >>> catalogue(Workspace.open().lake)  # doctest: +SKIP
    """
    now = datetime.now(UTC)
    head = "".join(f'<th scope="col">{name}</th>' for name in HEADS)
    rows = []
    for one in lake.catalogue():
        values = [one.id, *cells(one, language, lake.city.timezone, now)]
        units = ", ".join(f"{name} in {unit}" for name, unit in one.units.items())
        title = " · ".join(filter(None, (one.note, units, in_language(one.source, language))))
        inside = "".join(_cell(name, text) for name, text in zip(HEADS, values, strict=True))
        rows.append(f'<tr title="{escape(title)}">{inside}</tr>')
    return HTML(
        '<div style="overflow-x: auto"><table class="dataframe"><thead><tr>'
        f"{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _cell(name: str, text: str) -> str:
    if name == "dataset":
        return f'<th scope="row" style="text-align: left">{escape(text)}</th>'
    side = "right" if name in NUMBERS else "left"
    return f'<td style="text-align: {side}">{escape(text)}</td>'
