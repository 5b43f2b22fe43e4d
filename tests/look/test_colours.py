import math
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from citylib.look import colours

values = st.lists(st.floats(-1e9, 1e9).map(lambda v: round(v, 3)), min_size=2, max_size=60)


def test_limits_are_numbers_that_can_be_read():
    figures = [17.3, 18.9, 19.2, 20.4, 21.1, 22.8, 23.0, 24.6, 25.9, 31.4]
    limits = colours.breaks(figures)
    assert len(limits) == 5
    assert all(limit * 2 == round(limit * 2) for limit in limits)


@given(values)
def test_classes_rise_and_hold_every_figure(figures):
    limits = colours.breaks(figures)
    assert len(limits) <= 5
    assert all(one < other for one, other in pairwise(limits))
    classes = {colours.class_of(value, limits) for value in figures}
    assert classes <= set(range(len(limits) + 1))
    if limits:
        assert {0, len(limits)} <= classes, "the lowest and the highest class are used"


@given(values)
def test_a_larger_figure_is_never_painted_as_a_smaller_one(figures):
    limits = colours.breaks(figures)
    painted = [colours.paint(value, limits) for value in sorted(figures)]
    assert painted == sorted(painted)


def test_missing_is_never_a_class():
    limits = colours.breaks([1.0, 2.0, math.nan, 3.0])
    assert colours.paint(math.nan, limits) == "missing"
    assert colours.paint(0.0, limits) != "missing"


def test_figures_that_do_not_differ_have_one_class():
    assert colours.breaks([4.0, 4.0, math.nan]) == []
    assert colours.paint(4.0, []) == "class-3"


def test_counts_have_whole_limits_and_a_few_stand_out_from_many():
    assert colours.breaks([0, 1, 1, 2, 2, 3]) == [1, 2]
    assert colours.breaks([0, 0, 0, 0, 0, 3]) == [3]


def test_two_classes_take_the_ends_of_the_scale():
    assert [colours.shade(place, 2) for place in range(2)] == ["class-0", "class-5"]
