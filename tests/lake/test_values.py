"""Numbers and times at their limits: what does not fit is set aside, and never ends a load."""

from datetime import UTC, datetime, timedelta

import pytest
from support.port import COUNTS, HEADER

FORMAT = 'formats = "%Y-%m-%d %H:%M"'


def load(deliver, whens, formats=FORMAT):
    """Reasons of the rows set aside, and times and gates of the records."""
    text = HEADER + "".join(f"{when},East,{n},3,1\n" for n, when in enumerate(whens))
    lake = deliver({"a.csv": text}, counts=COUNTS.replace(FORMAT, formats))
    report = lake.load("counts")
    assert report.read == len(whens) == report.stored + report.set_aside
    table = lake.table("counts").read(["time", "gate"]).sort_by("gate").to_pylist()
    return [row["reason"] for row in lake.set_aside("counts").to_pylist()], [
        (row["gate"], row["time"].strftime("%Y-%m-%dT%H:%M")) for row in table
    ]


@pytest.mark.parametrize(
    "day", ["9999-12-31", "0001-01-01", "1500-06-01", "1677-01-01", "2262-05-01", "1899-12-30"]
)
def test_a_day_far_from_today_costs_one_record(deliver, day):
    reasons, records = load(deliver, [f"{day} 24:00", f"{day} 12:00", "2022-01-05 07:00"])
    assert len(reasons) == 2
    assert records == [("2", "2022-01-05T06:00")]


def test_a_record_from_the_future_is_set_aside(deliver):
    now = datetime.now(UTC)
    whens = [f"{now + timedelta(days=days):%Y-%m-%d %H:%M}" for days in (0, 3)]
    reasons, records = load(deliver, ["2220-01-01 00:00", *whens])
    assert reasons == ["time is in the future"] * 2
    assert [gate for gate, _ in records] == ["1"]


def test_a_mapping_may_say_which_days_are_meant(deliver):
    formats = f"earliest = 1850-01-01, latest = 2100-12-31, {FORMAT}"
    whens = ["1849-12-31 23:00", "1850-01-01 00:00", "2100-12-31 23:00", "2101-01-01 00:00"]
    reasons, records = load(deliver, whens, formats)
    assert reasons == ["time is before 1850-01-01", "time is after 2100-12-31"]
    assert [gate for gate, _ in records] == ["1", "2"]


def test_times_may_tell_their_distance_from_utc(deliver):
    whens = ["2022-01-05 07:00+0900", "2022-01-05 07:00Z", "9999-12-31 23:00-0900"]
    reasons, records = load(deliver, whens, 'formats = "%Y-%m-%d %H:%M%z"')
    assert reasons == ["time is too far from today"]
    assert records == [("0", "2022-01-04T22:00"), ("1", "2022-01-05T07:00")]


def test_the_24th_is_no_hour(deliver):
    formats = 'formats = ["%Y-%m-%d %H", "%Y-%m-%d"]'
    reasons, records = load(deliver, ["2020-01-24", "2020-01-24 24", "2020-01-24 23"], formats)
    assert reasons == []
    assert records == [
        ("0", "2020-01-23T23:00"),
        ("1", "2020-01-24T23:00"),
        ("2", "2020-01-24T22:00"),
    ]


def test_there_is_no_24th_hour_where_no_hour_is_written(deliver):
    reasons, records = load(deliver, ["2020-02-24 24"], 'formats = "%Y-%m-%d"')
    assert reasons == ["time is not written as %Y-%m-%d"]
    assert records == []


def speeds(deliver, written, rule):
    text = HEADER + "".join(f'2022-01-05 07:00,East,{n},3,"{s}"\n' for n, s in enumerate(written))
    spec = COUNTS.replace('null = ["-"]', rule).replace("max = 99", "")
    lake = deliver({"a.csv": text}, counts=spec)
    assert lake.load("counts").read == len(written)
    found = lake.table("counts").read(["gate", "speed"]).to_pylist()
    values = {row["gate"]: row["speed"] for row in found}
    return [values.get(str(n)) for n in range(len(written))]


@pytest.mark.parametrize(
    ("rule", "values"),
    [
        ("scale = 1", [None, None, None, 3.14, 1.234, None, 5]),
        ("thousands = ','", [3141, None, 1234567.5, 3.14, 1.234, None, 5]),
        ("decimal = ','", [3.141, 3.14, None, None, None, None, 5]),
        ("decimal = ',', thousands = '.'", [3.141, 3.14, None, None, 1234, 1234567.5, 5]),
    ],
)
def test_marks_in_numbers_mean_what_the_mapping_says(deliver, rule, values):
    written = ["3,141", "3,14", "1,234,567.5", "3.14", "1.234", "1.234.567,5", "5"]
    assert speeds(deliver, written, rule) == values


def test_whole_numbers_are_exact_in_any_company(deliver):
    counts = ["9007199254740993", "5.0", "+7", "9007199254740995.0", "5e3", "99999999999999999999"]
    rows = "".join(f"2022-01-05 07:00,East,{n},{count},1\n" for n, count in enumerate(counts))
    lake = deliver({"a.csv": HEADER + rows})
    assert lake.load("counts").set_aside == 1
    table = lake.table("counts").read(["gate", "n"]).sort_by("gate")
    assert table["n"].to_pylist() == [9007199254740993, 5, 7, 9007199254740995, 5000]
