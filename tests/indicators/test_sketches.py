"""Quantiles and distinct counts: exact in small groups, within their bounds in large ones."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citylib.indicators.packed import pack, pack_groups, unpack
from citylib.indicators.partial import Partial, empty, merge
from citylib.indicators.rows import Rows
from citylib.indicators.sketches import DISTINCT, KLL_K, THETA_LG_K, quantile

VALUES = st.lists(st.floats(-1e6, 1e6) | st.just(np.nan), max_size=60)
QUANTILES = st.sampled_from([0.0, 0.05, 0.5, 0.9, 0.95, 1.0])


def states(aggregation, values, labels=None):
    """A part with one group."""
    values = np.asarray(values, float)
    if not len(values):
        return empty(aggregation)
    rows = Rows(np.zeros(len(values), np.uint32), 1, values, labels=labels)
    return Partial(np.zeros(1, np.int64), aggregation.chunk(rows))


def figure(aggregation, parts):
    total = empty(aggregation)
    for part in parts:
        total = merge(aggregation, total, part)
    found = aggregation.finalize(total.states)
    return found[0] if len(found) else np.nan


@settings(deadline=None)
@given(pieces=st.lists(VALUES, max_size=6), q=QUANTILES)
def test_small_groups_are_exact_in_any_number_of_pieces(pieces, q):
    values = np.array([v for piece in pieces for v in piece], float)
    known = values[~np.isnan(values)]
    how = quantile(q)
    got = figure(how, [states(how, piece) for piece in pieces])
    want = np.quantile(known, q, method="inverted_cdf") if len(known) else np.nan
    np.testing.assert_array_equal(got, want)
    count = figure(DISTINCT, [states(DISTINCT, piece) for piece in pieces])
    assert count == len(set(known.tolist())) or (not any(pieces) and np.isnan(count))


@pytest.mark.parametrize("pieces", [1, 7, 100])
@pytest.mark.parametrize("draw", ["normal", "lognormal", "random"])
def test_large_quantiles_are_within_the_bound(pieces, draw):
    values = getattr(np.random.default_rng(1), draw)(size=200_000)
    ordered = np.sort(values)
    for q in (0.01, 0.5, 0.95, 0.999):
        how = quantile(q)
        got = figure(how, [states(how, piece) for piece in np.array_split(values, pieces)])
        rank = np.searchsorted(ordered, got, side="right") / len(ordered)
        # The stated bound of 0.0027 holds for 99 of 100; twice it is never seen.
        assert abs(rank - q) < 2 * 0.0027
        assert got == ordered[np.searchsorted(ordered, got)], "it is one of the values"


@pytest.mark.parametrize("distinct", [4_096, 50_000, 300_000])
def test_distinct_counts_are_within_the_bound(distinct):
    values = np.random.default_rng(2).permutation(np.repeat(np.arange(distinct), 2))
    got = figure(DISTINCT, [states(DISTINCT, piece) for piece in np.array_split(values, 9)])
    if distinct <= 2**THETA_LG_K:
        assert got == distinct
    assert abs(got / distinct - 1) < 4 / np.sqrt(2**THETA_LG_K)


def test_distinct_counts_depend_on_neither_order_nor_pieces():
    random = np.random.default_rng(3)
    values = random.integers(0, 30_000, 60_000)
    found = {
        figure(
            DISTINCT,
            [states(DISTINCT, p) for p in np.array_split(random.permutation(values), pieces)],
        )
        for pieces in (1, 2, 5, 40)
    }
    assert len(found) == 1


def test_texts_are_told_apart_by_what_they_say_not_by_their_number():
    one = states(DISTINCT, [0, 1, 1], np.array(["a", "b"], object))
    other = states(DISTINCT, [0, 1, 2], np.array(["c", "b", "a"], object))
    assert figure(DISTINCT, [one, other]) == 3


def test_a_number_is_the_same_whatever_type_its_column_was_read_as():
    whole = Rows(np.zeros(2, np.uint32), 1, np.array([1, 2]))
    part = Partial(np.zeros(1, np.int64), DISTINCT.chunk(whole))
    assert figure(DISTINCT, [part, states(DISTINCT, [1.0, 2.0, np.nan])]) == 2


def test_a_state_is_as_small_as_it_says():
    rng = np.random.default_rng(4)
    (sketch,) = quantile(0.5).chunk(Rows(np.zeros(10**6, np.uint32), 1, rng.random(10**6)))
    assert len(sketch[0]) < 25 * KLL_K
    (sketch,) = DISTINCT.chunk(Rows(np.zeros(10**6, np.uint32), 1, rng.random(10**6)))
    assert len(sketch[0]) < 33_000


WHOLE = st.integers(-(2**62), 2**62) | st.integers(-3, 3) | st.integers(-40_000, 40_000)


@given(values=st.lists(WHOLE.map(float), min_size=1) | st.lists(st.floats(-1e9, 1e9), min_size=1))
def test_packed_values_are_the_values_in_their_order(values):
    np.testing.assert_array_equal(unpack(pack(np.array(values))), np.sort(values))


@given(rows=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 500).map(float))))
def test_each_group_is_packed_by_itself_unless_it_is_large(rows):
    groups, values = np.array(rows or np.empty((0, 2)), float).T
    found = pack_groups(groups.astype(np.int64), values, most=3)
    expected = {int(group): np.sort(values[groups == group]) for group in np.unique(groups)}
    assert found[0].tolist() == list(expected)
    for (group, state), part in zip(zip(found[0], found[2], strict=True), found[1], strict=True):
        np.testing.assert_array_equal(part, expected[int(group)])
        assert bool(state) == (len(part) <= 3)
        np.testing.assert_array_equal(unpack(state) if state else part, part)


def test_whole_numbers_that_are_near_each_other_take_a_byte():
    assert len(pack(np.random.default_rng(5).integers(0, 1000, 700).astype(float))) < 720
