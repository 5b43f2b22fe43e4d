"""What a profile says of a dataset: who publishes it and what its columns mean."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from citylib.city.mapping import Reading, Source
from citylib.city.model import Plain

Classification = Literal["public", "internal", "personal"]
Said = str | dict[str, str]
"""One text for all languages, or one for each language of the city."""


def in_language(said: Said, language: str) -> str:
    """What is said, in a language; where there are texts but none in it, the first.

    >>> in_language({"fr": "la ville", "en": "the town"}, "en")
    'the town'
    """
    return said if isinstance(said, str) else said.get(language) or next(iter(said.values()))


OWN_COLUMNS = (
    "time",
    "area",
    "occurrence",
    "source_file",
    "replayed",
    "sequence",
    "partition",
)


class Column(Plain):
    """A column of the table.

    Attributes
    ----------
    name, type : str
        Name in the table; "string", "int64" or "float64".
    title : dict of str to str
        What it is, per language.
    units : str
        Unit of the stored values, "" where there is none.
    classification : str, optional
        "public", "internal" or "personal"; by default that of the dataset. Of a personal text
        only pseudonyms are kept.
    min, max : float, optional
        A record with a value outside is set aside.
    required : bool
        A record without a value is set aside.
    running : bool
        A running total, for each value of the key's other columns. Where it is below half of the
        largest before it in the file, or more than doubles and falls back at once, it is taken as
        missing, and listed with what is set aside.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    type: Literal["string", "int64", "float64"]
    title: dict[str, str]
    units: str = ""
    classification: Classification | None = None
    min: float | None = None
    max: float | None = None
    required: bool = False
    running: bool = False


class DatasetSpec(Plain):
    """A dataset of the city: what it is, and how its files become a table.

    Attributes
    ----------
    id : str
        Name of the file in `datasets/`, of the table and of the folder in `records/`.
    title : dict of str to str
        Per language.
    publisher, source, licence : str, or dict of str to str
        Who published it, where, and under which terms; for all languages, or per language.
    note : str
        What a user of the figures must know.
    classification : str
        "public", "internal" or "personal".
    as_of : str, optional
        Date of a snapshot.
    key : tuple of str
        Columns that together tell a record from every other.
    repeats : str
        What a second row of a file with the same key but other values is: "conflict" (set
        aside) or "number" (a record of its own, told apart by the column `occurrence`). In a later
        file or delivery it is a correction: it takes the place of the first.
    window : duration, optional
        How long before the table's newest record one may still be corrected at once, such as
        "P7D". A record within it is compared with those that are there; an older one is kept
        beside them, and readers take whichever came last. By default every record is compared,
        which takes longer the more of a table's time new records reach back over.
    partition : str
        The table is kept by "year", "month" or "day" (in UTC): by day or month if there are more
        than some ten million records a year.
    column : tuple of Column
        The table's columns besides time, area, source_file and replayed, which every table has.
    read : tuple of Source
        How the files are read, one for each make of file; none where only feeds bring records.
    folder, path : Path
        Folder of the files and the file of this description; set by the profile.
    """

    id: str
    title: dict[str, str]
    publisher: Said
    source: Said
    licence: Said
    note: str = ""
    classification: Classification
    as_of: str | None = None
    key: tuple[str, ...]
    repeats: Literal["conflict", "number"] = "conflict"
    window: Annotated[timedelta | None, Field(gt=timedelta(0))] = None
    partition: Literal["year", "month", "day"] = "year"
    column: tuple[Column, ...]
    read: tuple[Source, ...] = ()
    folder: Path
    path: Path

    @model_validator(mode="after")
    def _fits(self) -> DatasetSpec:
        names = [column.name for column in self.column]
        for name in names:
            if name in OWN_COLUMNS or names.count(name) > 1:
                raise ValueError(f"column {name!r} is there twice; every table has {OWN_COLUMNS}")
        for column in self.column:
            if column.classification == "personal" and column.type != "string":
                raise ValueError(
                    f"column {column.name!r} is personal, so a pseudonym is kept in the place of "
                    "each value: its type must be 'string'; or leave the column out"
                )
        for name in self.key:
            if name not in ("time", "area", *names):
                raise ValueError(f"key {name!r} is no column; there are {', '.join(names)}")
        for number, source in enumerate(self.read):
            for fault in self.faults(source):
                raise ValueError(f"read.{number}{fault}")
        return self

    def faults(self, reading: Reading) -> Iterator[str]:
        """What keeps a reading from filling this table; each begins where its key ends."""
        names = [column.name for column in self.column]
        unpivot = reading.unpivot
        filled = set(unpivot.measures.values()) if unpivot else set()
        if unpivot and unpivot.value:
            filled.add(unpivot.value)
        for name in (*reading.columns, *filled):
            if name not in names:
                yield f".columns.{name}: the table has no such column"
        for name, rule in [("time", reading.time), *reading.columns.items()]:
            if rule.has_source == (name in filled):
                says = "must not say" if name in filled else "must say"
                yield f": rule of {name!r} {says} where its value is"
        for name in names:
            if name in self.key and name not in {*reading.columns, *filled}:
                yield f".columns: no rule for key column {name!r}"
