"""Profiles: what is read, and that a mistake is named by file, key and mend."""

from pathlib import Path

import pytest
from support.port import CITY, COUNTS, build_port, collection, square, write

from citylib.city.areas import UnknownArea
from citylib.city.errors import ProfileError
from citylib.city.profile import load_city


@pytest.fixture
def port(tmp_path):
    return build_port(tmp_path)


def test_a_city_knows_its_areas(port):
    assert list(port.levels) == ["district", "block"]
    assert port.area_name("9e2", "en") == "Lighthouse"
    assert port.area_name("9", "fr") == "Le Port"
    assert port.ancestors("9e2") == ["9e", "9"]
    assert port.ancestors("9") == []
    assert port.level_of("9e") == "district"
    assert port.is_city("The  port")
    assert port.is_city("Portville")
    assert not port.is_city("East")


@pytest.mark.parametrize(
    ("value", "scheme", "code"),
    [
        ("9e", None, "9e"),
        ("EAST", None, "9e"),
        ("E st", "name", "9e"),
        ("Orient", "name", "9e"),
        ("Est2", None, "9e"),
        ("75012", None, "9w"),
        ("75012", "post", "9w"),
    ],
)
def test_codes_and_names_are_translated(port, value, scheme, code):
    assert port.levels["district"].code_of(value, scheme) == code


@pytest.mark.parametrize(
    ("value", "scheme", "says"),
    [
        ("North", None, "North"),
        ("75012", "name", "75012"),
        ("9e", "phone", "phone"),
        ("", None, "''"),
    ],
)
def test_what_no_area_goes_by_is_an_error(port, value, scheme, says):
    with pytest.raises(UnknownArea, match=says):
        port.levels["district"].code_of(value, scheme)


def test_a_name_of_several_areas_needs_the_one_around_it(port):
    block = port.levels["block"]
    with pytest.raises(UnknownArea, match="9e1, 9w1"):
        block.code_of("Quay")
    assert block.code_of("Quay", "name", within="9w") == "9w1"


def test_positions_are_located(port):
    found = port.levels["block"].locate(
        [0.2, 0.7, 1.2, 1.5, 5, float("nan")], [0.5, 0.5, 0.5, 0.5, 0.5, 0.5]
    )
    assert found.tolist() == ["9w1", None, "9e1", "9e1", None, None]


def test_boundaries_have_ids_and_belong_to_whoever_asked(port):
    shapes = port.levels["district"].geojson()
    assert [feature["id"] for feature in shapes["features"]] == ["9w", "9e"]
    shapes["features"].clear()
    assert len(port.levels["district"].geojson()["features"]) == 2


def _city(old: str, new: str) -> dict[str, str]:
    text = CITY.format(zone="Europe/Paris")
    assert old in text
    return {"city.toml": text.replace(old, new, 1)}


def _counts(old: str, new: str) -> dict[str, str]:
    assert old in COUNTS
    return {"datasets/counts.toml": COUNTS.replace(old, new, 1)}


MISTAKES = {
    "a wrong key": (_city("timezone", "timezoen"), ["city.toml", "timezoen", "timezone"]),
    "a missing key": (_city('code = "9"', ""), ["city.toml", "'code'", "missing"]),
    "no TOML": (_city('code = "9"', 'code = "9'), ["city.toml", "line 3"]),
    "no zone": (_city("Europe/Paris", "Europe/Pari"), ["city.toml", "timezone", "Europe/Pari"]),
    "no box": (_city("2.0, 1.0", "-2.0, 1.0"), ["city.toml", "bounds", "west"]),
    "no text": (_city('fr = "Quartier", ', ""), ["city.toml", "district", "'fr'"]),
    "a parent below": (_city('parent = "district"', 'parent = "house"'), ["city.toml", "parent"]),
    "a file that is not there": (_city("basemap/harbour", "basemap/h"), ["h.geojson", "harbour"]),
    "a publisher in one language": (
        _counts('publisher = "the port"', 'publisher = { en = "the port" }'),
        ["counts.toml", "publisher", "'fr'"],
    ),
    "a table without a column": (
        {"areas/district.csv": "code,name_fr\n9e,Est\n"},
        ["district.csv", "name_en", "add"],
    ),
    "a code twice": (
        {"areas/district.csv": "code,name_fr,name_en\n9e,Est,East\n9e,Est,East\n"},
        ["district.csv", "line 3", "9e"],
    ),
    "an orphan": (
        {"areas/block.csv": "code,parent,name_fr,name_en\n9n1,9n,N,N\n"},
        ["block.csv", "line 2", "9n"],
    ),
    "an empty table": (
        {"areas/district.csv": "code,name_fr,name_en\n"},
        ["district.csv", "no rows"],
    ),
    "a short row": (
        {"areas/district.csv": "code,name_fr,name_en\n9e,Est\n"},
        ["district.csv", "line 2"],
    ),
    "another encoding": (
        {"city.toml": "name = 'Liège'".encode("latin-1")},
        ["city.toml", "UTF-8"],
    ),
    "a dataset's wrong key": (_counts("licence", "license"), ["counts.toml", "license", "licence"]),
    "a key column without a rule": (_counts('gate = "gate"\n', ""), ["counts.toml", "gate"]),
    "no such column": (_counts('n = "n"', 'm = "n"'), ["counts.toml", "m"]),
    "no regular expression": (
        _counts('header = "district"', 'header = "district", pattern = "("'),
        ["counts.toml", "pattern"],
    ),
    "no encoding": (_counts('format = "csv"', 'format = "csv"\nencodings = "utf-9"'), ["utf-9"]),
    "two meanings of a comma": (
        _counts('null = ["-"]', 'thousands = ",", decimal = ","'),
        ["counts.toml", "speed", "thousands"],
    ),
    "a language that is none": (
        _city('languages = ["fr", "en"]', 'languages = ["fr", "../en"]'),
        ["city.toml", "languages", "../en"],
    ),
    "a city's code with a slash": (_city('code = "9"', 'code = "9/1"'), ["city.toml", "9/1"]),
    "an area's code with a blank": (
        {"areas/district.csv": "code,name_fr,name_en\n9 e,Est,East\n"},
        ["district.csv", "line 2", "'9 e'", "letters"],
    ),
    "no level": (
        _counts('level = "district"', 'level = "city hall"'),
        ["counts.toml", "city hall"],
    ),
    "no class": (_counts('"public"', '"secret"'), ["counts.toml", "classification", "secret"]),
    "a key of the platform's": (_counts("key =", 'id = "x"\nkey ='), ["counts.toml", "'id'"]),
    "two ways to an area": (
        _counts('header = "district" }', 'header = "district", lon = "x", lat = "y" }'),
        ["counts.toml", "area", "exactly one"],
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named(tmp_path, mistake):
    files, says = MISTAKES[mistake]
    with pytest.raises(ProfileError) as caught:
        build_port(tmp_path, files)
    for word in says:
        assert word in str(caught.value)
    assert "pydantic" not in str(caught.value)


def test_a_folder_without_a_profile_is_named(tmp_path):
    with pytest.raises(ProfileError, match=r"city\.toml"):
        load_city(tmp_path)


@pytest.mark.parametrize(
    "boundary",
    ["", "{}", collection({"9e": square(1)}), '{"type":"FeatureCollection","features":[{}]}'],
)
def test_boundaries_that_do_not_fit_are_named(tmp_path, boundary):
    city = build_port(tmp_path, {"areas/district.geojson": boundary})
    with pytest.raises(ProfileError, match=r"district\.geojson"):
        city.levels["district"].geojson()


@pytest.mark.parametrize("text", ["", "[1]", '{"type": "Feature"}'])
def test_a_basemap_that_is_none_is_named(tmp_path, text):
    city = build_port(tmp_path, {"basemap/harbour.geojson": text})
    with pytest.raises(ProfileError, match=r"harbour\.geojson"):
        city.basemap[0].geojson()


def test_several_mistakes_are_told_at_once(tmp_path):
    files = {"city.toml": (CITY.format(zone="Mars/Base")).replace("bounds", "bonds")}
    with pytest.raises(ProfileError) as caught:
        build_port(tmp_path, files)
    assert "Mars/Base" in str(caught.value)
    assert "bonds" in str(caught.value)


def test_a_profile_is_data(tmp_path):
    """Nothing is imported or run from a profile when it is read."""
    write(tmp_path, {"check.py": "raise SystemExit('run')"})
    assert build_port(tmp_path).folder == Path(tmp_path)
