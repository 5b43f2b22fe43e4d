"""What the pages for a city's data office say is so."""

import re
from pathlib import Path

import pytest
from support.town import build_town

from citylib.city.datasets import Column, DatasetSpec
from citylib.city.mapping import AreaRule, Commas, Rule, SetAside, Source, TimeRule, Unpivot
from citylib.city.profile import load_city
from citylib.lake import Lake

PAGE = (Path(__file__).parents[2] / "docs" / "datasets.md").read_text("utf-8")
MADE_BY_THE_PROFILE = {"id", "folder", "path"}


def block(kind: str) -> str:
    (found,) = re.findall(rf"^ +```{kind}\n(.*?)^ +```$", PAGE, re.S | re.M)
    return re.sub(r"^   ", "", found, flags=re.M)


def test_the_example_is_loaded_as_the_page_says(tmp_path):
    settings = build_town(tmp_path)
    (settings.profile / "datasets" / "tram.toml").write_text(block("toml"), "utf-8")
    (settings.profile / "records" / "tram").mkdir()
    (settings.profile / "records" / "tram" / "march.csv").write_text(block("text"), "utf-8")
    lake = Lake(settings.lake, load_city(settings.profile))
    report = lake.load("tram")
    assert (report.read, report.stored, report.set_aside) == (5, 2, 3)
    rows = lake.table("tram").read(["area", "journeys", "energy"]).to_pylist()
    assert sorted(rows, key=lambda row: row["area"]) == [
        {"area": "1e", "journeys": 1204, "energy": 3500.0},
        {"area": "1w", "journeys": None, "energy": 2250.0},
    ]
    aside = lake.set_aside("tram").to_pylist()
    assert [row["line"] for row in aside] == [4, 5, 6]
    assert aside[0]["reason"] == "a total, not a record"
    assert aside[1]["reason"] == "journeys is not a whole number"
    assert ("1,204" in aside[1]["raw"], "Norht" in aside[2]["raw"]) == (True, True)


@pytest.mark.parametrize(
    "model", [DatasetSpec, Column, Source, Rule, TimeRule, AreaRule, Unpivot, SetAside, Commas]
)
def test_every_key_is_described(model):
    keys = {field.alias or name for name, field in model.model_fields.items()}
    described = set(re.findall(r"`\[*([a-z_0-9]+)\]*`", PAGE))
    assert keys - MADE_BY_THE_PROFILE - described == set()
