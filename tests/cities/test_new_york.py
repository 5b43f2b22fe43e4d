"""New York's own figures: by two routes, as published, and where clocks are changed."""

import csv
import lzma
import os
import shutil
import subprocess
from pathlib import Path

import nbformat
import numpy as np
import pytest
import shapely
from nbclient import NotebookClient
from shapely.geometry import shape

from citylib.city.areas import UnknownArea
from citylib.city.profile import load_city
from citylib.city.settings import Settings
from citylib.hub.installation import Installation
from citylib.indicators.check import run_check
from citylib.indicators.cube import Cube
from citylib.indicators.declared import load_indicators
from citylib.indicators.refresh import run_compute
from citylib.lake import Lake
from citylib.panels.mayor import header
from citylib.panels.model import CityModel, CubeFigures
from citylib.publish.site import build

PROFILE = Path(__file__).parents[2] / "cities" / "new_york"
DOMAINS = {"health", "food", "services", "fire", "trees", "digital", "population"}


@pytest.fixture(scope="module")
def city():
    return load_city(PROFILE)


def test_every_figure_agrees(new_york, capsys):
    assert run_check(new_york), capsys.readouterr().out


def test_the_published_count_of_cases_is_met_exactly(new_york):
    cases = Cube(new_york.cube).read("covid_cases")
    assert cases.sel(area="NYC").sum() == 3_045_980
    assert cases.sel(area="BX").sum() == 508_605
    # Some people's borough is not known.
    assert cases.sel(area=["MN", "BX", "BK", "QN", "SI"]).sum() == 3_045_980 - 967


def test_there_are_indicators_of_many_domains_and_levels(city):
    declared = load_indicators(PROFILE / "indicators")
    for indicator in declared.values():
        indicator.check(city)
    assert len(declared) >= 8
    assert {indicator.domain for indicator in declared.values()} == DOMAINS
    assert {indicator.level for indicator in declared.values()} == set(city.levels)


def test_every_row_is_accounted_for(new_york):
    lake = Lake(new_york.lake, load_city(new_york.profile))
    for report in lake.load_all():
        assert report.read == report.stored + report.duplicate + report.set_aside
        assert report.stored == 0
    assert lake.table("food_violations").rows == 480_621 - 9_418 - 11
    reasons = lake.set_aside("food_violations").to_pylist()
    assert {row["reason"] for row in reasons} == {"not inspected yet", "no violation was cited"}


def test_levels_and_their_areas(city):
    sizes = {level.id: len(level.areas) for level in city.levels.values()}
    assert sizes == {"borough": 5, "community_district": 59, "zip_area": 177, "neighbourhood": 195}
    for level in city.levels.values():
        shapes = [shape(feature["geometry"]) for feature in level.geojson()["features"]]
        assert all(one.is_valid for one in shapes), level.id
        whole = shapely.union_all(shapes).area
        assert sum(one.area for one in shapes) == pytest.approx(whole, rel=1e-3), level.id
    assert list(city.levels["borough"].locate([-73.985], [40.758])) == ["MN"]
    assert list(city.levels["community_district"].locate([-73.985], [40.758])) == ["105"]


@pytest.mark.parametrize(
    ("level", "value", "scheme", "code"),
    [
        ("borough", "STATEN ISLAND", None, "SI"),
        ("borough", "StatenIsland", None, "SI"),
        ("borough", "The Bronx", None, "BX"),
        ("borough", "BK", None, "BK"),
        ("borough", "4", "boro", "QN"),
        ("borough", "047", "fips", "BK"),
        ("borough", "36061", "fips", "MN"),
        ("community_district", "12 MANHATTAN", "board", "112"),
        ("community_district", "MANHATTAN 12", None, "112"),
        ("community_district", "503", None, "503"),
        ("zip_area", "10118", "zip", "10001"),
        ("neighbourhood", "QN17", None, "QN17"),
    ],
)
def test_areas_go_by_every_code_that_offices_use(city, level, value, scheme, code):
    assert city.levels[level].code_of(value, scheme) == code


def test_joint_interest_areas_are_no_community_districts(city):
    with pytest.raises(UnknownArea, match="80 QUEENS"):
        city.levels["community_district"].code_of("80 QUEENS")


def test_a_record_of_a_park_counts_for_its_borough(new_york):
    hydrants = Lake(new_york.lake, load_city(new_york.profile)).table("hydrants")
    areas = hydrants.read(["area"]).to_pydict()["area"]
    assert areas.count("QN") == 5 + 4 + 2  # Flushing Meadows, Jamaica Bay, La Guardia
    assert areas.count("401") == 106  # with Rikers Island


def test_nothing_of_requests_leads_to_a_person():
    kept = {"request", "agency", "complaint_type", "board", "borough", "channel", "hours"}
    for path in (PROFILE / "records" / "service_requests").iterdir():
        with lzma.open(path, "rt", encoding="utf-8") as handle:
            rows = csv.DictReader(handle)
            assert set(rows.fieldnames or ()) == kept | {"created"}
            for number, row in enumerate(rows, 1):
                assert row["request"] == f"{path.name[:-7]}/{number}"
                assert not any(char.isdigit() for char in row["borough"])
                assert len(row["board"]) <= len("Unspecified STATEN ISLAND")


def test_the_profile_is_small():
    listed = subprocess.run(
        ["git", "ls-files", "-z", "."], cwd=PROFILE, check=False, capture_output=True, text=True
    )
    names = [name for name in listed.stdout.split("\0") if name]
    paths = [PROFILE / name for name in names] or [p for p in PROFILE.rglob("*") if p.is_file()]
    assert sum(path.stat().st_size for path in paths) < 10_000_000


def test_screens_in_one_language_offer_no_other(new_york):
    model = CityModel(load_city(new_york.profile), CubeFigures(Cube(new_york.cube)))
    assert "language" not in header(model, "New York City")
    pages = list(build(new_york).rglob("*.html"))
    assert len(pages) > len(load_indicators(PROFILE / "indicators"))
    for page in pages:
        text = page.read_text("utf-8")
        assert "hreflang" not in text
        assert not any("\uac00" <= char <= "\ud7a3" for char in text), page


# --- clocks: put forward on 2024-03-10, put back on 2024-11-03 --------------------------------

REQUESTS = """request,created,agency,complaint_type,board,borough,channel,hours
a,2024-03-10 01:59:59,NYPD,Noise,,QUEENS,PHONE,1
b,2024-03-10 02:30:00,NYPD,Noise,,QUEENS,PHONE,1
c,2024-03-10 03:00:00,NYPD,Noise,,QUEENS,PHONE,1
d,2024-03-10 23:59:59,NYPD,Noise,,QUEENS,PHONE,1
e,2024-11-03 00:00:00,NYPD,Noise,,QUEENS,PHONE,1
f,2024-11-03 01:30:00,NYPD,Noise,,QUEENS,PHONE,1
g,2024-11-03 01:30:00,NYPD,Noise,,BRONX,PHONE,1
h,2024-11-03 02:00:00,NYPD,Noise,,QUEENS,PHONE,1
i,2024-11-03 23:59:59,NYPD,Noise,,QUEENS,PHONE,1
"""


@pytest.fixture(scope="module")
def clocks(tmp_path_factory):
    """The city with requests around the two nights, and with nothing else."""
    root = tmp_path_factory.mktemp("clocks")
    ignored = shutil.ignore_patterns("records", "check.py", "figures.toml")
    profile = shutil.copytree(PROFILE, root / "profile", ignore=ignored)
    for path in (profile / "datasets").iterdir():
        if path.stem not in ("service_requests", "covid_daily"):
            path.unlink()
    for path in (profile / "indicators").iterdir():
        if path.stem != "services":
            path.unlink()
    folder = profile / "records" / "service_requests"
    folder.mkdir(parents=True)
    (folder / "2020.csv.xz").write_bytes(lzma.compress(REQUESTS.encode()))
    days = "date_of_interest,CASE_COUNT,PROBABLE_CASE_COUNT,HOSPITALIZED_COUNT,DEATH_COUNT\n"
    days += "".join(f"{day}/2024,1,0,0,0\n" for day in ("03/10", "03/11", "11/03", "11/04"))
    (profile / "records" / "covid_daily").mkdir()
    (profile / "records" / "covid_daily" / "no-borough.csv.xz").write_bytes(
        lzma.compress(days.encode())
    )
    (root / "citylib.toml").write_text('profile = "profile"\n', "utf-8")
    settings = Settings.load(root)
    lake = Lake(settings.lake, load_city(profile))
    lake.load_all()
    run_compute(settings)
    return settings, lake


def test_clock_times_are_told_in_utc(clocks):
    _, lake = clocks
    rows = lake.table("service_requests").read(["time", "request"]).to_pylist()
    assert {row["request"]: f"{row['time']:%m-%dT%H:%M:%S}" for row in rows} == {
        "a": "03-10T06:59:59",
        "c": "03-10T07:00:00",  # a second later
        "d": "03-11T03:59:59",
        "e": "11-03T04:00:00",
        "f": "11-03T05:30:00",  # the first of the two 01:30
        "g": "11-03T05:30:00",
        "h": "11-03T07:00:00",
        "i": "11-04T04:59:59",
    }


def test_an_hour_that_does_not_exist_is_set_aside(clocks):
    _, lake = clocks
    (row,) = lake.set_aside("service_requests").to_pylist()
    assert row["reason"] == "time does not exist in America/New_York (clocks were put forward)"
    assert row["raw"].startswith("b,2024-03-10 02:30:00")


def test_a_day_is_the_citys_own_of_23_or_25_hours(clocks):
    settings, lake = clocks
    requests = Cube(settings.cube).read("requests_311").sel(area="NYC")
    assert requests.sel(time="2024-03-10").item() == 3
    assert requests.sel(time="2024-11-03").item() == 5
    assert np.isfinite(requests).sum() == 2
    midnights = lake.table("covid_daily").read(["time"]).to_pydict()["time"]
    assert sorted(f"{time:%m-%dT%H}" for time in midnights) == [
        *("03-10T05", "03-11T04"),
        *("11-03T04", "11-04T05"),
    ]


def test_the_doubled_hour_is_one_hour_of_the_clock(clocks):
    settings, _ = clocks
    hours = Cube(settings.cube).read("requests_311_noise")
    assert hours.sel(area="NYC", time="2024-11-03T01").item() == 2
    assert hours.sel(area="BX", time="2024-11-03T01").item() == 1
    assert np.isnan(hours.sel(area="NYC", time="2024-03-10T02").item())


@pytest.mark.parametrize(
    "path", sorted((PROFILE / "notebooks").glob("*.ipynb")), ids=lambda p: p.stem
)
def test_an_analysts_notebook_runs(new_york, path, tmp_path, monkeypatch):
    assert Installation(new_york).notebooks == PROFILE / "notebooks"
    monkeypatch.setenv("CITYLIB_CONFIG", str(new_york.root / "citylib.toml"))
    monkeypatch.delenv("DASK_SCHEDULER_ADDRESS", raising=False)
    notebook = nbformat.read(path, as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells)
    resources = {"metadata": {"path": tmp_path}}
    client = NotebookClient(notebook, timeout=240, kernel_name="python3", resources=resources)
    client.execute(env=dict(os.environ))
