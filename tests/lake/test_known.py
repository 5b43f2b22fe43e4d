"""What is known of records: the last word of many small runs is found as it is in a few."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from citylib.lake.known import FEW, find_newest, run_of

RECORD = st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 99))


@settings(max_examples=300)
@given(st.lists(st.lists(RECORD, max_size=8), max_size=4 * FEW), st.lists(RECORD, max_size=8))
def test_the_last_run_that_has_a_key_counts(runs, new):
    """A key is a time and a number; a run has each key once."""
    made, said = [], {}
    for records in runs:
        mine = {(time, number): value for time, number, value in records}
        if mine:
            said |= mine
            times, keys = (np.array(part) for part in zip(*(_key(*k) for k in mine), strict=True))
            made.append(run_of([], times, keys, np.array([*mine.values()], np.uint64)))
    wanted = sorted(dict.fromkeys((time, number) for time, number, _ in new))
    times = np.array([_key(*key)[0] for key in wanted], np.int64)
    keys = np.array([_key(*key)[1] for key in wanted], np.uint64)
    for when in (times, None):
        here, values = find_newest(made, when, keys)
        found = {wanted[n]: value for n, value in zip(here.tolist(), values.tolist(), strict=True)}
        assert found == {key: said[key] for key in wanted if key in said}
        assert len(found) == len(here)


def _key(time, number):
    return time, np.uint64((time * 10 + number) * 0x9E3779B97F4A7C15 % 2**64)
