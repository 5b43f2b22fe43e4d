"""Declarations in files and in notebooks: what is written is what is read, mistakes are named."""

import inspect
import pickle

import pytest

from citylib.city.errors import CityError
from citylib.indicators.declaration import DeclarationError, Indicator
from citylib.indicators.declared import load_indicators

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
    where={"kind": ["a", "b"], "number": 3, "n": {"gt": 0.5, "le": 7}},
    per="population",
    derive="difference",
    rolling={"mean": 7},
    change={"percent": 12},
    headline=True,
    classification="internal",
    better="higher",
    target={
        "value": 80.0,
        "by": "2030",
        "source": {"en": "A plan"},
        "start": {"value": 60.0, "on": "2021-06"},
    },
    thresholds={
        "at": (10.0, 20.5),
        "alarm": 10.0,
        "source": "A law",
        "words": ({"en": "bad"}, {"en": "fair"}, {"en": "good"}),
    },
    description={"en": "…"},
)
SAID = {
    "id": "x",
    "title": {"en": "X"},
    "domain": "air",
    "dataset": "d",
    "measure": "n",
    "aggregation": "sum",
    "frequency": "day",
    "units": "1",
}
PLAIN = """[x]
title = { en = "X" }
domain = "air"
dataset = "d"
measure = "n"
aggregation = "sum"
frequency = "day"
units = "1"
"""
AIM = {"value": 3, "by": "2030", "source": "A plan"}
TARGET = '{ value = 3, by = "2030", source = "A plan" }'


def test_a_declaration_survives_its_file(tmp_path):
    other = DECLARED.model_copy(update={"id": "y", "description": {}})
    (tmp_path / "all.toml").write_text(DECLARED.to_toml() + "\n" + other.to_toml(), "utf-8")
    assert load_indicators(tmp_path) == {"x": DECLARED, "y": other}


def test_a_declaration_survives_the_way_to_a_worker():
    assert pickle.loads(pickle.dumps(DECLARED)) == DECLARED  # noqa: S301


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[x]\ntitel = 1",
            r"one\.toml:2: indicator 'x': key 'titel' is not known here; did you mean 'title'",
        ),
        ("\n[x]\n", r"one\.toml:2: indicator 'x': key 'units' is missing; add it"),
        ("[x\n", r"one\.toml: not readable as TOML: .*line 1"),
        ("x = 1", r"one\.toml: key 'x': write it as a table"),
        ("[X]\n", r"one\.toml:1: indicator 'X': key 'id'"),
        (PLAIN + "target = 3", r"one\.toml:9: .*say by when and who promised it"),
        (PLAIN + f"target = {TARGET}", r"one\.toml:9: indicator 'x': target needs better"),
        (PLAIN + "thresholds = [2, 1]", r"one\.toml:9: .*write them with their source"),
        (
            PLAIN + 'thresholds = { at = [2, 1], alarm = 1, source = "s" }',
            r"one\.toml:9: .*must ascend, as in \[1.0, 2.0\]",
        ),
        (PLAIN + "where = { n = { above = 3 } }", r"one\.toml:9: .*'n' has the comparison 'above'"),
        (PLAIN + "[x.where]\nn = { gt = true }", r"one\.toml:9: .*write text or a number"),
        (PLAIN + "[x.rolling]\nmeen = 7", r"one\.toml:10: .*did you mean 'mean'"),
        (PLAIN.replace('"sum"', '"summ"'), r"one\.toml:6: .*did you mean 'sum'\? known are count"),
        (PLAIN.replace('"day"', '"dai"'), r"one\.toml:7: .*did you mean 'day'\?"),
    ],
)
def test_a_mistake_names_file_line_key_and_mend(tmp_path, text, message):
    (tmp_path / "one.toml").write_text(text, "utf-8")
    with pytest.raises(CityError, match=message):
        load_indicators(tmp_path)


def test_a_misspelt_key_is_not_also_called_missing():
    said = {("titel" if key == "title" else key): value for key, value in SAID.items()}
    with pytest.raises(DeclarationError) as caught:
        Indicator(**said)
    assert str(caught.value) == (
        "indicator 'x': key 'titel' is not known here; did you mean 'title'?"
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"aggregation": "weighted_mean"}, "needs weight: name a column"),
        ({"aggregation": "share", "measure": None}, "needs condition: name what must hold"),
        ({"aggregation": "quantile"}, "needs quantile: name a number from 0 to 1"),
        ({"aggregation": "quantile", "quantile": 95}, "'quantile'.*less than or equal to 1"),
        ({"quantile": 0.5}, "takes no quantile"),
        ({"condition": {"n": 1}}, "takes no condition"),
        ({"aggregation": "share", "condition": {"n": 1}}, "takes no measure"),
        ({"where": {"n": {}}}, "'n' has no comparison"),
        ({"where": {"n": {"gt": "7"}}}, "'gt' compares numbers"),
        ({"where": {"n": {"gt": [7]}}}, "'gt' takes one value"),
        ({"where": {"n": {"in": 7}}}, "'in' takes a list"),
        ({"where": {"n": []}}, "at least one value"),
        ({"where": {"n": [1, "a"]}}, "only texts or numbers"),
        ({"where": {"n": {"lt": float("nan")}}}, "text or a number"),
        ({"where": "n"}, "write columns and values"),
        ({"rolling": {"mean": 7, "sum": 7}}, "write one of mean, sum"),
        ({"rolling": {"mean": 0}}, "greater than or equal to 1"),
        ({"change": {}}, "write one of percent, difference"),
        ({"change": {"percent": 1}}, 'has the units "percent"'),
        ({"per": "x"}, "names the indicator itself"),
        ({"target": AIM}, "target needs better"),
        ({"target": {**AIM, "by": "soon"}}, "match pattern"),
        ({"target": {**AIM, "start": {"value": 1, "on": "2031"}}}, "after 2030"),
        ({"better": "lower", "target": {**AIM, "value": float("nan")}}, "finite"),
        ({"thresholds": {"at": [1], "alarm": 1, "source": "s"}}, "thresholds needs better"),
        ({"thresholds": {"at": [1, 1], "alarm": 1, "source": "s"}}, "must ascend"),
        ({"thresholds": {"at": [1, 2], "alarm": 3, "source": "s"}}, "one of the bounds"),
        ({"thresholds": {"at": [1], "alarm": 1, "source": "s", "words": [{}]}}, "2 classes"),
        ({"thresholds": {"at": [1], "alarm": 1}}, "'thresholds.source' is missing"),
    ],
)
def test_a_wrong_declaration_fails_where_it_is_written(changes, message):
    with pytest.raises(DeclarationError, match=message):
        Indicator(**{**SAID, **changes})


def test_an_id_is_declared_once(tmp_path):
    for name in ("a.toml", "b.toml"):
        (tmp_path / name).write_text(DECLARED.to_toml(), "utf-8")
    with pytest.raises(CityError, match=r"b\.toml: indicator 'x' is declared twice.*a\.toml"):
        load_indicators(tmp_path)


def test_the_digest_follows_the_declaration_and_the_meaning_the_figures():
    same = DECLARED.model_copy()
    assert (DECLARED.digest, DECLARED.meaning) == (same.digest, same.meaning)
    for key, value in (("scale", 1.0), ("where", {}), ("rolling", None), ("per", None)):
        other = DECLARED.model_copy(update={key: value})
        assert other.digest != DECLARED.digest
        assert other.meaning != DECLARED.meaning
    for key, value in (("title", {"en": "Y"}), ("target", ()), ("headline", False)):
        other = DECLARED.model_copy(update={key: value})
        assert other.digest != DECLARED.digest
        assert other.meaning == DECLARED.meaning


def test_every_key_is_documented_and_completed_with_its_type():
    signature = inspect.signature(Indicator)
    assert list(signature.parameters) == list(Indicator.model_fields)
    said = inspect.getdoc(Indicator).partition("Attributes\n")[2]
    for name, parameter in signature.parameters.items():
        assert f"\n{name} : " in said
        assert "Annotated" not in str(parameter.annotation)


@pytest.mark.parametrize(
    ("typed", "completed"), [("Indicator(agg", "aggregation="), ("indicator(re", "reads=")]
)
def test_a_notebook_completes_the_keys(typed, completed):
    from IPython.core.completer import provisionalcompleter
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    shell.run_cell(
        "from citylib.indicators.declaration import Indicator\n"
        "from citylib.indicators.own import indicator\n"
    )
    with provisionalcompleter():
        found = [one.text for one in shell.Completer.completions(typed, len(typed))]
    InteractiveShell.clear_instance()
    assert completed in found
