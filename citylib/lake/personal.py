"""Personal columns: a pseudonym is kept in the place of every value, and never the value.

A pseudonym is a keyed hash (HMAC-SHA-256) of dataset and value: within a dataset equal values have
equal pseudonyms, so that they can be counted and followed, and across datasets they have others.
Whoever has the tables but not the key cannot even try values. The key is outside the lake.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from collections.abc import Collection
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from citylib.city.datasets import DatasetSpec
from citylib.city.errors import CityError
from citylib.city.secrets import ensure_secret
from citylib.lake.records import Mapped
from citylib.lake.sheet import Sheet
from citylib.lake.tables import open_table, pseudonymous

VARIABLE = "CITYLIB_PSEUDONYM_KEY"
FILE = "pseudonym_key"
SHORTEST = 32
"""Characters of a key."""
LEFT_OUT = "(left out: the dataset has personal columns)"


class KeyMissing(CityError):
    """The key of the pseudonyms is not there, or too short."""


def personal(spec: DatasetSpec) -> tuple[str, ...]:
    """Columns of a dataset whose values are kept as pseudonyms."""
    return tuple(
        column.name
        for column in spec.column
        if column.type == "string" and (column.classification or spec.classification) == "personal"
    )


def key_of_pseudonyms(folder: Path | None, make: bool) -> bytes:
    """The key: what `CITYLIB_PSEUDONYM_KEY` says, else the file `pseudonym_key` in a folder.

    Parameters
    ----------
    folder : Path, optional
        Where the installation's secrets are; None: this process may not have them.
    make : bool
        Whether a new key may be made: not if there are pseudonyms already.

    Raises
    ------
    KeyMissing
        There is none.
    SecretError
        Others can read the file.
    """
    if told := os.environ.get(VARIABLE):
        if len(told) < SHORTEST:
            raise KeyMissing(f"{VARIABLE} must have at least {SHORTEST} characters")
        return told.encode()
    if folder is None:
        raise KeyMissing(
            f"personal columns can be stored only by who has their key: set {VARIABLE}"
        )
    if not make and not (folder / FILE).is_file():
        raise KeyMissing(
            f"{folder / FILE} is not there, but a table has pseudonyms made with it; with another "
            f"key nobody would be known again. Put it back, or set {VARIABLE}"
        )
    return ensure_secret(folder, FILE).read_bytes()


class Pseudonyms:
    """What is kept of a dataset's personal columns.

    Parameters
    ----------
    spec : DatasetSpec
        The dataset.
    table : str
        Address of its table.
    folder : Path, optional
        Where the key is; see `key_of_pseudonyms`.

    Attributes
    ----------
    names : tuple of str
        The columns.
    """

    def __init__(self, spec: DatasetSpec, table: str, folder: Path | None = None) -> None:
        self.names = personal(spec)
        self._dataset, self._table, self._folder = spec.id, table, folder

    def fingerprint(self) -> bytes:
        """What tells the key from another, and nothing else of it."""
        return hmac.digest(self._key, b"", hashlib.sha256)[:8]

    def protected(
        self, mapped: Mapped, sheet: Sheet, names: Collection[str] | None = None
    ) -> Mapped:
        """Records with pseudonyms; of rows that do not fit neither text nor values are kept.

        Parameters
        ----------
        mapped, sheet : Mapped, Sheet
            Records and their rows; the sheet's text is left out from here on.
        names : collection of str, optional
            Columns that hold values; all that are personal by default.

        Raises
        ------
        KeyMissing
            There is no key.
        """
        if not self.names:
            return mapped
        records = mapped.records
        for name in self.names if names is None else names:
            at = records.schema.get_field_index(name)
            new = _pseudonyms(records[name], self._dataset, self._key)
            records = records.set_column(at, name, new)
        sheet.raw = lambda line: LEFT_OUT
        aside = [(line, _without_values(reason)) for line, reason in mapped.aside]
        return replace(mapped, records=records, aside=aside)

    @cached_property
    def _key(self) -> bytes:
        delta = open_table(self._table)
        return key_of_pseudonyms(self._folder, make=delta is None or not pseudonymous(delta))


def without_text(rows: pa.Table) -> pa.Table:
    """Rows set aside without their text, and without values in the reasons."""
    reasons = [_without_values(reason) for reason in rows["reason"].to_pylist()]
    for name, values in (("reason", reasons), ("raw", [LEFT_OUT] * rows.num_rows)):
        at = rows.schema.get_field_index(name)
        rows = rows.set_column(at, rows.schema.field(at), pa.array(values, pa.string()))
    return rows


def _pseudonyms(column: pa.ChunkedArray, dataset: str, key: bytes) -> pa.Array:
    values = column.combine_chunks()
    if not pa.types.is_dictionary(values.type):
        values = values.dictionary_encode()
    start = hmac.new(key, dataset.encode() + b"\0", hashlib.sha256)
    result = []
    for value in values.dictionary.to_pylist():
        one = start.copy()
        one.update((value or "").encode())
        result.append(None if value is None else one.hexdigest()[:32])
    return pa.DictionaryArray.from_arrays(values.indices, pa.array(result, pa.string()))


def _without_values(reason: str) -> str:
    return re.sub(r"""(['"]).*\1""", "'…'", reason)
