"""The lake lies wherever the checkout lies: folders with spaces and letters of any alphabet."""

from pathlib import Path

import pytest
from support.port import HEADER, build_port, write
from support.town import build_town

from citylib.city.errors import CityError
from citylib.indicators.cube import Cube
from citylib.indicators.refresh import run_compute
from citylib.lake import Lake
from citylib.lake.report import run_load

ROWS = "2022-01-05 07:00,East,A,3,1\n2022-01-05 08:00,West,A,4,1\n"


@pytest.mark.parametrize("name", ["my city", "서울", "100% é", "a#b?c", "a+b"])
def test_files_of_a_table_are_paths(tmp_path, name):
    city = build_port(tmp_path / name / "profile")
    write(city.folder, {"records/counts/a.csv": HEADER + ROWS})
    lake = Lake(str(tmp_path / name / "lake"), city)
    assert lake.load("counts").stored == 2
    assert lake.load("counts").duplicate == 2
    assert all(Path(file).is_file() for file in lake.table("counts").files())


def test_a_folder_that_delta_lake_cannot_name_is_refused(tmp_path):
    city = build_port(tmp_path / "profile")
    with pytest.raises(CityError, match="rename"):
        Lake(str(tmp_path / "my%20city" / "lake"), city)
    assert not (tmp_path / "my%20city").exists()


def test_indicators_are_computed_in_such_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    settings = build_town(tmp_path / "my city é 서울")
    run_load(settings, ())
    assert run_compute(settings)
    assert float(Cube(settings.cube).read("total").sum()) == 20
