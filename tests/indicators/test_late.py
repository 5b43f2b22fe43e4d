"""Figures count a corrected record once, with the values that came last."""

import pytest
from support.town import build_town

from citylib.city.profile import load_city
from citylib.indicators import refresh
from citylib.indicators.cube import Cube
from citylib.lake import Lake
from citylib.lake.report import run_load


@pytest.fixture
def town(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    settings = build_town(tmp_path)
    run_load(settings, ())
    return settings


def total(settings):
    refresh.run_compute(settings)
    return float(Cube(settings.cube).read("total").sel(area="1").sum())


def test_a_correction_takes_the_place_of_what_it_corrects(town):
    assert total(town) == 10
    path = town.profile / "records" / "counts" / "3.csv"
    path.write_text("day,district,n\n2020-01-01,West,5\n2020-01-02,West,100\n")
    run_load(town, ())
    lake = Lake(town.lake, load_city(town.profile))
    assert lake.table("counts").late == 1
    assert total(town) == 10 - 2 + 5 + 100
    lake.compact("counts")
    assert lake.table("counts").late == 0
    assert total(town) == 113
