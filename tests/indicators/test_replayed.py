"""Figures that rest on replayed records say so, and are not held against real ones."""

import pytest
from support.town import build_town

from citylib.city.profile import load_city
from citylib.indicators.check import run_check
from citylib.indicators.cube import Cube
from citylib.indicators.refresh import run_compute
from citylib.lake import Delivery, Lake
from citylib.lake.report import run_load
from citylib.lake.sheet import sheet_of


@pytest.fixture
def town(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    settings = build_town(tmp_path)
    run_load(settings, ())
    return settings


def deliver(settings, days, replayed):
    city = load_city(settings.profile)
    sheet = sheet_of("live", [{"day": day, "district": "West", "n": "5"} for day in days])
    reading = city.datasets["counts"].read[0]
    Lake(settings.lake, city).deliver("counts", Delivery(days[0], [(sheet, reading)], "", replayed))


def test_without_replayed_records_no_period_is_marked(town):
    deliver(town, ["2020-02-05"], replayed=False)
    run_compute(town)
    cube = Cube(town.cube)
    assert {cube.read(name).attrs["replayed_from"] for name in cube.ids()} == {""}


def test_the_cube_tells_from_which_period_on_it_is_replayed(town):
    deliver(town, ["2020-02-04"], replayed=False)
    deliver(town, ["2020-02-05", "2020-02-09"], replayed=True)
    run_compute(town)
    cube = Cube(town.cube)
    assert cube.read("total").attrs["replayed_from"] == "2020-02-05T00:00"
    assert cube.read("mean").attrs["replayed_from"] == "2020-02-01T00:00"


def test_replayed_records_are_found_beside_corrections_too(town):
    deliver(town, ["2020-02-05", "2020-02-09"], replayed=True)
    city = load_city(town.profile)
    rows = [{"day": "2020-01-01", "district": "East", "n": "3"}]
    delivery = Delivery("mended", [(sheet_of("mended", rows), city.datasets["counts"].read[0])])
    Lake(town.lake, city).deliver("counts", delivery)
    assert Lake(town.lake, city).table("counts").late == 1
    run_compute(town)
    assert Cube(town.cube).read("total").attrs["replayed_from"] == "2020-02-05T00:00"


def test_check_leaves_replayed_periods_out_and_says_how_many(town, capsys):
    run_compute(town)
    assert run_check(town)
    capsys.readouterr()
    deliver(town, ["2020-02-05", "2020-02-06", "2020-03-01"], replayed=True)
    run_compute(town)
    assert run_check(town)
    out = capsys.readouterr().out
    assert "2 indicators, 8 figures by two routes, 1 published figures: all equal" in out
    assert "rest on replayed records: periods of total 26, mean 2" in out


def test_real_records_that_check_does_not_know_still_differ(town, capsys):
    deliver(town, ["2020-02-05"], replayed=False)
    run_compute(town)
    assert not run_check(town)
    assert "left out" not in capsys.readouterr().out


def test_a_replayed_record_that_was_corrected_before_anybody_looked_marks_nothing(town):
    run_compute(town)
    deliver(town, ["2020-02-05"], replayed=True)
    city = load_city(town.profile)
    rows = [{"day": "2020-02-05", "district": "West", "n": "6"}]
    delivery = Delivery("real", [(sheet_of("real", rows), city.datasets["counts"].read[0])])
    Lake(town.lake, city).deliver("counts", delivery)
    run_compute(town)
    assert Cube(town.cube).read("total").sel(time="2020-02-05", area="1").item() == 6
    assert Cube(town.cube).read("total").attrs["replayed_from"] == ""
