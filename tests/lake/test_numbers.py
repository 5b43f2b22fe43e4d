"""Numbers and texts: what is read at once is what is read for each text by itself."""

from __future__ import annotations

import re

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from citylib.city.datasets import Column
from citylib.city.mapping import Rule
from citylib.lake import values
from citylib.lake.codes import clean, distinct

TEXT = st.one_of(
    st.integers(-(2**65), 2**65).map(str),
    st.floats().map(str),
    st.decimals(allow_nan=False, allow_infinity=False, places=3).map(str),
    st.sampled_from(["", " ", "-", "+7", "0x10", "1e3", "5.", ".5", ".", "1_0", "12.0", "1,234"]),
    st.sampled_from(
        ["nan", "-0", " 12", "12 ", "-1", "-999", "1e999", "1e-999", "١٢", "inf", "1d5"]
    ),
    st.just("9007199254740993.0"),
    st.text(st.sampled_from("0123456789.,-+eEx "), max_size=6),
)
RULES = [
    Rule(),
    Rule(null=("-",)),
    Rule(null=("-999", "-")),
    Rule(zero=("-",)),
    Rule(thousands=","),
    Rule(decimal=","),
    Rule(thousands=".", decimal=","),
    Rule(scale=1000),
]


def column(kind):
    return Column(name="n", type=kind, title={"en": "n"}, min=-50, max=2.0**60)


def judged(text, rule, kind):
    """Value and reasons of one text by itself."""
    value, faults = values._judged(pa.array([text], pa.string()), rule, column(kind))
    return value[0].as_py(), [reason for reason, mask in faults if mask[0]]


@pytest.mark.parametrize("kind", ["int64", "float64"])
@pytest.mark.parametrize(
    "rule", RULES, ids=lambda rule: str(rule.model_dump(exclude_defaults=True))
)
@settings(max_examples=150, deadline=None)
@given(st.lists(TEXT, min_size=1, max_size=4), st.booleans())
@example(["12", "", "7"], False)
@example(["1.0", "3"], True)
@example(["1000000000000000000"], False)
@example(["-9223372036854775808"], False)
@example(["9223372036854775808"], False)
def test_together_as_one_by_one(kind, rule, texts, as_codes):
    array = pa.array(texts, pa.string())
    found, faults = values.number(
        array.dictionary_encode() if as_codes else array, rule, column(kind)
    )
    for n, text in enumerate(texts):
        reasons = [reason for reason, mask in faults if mask[n]]
        assert (found[n].as_py(), reasons) == judged(text, rule, kind), text


@pytest.mark.parametrize("texts", [["1", "22"], ["1.0", "7"], ["1", "", "-"], ["", ""]])
def test_plain_numbers_are_read_at_once(texts):
    rule = Rule(null=("-",))
    array = pa.array(texts)
    assert values._plain_numbers(array, rule, column("int64")) is not None
    assert values._plain_numbers(array, rule, column("float64")) is not None


@given(st.lists(st.one_of(st.none(), st.integers(-(2**53), 2**53)), max_size=5))
def test_numbers_of_a_file_are_taken_as_they_are(numbers):
    found, faults = values.number(pa.array(numbers, pa.int64()), Rule(), column("int64"))
    assert found.to_pylist() == numbers
    low = [number is not None and number < -50 for number in numbers]
    assert [mask.tolist() for _, mask in faults] == ([low] if any(low) else [])


def test_numbers_of_a_file_may_be_marks_for_no_value():
    array = pa.array([1.5, -999.0, None])
    found, _ = values.number(array, Rule(null=("-999", "-999.0")), column("float64"))
    assert found.to_pylist() == [1.5, None, None]


SPACES = [chr(n) for n in range(0x110000) if chr(n).isspace() or re.match(r"\s", chr(n))]


@settings(max_examples=300)
@given(st.lists(st.text(st.sampled_from(["a", "-", "é", *SPACES]), max_size=5), max_size=4))
@example([f"a{space}b" for space in SPACES])
def test_texts_are_trimmed(texts):
    rule = Rule(null=("-",))
    found = clean(pa.array(texts, pa.string()).dictionary_encode(), rule).to_pylist()
    tidy = [re.sub(r"\s+", " ", text).strip() for text in texts]
    assert found == [None if text in ("", "-") else text for text in tidy]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2**40)), max_size=30), st.booleans())
def test_combinations_are_told_apart(pairs, many):
    codes = [pa.array([pair[n] for pair in pairs], pa.int64()).to_numpy() for n in (0, 1)]
    sizes = [4, 2**40 + 1]
    if not many:
        codes[1], sizes[1] = codes[1] % 5, 5
    first, back = distinct(codes, sizes)
    rows = list(zip(*(code.tolist() for code in codes), strict=True))
    assert [rows[n] for n in first[back].tolist()] == rows
    assert len(first) == len(set(rows))
