"""Declarations in files: what is written is what is read, and mistakes are named."""

import pytest

from citylib.city.errors import CityError
from citylib.indicators.declaration import Indicator, load_indicators

DECLARED = Indicator(
    id="x",
    title={"ko": '값 "하나"', "en": 'A "value"\n'},
    domain="air",
    dataset="d",
    measure="n",
    denominator="m",
    aggregation="ratio",
    scale=100.0,
    frequency="year",
    units="percent",
    where={"kind": ["a", "b"], "number": 3},
    derive="difference",
    headline=True,
    classification="internal",
    better="higher",
    description={"en": "…"},
)


def test_a_declaration_survives_its_file(tmp_path):
    other = DECLARED.model_copy(update={"id": "y", "description": {}})
    (tmp_path / "all.toml").write_text(DECLARED.to_toml() + "\n" + other.to_toml(), "utf-8")
    assert load_indicators(tmp_path) == {"x": DECLARED, "y": other}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[x]\ntitel = 1", r"one\.toml: key 'titel' is not known here; did you mean 'title'"),
        ("[x]\n", r"one\.toml: key 'units' is missing; add it"),
        ("[x\n", r"one\.toml: not readable as TOML: .*line 1"),
        ("x = 1", r"one\.toml: key 'x': write it as a table"),
        ("[X]\n", r"one\.toml: key 'id'"),
    ],
)
def test_a_mistake_names_file_key_and_mend(tmp_path, text, message):
    (tmp_path / "one.toml").write_text(text, "utf-8")
    with pytest.raises(CityError, match=message):
        load_indicators(tmp_path)


def test_an_id_is_declared_once(tmp_path):
    for name in ("a.toml", "b.toml"):
        (tmp_path / name).write_text(DECLARED.to_toml(), "utf-8")
    with pytest.raises(CityError, match=r"b\.toml: indicator 'x' is declared twice"):
        load_indicators(tmp_path)


def test_the_digest_follows_the_meaning():
    assert DECLARED.digest == DECLARED.model_copy().digest
    assert DECLARED.digest != DECLARED.model_copy(update={"scale": 1.0}).digest
