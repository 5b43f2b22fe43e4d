"""Making a table anew: all files are written beside the old ones, which one commit replaces."""

from __future__ import annotations

import json
from dataclasses import replace as changed

import pyarrow as pa
import pyarrow.compute as pc
from deltalake.transaction import AddAction

from citylib.lake.batch import Batch, Judged
from citylib.lake.datafiles import LATE, remove
from citylib.lake.personal import without_text
from citylib.lake.schema import MENDED, SET_ASIDE, delta_schema, facts
from citylib.lake.storage import filesystem
from citylib.lake.store import read_aside
from citylib.lake.tables import (
    WRITER,
    Snapshot,
    again,
    commit,
    file_of,
    make_table,
    open_table,
    replace,
)
from citylib.lake.writer import Writer


class Remake:
    """A table that is made anew; readers see the old one until `finish`.

    Parameters
    ----------
    writer : Writer
        Of the dataset.
    """

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self.version = Snapshot(None)
        self.number = 1
        self.actions: list[AddAction] = []
        self.aside: list[pa.Table] = []

    def add(self, batch: Batch) -> Judged:
        """Judge a batch by those before it, and write it."""
        judged = self.writer.judge(batch, self.version, None)
        if judged.stored:
            actions = self.writer.write(judged, batch.replayed, self.number)
            self.number += 1
            self.actions += actions
            self.writer.remember(judged, actions)
            new = [file_of(action) for action in actions]
            self.version = changed(
                self.version,
                main=(*self.version.main, *(file for file in new if file.partition != LATE)),
                late=(*self.version.late, *(file for file in new if file.partition == LATE)),
            )
        self.writer.goes_on(batch, judged)
        self.aside += [rows for rows in judged.aside if rows.num_rows]
        return judged

    def finish(self) -> None:
        """Put what was added in the place of what was there: set aside, then records.

        Raises
        ------
        LakeBusy
            Others always were quicker; the table stays as it was.
        StorageFault
            The storage failed; the table stays as it was.
        """
        writer = self.writer
        self.aside.append(_of_feeds(writer))
        again(writer.aside_uri, lambda: replace(writer.aside_uri, _joined(self.aside)))
        again(writer.records_uri, self._commit)

    def abandon(self) -> None:
        """Leave the table as it was."""
        system, root = filesystem(self.writer.records_uri)
        remove(system, [f"{root}/{action.path}" for action in self.actions])

    def _commit(self) -> None:
        writer = self.writer
        schema = delta_schema(writer.spec)
        delta = open_table(writer.records_uri)
        if delta is None:
            about = json.dumps(facts(writer.spec), ensure_ascii=False)
            delta = make_table(writer.records_uri, schema, about, ["partition"])
        elif delta.metadata().partition_columns != ["partition"]:  # made by an earlier version
            replace(writer.records_uri, schema.empty_table(), ["partition"])
            delta = open_table(writer.records_uri)
        assert delta is not None  # noqa: S101  it was there, or has been made
        number = max(delta.transaction_version(WRITER) or 0, self.number) + 1
        commit(delta, self.actions, [(WRITER, number)], anew=schema)


def _of_feeds(writer: Writer) -> pa.Table:
    """What was set aside and is in no file: it cannot be read again."""
    uri, dataset = writer.records_uri.rsplit("/", 1)
    rows = read_aside(uri, dataset)
    of_feeds = pc.not_equal(pc.fill_null(rows["feed"], ""), "")
    rows = rows.filter(pc.or_(of_feeds, pc.starts_with(rows["file"], MENDED)))
    return rows.select(SET_ASIDE.names) if not writer.pseudonyms.names else without_text(rows)


def _joined(tables: list[pa.Table]) -> pa.Table:
    return pa.concat_tables(tables) if tables else SET_ASIDE.empty_table()
