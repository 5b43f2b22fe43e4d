"""What only several rows together tell: rows that repeat a key, running totals that collapse."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from citylib.city.datasets import DatasetSpec
from citylib.city.mapping import Reading
from citylib.lake.codes import codes_of
from citylib.lake.schema import LINE
from citylib.lake.sheet import Sheet

Aside = list[tuple[int, str]]
"""Line in the file, and reason."""
NEXT = 7
LOW, SPIKE = 1, 2


def occurrences(
    sheet: Sheet, source: Reading, spec: DatasetSpec, keep: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Number of each row among the different rows with the same key, and which are there twice."""
    count = len(sheet.lines)
    none = np.zeros(count, bool)
    if spec.repeats != "number":
        return np.ones(count, np.int64), none
    rules = [source.time, *(source.columns[name] for name in spec.key if name in source.columns)]
    wanted = [name for rule in rules for name in (*rule.header, *rule.join)]
    codes = {name: codes_of(array.dictionary_encode()) for name, array in sheet.columns.items()}
    frame = pd.DataFrame(codes)[keep]
    key = frame.groupby([name for name in wanted if name in codes], sort=False).ngroup()
    twice = none.copy()
    if len(repeated := frame[key.duplicated(keep=False)]):
        twice[repeated.index] = repeated.duplicated()
    occurrence = np.ones(count, np.int64)
    kept = key[~twice[key.index]]
    occurrence[kept.index] = kept.groupby(kept).cumcount() + 1
    return occurrence, twice


def running(table: pa.Table, spec: DatasetSpec) -> tuple[pa.Table, Aside]:
    """Leave out values of running totals that cannot be: a spike, or less than half of before.

    Spikes come first: a value of more than twice all before it is one if most of the `NEXT`
    values after it are less than half of it. What follows a spike is judged without it.
    """
    remarks: Aside = []
    names = [column.name for column in spec.column if column.running]
    if not names or not table.num_rows:
        return table, remarks
    frame = table.select([LINE, *spec.key, *names]).to_pandas().sort_values("time", kind="stable")
    others = [name for name in spec.key if name != "time"]
    groups = frame.groupby(others, sort=False).indices.values() if others else [slice(None)]
    for name in names:
        values = frame[name].to_numpy(float, na_value=np.nan)
        judged = np.zeros(len(frame), np.int8)
        for group in groups:
            judged[group] = _judged(values[group])
        wrong = np.zeros(len(frame), np.int8)
        wrong[frame.index] = judged
        for mark, what in (
            (SPIKE, "more than doubled and fell back"),
            (LOW, "fell below half of what it was"),
        ):
            if (hit := wrong == mark).any():
                reason = f"{name} {what}: taken as missing"
                remarks += [
                    (line, reason) for line in table[LINE].filter(pa.array(hit)).to_pylist()
                ]
        if wrong.any():
            column = table[name].combine_chunks()
            kept = pc.if_else(pa.array(wrong != 0), pa.scalar(None, column.type), column)
            table = table.set_column(table.schema.get_field_index(name), name, kept)
    return table, remarks


def _judged(values: np.ndarray) -> np.ndarray:
    """For each value of a running total: 0, LOW or SPIKE."""
    result = np.zeros(len(values), np.int8)
    known = np.flatnonzero(~np.isnan(values))
    top = 0.0
    for place, at in enumerate(known):
        value = values[at]
        if value < top / 2:
            result[at] = LOW
        elif value > top * 2 and _falls_back(value, values[known[place + 1 : place + 1 + NEXT]]):
            result[at] = SPIKE
        else:
            top = max(top, value)
    return result


def _falls_back(value: float, after: np.ndarray) -> bool:
    return len(after) > 0 and float(np.median(after)) < value / 2


def needs_whole_files(spec: DatasetSpec) -> bool:
    """Whether the rows of a file must be seen together to know what they are."""
    return spec.repeats == "number" or any(column.running for column in spec.column)


def kept_up(table: pa.Table, source: Reading, zone: str) -> tuple[pa.Table, Aside]:
    """Leave out what a column repeats after the day until which its source kept it up.

    Returns
    -------
    pa.Table
        The records; null where a value was left out.
    list of (line, reason)
        One entry for each value left out.
    """
    remarks: Aside = []
    for name, rule in source.columns.items():
        if rule.latest is None:
            continue
        end = datetime.combine(rule.latest + timedelta(days=1), datetime.min.time(), ZoneInfo(zone))
        late = pc.greater_equal(table["time"], pa.scalar(end, table["time"].type))
        late = pc.and_(late, pc.is_valid(table[name])).combine_chunks()
        reason = f"{name} was kept up until {rule.latest} only: taken as missing"
        remarks += [(line, reason) for line in table[LINE].filter(late).to_pylist()]
        column = table[name].combine_chunks()
        kept = pc.if_else(late, pa.scalar(None, column.type), column)
        table = table.set_column(table.schema.get_field_index(name), name, kept)
    return table, remarks
