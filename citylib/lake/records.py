"""From a sheet of text to records, by the mapping of the profile."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from citylib.city.areas import plain
from citylib.city.datasets import DatasetSpec
from citylib.city.mapping import Reading, Rule
from citylib.city.profile import City
from citylib.lake.across import Aside, occurrences, running
from citylib.lake.errors import FileFault
from citylib.lake.places import areas
from citylib.lake.schema import LINE, table_schema
from citylib.lake.sheet import Sheet
from citylib.lake.values import Faults, number, times


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
    row : ndarray of int
        Rows of the sheet that are used.
    """

    def __init__(self, sheet: Sheet, source: Reading, row: np.ndarray) -> None:
        self.sheet, self.source = sheet, source
        self.groups, self.measures = _groups(sheet, source)
        self.each = max(len(self.groups), 1)
        self.used = row
        self.row = np.tile(row, self.each)
        self.count = len(self.row)
        match = re.search(source.file_pattern, sheet.file) if source.file_pattern else None
        if source.file_pattern and not match:
            raise FileFault(
                f"{sheet.file}: the name does not match {source.file_pattern!r}, from which "
                "its records take a value; rename the file or mend file_pattern"
            )
        self.named = match.groupdict() if match else {}
        self._known: dict[str, pa.DictionaryArray] = {}

    def text(self, *headers: str) -> pa.DictionaryArray:
        """Text of the first of the headers that the file has, for each record."""
        for name in headers:
            if name not in self._known:
                self._known[name] = self._read(name)
            if self._known[name] is not None:
                return self._known[name]
        raise FileFault(
            f"{self.sheet.file}: no column {' or '.join(map(repr, headers))}; it has "
            f"{', '.join(map(repr, self.sheet.columns))}. Mend the mapping or fetch the file again"
        )

    def _read(self, name: str) -> pa.DictionaryArray | None:
        if self.groups and name in self.groups[0]:
            codes = np.repeat(np.arange(self.each, dtype=np.int32), len(self.used))
            return _dictionary(codes, [group[name] for group in self.groups])
        if name in self.named:
            return self.constant(self.named[name])
        if name not in self.sheet.columns:
            return None
        self.sheet.check(name)
        short = self.sheet.columns[name].dictionary_encode()
        codes = short.indices.to_numpy(zero_copy_only=False)[self.row]
        return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), short.dictionary)

    def constant(self, value: str) -> pa.DictionaryArray:
        """The same text for each record."""
        return _dictionary(np.zeros(self.count, np.int32), [value])

    def rule(self, rule: Rule) -> pa.DictionaryArray:
        """Text of each record by a rule."""
        if rule.constant is not None:
            return self.constant(rule.constant)
        if rule.join:
            parts = [self.text(name) for name in rule.join]
            table = pd.DataFrame(
                {i: part.indices.to_numpy(zero_copy_only=False) for i, part in enumerate(parts)}
            )
            codes = table.groupby(list(table), sort=False).ngroup().to_numpy(np.int32)
            first = np.unique(codes, return_index=True)[1]
            values = [
                " ".join(
                    part.dictionary[table.iloc[n, i]].as_py().strip()
                    for i, part in enumerate(parts)
                )
                for n in first
            ]
            return _dictionary(codes, values)
        text = self.text(*rule.header)
        if rule.pattern is not None:
            found = [re.search(rule.pattern, value) for value in text.dictionary.to_pylist()]
            values = [(match[1] or "") if match else "" for match in found]
            return pa.DictionaryArray.from_arrays(text.indices, pa.array(values, pa.string()))
        return text

    def measure(self, name: str) -> pa.Array:
        """Text of an unpivoted measure of each record."""
        empty = pa.nulls(len(self.used), pa.string())
        parts = [
            self.sheet.columns[headers[name]].take(self.used) if name in headers else empty
            for headers in self.measures
        ]
        return pa.concat_arrays(parts)


def _dictionary(codes: np.ndarray, values: list[str]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(
        pa.array(codes, pa.int32()), pa.array(values, pa.string())
    )


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
    aside: Aside = []
    keep = np.ones(len(sheet.lines), bool)
    total: list[tuple[int, str]] = []
    for item in source.set_aside:
        if item.header not in sheet.columns:
            continue
        sheet.check(item.header)
        values = {plain(value) for value in item.values}
        text = sheet.columns[item.header].dictionary_encode()
        hits = [
            plain(value) in values or bool(item.pattern and re.fullmatch(item.pattern, value))
            for value in text.dictionary.to_pylist()
        ]
        mask = np.array(hits, bool)[text.indices.to_numpy(zero_copy_only=False)] & keep
        total += [(int(line), item.reason) for line in sheet.lines[mask]]
        keep &= ~mask
    occurrence, duplicate = occurrences(sheet, source, spec, keep)
    rows = Rows(sheet, source, np.flatnonzero(keep & ~duplicate))
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
    schema = table_schema(spec).append(pa.field(LINE, pa.int64()))
    table = pa.table([columns[name] for name in schema.names], schema.names)
    if not good.all():
        table = table.filter(pa.array(good))
    table, remarks = running(table, spec)
    whole = (len(sheet.lines) + len(sheet.bad)) * rows.each
    return Mapped(table, aside, remarks, int(duplicate.sum()) * rows.each, whole)


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
        unpivoted = column.name in filled
        how = rule or Rule()
        if column.type == "string":
            text = _clean(rows.rule(how), how)
            columns[column.name] = text
        else:
            text = rows.measure(column.name) if unpivoted else rows.rule(how).cast(pa.string())
            columns[column.name], found = number(text, how, column)
            faults += found
    if source.unpivot:  # an empty cell of a wide row says nothing
        nothing = np.logical_and.reduce([_is_null(columns[name]) for name in filled])
        faults.append(("no value", nothing))
    for column in spec.column:
        if (column.required or column.name in spec.key) and column.name in columns:
            faults.append((f"{column.name} is missing", _is_null(columns[column.name])))
    codes, found = areas(source.area, rows.count, rows.text, lambda name: columns[name], city)
    faults += found
    columns["area"] = pa.array(codes, pa.string())
    for name, (below, other) in late:
        inside = np.array([code is not None and code != city.code for code in codes], bool)
        columns[name] = _dictionary((~inside).astype(np.int32), [below, other])
    return columns, faults


def _is_null(array: pa.Array) -> np.ndarray:
    return pc.is_null(array).to_numpy(zero_copy_only=False)


def _clean(text: pa.DictionaryArray, rule: Rule) -> pa.DictionaryArray:
    values = [re.sub(r"\s+", " ", value).strip() for value in text.dictionary.to_pylist()]
    none = {"", *rule.null}
    unique = list(dict.fromkeys(value for value in values if value not in none))
    place = {value: n for n, value in enumerate(unique)}
    codes = np.array([place.get(value, -1) for value in values] or [-1], np.int32)
    taken = codes[text.indices.to_numpy(zero_copy_only=False)]
    return pa.DictionaryArray.from_arrays(
        pa.array(taken, pa.int32(), mask=taken < 0), pa.array(unique, pa.string())
    )
