"""From a sheet of text to records, by the mapping of the profile."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from citylib.city.areas import plain
from citylib.city.datasets import DatasetSpec
from citylib.city.mapping import Reading, Rule
from citylib.city.profile import City
from citylib.lake.across import Aside, kept_up, occurrences, running
from citylib.lake.clock import times
from citylib.lake.codes import clean, codes_of, dictionary, distinct, plain_text, texts
from citylib.lake.errors import FileFault
from citylib.lake.places import areas
from citylib.lake.schema import LINE, table_schema
from citylib.lake.sheet import Sheet
from citylib.lake.values import Faults, number


@dataclass
class Mapped:
    """What a file holds.

    Attributes
    ----------
    records : pa.Table
        Records that fit, with the table's columns and their line in the file.
    aside : list of (line, reason)
        One entry for each record that does not.
    remarks : list of (line, reason)
        Values that were left out of records that were kept.
    duplicate : int
        Records of rows that are there twice, letter for letter, in a dataset that numbers repeats.
    read : int
        All of them together.
    """

    records: pa.Table
    aside: Aside
    remarks: Aside
    duplicate: int
    read: int


class Rows:
    """Text of the records of a sheet, header by header; a wide row stands for several records.

    Parameters
    ----------
    sheet : Sheet
        Rows of the file.
    source : Reading
        Its mapping.
    used : ndarray of int
        Rows of the sheet that are used.
    """

    def __init__(self, sheet: Sheet, source: Reading, used: np.ndarray) -> None:
        self.sheet, self.source = sheet, source
        self.groups, self.measures = _groups(sheet, source)
        self.each = max(len(self.groups), 1)
        self.used = used
        self.all = len(used) == len(sheet.lines)
        self.row = np.tile(used, self.each) if self.groups else used
        self.count = len(self.row)
        match = re.search(source.file_pattern, sheet.base) if source.file_pattern else None
        if source.file_pattern and not match:
            raise FileFault(
                f"{sheet.file}: the name does not match {source.file_pattern!r}, from which "
                "its records take a value; rename the file or mend file_pattern"
            )
        self.named = match.groupdict() if match else {}
        self._known: dict[str, pa.DictionaryArray] = {}

    def text(self, *headers: str) -> pa.DictionaryArray:
        """Text of the first of the headers that the file has, for each record."""
        name = self._there(headers)
        if name not in self._known:
            self._known[name] = self._read(name)
        return self._known[name]

    def _has(self, headers: tuple[str, ...]) -> str | None:
        """The first of the headers that the file has."""
        groups = self.groups[0] if self.groups else {}
        for name in headers:
            if name in groups or name in self.named or name in self.sheet.columns:
                return name
        return None

    def _there(self, headers: tuple[str, ...]) -> str:
        if (name := self._has(headers)) is not None:
            return name
        raise FileFault(
            f"{self.sheet.file}: no column {' or '.join(map(repr, headers))}; it has "
            f"{', '.join(map(repr, self.sheet.headers or self.sheet.columns))}. Mend the mapping, "
            "fetch the file again, or say optional = true if what has no value is left out"
        )

    def _read(self, name: str) -> pa.DictionaryArray:
        if self.groups and name in self.groups[0]:
            codes = np.repeat(np.arange(self.each, dtype=np.int32), len(self.used))
            return texts(codes, [group[name] for group in self.groups])
        if name in self.named:
            return self.constant(self.named[name])
        short = dictionary(self._column(name))
        if not self.groups:
            return short
        codes = np.tile(codes_of(short), self.each)
        return pa.DictionaryArray.from_arrays(pa.array(codes), short.dictionary)

    def _column(self, name: str) -> pa.Array:
        """A column of the file, in the rows used."""
        self.sheet.check(name)
        column = self.sheet.columns[name]
        return column if self.all else column.take(pa.array(self.used))

    def constant(self, value: str) -> pa.DictionaryArray:
        """The same text for each record."""
        return texts(np.zeros(self.count, np.int32), [value])

    def rule(self, rule: Rule) -> pa.DictionaryArray:
        """Text of each record by a rule."""
        if rule.constant is not None:
            return self.constant(rule.constant)
        if rule.join:
            parts = [self.text(name) for name in rule.join]
            codes = [codes_of(part) for part in parts]
            first, back = distinct(codes, [len(part.dictionary) for part in parts])
            columns = [part.take(pa.array(first)).to_pylist() for part in parts]
            rows = zip(*columns, strict=True)
            return texts(back, [" ".join(cell.strip() for cell in row) for row in rows])
        if rule.optional and self._has(rule.header) is None:
            return self.constant("")
        text = self.text(*rule.header)
        if rule.pattern is not None:
            found = map(re.compile(rule.pattern).search, text.dictionary.to_pylist())
            values = [(match[1] or "") if match else "" for match in found]
            return pa.DictionaryArray.from_arrays(text.indices, pa.array(values, pa.string()))
        return text

    def plain(self, rule: Rule) -> pa.Array:
        """What a rule for a number finds: text or, where the file has them, numbers."""
        there = bool(rule.header) and (not rule.optional or self._has(rule.header) is not None)
        if not self.groups and there and rule.pattern is None:
            name = self._there(rule.header)
            if name not in self.named:
                return self._column(name)
        return self.rule(rule)

    def measure(self, name: str) -> pa.Array:
        """What the cells of the wide rows say of a measure."""
        parts = {m[name]: self._column(m[name]) for m in self.measures if name in m}
        kinds = {part.type for part in parts.values()}
        if len(kinds) > 1:
            parts = {header: plain_text(part) for header, part in parts.items()}
        kind = kinds.pop() if len(kinds) == 1 else pa.string()
        none = pa.nulls(len(self.used), kind)
        return pa.concat_arrays([parts.get(m.get(name, ""), none) for m in self.measures])


def _groups(sheet: Sheet, source: Reading) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """For each record of a wide row: its named parts, and the header of each measure."""
    unpivot = source.unpivot
    if unpivot is None:
        return [], []
    found: dict[tuple[tuple[str, str], ...], dict[str, str]] = {}
    for header in sheet.columns:
        match = re.fullmatch(unpivot.pattern, header)
        if not match:
            continue
        parts = match.groupdict()
        said = parts.pop("measure", None)
        name = unpivot.value if said is None else unpivot.measures.get(said)
        if name is not None:
            sheet.check(header)
            found.setdefault(tuple(parts.items()), {})[name] = header
    if not found:
        raise FileFault(
            f"{sheet.file}: no header matches {unpivot.pattern!r}; it has "
            f"{', '.join(map(repr, sheet.columns))}. Mend the mapping or fetch the file again"
        )
    return [dict(parts) for parts in found], list(found.values())


def map_records(sheet: Sheet, source: Reading, spec: DatasetSpec, city: City) -> Mapped:
    """Make records of a sheet.

    Raises
    ------
    FileFault
        A header that a rule needs is missing, or there twice.
    """
    if not sheet.columns and not len(sheet.lines):  # only rows that could not be cut into fields
        none = table_schema(spec).append(pa.field(LINE, pa.int64())).empty_table()
        return Mapped(none, list(sheet.bad), [], 0, len(sheet.bad))
    keep, total = _not_records(sheet, source)
    occurrence, duplicate = occurrences(sheet, source, spec, keep)
    rows = Rows(sheet, source, np.flatnonzero(keep & ~duplicate))
    aside: Aside = []
    for line, reason in [*sheet.bad, *total]:
        aside += [(line, reason)] * rows.each
    columns, faults = _columns(rows, spec, city)
    if spec.repeats == "number":
        columns["occurrence"] = pa.array(occurrence[rows.row], pa.int64())
    columns["source_file"] = rows.constant(sheet.file)
    columns[LINE] = pa.array(sheet.lines[rows.row], pa.int64())
    good = np.ones(rows.count, bool)
    for reason, mask in faults:
        mask = mask & good
        aside += [(int(line), reason) for line in sheet.lines[rows.row[mask]]]
        good &= ~mask
    names = [*table_schema(spec).names, LINE]
    table = pa.table([columns[name] for name in names], names)
    if not good.all():
        table = table.filter(pa.array(good))
    table, frozen = kept_up(table, source, city.timezone)
    table, remarks = running(table, spec)
    whole = (len(sheet.lines) + len(sheet.bad)) * rows.each
    return Mapped(table, aside, [*frozen, *remarks], int(duplicate.sum()) * rows.each, whole)


def _not_records(sheet: Sheet, source: Reading) -> tuple[np.ndarray, Aside]:
    """Which rows are kept, and those that the mapping says are none."""
    keep = np.ones(len(sheet.lines), bool)
    total: Aside = []
    for item in source.set_aside:
        if item.header not in sheet.columns:
            continue
        sheet.check(item.header)
        values = {plain(value) for value in item.values}
        text = dictionary(sheet.columns[item.header])
        hits = [
            plain(value) in values or bool(item.pattern and re.fullmatch(item.pattern, value))
            for value in text.dictionary.to_pylist()
        ]
        if any(hits):
            mask = np.array(hits, bool)[codes_of(text)] & keep
            total += [(int(line), item.reason) for line in sheet.lines[mask]]
            keep &= ~mask
    return keep, total


def _columns(rows: Rows, spec: DatasetSpec, city: City) -> tuple[dict[str, pa.Array], Faults]:
    source = rows.source
    columns: dict[str, pa.Array] = {}
    faults: Faults = []
    columns["time"], found = times(rows.rule(source.time), source.time, city.timezone)
    faults += found
    filled: list[str] = []
    if source.unpivot:
        filled = list(source.unpivot.measures.values()) or [str(source.unpivot.value)]
    late = []
    for column in spec.column:
        rule = source.columns.get(column.name)
        if rule is not None and rule.level is not None:
            late.append((column.name, rule.level))
            continue
        if rule is None and column.name not in filled:
            kind = pa.string() if column.type == "string" else getattr(pa, column.type)()
            columns[column.name] = pa.nulls(rows.count, kind)
            continue
        how = rule or Rule()
        if column.type == "string":
            columns[column.name] = clean(rows.rule(how), how)
        else:
            cells = rows.measure(column.name) if column.name in filled else rows.plain(how)
            columns[column.name], found = number(cells, how, column)
            faults += found
    if filled and all(columns[name].null_count for name in filled):
        nothing = np.logical_and.reduce([_is_null(columns[name]) for name in filled])
        faults.append(("no value", nothing))  # an empty cell of a wide row says nothing
    for column in spec.column:
        needed = column.required or column.name in spec.key
        if needed and column.name in columns and columns[column.name].null_count:
            faults.append((f"{column.name} is missing", _is_null(columns[column.name])))
    area, found = areas(source.area, rows.count, rows.text, lambda name: columns[name], city)
    faults += found
    columns["area"] = area.array()
    for name, (below, other) in late:
        is_below = np.array([code != city.code for code in area.codes] + [False], bool)
        columns[name] = texts((~is_below[area.place]).astype(np.int32), [below, other])
    return columns, faults


def _is_null(array: pa.Array) -> np.ndarray:
    return pc.is_null(array).to_numpy(zero_copy_only=False)
