"""From a block of records to states: one set of groups and one `Rows` for all that can share it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from citylib.indicators import kernels
from citylib.indicators.aggregations import States
from citylib.indicators.areas import Areas, unknown
from citylib.indicators.declaration import Indicator
from citylib.indicators.partial import Keys, Partial
from citylib.indicators.periods import edges
from citylib.indicators.rows import ALL, Rows
from citylib.indicators.where import COMPARISONS, comparisons

DENSE = 4
"""A block has at most so many groups for each of its rows, or it is grouped by what occurs."""

NUMBERS = {
    "gt": np.greater,
    "ge": np.greater_equal,
    "lt": np.less,
    "le": np.less_equal,
    "eq": np.equal,
    "ne": np.not_equal,
}


@dataclass(frozen=True)
class Plan:
    """What a task needs to know of one indicator, small enough to send to any worker."""

    indicator: Indicator
    areas: Areas
    timezone: str

    @cached_property
    def rows(self) -> tuple[str | None, ...]:
        """What must be the same for two indicators to share the rows of the same groups."""
        one = self.indicator
        return json.dumps(one.where), json.dumps(one.condition), one.measure, one.second

    @cached_property
    def chunk(self) -> Callable[[Rows], States]:
        """What makes states of rows."""
        return self.indicator.how.chunk


class Block:
    """Records of one row group of a table, of which some may not count.

    Parameters
    ----------
    table : pa.Table
        The columns `time` and `area` and what the indicators need.
    dropped : ndarray of int64
        Places of the records that do not count.
    """

    def __init__(self, table: pa.Table, dropped: np.ndarray) -> None:
        self.table = table
        self.dropped = dropped
        self._columns: dict[str, pa.Array] = {}
        self._kept: dict[str, np.ndarray] = {}
        self._grouped: dict[tuple[str, tuple[str, ...]], _Grouped] = {}
        self._rows: dict[tuple[object, ...], Rows] = {}
        self._parts: dict[tuple[object, ...], Partial] = {}

    def states(self, plan: Plan) -> Partial:
        """States of the groups that occur in the block."""
        indicator = plan.indicator
        grouped = self._group(plan)
        key = id(grouped), *plan.rows
        if key not in self._rows:
            self._rows[key] = self._rows_of(indicator, grouped)
        made = *key, plan.chunk  # a sum and a mean have the same states
        if made not in self._parts:
            states = plan.chunk(self._rows[key])
            if grouped.records is None:
                grouped.records = self._rows[key].numbers
            self._parts[made] = Partial(
                grouped.keys, tuple(state[grouped.occurring] for state in states)
            )
        return self._parts[made]

    def _rows_of(self, indicator: Indicator, grouped: _Grouped) -> Rows:
        meant = self._meant(indicator.where)
        measure, known, labels = self._measured(indicator)
        second, second_known = self._numbers(indicator.second)
        return Rows(
            grouped.groups,
            grouped.size,
            measure,
            second if not len(second_known) else np.where(second_known, second, np.nan),
            self._moments,
            _both(meant, known),
            meant,
            grouped.records,
            labels,
        )

    def _measured(self, indicator: Indicator) -> tuple[Any, np.ndarray, np.ndarray | None]:
        """The measure, whether there is one, and its texts if it has any."""
        if indicator.condition:
            known = ALL
            for name in indicator.condition:
                known = _both(known, _valid(self._column(name)))
            return self._meant(indicator.condition).astype(np.float64), known, None
        if indicator.measure is None or not _is_text(self.table[indicator.measure].type):
            return *self._numbers(indicator.measure), None
        column = self._column(indicator.measure)
        if not isinstance(column, pa.DictionaryArray):
            column = column.dictionary_encode()
        labels = column.dictionary.to_numpy(zero_copy_only=False)
        return _codes(column), _valid(column), labels

    def _column(self, name: str) -> pa.Array:
        if name not in self._columns:
            column = self.table[name]
            if column.num_chunks != 1:
                column = column.unify_dictionaries().combine_chunks()
            if isinstance(column, pa.ChunkedArray):
                column = (
                    column.chunk(0) if column.num_chunks else pa.array([], self.table[name].type)
                )
            self._columns[name] = column
        return self._columns[name]

    @property
    def _moments(self) -> np.ndarray:
        return _plain(self._column("time"), np.int64)

    @cached_property
    def _extents(self) -> np.ndarray:
        return kernels.extents(self._moments)

    def _numbers(self, name: str | None) -> tuple[Any, np.ndarray]:
        """Values of a column, anything where there is none, and whether there is one."""
        if name is None:
            return None, ALL
        column = self._column(name)
        kind = column.type
        if not (pa.types.is_integer(kind) or kind in (pa.float64(), pa.float32())):
            column = column.cast(pa.float64())
        values = _plain(column, column.type.to_pandas_dtype())
        return values, _valid(column)

    def _meant(self, where: Mapping[str, Any]) -> np.ndarray:
        """Whether a filter keeps each record; empty: all."""
        keep = ALL
        for name, wanted in where.items():
            for compare, value in comparisons(wanted):
                keep = _both(keep, self._compared(name, compare, value))
        return keep

    def _compared(self, name: str, compare: str, value: Any) -> np.ndarray:
        key = json.dumps([name, compare, value])
        if key not in self._kept:
            column = self._column(name)
            texts = isinstance(column, pa.DictionaryArray)
            fits = _fits(column.dictionary if texts else column, compare, value)
            if texts:
                fits = np.append(fits, False)[_codes(column)]
            self._kept[key] = fits
        return self._kept[key]

    def _group(self, plan: Plan) -> _Grouped:
        key = plan.indicator.frequency, plan.areas.codes
        if key not in self._grouped:
            self._grouped[key] = self._grouped_by(plan)
        return self._grouped[key]

    def _grouped_by(self, plan: Plan) -> _Grouped:
        time, area = self._moments, self._column("area")
        if not isinstance(area, pa.DictionaryArray):
            area = area.dictionary_encode()
        width, places = len(plan.areas.codes), _places(area, plan)
        runs = self._extents
        starts, numbers = edges(
            plan.timezone, plan.indicator.frequency, int(runs[:, 0].min()), int(runs[:, 1].max())
        )
        first = int(numbers.min())
        size = int(numbers.max() - first + 1) * width
        if size > max(DENSE * len(time), 1 << 16):
            return self._sparse(starts, numbers, places[_codes(area)], width)
        groups = kernels.number_groups(
            time, runs, _codes(area), places, starts, numbers - first, width, size
        )
        if len(self.dropped):
            groups[self.dropped] = size
        return _Grouped(groups, size, first * width)

    def _sparse(
        self, starts: np.ndarray, numbers: np.ndarray, place: np.ndarray, width: int
    ) -> _Grouped:
        """Groups of records that are far apart."""
        at = np.searchsorted(starts, self._moments, "right") - 1
        counts = place != kernels.NOWHERE
        counts[self.dropped] = False
        keys, inverse = np.unique((numbers[at] * width + place)[counts], return_inverse=True)
        groups = np.full(len(counts), len(keys), np.uint32)
        groups[counts] = inverse
        return _Grouped(groups, len(keys), every=keys)


@dataclass
class _Grouped:
    """Groups of a block's records.

    Attributes
    ----------
    groups : ndarray of uint32, shape (rows,)
        Number of each record's group; `size` for a record that counts nowhere.
    size : int
        Number of groups.
    first : int
        Key of the first group, if the others follow; see `Partial`.
    every : ndarray of int64, optional
        Keys of the groups, if they do not.
    records : ndarray of int64, shape (size,), optional
        Records of each, once they were counted.
    """

    groups: np.ndarray
    size: int
    first: int = 0
    every: Keys | None = None
    records: Any = None

    @cached_property
    def occurring(self) -> np.ndarray:
        """Groups that have records."""
        return np.flatnonzero(self.records)

    @cached_property
    def keys(self) -> Keys:
        """Their keys."""
        return self.occurring + self.first if self.every is None else self.every


def states_of(table: pa.Table, dropped: np.ndarray, plans: Sequence[Plan]) -> dict[str, Partial]:
    """States of a block for each indicator, by id."""
    block = Block(table, dropped)
    # Sums of a measure bring the number of records with them, which others need.
    first = sorted(plans, key=lambda plan: plan.indicator.measure is None)
    return {plan.indicator.id: block.states(plan) for plan in first}


def _places(area: pa.DictionaryArray, plan: Plan) -> np.ndarray:
    """Number of the level's area for each code of a dictionary; `NOWHERE` at the end for none."""
    names = area.dictionary.to_pylist()
    for code in names:
        if code not in plan.areas.place:
            raise unknown(plan.indicator.dataset, code)
    return np.array([*(plan.areas.place[code] for code in names), kernels.NOWHERE], np.uint32)


def _codes(column: pa.DictionaryArray) -> np.ndarray:
    """Numbers of a dictionary's entries; their count where there is none."""
    indices = column.indices
    if indices.null_count:
        indices = indices.fill_null(len(column.dictionary))
    return _plain(indices, f"u{indices.type.to_pandas_dtype()().itemsize}")


def _fits(column: pa.Array, compare: str, value: Any) -> np.ndarray:
    """Whether each value compares so; one that is missing never does."""
    if compare == "in":
        return _bits(pc.is_in(column, pa.array(value).cast(column.type)), 1)
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        fits = NUMBERS[compare](_plain(column, column.type.to_pandas_dtype()), value)
        return _both(fits, _valid(column))
    found = COMPARISONS[compare](column, pa.scalar(value))
    return _both(_bits(found, 1), _valid(found))


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_dictionary(kind)


def _plain(column: pa.Array, kind: Any) -> np.ndarray:
    """Numbers of a column without a copy, whatever stands where there is none."""
    values = np.frombuffer(column.buffers()[1] or b"", kind)
    return values[column.offset : column.offset + len(column)]


def _valid(column: pa.Array) -> np.ndarray:
    """Whether there is a value; empty: everywhere."""
    return _bits(column, 0) if column.null_count else ALL


def _bits(column: pa.Array, buffer: int) -> np.ndarray:
    packed = np.frombuffer(column.buffers()[buffer] or b"", np.uint8)
    end = column.offset + len(column)
    return np.unpackbits(packed, count=end, bitorder="little")[column.offset :].view(np.bool_)


def _both(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Where both keep a row; an empty one keeps all."""
    return b if not len(a) else a if not len(b) else a & b
