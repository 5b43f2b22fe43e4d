"""Laws of the aggregations: pieces merge to the whole, and the whole is what numpy says."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citylib.indicators.aggregations import AGGREGATIONS, Rows
from citylib.indicators.partial import Partial, empty, merge

NUMBER = st.one_of(st.just(np.nan), st.integers(-1000, 1000).map(float))
ROW = st.tuples(st.integers(0, 3), NUMBER, NUMBER, st.integers(0, 10**6).map(float))
PIECES = st.lists(st.lists(ROW, max_size=12), min_size=1, max_size=5)


def part_of(rows, aggregation):
    if not rows:
        return empty(aggregation)
    group, values, below, time = (np.array(column, float) for column in zip(*rows, strict=True))
    keys, groups = np.unique(group.astype(np.int64), return_inverse=True)
    measure = None if aggregation.name == "count" else values
    states = aggregation.chunk(
        Rows(groups, len(keys), measure, below, time.astype(np.int64), meant=values > 0)
    )
    return Partial(keys, states)


def figures(pieces, aggregation):
    parts = [part_of(rows, aggregation) for rows in pieces]
    total = parts[0]
    for part in parts[1:]:
        total = merge(aggregation, total, part)
    return dict(zip(total.keys.tolist(), aggregation.finalize(total.states).tolist(), strict=True))


def expected(rows, name):
    """The same by plain numpy over the rows of each group."""
    out = {}
    for group in {row[0] for row in rows}:
        mine = [row for row in rows if row[0] == group]
        values = np.array([row[1] for row in mine])
        known = values[np.isfinite(values)]
        both = [(v, d) for _, v, d, _ in mine if np.isfinite(v) and np.isfinite(d)]
        newest = [row for row in mine if np.isfinite(row[1])]
        below = sum(d for _, d in both)
        out[group] = {
            "count": sum(value > 0 for value in known),  # those that are meant
            "sum": known.sum() if len(known) else np.nan,
            "mean": known.mean() if len(known) else np.nan,
            "min": known.min() if len(known) else np.nan,
            "max": known.max() if len(known) else np.nan,
            "std": known.std() if len(known) else np.nan,
            "ratio": sum(v for v, _ in both) / below if below else np.nan,
            "last": max(enumerate(newest), key=lambda r: (r[1][3], r[1][1]))[1][1]
            if newest
            else np.nan,
            "weighted_mean": sum(v * d for v, d in both) / below if below else np.nan,
            "share": known.mean() if len(known) else np.nan,
            "distinct": len(set(known)),
            "quantile": np.quantile(known, 0.5, method="inverted_cdf") if len(known) else np.nan,
        }[name]
    return out


@pytest.mark.parametrize("name", sorted(AGGREGATIONS))
@settings(deadline=None)
@given(pieces=PIECES)
def test_pieces_give_what_numpy_gives_for_the_whole(name, pieces):
    got = figures(pieces, AGGREGATIONS[name])
    want = expected([row for piece in pieces for row in piece], name)
    assert got.keys() == want.keys()
    for group, value in want.items():
        assert got[group] == pytest.approx(value, rel=1e-9, abs=1e-6, nan_ok=True)


@pytest.mark.parametrize("name", sorted(AGGREGATIONS))
@settings(deadline=None)
@given(rows=st.lists(ROW, max_size=12))
def test_nothing_added_changes_nothing(name, rows):
    aggregation = AGGREGATIONS[name]
    part = part_of(rows, aggregation)
    for merged in (
        merge(aggregation, part, empty(aggregation)),
        merge(aggregation, empty(aggregation), part),
    ):
        np.testing.assert_array_equal(merged.keys, part.keys)
        for got, want in zip(merged.states, part.states, strict=True):
            np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("name", sorted(AGGREGATIONS))
@settings(deadline=None)
@given(a=st.lists(ROW, max_size=8), b=st.lists(ROW, max_size=8), c=st.lists(ROW, max_size=8))
def test_merging_is_associative(name, a, b, c):
    aggregation = AGGREGATIONS[name]
    x, y, z = (part_of(rows, aggregation) for rows in (a, b, c))
    left = merge(aggregation, merge(aggregation, x, y), z)
    right = merge(aggregation, x, merge(aggregation, y, z))
    np.testing.assert_array_equal(left.keys, right.keys)
    if any(state.dtype == object for state in left.states):  # sketches: what they say is the same
        got, want = (aggregation.finalize(part.states) for part in (left, right))
        np.testing.assert_array_equal(got, want)
        return
    for got, want in zip(left.states, right.states, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-6)


@pytest.mark.parametrize(
    ("low", "high", "kind"),
    [
        (0, 1000, np.int64),
        (0, 1, np.uint8),
        (-(10**9) - 3, -(10**9) + 3, np.int64),  # squares do not fit in 64 bits all together
        (-(2**31), 2**31 - 1, np.int32),
        (2**52, 2**53, np.int64),
        (2**62, 2**63 - 1, np.uint64),
    ],
)
def test_whole_numbers_have_the_states_of_the_numbers_themselves(low, high, kind):
    draw = np.random.default_rng(1)
    values = draw.integers(low, high, 5000, dtype=kind, endpoint=True)
    groups = draw.integers(0, 9, len(values))
    rows = Rows(groups, 10, values)  # of the last there is none
    for group in range(9):
        mine = [int(value) for value in values[groups == group]]
        mean = Fraction(sum(mine), len(mine))
        squares = float(sum((value - mean) ** 2 for value in mine))
        assert rows.count[group] == len(mine)
        assert rows.sum[group] == pytest.approx(sum(mine), rel=1e-12)
        assert (rows.min[group], rows.max[group]) == (float(min(mine)), float(max(mine)))
        assert rows.squares[group] == pytest.approx(squares, rel=1e-12)
    states = rows.count, rows.sum, rows.min, rows.max, rows.squares
    assert [state[9] for state in states] == [0, 0, np.inf, -np.inf, 0]
