"""A profile begun from boundaries: what is filled in, what is left, and that it then works."""

import json
import tomllib

import pytest
from click.testing import CliRunner
from support.port import square

from citylib.city.errors import ProfileError
from citylib.city.profile import load_city
from citylib.city.settings import Settings
from citylib.city.skeleton import SkeletonError, new_city
from citylib.cli import main
from citylib.indicators.cube import Cube
from citylib.indicators.refresh import run_compute
from citylib.lake import Lake

WARDS = [
    {"ward_cd": "w1", "ward_name": "Old Town", "post": 75011, "size": 1.5, "state": "X"},
    {"ward_cd": "w2", "ward_name": 'New "Town"', "post": 75012, "size": 2.5, "state": "X"},
]


def boundaries(tmp_path, properties=WARDS, **geometry):
    features = []
    for place, own in enumerate(properties):
        shape = square(place) | geometry
        features.append({"type": "Feature", "properties": own, "geometry": shape})
    path = tmp_path / "wards.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")
    return path


def filled(folder):
    """The profile with the named keys filled in."""
    path = folder / "city.toml"
    text = path.read_text("utf-8")
    text = text.replace('timezone = ""', 'timezone = "Europe/Paris"')
    path.write_text(text.replace('= { en = "" }', '= { en = "The city" }'), "utf-8")
    return load_city(folder)


def test_it_can_be_read_after_what_it_names_is_filled_in(tmp_path):
    folder = tmp_path / "cities" / "port_town"
    left = new_city(tmp_path / "cities", "port_town", boundaries(tmp_path))
    keys = [task.split(":")[1].strip() for task in left if ": key " in task]
    assert keys == ["key timezone", "key attribution.en"]
    with pytest.raises(ProfileError, match="timezone"):
        load_city(folder)
    city = filled(folder)
    assert city.name == {"en": "Port Town"}
    assert city.bounds == (0.0, 0.0, 2.0, 1.0)
    level = city.levels["district"]
    assert {code: area.name["en"] for code, area in level.areas.items()} == {
        "w1": "Old Town",
        "w2": 'New "Town"',
    }
    assert level.code_of("75012", "post") == "w2"
    # Measures, and what all have in common, are no codes.
    assert set(level.crosswalk) == {"code", "name", "post"}
    assert list(level.locate([0.5, 1.5], [0.5, 0.5])) == ["w1", "w2"]


def test_its_example_is_loaded_and_computed(tmp_path):
    folder = tmp_path / "port_town"
    new_city(tmp_path, "port_town", boundaries(tmp_path))
    example = folder / "datasets" / "example.toml.txt"
    example.rename(example.with_suffix(""))
    indicator = folder / "indicators" / "example.toml"
    lines = [line.removeprefix("# ") for line in indicator.read_text("utf-8").splitlines()]
    indicator.write_text("\n".join(lines[2:]), "utf-8")
    city = filled(folder)
    (tmp_path / "citylib.toml").write_text('profile = "port_town"\n', "utf-8")
    settings = Settings.load(tmp_path)
    assert Lake(settings.lake, city).load("example").stored == 2
    run_compute(settings)
    assert Cube(settings.cube).read("rain").sel(area="w1").values.tolist() == [3.5, 0.0]


def test_the_command_says_what_to_fill_in(tmp_path):
    (tmp_path / "citylib.toml").write_text('profile = "none"\n', "utf-8")
    command = ["--config", str(tmp_path), "city", "new", "port_town", "--boundaries"]
    path = str(boundaries(tmp_path))
    said = CliRunner().invoke(main, [*command, path, "--language", "fr"])
    assert said.exit_code == 0, said.output
    assert "key timezone" in said.output
    assert "attribution.fr" in said.output
    assert (tmp_path / "cities" / "port_town" / "areas" / "district.csv").is_file()
    again = CliRunner().invoke(main, [*command, path])
    assert again.exit_code == 1
    assert "there already" in again.output


def test_numbers_as_codes_and_no_names_will_do(tmp_path):
    folder = tmp_path / "town"
    new_city(tmp_path, "town", boundaries(tmp_path, [{"objectid": 1.0}, {"objectid": 2.0}]))
    city = filled(folder)
    assert [area.name["en"] for area in city.levels["district"].areas.values()] == ["1", "2"]


def test_the_citys_own_code_is_none_of_its_areas(tmp_path):
    folder = tmp_path / "town"
    new_city(tmp_path, "town", boundaries(tmp_path, [{"code": "town"}, {"code": "harbour"}]))
    assert tomllib.loads((folder / "city.toml").read_text("utf-8"))["code"] == "town_city"


def test_a_property_may_be_chosen(tmp_path):
    folder = tmp_path / "town"
    new_city(tmp_path, "town", boundaries(tmp_path), code="post", name="ward_cd")
    areas = filled(folder).levels["district"].areas
    assert {code: area.name["en"] for code, area in areas.items()} == {"75011": "w1", "75012": "w2"}


SAME = [{"code": "a", "name": "A"}, {"code": "a", "name": "B"}]


@pytest.mark.parametrize(
    ("name", "properties", "geometry", "options", "says"),
    [
        ("Town", WARDS, {}, {}, "city's id"),
        ("../town", WARDS, {}, {}, "city's id"),
        ("town", WARDS, {}, {"language": "../x"}, "language"),
        ("town", WARDS, {"type": "Point", "coordinates": [0.0, 0.0]}, {}, "no area"),
        ("town", WARDS, {"coordinates": [[[200000.0, 5e5]]]}, {}, "WGS 84"),
        ("town", WARDS, {"coordinates": [[[float("nan"), 0.0]]]}, {}, "WGS 84"),
        ("town", WARDS, {"coordinates": "here"}, {}, "feature 1"),
        ("town", WARDS, {"coordinates": []}, {}, "feature 1"),
        ("town", [{"size": 1.5}, {"size": 1.5}], {}, {}, "'size'"),
        ("town", [{}, {}], {}, {}, "none"),
        ("town", SAME, {}, {"code": "code"}, "2 times"),
        ("town", WARDS, {}, {"code": "ward_name"}, "no code of letters"),
        ("town", WARDS, {}, {"name": "nothing"}, "empty"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_left(
    tmp_path, name, properties, geometry, options, says
):
    path = boundaries(tmp_path, properties, **geometry)
    with pytest.raises(SkeletonError, match=says):
        new_city(tmp_path / "cities", name, path, **options)
    assert not list(tmp_path.rglob("*town*"))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"type": "FeatureCollection"}', "[" * 100_000])
def test_a_file_that_is_no_geojson_is_named(tmp_path, text):
    path = tmp_path / "wards.geojson"
    path.write_text(text, "utf-8")
    with pytest.raises(SkeletonError, match=r"wards\.geojson"):
        new_city(tmp_path, "town", path)
