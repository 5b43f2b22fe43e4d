"""Rows of a block, and what aggregations ask of them, each computed once."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import numpy.typing as npt

from citylib.indicators import kernels

Floats = npt.NDArray[np.float64]
ALL = np.empty(0, np.bool_)


class Rows:
    """Rows of one block of a table, with one measure and one filter.

    What is asked for is computed when it is asked for, and kept: indicators of the same measure
    and filter share it. Sums by group are compiled passes that do not hold the GIL; the plain
    arrays are for aggregations written in numpy.

    Parameters
    ----------
    groups : ndarray of uint, shape (rows,)
        Number of each row's group; `size` for a row that counts nowhere.
    size : int
        Number of groups.
    measure, second : ndarray of numbers, shape (rows,), optional
        The measure and the second column, as floats or whole numbers; NaN where there is none.
    moments : ndarray of int64, shape (rows,), optional
        Microseconds since 1970 (UTC).
    keep : ndarray of bool, shape (rows,), optional
        Rows that the filter keeps and whose measure is there; by default all.
    meant : ndarray of bool, shape (rows,), optional
        Rows that the filter keeps, whether their measure is there or not; by default all.
    records : ndarray of int64, shape (size,), optional
        Rows of each group.
    labels : ndarray of object, optional
        If the measure is text: the texts, of which the values are the numbers.

    Examples
    --------
    >>> rows = Rows(np.array([0, 1, 0]), 2, np.array([1.0, 2.0, 5.0]))
    >>> rows.sum.tolist(), rows.max.tolist()
    ([6.0, 2.0], [5.0, 2.0])
    >>> np.bincount(rows.groups, np.log(rows.values), rows.size).round(1).tolist()
    [1.6, 0.7]
    """

    def __init__(
        self,
        groups: np.ndarray,
        size: int,
        measure: np.ndarray | None = None,
        second: np.ndarray | None = None,
        moments: np.ndarray | None = None,
        keep: np.ndarray = ALL,
        meant: np.ndarray = ALL,
        records: np.ndarray | None = None,
        labels: np.ndarray | None = None,
    ) -> None:
        self.size = size
        self._groups = groups.astype(np.uint32, copy=False)
        self._measure, self._second, self._moments = measure, second, moments
        self._keep, self._meant = keep, meant
        self._records = records
        self.labels = labels

    @cached_property
    def records(self) -> Floats:
        """Records of each group, whether the filter keeps them or not; shape (size,)."""
        return self.numbers.astype(np.float64)

    @property
    def numbers(self) -> npt.NDArray[np.int64]:
        """The same as whole numbers; shape (size,)."""
        if self._records is None:
            counted = self._integers[:, kernels.COUNT] if self._is_whole else None
            if counted is None:
                counted = kernels.count(self._groups, self.size)
            self._records = counted[:-1]
        return self._records

    @cached_property
    def kept(self) -> Floats:
        """Records of each group that the filter keeps; shape (size,)."""
        if not len(self._meant):
            return self.records
        return kernels.tally(self._meant, self._groups, self.size)[: self.size].astype(np.float64)

    @property
    def count(self) -> Floats:
        """Of those that the filter keeps, records whose measure is there; shape (size,)."""
        return self._fused[: self.size, kernels.COUNT] if self._measure is not None else self.kept

    @property
    def sum(self) -> Floats:
        """Sum of the measure; 0 for a group without values; shape (size,)."""
        return self._fused[: self.size, kernels.SUM]

    @property
    def min(self) -> Floats:
        """Smallest value; infinite for a group without values; shape (size,)."""
        return self._fused[: self.size, kernels.MIN]

    @property
    def max(self) -> Floats:
        """Largest value; minus infinite for a group without values; shape (size,)."""
        return self._fused[: self.size, kernels.MAX]

    @cached_property
    def mean(self) -> Floats:
        """Mean of the measure; 0 for a group without values; shape (size,)."""
        return self._means[: self.size]

    @cached_property
    def squares(self) -> Floats:
        """Sum of the squared distances from the group's mean; shape (size,)."""
        if self._whole is not None:
            return _centred(self._whole[:-1])
        return kernels.squares(self._measured, self._keep, self._groups, self._means)[: self.size]

    @cached_property
    def paired(self) -> Floats:
        """Of records with both measures: their number, the sum of the measure, that of the second,
        and that of the products; shape (size, 4).
        """
        return kernels.paired(self._measured, self._other, self._keep, self._groups, self.size)[
            : self.size
        ]

    @property
    def groups(self) -> npt.NDArray[np.int64]:
        """Number of the group of each row of `values`; shape (n,)."""
        return self._plain[0]

    @property
    def values(self) -> Floats:
        """The measure of the rows that have one, of those that count; shape (n,)."""
        return self._plain[1]

    @cached_property
    def denominator(self) -> Floats:
        """The second measure of the same rows, NaN where there is none; shape (n,)."""
        return self._other[self._plain[2]].astype(np.float64)

    @cached_property
    def time(self) -> npt.NDArray[np.int64]:
        """When, of the same rows, in microseconds since 1970 (UTC); shape (n,)."""
        if self._moments is None:
            raise ValueError("these rows were made without times")
        return self._moments[self._plain[2]]

    @cached_property
    def _plain(self) -> tuple[npt.NDArray[np.int64], Floats, npt.NDArray[np.int64]]:
        """Groups and values of the rows that count, and their places among all."""
        counts = self._groups < self.size
        measure = self._measure
        if measure is None:
            measure = np.ones(len(self._groups))
            counts &= self._meant if len(self._meant) else True
        elif len(self._keep):
            counts &= self._keep
        at = np.flatnonzero(counts & np.isfinite(measure))
        return self._groups[at].astype(np.int64), measure[at].astype(np.float64), at

    @cached_property
    def _fused(self) -> Floats:
        if self._whole is not None:
            fused = self._whole[:, : kernels.SQUARES].astype(np.float64)
            none = fused[:, kernels.COUNT] == 0
            fused[none, kernels.MIN], fused[none, kernels.MAX] = np.inf, -np.inf
            return fused
        return kernels.fused(self._measured, self._keep, self._groups, self.size)

    @cached_property
    def _whole(self) -> npt.NDArray[np.int64] | None:
        """What `kernels.whole_numbers` gives, if that is exact: of whole numbers that are near each
        other, of which none is missing. One pass is enough then.
        """
        if not self._is_whole:
            return None
        found = self._integers
        some = found[:-1, kernels.COUNT] > 0
        low = found[:-1, kernels.MIN][some].astype(float)
        high = found[:-1, kernels.MAX][some].astype(float)
        rows = len(self._groups)
        near = (high - low) ** 2 * rows < 2.0**62
        small = np.maximum(np.abs(low), np.abs(high)) * rows < 2.0**53
        return found if (near & small).all() else None

    @property
    def _is_whole(self) -> bool:
        """Whether all rows have a measure, which is a whole number."""
        if self._measure is None or len(self._keep):
            return False
        kind = self._measure.dtype
        return np.issubdtype(kind, np.integer) and np.can_cast(kind, np.int64)

    @cached_property
    def _integers(self) -> npt.NDArray[np.int64]:
        return kernels.whole_numbers(self._measured, self._groups, self.size)

    @cached_property
    def _means(self) -> Floats:
        count, total = self._fused[:, kernels.COUNT], self._fused[:, kernels.SUM]
        return np.divide(total, count, out=np.zeros_like(total), where=count > 0)

    @property
    def _measured(self) -> np.ndarray:
        if self._measure is None:
            raise ValueError("these rows have no measure")
        return self._measure

    @property
    def _other(self) -> np.ndarray:
        if self._second is None:
            raise ValueError("these rows have no second measure")
        return self._second


def _centred(whole: npt.NDArray[np.int64]) -> Floats:
    """Sum of the squared distances from the mean.

    First exactly from the whole number next to the mean, whatever the sum of squares has overflowed
    by; then from the mean, which is at most a half away, so that no digits cancel.
    """
    number, total, squares = (whole[:, n] for n in (kernels.COUNT, kernels.SUM, kernels.SQUARES))
    some = np.maximum(number, 1)
    middle = np.rint(total / some).astype(np.int64)
    rest = total - number * middle
    around = squares - 2 * middle * total + number * middle * middle
    return around - rest.astype(np.float64) ** 2 / some
