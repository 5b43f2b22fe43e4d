"""Reading a part of a table: what is asked for comes, by whatever column it is asked."""

import pyarrow.dataset as ds
import pytest
from support.port import HEADER


@pytest.mark.parametrize(
    ("where", "gates"),
    [
        (ds.field("gate") == "b", ["b"]),
        (ds.field("area") == "9e", ["a", "c"]),
        (ds.field("n") > 4, ["b", "c"]),
        ((ds.field("area") == "9e") & (ds.field("n") > 4), ["c"]),
        (ds.field("gate") == "x", []),
    ],
)
def test_records_are_found_by_any_column(deliver, where, gates):
    rows = "2022-01-05 07:00,East,a,3,1\n2022-01-05 07:00,West,b,5,1\n2022-01-06 07:00,East,c,7,1\n"
    lake = deliver({"a.csv": HEADER + rows})
    lake.load("counts")
    found = lake.table("counts").read(["gate"], where=where).to_pydict()["gate"]
    assert sorted(found) == gates
