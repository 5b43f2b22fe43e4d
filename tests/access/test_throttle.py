from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from citylib.access.throttle import Limit, Throttle


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_after_the_tries_comes_a_wait_that_is_long_enough():
    clock = Clock()
    throttle = Throttle(clock=clock)
    keys = [("kim", Limit(5, 300))]
    assert [throttle.take(keys) for _ in range(5)] == [0.0] * 5
    wait = throttle.take(keys)
    assert wait == 60.0
    clock.now += 59
    assert throttle.take(keys) > 0
    clock.now += 1
    assert throttle.take(keys) == 0.0
    assert throttle.take(keys) > 0


def test_one_full_key_refuses_and_counts_nothing_against_the_others():
    throttle = Throttle(clock=Clock())
    narrow, wide = ("a", Limit(1, 60)), ("b", Limit(2, 60))
    assert throttle.take([narrow, wide]) == 0.0
    assert throttle.take([narrow, wide]) > 0
    assert throttle.take([wide]) == 0.0
    assert throttle.take([wide]) > 0


def test_what_was_right_is_forgiven():
    throttle = Throttle(clock=Clock())
    keys = [("kim", Limit(2, 60))]
    for _ in range(100):
        assert throttle.take(keys) == 0.0
        throttle.forgive(keys)
    assert len(throttle) == 0


def test_memory_is_bounded():
    throttle = Throttle(remember=100, clock=Clock())
    for n in range(5000):
        throttle.take([(str(n), Limit(5, 60))])
    assert len(throttle) == 100


@given(
    tries=st.integers(1, 20),
    seconds=st.floats(1, 3600),
    steps=st.lists(st.floats(0, 600), max_size=100),
)
def test_never_more_than_the_limit_within_any_window(tries, seconds, steps):
    """A bucket that refills lets at most twice its size pass within one period."""
    clock = Clock()
    throttle = Throttle(clock=clock)
    passed = []
    for step in steps:
        clock.now += step
        if throttle.take([("k", Limit(tries, seconds))]) == 0.0:
            passed.append(clock.now)
    for start in passed:
        assert sum(start <= time < start + seconds for time in passed) <= 2 * tries
