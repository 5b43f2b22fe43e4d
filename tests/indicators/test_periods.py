"""Periods begin and end in civil time, whatever the clocks do."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citylib.indicators.periods import UNIT, edges

ZONES = ("Asia/Seoul", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Europe/Berlin")


def civil(moments, zone, unit):
    local = pd.DatetimeIndex(moments.astype("M8[us]"), tz="UTC").tz_convert(zone).tz_localize(None)
    return local.to_numpy().astype(f"M8[{unit}]").astype(np.int64)


@pytest.mark.parametrize("frequency", UNIT)
@pytest.mark.parametrize("zone", ZONES)
@settings(deadline=None, max_examples=20)
@given(first=st.integers(-(10**15), 2 * 10**15), power=st.integers(0, 14), seed=st.integers(0, 99))
def test_every_moment_is_in_its_civil_period(zone, frequency, first, power, seed):
    last = first + 10**power
    starts, numbers = edges(zone, frequency, first, last)
    assert starts[0] <= first
    assert starts[-1] > last
    assert (np.diff(starts) > 0).all()
    moments = np.random.default_rng(seed).integers(first, last + 1, 200)
    moments[:2] = first, last
    found = numbers[np.searchsorted(starts, moments, "right") - 1]
    np.testing.assert_array_equal(found, civil(moments, zone, UNIT[frequency]))


def test_the_hour_that_occurs_twice_is_one_period():
    first = pd.Timestamp("2024-11-03 05:00", tz="UTC").value // 1000
    _, numbers = edges("America/New_York", "hour", first, first + 3 * 3_600_000_000)
    assert numbers.tolist() == [numbers[0], numbers[0], numbers[0] + 1, numbers[0] + 2]
