"""Files that a feed brings, in the lake: apart from the dataset's own, whatever they are called."""

from __future__ import annotations

import asyncio
import csv
import io
import os
from dataclasses import replace

import pytest
from support.clock import NOON
from support.gates import FEED
from support.port import COUNTS, HEADER, build_port, write

from citylib.city.profile import load_city
from citylib.feeds import poll as polls
from citylib.lake import Lake
from citylib.lake.aside import rows_aside, to_csv
from citylib.operations import FeedState

FOLDER = FEED.replace('"ckan"', '"files"').replace("https://gates.example", "incoming")
FOLDER = FOLDER.replace('format = "json"', 'format = "csv"\nfile_pattern = "^(?P<gate>[A-Z])"')
HEAD = "at,in,n,speed\n"


@pytest.fixture
def lake(tmp_path):
    files = {
        "feeds/gates.toml": FOLDER,
        "records/counts/A.csv": HEADER + "2022-01-05 07:00,East,own,3,1\n",
        "incoming/A.csv": HEAD + "2022-01-05 07:00,East,4,1\nwhen?,East,1,1\n",
        "incoming/north/A.csv": HEAD + "2022-01-06 07:00,East,5,1\nwho?,East,1,1\n",
    }
    return Lake(str(tmp_path / "lake"), build_port(tmp_path / "profile", files))


def polled(lake, state=None):
    feed = lake.city.feeds["gates"].model_copy(update={"options": {"pattern": "**/*"}})
    for path in (lake.city.folder / "incoming").rglob("*.csv"):
        os.utime(path, (1, 1))

    async def store(dataset, delivery):
        return lake.deliver(dataset, delivery)

    async def run():
        async with polls.client() as http:
            return await polls.poll(lake.city, feed, state or FeedState("gates"), http, store, NOON)

    return asyncio.run(run())


def test_they_stay_when_the_table_is_made_anew(lake):
    lake.load("counts")
    state = polled(lake)
    assert (state.read, state.stored, state.set_aside) == (4, 2, 2)
    names = {"A.csv", "gates/A.csv", "gates/north/A.csv"}
    assert set(lake.table("counts").read()["source_file"].to_pylist()) == names
    write(lake.city.folder, {"datasets/counts.toml": COUNTS.replace("max = 99", "max = 98")})
    again = Lake(lake.uri, load_city(lake.city.folder))
    assert again.load("counts").failures == ()
    rows = again.table("counts").read(["gate", "n"]).to_pylist()
    assert sorted((row["gate"], row["n"]) for row in rows) == [("A", 4), ("A", 5), ("own", 3)]


def test_rows_of_files_of_one_name_are_not_taken_for_each_other(lake):
    polled(lake)
    text = to_csv({"counts": rows_aside(lake.uri, "counts")})
    rows = list(csv.DictReader(io.StringIO(text)))
    assert sorted(row["raw"] for row in rows) == ["when?,East,1,1", "who?,East,1,1"]
    assert len({row["row"] for row in rows}) == 2


def test_a_poll_again_stores_nothing_twice(lake):
    state = polled(lake)
    again = polled(lake, replace(state, memory={}))
    assert (again.stored, lake.table("counts").rows) == (2, 2)
