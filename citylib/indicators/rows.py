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
        if self._records is None:
            return np.bincount(self._groups, minlength=self.size + 1)[: self.size].astype(float)
        return self._records.astype(np.float64)

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
            return _centred(self._whole, self.records)
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
            fused = self._whole[:, [1, 0, 2, 3]].astype(np.float64)
            fused[:-1, kernels.COUNT] = self.records
            none = fused[:, kernels.COUNT] == 0
            fused[none, kernels.MIN], fused[none, kernels.MAX] = np.inf, -np.inf
            return fused
        return kernels.fused(self._measured, self._keep, self._groups, self.size)

    @cached_property
    def _whole(self) -> npt.NDArray[np.int64] | None:
        """What `kernels.whole_numbers` gives, if that is exact: of whole numbers that are near each
        other, of which none is missing. One pass is enough then.
        """
        measure = self._measured
        if len(self._keep) or not np.issubdtype(measure.dtype, np.integer):
            return None
        if not np.can_cast(measure.dtype, np.int64):
            return None
        found = kernels.whole_numbers(measure, self._groups, self.size)
        some = self.records > 0
        low, high = found[:-1, 2][some].astype(float), found[:-1, 3][some].astype(float)
        near = (high - low) ** 2 * len(measure) < 2.0**62
        small = np.maximum(np.abs(low), np.abs(high)) * len(measure) < 2.0**53
        return found if (near & small).all() else None

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


def _centred(whole: npt.NDArray[np.int64], records: Floats) -> Floats:
    """Sum of the squared distances from the mean.

    First exactly from the whole number next to the mean, whatever the sum of squares has overflowed
    by; then from the mean, which is at most a half away, so that no digits cancel.
    """
    total, squares = whole[:-1, 0], whole[:-1, 1]
    number = records.astype(np.int64)
    some = np.maximum(number, 1)
    middle = np.rint(total / some).astype(np.int64)
    rest = total - number * middle
    around = squares - 2 * middle * total + number * middle * middle
    return around - rest.astype(np.float64) ** 2 / some
