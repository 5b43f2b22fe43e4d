"""Running totals: one wrong value is left out, and not those after it."""

import pytest
from support.port import COUNTS, HEADER

SPEC = COUNTS.replace('units = "people"', 'units = "people"\nrunning = true')
SPEC = SPEC.replace("required = true\n", "")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ([100, 101000, 102, 103], [100, None, 102, 103]),
        ([101000, 100, 102, 103], [None, 100, 102, 103]),
        ([100, 101000, 101001, 103, 104, 105, 106], [100, None, None, 103, 104, 105, 106]),
        ([9, 10, 11, 12, 0, 1, 13, 0, 0, 0], [9, 10, 11, 12, None, None, 13, None, None, None]),
        ([1, 3, 10, 40, 200, 0, 900], [1, 3, 10, 40, 200, None, 900]),
        ([100, 101, 500], [100, 101, 500]),
        ([0, 0, 5, 6], [0, 0, 5, 6]),
    ],
)
def test_one_wrong_value_is_left_out(deliver, given, kept):
    rows = [f"2022-01-{day:02d} 00:00,East,A,{n},1\n" for day, n in enumerate(given, 1)]
    other = [row.replace(",A,", ",B,") for row in rows[:1]]  # each gate is judged by itself
    lake = deliver({"a.csv": HEADER + "".join([*reversed(rows), *other])}, counts=SPEC)
    report = lake.load("counts")
    assert (report.stored, report.set_aside) == (len(given) + 1, 0)
    table = (
        lake.table("counts")
        .read(["time", "gate", "n"])
        .sort_by([("gate", "ascending"), ("time", "ascending")])
    )
    assert table["n"].to_pylist() == [*kept, given[0]]
    aside = lake.set_aside("counts").to_pylist()
    assert sorted(row["line"] for row in aside) == sorted(
        len(given) + 1 - place for place, n in enumerate(kept) if n is None
    )
