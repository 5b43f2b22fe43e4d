"""What only several rows together tell: rows that repeat a key, running totals that collapse."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from citylib.city.datasets import DatasetSpec
from citylib.city.mapping import Source
from citylib.lake.schema import LINE
from citylib.lake.sheet import Sheet

Aside = list[tuple[int, str]]
"""Line in the file, and reason."""


def occurrences(
    sheet: Sheet, source: Source, spec: DatasetSpec, keep: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Number of each row among the different rows with the same key, and which are there twice."""
    count = len(sheet.lines)
    none = np.zeros(count, bool)
    if spec.repeats != "number":
        return np.ones(count, np.int64), none
    rules = [source.time, *(source.columns[name] for name in spec.key if name in source.columns)]
    wanted = [name for rule in rules for name in (*rule.header, *rule.join)]
    codes = {
        name: array.dictionary_encode().indices.to_numpy(zero_copy_only=False)
        for name, array in sheet.columns.items()
    }
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
    """Leave out values of running totals that fall to less than half of what they were."""
    remarks: Aside = []
    names = [column.name for column in spec.column if column.running]
    if not names or not table.num_rows:
        return table, remarks
    frame = table.select([LINE, *spec.key, *names]).to_pandas().sort_values("time")
    others = [name for name in spec.key if name != "time"]
    for name in names:
        values = frame[name].astype(float)
        groups = frame.groupby(others, sort=False)[name] if others else frame[name]
        low = values < groups.cummax().astype(float) / 2
        low = low.sort_index().to_numpy()
        if low.any():
            column = table[name].combine_chunks()
            kept = pc.if_else(pa.array(low), pa.scalar(None, column.type), column)
            table = table.set_column(table.schema.get_field_index(name), name, kept)
            reason = f"{name} fell below half of what it was: taken as missing"
            lines = table[LINE].filter(pa.array(low)).to_pylist()
            remarks += [(line, reason) for line in lines]
    return table, remarks
