"""Figures made from figures: rates, windows, changes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from citylib.indicators.declaration import Indicator
from citylib.indicators.derive import by_head, derived

NAN = np.nan
SERIES = st.lists(st.one_of(st.just(NAN), st.integers(-50, 50).map(float)), max_size=20)


def declare(**changes):
    given = {"id": "x", "title": {}, "domain": "a", "dataset": "d", "aggregation": "count"}
    units = "percent" if "percent" in changes.get("change", {}) else "1"
    return Indicator(**given, frequency="day", units=units, **changes)


def days(count):
    return np.datetime64("2020-01-01") + np.arange(count)


def run(values, head=None, **changes):
    column = np.asarray(values, float).reshape(-1, 1)
    return derived(declare(**changes), days(len(column)), column, head)[:, 0]


@pytest.mark.parametrize(
    ("changes", "values", "want"),
    [
        ({}, [1, 2], [1, 2]),
        ({"derive": "difference"}, [1, 4, NAN, 5], [NAN, 3, NAN, NAN]),
        ({"derive": "running_total"}, [1, NAN, 5], [1, NAN, 6]),
        ({"rolling": {"mean": 3}}, [1, 2, 6, NAN, 1], [NAN, NAN, 3, NAN, NAN]),
        ({"rolling": {"sum": 2}}, [1, 2, 6], [NAN, 3, 8]),
        ({"rolling": {"min": 2}}, [1, 2, 6], [NAN, 1, 2]),
        ({"rolling": {"max": 2}}, [1, 2, 6], [NAN, 2, 6]),
        ({"rolling": {"median": 3}}, [1, 9, 2, 3], [NAN, NAN, 2, 3]),
        ({"rolling": {"mean": 9}}, [1, 2], [NAN, NAN]),
        ({"change": {"percent": 1}}, [4, 5, 0, 3], [NAN, 25, -100, NAN]),
        ({"change": {"percent": 2}}, [-4, 5, 2], [NAN, NAN, NAN]),
        ({"change": {"difference": 2}}, [4, 5, 1], [NAN, NAN, -3]),
        ({"derive": "difference", "rolling": {"sum": 2}}, [1, 2, 4, 8], [NAN, NAN, 3, 6]),
        ({"rolling": {"sum": 2}, "change": {"difference": 1}}, [1, 2, 4], [NAN, NAN, 3]),
        ({"rolling": {"mean": 2}}, [], []),
    ],
)
def test_derived_figures(changes, values, want):
    np.testing.assert_allclose(run(values, **changes), want)


@given(
    values=SERIES,
    at=st.integers(0, 19),
    changes=st.fixed_dictionaries(
        {},
        optional={
            "derive": st.sampled_from(["difference", "running_total"]),
            "rolling": st.sampled_from([{"mean": 3}, {"sum": 1}]),
            "change": st.sampled_from([{"percent": 2}, {"difference": 1}]),
        },
    ),
)
def test_a_record_bears_on_no_more_periods_than_is_said(values, at, changes):
    if at >= len(values):
        return
    other = [*values[:at], 77.0, *values[at + 1 :]]
    before, after = run(values, **changes), run(other, **changes)
    differ = np.flatnonzero(~((before == after) | (np.isnan(before) & np.isnan(after))))
    reach = declare(**changes).reach
    end = len(values) if reach is None else at + reach + 1
    assert all(at <= place < end for place in differ)


def test_a_rate_is_by_the_figure_of_the_period_the_one_before_or_the_first():
    time = np.array(["2019-06-01", "2020-06-01", "2021-06-01", "2022-06-01"], "M8[D]")
    years = np.array(["2020", "2021"], "M8[Y]")
    values = np.full((4, 3), 12.0)
    head = np.array([[2.0, 4, 0], [3, NAN, 0]])
    np.testing.assert_array_equal(
        by_head(time, values, years, head),
        [[6, 3, NAN], [6, 3, NAN], [4, 3, NAN], [4, 3, NAN]],
    )
    np.testing.assert_array_equal(by_head(time, values, years[:0], head[:0]), values * NAN)
