"""Which files were loaded, by which mapping, and what became of their records."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from citylib.lake.batch import Batch, Part
from citylib.lake.errors import storage
from citylib.lake.pieces import pieces
from citylib.lake.records import Mapped
from citylib.lake.schema import LINE, LOADS, delta_schema, stored_schema, table_schema
from citylib.lake.sheet import Sheet
from citylib.lake.tables import (
    Snapshot,
    again,
    append,
    missing_columns,
    open_table,
    pseudonymous,
    replace,
)
from citylib.lake.writer import Writer

FEED = "feed:"
"""What stands before a feed's id in the place of a file's digest."""


class Ledger:
    """Notes on the files of one dataset.

    Parameters
    ----------
    uri, records_uri : str
        Where the notes are, and the table that they speak of.
    """

    def __init__(self, uri: str, records_uri: str) -> None:
        self.uri, self.records_uri = uri, records_uri

    def has_table(self) -> bool:
        """Whether there is a table of records."""
        return open_table(self.records_uri) is not None

    def accounts(self, mapping: str) -> dict[str, dict[str, int]]:
        """Accounts of the files loaded before by a mapping, by digest; none without a table."""
        return {row["digest"]: row for row in self._files() if row["mapping"] == mapping}

    def names(self) -> set[str]:
        """Names of the files loaded before."""
        return {row["file"] for row in self._files()}

    def is_other_mapping(self, mapping: str) -> bool:
        """Whether the table was made by another mapping, so that it must be made anew."""
        return any(row["mapping"] != mapping for row in self._files())

    def note(self, rows: pa.Table, anew: bool = False) -> None:
        """Add notes on files, or put them in the place of all."""
        if anew:
            rows = pa.concat_tables([rows, pa.Table.from_pylist(self._feeds(), LOADS)])
        again(self.uri, lambda: replace(self.uri, rows) if anew else append(self.uri, rows))

    def note_feed(self, feed: str) -> None:
        """Note that the table has records that are in no file."""
        digest = FEED + feed
        if all(row["digest"] != digest for row in self._feeds()):
            row = {**dict.fromkeys(LOADS.names, 0), "file": "", "digest": digest, "mapping": ""}
            row["loaded"] = datetime.now(UTC)
            self.note(pa.Table.from_pylist([row], LOADS))

    def kept(self, writer: Writer) -> Iterator[Batch]:
        """Records of the table that are from feeds, which cannot be asked for them again.

        Raises
        ------
        SchemaChanged
            They do not fit the columns of the profile.
        """
        version = writer.snapshot() if self._feeds() else Snapshot(None)
        if version.delta is None:
            return
        missing_columns(version.delta, delta_schema(writer.spec))
        names = pa.array(sorted(self.names()), pa.string())
        schema = table_schema(writer.spec)
        clear = set(writer.pseudonyms.names) - pseudonymous(version.delta)
        has = pa.schema(version.delta.schema().to_arrow())
        for piece in pieces(version, writer.records_uri, has, writer.key):
            wanted = [name for name in stored_schema(writer.spec).names if name in has.names]
            for rows in piece.tables(wanted):
                rows = rows.filter(pc.invert(pc.is_in(rows["source_file"], names)))
                for replayed in (False, True):
                    some = rows.filter(pc.equal(rows["replayed"], replayed))
                    if some.num_rows:
                        part = _kept(some, schema)
                        part.mapped = writer.pseudonyms.protected(part.mapped, part.sheet, clear)
                        yield Batch([part], replayed=replayed)

    def _files(self) -> list[dict]:
        return [row for row in self._rows() if not row["digest"].startswith(FEED)]

    def _feeds(self) -> list[dict]:
        return [row for row in self._rows() if row["digest"].startswith(FEED)]

    def _rows(self) -> list[dict]:
        table = open_table(self.uri)
        if table is None or not self.has_table():
            return []
        with storage(self.uri):
            return table.to_pyarrow_table().to_pylist()


def _kept(rows: pa.Table, schema: pa.Schema) -> Part:
    """Records of a table as if a file had brought them."""
    for field in schema:
        if field.name not in rows.column_names:
            rows = rows.append_column(field, pa.nulls(rows.num_rows, field.type))
    rows = rows.select(schema.names).append_column(LINE, pa.array(np.zeros(rows.num_rows, int)))
    sheet = Sheet("", {}, np.zeros(0, int), lambda _: "")
    return Part(sheet, Mapped(rows, [], [], 0, rows.num_rows), "")
