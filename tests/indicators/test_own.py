"""Aggregations and functions of one's own: what they are told from, and what they may read."""

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from citylib.city.errors import CityError
from citylib.city.profile import load_city
from citylib.indicators import own
from citylib.indicators.aggregations import AGGREGATIONS, Aggregation
from citylib.indicators.cube import Cube
from citylib.indicators.declaration import Indicator
from citylib.indicators.declared import FOLDER, load_indicators
from citylib.indicators.fits import DeclarationError
from citylib.indicators.refresh import Refresh
from citylib.lake import Lake
from tests.indicators.test_incremental import ONE, declare, deliver, port

TIMES_N = """
import numpy as np
from citylib.indicators.aggregations import Aggregation
from citylib.indicators.own import add, indicator

WORDS = {"some", "words", "in", "no", "order"}

def times(values):
    return len(WORDS) * 0 + TIMES * values

add(
    Aggregation(
        "times_n",
        chunk=lambda rows: (times(rows.sum),),
        combine=lambda a, b: (a[0] + b[0],),
        finalize=lambda states: states[0],
        identity=(0.0,),
    )
)

@indicator(
    id="by_function", title={"fr": "x", "en": "x"}, domain="gates", dataset="counts",
    reads=["n"], frequency="day", units="1",
)
def by_function(records):
    return times(records.groupby(["period", "area"])["n"].sum())
"""
DECLARED = """
[by_aggregation]
title = { fr = "x", en = "x" }
domain = "gates"
dataset = "counts"
measure = "n"
aggregation = "times_n"
frequency = "day"
units = "1"
"""


@pytest.fixture
def aggregations():
    before = dict(AGGREGATIONS)
    yield
    AGGREGATIONS.clear()
    AGGREGATIONS.update(before)


def write(folder, times):
    own_folder = Path(folder) / "profile" / FOLDER
    own_folder.mkdir(exist_ok=True)
    (own_folder / "own.py").write_text(TIMES_N.replace("TIMES", str(times)))
    (own_folder / "own.toml").write_text(DECLARED)


def refreshed(folder, city):
    indicators = load_indicators(city.folder / FOLDER, city)
    return Refresh(Lake(f"{folder}/lake", city), Cube(f"{folder}/cube"), city, indicators)


def test_what_a_file_of_the_profile_says_now_is_computed(tmp_path, aggregations):
    city = port(tmp_path)
    deliver(Lake(f"{tmp_path}/lake", city), 1, [{**ONE, "when": "2022-04-01 12:00", "n": "3"}])
    both = ["by_function", "by_aggregation"]
    for times in (1, 2):
        write(tmp_path, times)
        assert refreshed(tmp_path, city).run().computed == both
        assert refreshed(tmp_path, city).run() is None
        cube = Cube(f"{tmp_path}/cube")
        assert [float(cube.read(name).max()) for name in both] == [3 * times] * 2


def test_a_file_that_changes_while_it_is_used_is_read_at_the_next_start(tmp_path, aggregations):
    city = port(tmp_path)
    deliver(Lake(f"{tmp_path}/lake", city), 1, [{**ONE, "when": "2022-04-01 12:00", "n": "3"}])
    write(tmp_path, 1)
    running = refreshed(tmp_path, city)
    running.run()
    write(tmp_path, 2)
    assert running.run() is None
    assert refreshed(tmp_path, city).run().computed == ["by_function", "by_aggregation"]


PRINT = """
import sys; from pathlib import Path
from citylib.city.profile import load_city
from citylib.indicators.areas import Areas
from citylib.indicators.declared import FOLDER, load_indicators
from citylib.indicators.states import digest
city = load_city(Path(sys.argv[1]))
for one in load_indicators(city.folder / FOLDER, city).values():
    print(digest(one, Areas.of(city, one.level), city.timezone))
"""


def test_every_process_tells_the_same_of_the_same_file(tmp_path):
    city = port(tmp_path)
    write(tmp_path, 1)
    said = {
        subprocess.run(
            [sys.executable, "-c", PRINT, str(city.folder)],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1
    assert len(said.pop().split()) == 2


def test_workers_have_the_aggregation_of_who_asks(aggregations):
    """Not one of the same name that they were sent before."""
    sent = []
    for times in (1.0, 2.0):
        own.add(
            Aggregation(
                "times_n",
                chunk=lambda rows, times=times: (times * rows.sum,),
                combine=lambda a, b: (a[0] + b[0],),
                finalize=lambda states: states[0],
                identity=(0.0,),
            )
        )
        sent.append(pickle.dumps(declare("x", "times_n", measure="n")))
    del AGGREGATIONS["times_n"]
    rows = own.Rows(np.array([0]), 1, np.array([3.0]))
    received: list[Indicator] = [pickle.loads(one) for one in sent]  # noqa: S301  our own
    assert [one.how.chunk(rows)[0].item() for one in received] == [3.0, 6.0]
    again = pickle.loads(pickle.dumps(received[0]))  # noqa: S301  our own
    assert again.how.chunk(rows)[0].item() == 3.0


def function(**said):
    @own.indicator(
        id="most",
        title={"fr": "x", "en": "x"},
        domain="gates",
        dataset="counts",
        frequency="day",
        units="1",
        **said,
    )
    def most(records):
        return records.groupby(["period", "area"])["n"].max()

    return most


def test_what_a_function_reads_is_looked_at(tmp_path):
    city = port(tmp_path)
    function(reads=["n", "time", "area"]).check(city)
    with pytest.raises(DeclarationError, match="'reads' names 'nn'; did you mean 'n'"):
        function(reads=["nn"]).check(city)
    path = city.folder / "datasets" / "counts.toml"
    path.write_text(path.read_text().replace("min = 0", 'min = 0\nclassification = "internal"'))
    city = load_city(city.folder)
    with pytest.raises(DeclarationError, match="records in 'counts' are 'internal'; declare it"):
        function(reads=["n"]).check(city)
    function(reads=["n"], classification="internal").check(city)


def test_a_function_does_not_lose_records_of_areas_that_the_city_has_no_more(tmp_path):
    city = port(tmp_path)
    deliver(Lake(f"{tmp_path}/lake", city), 1, [{**ONE, "when": "2022-04-01 12:00"}])
    for path in (city.folder / "areas").iterdir():
        path.write_text(path.read_text().replace("9e,", "9x,").replace('"9e"', '"9x"'))
    city = load_city(city.folder)
    refresh = Refresh(
        Lake(f"{tmp_path}/lake", city),
        Cube(f"{tmp_path}/cube"),
        city,
        {"most": function(reads=["n"])},
    )
    with pytest.raises(CityError, match="'counts': area '9e' is not in the city's profile; load"):
        refresh.run()
