"""Which periods of civil time spans of time touch."""

import numpy as np
import pandas as pd
import pytest

from citylib.indicators.spans import joined, periods_of

PARIS = "Europe/Paris"


def moment(text):
    return int(pd.Timestamp(text).value // 1000)


def periods(frequency, *spans):
    numbers, times = periods_of(
        np.array([[moment(a), moment(b)] for a, b in spans]), PARIS, frequency
    )
    texts = [[str(pd.Timestamp(at * 1000)) for at in row] for row in times.tolist()]
    unit = {"hour": "h", "day": "D", "month": "M", "year": "Y"}[frequency]
    return [str(n) for n in numbers.astype(f"datetime64[{unit}]")], texts


def test_a_moment_touches_its_period():
    for frequency, name, start, end in [
        ("hour", "2022-01-01T00", "2021-12-31 23:00:00", "2022-01-01 00:00:00"),
        ("day", "2022-01-01", "2021-12-31 23:00:00", "2022-01-01 23:00:00"),
        ("month", "2022-01", "2021-12-31 23:00:00", "2022-01-31 23:00:00"),
    ]:
        found = periods(frequency, ("2021-12-31 23:00", "2021-12-31 23:00"))
        assert found == ([name], [[start, end]])


def test_the_hour_that_occurs_twice_is_touched_twice():
    for half in ("2022-10-30 00:30", "2022-10-30 01:30"):
        names, times = periods("hour", (half, half))
        assert names == ["2022-10-30T02"]
        assert times == [["2022-10-30 00:00:00", "2022-10-30 02:00:00"]]


def test_a_year_with_changed_clocks_is_one_year():
    names, times = periods("year", ("2022-08-01", "2022-08-01"), ("2022-01-01", "2022-02-01"))
    assert names == ["2022"]
    assert times == [["2021-12-31 23:00:00", "2022-12-31 23:00:00"]]


def test_what_is_apart_stays_apart():
    names, times = periods("day", ("2022-01-05", "2022-01-06"), ("2022-01-01", "2022-01-01"))
    assert names == ["2022-01-01", "2022-01-05", "2022-01-06"]
    assert len(times) == 2
    assert periods_of(np.empty((0, 2), np.int64), PARIS, "day")[0].tolist() == []


@pytest.mark.parametrize(
    ("runs", "expected"),
    [([(4, 6), (1, 2)], [(1, 2), (4, 6)]), ([(1, 3), (2, 9), (9, 10)], [(1, 10)]), ([], [])],
)
def test_runs_that_meet_are_one(runs, expected):
    assert joined(runs) == expected
