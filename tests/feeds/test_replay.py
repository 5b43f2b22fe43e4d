"""Records of another day, played as if they were of now."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import httpx
import pandas as pd
import pytest
from pydantic import ValidationError
from support.port import build_port, write

from citylib.city.errors import CityError
from citylib.city.feeds import FeedSpec
from citylib.city.mapping import Reading
from citylib.feeds import poll
from citylib.feeds.connector import Request, Session
from citylib.feeds.connectors import replay
from citylib.lake import Lake
from citylib.operations import FeedState

READ = {
    "time": {"header": "time", "formats": replay.FORMAT},
    "area": {"level": "district", "header": "area", "scheme": "code"},
    "columns": {"gate": "gate", "n": "n", "speed": "speed"},
}
NOW = datetime(2026, 3, 4, 10, 30, tzinfo=UTC)
"""A Wednesday, 11:30 in the port."""


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
def city(tmp_path):
    """Two weeks of hours at one gate, each with its own number."""
    first = datetime(2019, 3, 4)  # a Monday
    lines = [
        f"{first + timedelta(hours=hour):%Y-%m-%d %H:%M},Est,A,{hour},{hour / 8}\n"
        for hour in range(14 * 24)
    ]
    city = build_port(tmp_path / "port")
    files = {"1.csv": lines[:200], "2.csv": lines[190:]}
    head = "when,district,gate,n,speed\n"
    write(
        city.folder / "records" / "counts",
        {name: head + "".join(rows) for name, rows in files.items()},
    )
    return city


def feed(**options):
    options = {"first": date(2019, 3, 4), "last": date(2019, 3, 17)} | options
    values = {
        "id": "again",
        "title": {},
        "dataset": "counts",
        "connector": "replay",
        "address": "records/counts",
        "interval": 60,
        "options": options,
        "read": Reading.model_validate(READ),
        "path": Path("feeds/again.toml"),
    }
    return FeedSpec.model_validate(values)


async def played(city, spec, memory, now):
    async with httpx.AsyncClient() as client:
        session = Session(spec, client, memory)
        options = replay.Options.model_validate(spec.options)
        request = Request(spec, options, session, None, now, city)
        sheets = [sheet async for sheet in replay.fetch(request)]
    columns = [sheet.columns for sheet in sheets]
    return [
        (datetime.fromisoformat(time), int(n))
        for one in columns
        for time, n in zip(one["time"].to_pylist(), one["n"].to_pylist(), strict=True)
    ]


@pytest.mark.anyio
async def test_hours_and_weekdays_fit_and_each_record_comes_once(city):
    spec, memory, seen = feed(), {}, []
    for hours in [0, 0.1, 0.6, 1, 5, 5, 30, 400]:
        seen += await played(city, spec, memory, NOW + timedelta(hours=hours))
    times = [time for time, _ in seen]
    # From a day before the first poll to the last, 400 hours later, less what is beyond a round.
    assert times == sorted(times)
    assert len(set(times)) == len(times)
    assert times[0] == datetime(2026, 3, 3, 12)
    assert times[-1] == datetime(2026, 3, 21, 3)
    for time, n in seen:
        original = datetime(2019, 3, 4) + timedelta(hours=n)
        assert (time.hour, time.weekday()) == (original.hour, original.weekday())
    steps = {b - a for a, b in pairwise(times[:54])}
    assert steps == {timedelta(hours=1)}


@pytest.mark.anyio
async def test_it_catches_up_with_the_clock_and_stays_with_it(city):
    spec, memory = feed(days=2, speed=48), {}
    await played(city, spec, memory, NOW)
    half = await played(city, spec, memory, NOW + timedelta(minutes=30))
    assert [time for time, _ in half][-1] == datetime(2026, 3, 3, 11)
    await played(city, spec, memory, NOW + timedelta(hours=2))
    assert memory["until"].startswith("2026-03-04T13:30")
    later = await played(city, spec, memory, NOW + timedelta(hours=3))
    assert [time for time, _ in later] == [datetime(2026, 3, 4, 14)]


@pytest.mark.anyio
async def test_a_day_comes_as_a_whole_when_it_is_over(city):
    spec, memory = feed(whole_days=True), {}
    first = await played(city, spec, memory, NOW)
    assert [time for time, _ in first] == [datetime(2026, 3, 3, hour) for hour in range(24)]
    assert await played(city, spec, memory, NOW + timedelta(hours=12)) == []
    second = await played(city, spec, memory, NOW + timedelta(hours=13))
    assert [time for time, _ in second] == [datetime(2026, 3, 4, hour) for hour in range(24)]


@pytest.mark.anyio
async def test_a_clock_that_goes_back_brings_nothing_twice(city):
    spec, memory = feed(), {}
    await played(city, spec, memory, NOW)
    assert await played(city, spec, memory, NOW - timedelta(hours=5)) == []
    again = await played(city, spec, memory, NOW + timedelta(hours=1))
    assert [time for time, _ in again] == [datetime(2026, 3, 4, 12)]


@pytest.mark.anyio
async def test_what_is_played_is_marked_in_the_table(city, tmp_path):
    lake, state = Lake(str(tmp_path / "lake"), city), FeedState("again")
    lake.load("counts")

    async def store(dataset, delivery):
        return lake.deliver(dataset, delivery)

    async with poll.client() as http:
        state = await poll.poll(city, feed(), state, http, store, NOW)
    assert (state.read, state.stored, state.set_aside) == (24, 24, 0)
    assert state.newest == datetime(2026, 3, 4, 10, tzinfo=UTC)
    rows = lake.table("counts").read().to_pylist()
    assert len(rows) == 14 * 24 + 24
    for row in rows:
        assert row["replayed"] == (row["time"].year == 2026)


def test_a_year_is_shifted_by_whole_years_of_weeks_so_that_the_season_fits():
    days = pd.date_range("2018-01-01", "2018-12-31", freq="D")
    records = pd.DataFrame({"time": days, "n": [f"{day:%m-%d}" for day in days]})
    options = replay.Options(first=date(2018, 1, 1), last=date(2018, 12, 31))
    now = datetime(2026, 7, 1, 12)
    rows = replay.happened(records, options, now - timedelta(days=30), now)
    assert len(rows) == 30
    assert rows[-1]["time"] == "2026-07-01 00:00:00"
    assert rows[-1]["n"] == "07-11"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"first": date(1999, 1, 1), "last": date(1999, 2, 1)}, "no record between 1999-01-01"),
        ({"first": date(2019, 3, 4), "last": date(2019, 3, 6)}, "at least a week"),
        ({"last": date(2019, 3, 1)}, "at least a week"),
        ({"speed": 0.5}, "greater than or equal to 1"),
    ],
)
async def test_days_that_cannot_be_played_are_named(city, change, message):
    with pytest.raises((CityError, ValidationError), match=message):
        await played(city, feed(**change), {}, NOW)


@pytest.mark.anyio
async def test_a_folder_without_files_is_named(city):
    spec = feed().model_copy(update={"address": "records/none"})
    with pytest.raises(CityError, match="nothing can be played"):
        await played(city, spec, {}, NOW)
