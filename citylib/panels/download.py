"""Figures to take away: as a file that opens elsewhere, or as a link to the same view."""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import anywidget
import numpy as np
from traitlets import Dict

from citylib.city.profile import City
from citylib.look.words import say
from citylib.panels.model import CityModel
from citylib.panels.picture import reading as read
from citylib.panels.touch import script

if TYPE_CHECKING:
    import pyarrow as pa
    import xarray as xr

KINDS = {"csv": "text/csv", "parquet": "application/vnd.apache.parquet"}
FORMULA = re.compile(r"^\s*[=+\-@＝＋－＠]|^[\t\r\n]")
"""A cell that begins so is a formula to a spreadsheet."""


def table(city: City, array: xr.DataArray, lang: str) -> pa.Table:
    """Figures of an indicator as rows, with all that a reader must know of them in each.

    Parameters
    ----------
    city : City
        Names of the areas.
    array : xarray.DataArray
        Indicator from the cube, dims `(time, area)`.
    lang : str
        Of names, title, source and licence.

    Returns
    -------
    pyarrow.Table
        A row for each period and area, periods first: `time` (start of the period, timestamp
        without a zone), `time_zone`, `frequency`, `area`, `area_name`, `value` (float64; null:
        missing), `unit` (as CF writes it), `indicator`, `title`, `classification`, `source`,
        `licence`, `replayed` (rests on records of another day), `complete` (the period had ended
        when it was computed), `computed`.
    """
    import pyarrow as pa

    attrs, codes = array.attrs, read.areas_of(array)
    times = np.asarray(array["time"].values, dtype="datetime64[ms]")
    values = np.asarray(array.values, dtype="float64").ravel()
    rows, width = values.size, len(codes)
    first = attrs.get("replayed_from")
    replayed = times >= np.datetime64(first) if first else np.zeros(times.size, bool)
    ended = np.arange(times.size) < read.ended(array)

    def same(text: str) -> pa.Array:
        return pa.DictionaryArray.from_arrays(np.zeros(rows, "int32"), pa.array([text]))

    def by_area(texts: list[str]) -> pa.Array:
        places = np.tile(np.arange(width, dtype="int32"), times.size)
        return pa.DictionaryArray.from_arrays(places, pa.array(texts, pa.string()))

    names = [read.place_name(city, code, lang) for code in codes]
    columns = {
        "time": pa.array(np.repeat(times, width)),
        "time_zone": same(str(array["time"].attrs.get("time_zone", city.timezone))),
        "frequency": same(str(attrs.get("frequency", "day"))),
        "area": by_area(codes),
        "area_name": by_area(names),
        "value": pa.array(values, mask=~np.isfinite(values)),
        "unit": same(str(attrs.get("units", "1"))),
        "indicator": same(str(array.name)),
        "title": same(read.title_of(array, lang)),
        "classification": same(str(attrs.get("classification", "internal"))),
        "source": same(read.said(array, "source", lang)),
        "licence": same(read.said(array, "licence", lang)),
        "replayed": pa.array(np.repeat(replayed, width)),
        "complete": pa.array(np.repeat(ended, width)),
        "computed": same(str(attrs.get("computed") or "")),
    }
    return pa.table(columns)


def as_parquet(rows: pa.Table) -> bytes:
    """A table as a Parquet file."""
    import pyarrow.parquet as pq

    file = io.BytesIO()
    pq.write_table(rows, file, compression="zstd")
    return file.getvalue()


def as_csv(rows: pa.Table) -> bytes:
    """A table as CSV, in UTF-8 with a mark, so that spreadsheets read every script.

    A text that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import csv

    columns = []
    for column in rows.columns:
        if pa.types.is_dictionary(column.type):
            column = pa.chunked_array(
                [
                    pa.DictionaryArray.from_arrays(
                        chunk.indices, pa.array([plain(str(text)) for text in chunk.dictionary])
                    ).cast(pa.string())
                    for chunk in column.chunks
                ]
            )
        elif pa.types.is_timestamp(column.type):
            column = pc.strftime(column.cast(pa.timestamp("s")), "%Y-%m-%dT%H:%M:%S")
        columns.append(column)
    file = io.BytesIO()
    file.write(b"\xef\xbb\xbf")
    csv.write_csv(pa.table(columns, rows.column_names), file)
    return file.getvalue()


def plain(text: str) -> str:
    """A text that no spreadsheet takes for a formula.

    >>> plain("=1+1"), plain("Jongno-gu")
    ("'=1+1", 'Jongno-gu')
    """
    return f"'{text}" if FORMULA.match(text) else text


def file_name(city: City, array: xr.DataArray, kind: str) -> str:
    """Name of a file, which says who may see it where that is not everybody.

    >>> file_name(city, array, "csv")  # doctest: +SKIP
    'town-fires_reached_late-internal.csv'
    """
    said = str(array.attrs.get("classification", "internal"))
    name = f"{city.id}-{array.name}" + ("" if said == "public" else f"-{said}")
    return re.sub(r"[^\w.-]+", "_", name)[:120] + f".{kind}"


class TakeAway(anywidget.AnyWidget):
    """Keys that save the shown indicator as a file, and copy the link to the view.

    The file is made when it is asked for, and goes to the browser packed.
    """

    _esm = script("download")

    words = Dict().tag(sync=True)
    """What the keys say, in the reader's language."""

    def __init__(self, make: Callable[[str], tuple[str, bytes]]) -> None:
        super().__init__()
        self._make = make
        self.on_msg(self._asked)

    def _asked(self, _widget: Any, content: dict[str, Any], _buffers: Any) -> None:
        kind = content.get("wanted")
        if kind not in KINDS:
            return
        name, body = self._make(kind)
        packed = zlib.compressobj(1, wbits=31)
        data = packed.compress(body) + packed.flush()
        self.send({"name": name, "type": KINDS[kind]}, buffers=[data])


def take_away(model: CityModel) -> TakeAway:
    """Keys for what a model shows."""

    def make(kind: str) -> tuple[str, bytes]:
        rows = table(model.city, model.array, model.language)
        body = as_csv(rows) if kind == "csv" else as_parquet(rows)
        return file_name(model.city, model.array, kind), body

    keys = TakeAway(make)

    def speak(_change: Any = None) -> None:
        names = ("csv", "parquet", "copy", "copied", "busy", "label", "failed")
        keys.words = {name: say(model.language, f"take.{name}") for name in names}

    model.observe(speak, ["language"])
    speak()
    return keys
