"""Seoul's own figures: by two routes, and as published."""

import re

from citylib.city.profile import load_city
from citylib.indicators.check import run_check
from citylib.indicators.cube import Cube
from citylib.indicators.declared import load_indicators
from citylib.lake import Lake
from citylib.panels.picture import reading as read
from citylib.panels.picture.tile import tile


def test_every_figure_agrees(seoul, capsys):
    assert run_check(seoul), capsys.readouterr().out


def test_there_are_indicators_of_every_domain():
    from citylib.city.settings import Settings

    city = load_city(Settings.load().profile)
    declared = load_indicators(city.folder / "indicators", city)
    assert len(declared) >= 15
    assert {indicator.domain for indicator in declared.values()} == set(city.domains)


def test_the_cube_says_what_its_figures_are(seoul):
    cube = Cube(seoul.cube)
    for name in cube.ids():
        array = cube.read(name)
        assert array.dims == ("time", "area")
        assert array.sizes["time"] > 0
        for key in ("units", "long_name", "long_name_ko", "source", "licence", "classification"):
            assert array.attrs[key], (name, key)


def test_every_row_is_accounted_for(seoul):
    lake = Lake(seoul.lake, load_city(seoul.profile))
    for report in lake.load_all():
        assert report.read == report.stored + report.duplicate + report.set_aside
        assert report.stored == 0
        assert lake.table(report.dataset).rows > 0


def test_nothing_internal_is_declared_public(seoul):
    city = load_city(seoul.profile)
    for indicator in load_indicators(seoul.profile / "indicators").values():
        indicator.check(city)
    assert Cube(seoul.cube).read("fire_response_time").attrs["classification"] == "internal"


def test_a_total_that_its_source_no_longer_keeps_up_ends(seoul):
    """No region's number of people released moves after that day, for 18 months."""
    city = load_city(seoul.profile)
    found = read.reading(Cube(seoul.cube).read("covid_released").load(), city.code, "ko")
    assert (found.value, found.when("en")) == (281_356, "23 Feb 2022")
    assert "지난 자료" in tile(
        city, Cube(seoul.cube).read("covid_released").load(), "ko", kept=True
    )
    other = read.reading(Cube(seoul.cube).read("covid_confirmed").load(), city.code, "ko")
    assert other.when("en") == "31 Aug 2023", "the other totals of the file go on"


def test_fires_are_known_by_neighbourhood_and_none_is_guessed(seoul):
    city = load_city(seoul.profile)
    array = Cube(seoul.cube).read("fires_in_buildings").load()
    assert set(array["area"].values[1:]) == set(city.levels["neighbourhood"].areas)
    found = read.reading(array, city.code, "ko")
    assert (found.when("ko"), found.value) == ("2022년", 4_208)
    values = read.at(array, found.time)
    missing = [code for code, value in values.items() if value != value]
    names = {city.area_name(code, "ko") for code in missing}
    assert names == {"상일동", "일원2동"}, "divided and renamed since the boundaries of 2013"


def test_sources_and_terms_speak_korean(seoul):
    cube = Cube(seoul.cube)
    for name in cube.ids():
        found = read.reading(cube.read(name).load(), "11", "ko")
        for text in (found.source, found.licence):
            assert re.search("[가-힣]", text), (name, text)
