"""Rows of a source's answer as columns of text."""

from datetime import datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from citylib.lake.sheet import _flat, flat_columns

WORDS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.one_of(
    *(st.none(), st.booleans(), st.integers(), st.floats(), WORDS, st.datetimes()),
    *(st.lists(st.integers(), max_size=2), st.dictionaries(st.text("ab.1"), WORDS, max_size=2)),
)


def test_values_are_text_as_they_are_written():
    rows = [
        {"id": "007", "n": 12, "x": 0.1, "on": True, "none": None},
        {"id": "", "x": 1e22, "day": datetime(2026, 1, 2, 3), "n": "many"},
    ]
    assert {name: column.to_pylist() for name, column in flat_columns(rows).items()} == {
        "id": ["007", ""],
        "n": ["12", "many"],
        "x": ["0.1", "1e+22"],
        "on": ["True", ""],
        "none": ["", ""],
        "day": ["", "2026-01-02 03:00:00"],
    }


@settings(max_examples=300)
@given(st.lists(st.dictionaries(st.text("ab.1", max_size=2), VALUES, max_size=4), max_size=4))
def test_flat_rows_are_read_like_nested_ones(rows):
    flat = [_flat(row) for row in rows]
    headers = dict.fromkeys(header for row in flat for header in row)
    found = flat_columns(rows)
    assert [*found] == [*headers]
    for header in headers:
        assert found[header].to_pylist() == [row.get(header, "") for row in flat]
