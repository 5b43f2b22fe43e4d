"""The words of a declaration on records of a lake, against pandas; and functions over Dask."""

import numpy as np
import pandas as pd
import pytest
from support.town import DATASET, build_town

from citylib.city.errors import CityError, ProfileError
from citylib.indicators.aggregations import AGGREGATIONS, Aggregation
from citylib.indicators.declaration import DeclarationError, Indicator
from citylib.indicators.declared import load_indicators
from citylib.indicators.own import add, indicator
from citylib.indicators.workspace import Workspace
from citylib.lake.report import run_load

COLUMNS = """
[[column]]
name = "w"
type = "int64"
title = { en = "Weight" }

[[column]]
name = "kind"
type = "string"
title = { en = "Kind" }

[[column]]
name = "no"
type = "int64"
title = { en = "Number" }

[[read]]
"""
PEOPLE = """
[people]
title = { en = "People" }
domain = "people"
dataset = "counts"
measure = "w"
aggregation = "sum"
frequency = "year"
units = "1"
"""


@pytest.fixture(scope="module")
def records():
    """Records with values missing here and there."""
    random = np.random.default_rng(5)
    size = 600
    frame = pd.DataFrame(
        {
            "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(random.integers(0, 90, size), "D"),
            "district": random.choice(["East", "West", "Town"], size, p=[0.5, 0.4, 0.1]),
            "n": np.where(random.random(size) < 0.1, np.nan, random.integers(0, 50, size)),
            "w": random.integers(0, 5, size),
            "kind": random.choice(["a", "b", "c", ""], size),
            "no": range(size),
        }
    )
    return frame.sort_values("day", ignore_index=True)


@pytest.fixture(scope="module")
def town(tmp_path_factory, records):
    folder = tmp_path_factory.mktemp("town")
    settings = build_town(folder)
    profile = folder / "cities" / "town"
    for old in (profile / "records" / "counts").iterdir():
        old.unlink()
    dataset = DATASET.replace("[[read]]\n", COLUMNS, 1) + 'w = "w"\nkind = "kind"\nno = "no"\n'
    dataset = dataset.replace('["time", "area"]', '["time", "no"]')
    dataset = dataset.replace('header = "district" }', 'header = "district", whole = ["Town"] }')
    (profile / "datasets" / "counts.toml").write_text(dataset, "utf-8")
    (profile / "indicators" / "people.toml").write_text(PEOPLE, "utf-8")
    for number, part in enumerate(np.array_split(records.index, 3)):
        records.loc[part].to_csv(profile / "records" / "counts" / f"{number}.csv", index=False)
    run_load(settings, [])
    return Workspace.open(folder)


def declare(**changes):
    given = {"id": "x", "title": {"en": "X"}, "domain": "air", "dataset": "counts"}
    return Indicator(**{**given, "frequency": "month", "units": "1", **changes})


def by_month(records, how):
    """What `how` makes of the records of each month and area, and of the city."""
    month = records["day"].dt.to_period("M").dt.to_timestamp()
    area = records["district"].map({"East": "1e", "West": "1w"})
    both = pd.concat([records.assign(area="1"), records.assign(area=area)]).assign(
        time=pd.concat([month, month])
    )
    return both.dropna(subset=["area"]).groupby(["time", "area"])[list(records)].apply(how)


def ratio(frame):
    known = frame.dropna(subset=["n"])
    return (known["n"] * known["w"]).sum() / known["w"].sum()


@pytest.mark.parametrize(
    ("said", "how"),
    [
        (
            {"aggregation": "count", "where": {"n": {"gt": 10, "le": 30}}},
            lambda f: ((f["n"] > 10) & (f["n"] <= 30)).sum(),
        ),
        (
            {"aggregation": "count", "where": {"n": {"lt": 7.5}, "kind": {"ne": "a"}}},
            lambda f: ((f["n"] < 7.5) & f["kind"].isin(["b", "c"])).sum(),
        ),
        (
            {"aggregation": "count", "where": {"w": {"in": [1, 2], "ge": 2}}},
            lambda f: (f["w"] == 2).sum(),
        ),
        (
            {"aggregation": "mean", "measure": "n", "where": {"kind": {"eq": "b"}}},
            lambda f: f.loc[f["kind"] == "b", "n"].mean(),
        ),
        (
            {"aggregation": "share", "condition": {"n": {"gt": 25}}, "scale": 100},
            lambda f: (f["n"].dropna() > 25).mean() * 100,
        ),
        (
            {"aggregation": "share", "condition": {"n": {"gt": 25}, "kind": ["a", "b"]}},
            lambda f: (
                (f[f["n"].notna() & (f["kind"] != "")])
                .pipe(lambda k: (k["n"] > 25) & k["kind"].isin(["a", "b"]))
                .mean()
            ),
        ),
        (
            {"aggregation": "share", "condition": {"kind": "a"}, "where": {"n": {"ge": 0}}},
            lambda f: (f.loc[(f["n"] >= 0) & (f["kind"] != ""), "kind"] == "a").mean(),
        ),
        ({"aggregation": "weighted_mean", "measure": "n", "weight": "w"}, ratio),
        (
            {"aggregation": "quantile", "measure": "n", "quantile": 0.9},
            lambda f: np.quantile(f["n"].dropna(), 0.9, method="inverted_cdf"),
        ),
        (
            {"aggregation": "distinct", "measure": "kind"},
            lambda f: f.loc[f["kind"] != "", "kind"].nunique(),
        ),
        (
            {"aggregation": "distinct", "measure": "n", "where": {"kind": "a"}},
            lambda f: f.loc[f["kind"] == "a", "n"].nunique(),
        ),
    ],
)
def test_words_mean_what_they_say(town, records, said, how):
    got = town.compute(declare(**said)).to_series().dropna()
    want = by_month(records, how).dropna().astype(float)
    pd.testing.assert_series_equal(
        got, want, check_names=False, check_freq=False, check_index_type=False
    )


def test_a_rate_is_by_the_figures_of_another_indicator(town, records):
    got = town.compute(declare(aggregation="count", per="people", scale=1000)).to_series()
    people = by_month(records, lambda f: f["w"].sum()).groupby("area").sum()
    want = by_month(records, len) / people * 1000
    pd.testing.assert_series_equal(
        got.sort_index(),
        want.astype(float).sort_index(),
        check_names=False,
        check_freq=False,
        check_index_type=False,
    )


def test_what_is_aimed_at_is_told(town):
    said = {
        "better": "lower",
        "target": [
            {"value": 3, "by": "2026", "source": {"en": "A plan"}},
            {"value": 2, "by": "2030", "source": "A law", "start": {"value": 4, "on": "2021"}},
        ],
        "thresholds": {
            "at": [1, 2.5],
            "alarm": 2.5,
            "source": {"en": "A law"},
            "words": [{"en": "good"}, {"en": "fair"}, {"en": "bad"}],
        },
    }
    attrs = town.compute(declare(aggregation="count", **said)).attrs
    assert (attrs["thresholds"], attrs["alarm"]) == ([1.0, 2.5], 2.5)
    assert attrs["threshold_words_en"] == ["good", "fair", "bad"]
    assert attrs["threshold_source_en"] == "A law"
    assert (attrs["target"], attrs["target_by"]) == ([3.0, 2.0], ["2026", "2030"])
    assert (attrs["target_start"], attrs["target_since"]) == ([None, 4.0], ["", "2021"])
    assert attrs["target_source_en"] == ["A plan", "A law"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"aggregation": "share", "condition": {"m": 1}}, "'condition' names 'm'"),
        ({"aggregation": "weighted_mean", "measure": "n", "weight": "k"}, "'weight' names 'k'"),
        ({"aggregation": "weighted_mean", "measure": "n", "weight": "kind"}, "holds text"),
        ({"aggregation": "count", "where": {"kind": {"ne": 1}}}, "type string; write text"),
        ({"aggregation": "count", "where": {"knid": "a"}}, "did you mean 'kind'"),
        ({"aggregation": "count", "per": "peple"}, "did you mean 'people'"),
        ({"aggregation": "count", "per": "people", "level": "city"}, "of the level 'district'"),
        ({"aggregation": "quantile", "measure": "kind", "quantile": 0.5}, "holds text"),
    ],
)
def test_what_does_not_fit_the_city_is_told_with_the_mend(town, changes, message):
    with pytest.raises(DeclarationError, match=message):
        town.compute(declare(**changes))


def test_in_a_profile_what_does_not_fit_is_told_with_its_line(town, tmp_path):
    text = PEOPLE + '\n[rate]\ntitle = { en = "R" }\ndomain = "a"\ndataset = "counts"\n'
    text += 'aggregation = "count"\nfrequency = "month"\nunits = "1"\nper = "people"\n'
    (tmp_path / "a.toml").write_text(text, "utf-8")
    assert list(load_indicators(tmp_path, town.city)) == ["people", "rate"]
    (tmp_path / "a.toml").write_text(text.replace('per = "people"', 'per = "peopel"'), "utf-8")
    with pytest.raises(DeclarationError, match=r"a\.toml:18: indicator 'rate': key 'per'.*people"):
        load_indicators(tmp_path, town.city)


SPREAD = {
    "chunk": lambda rows: (rows.min, rows.max),
    "combine": lambda a, b: (np.minimum(a[0], b[0]), np.maximum(a[1], b[1])),
    "finalize": lambda states: np.where(states[1] >= states[0], states[1] - states[0], np.nan),
    "identity": (np.inf, -np.inf),
}


@pytest.fixture
def own():
    yield
    AGGREGATIONS.pop("spread", None)


@pytest.mark.usefixtures("own")
def test_an_aggregation_of_ones_own(town, records):
    add(Aggregation("spread", **SPREAD))
    add(Aggregation("spread", **SPREAD))  # a cell that is run again
    got = town.compute(declare(aggregation="spread", measure="n")).to_series().dropna()
    want = by_month(records, lambda f: f["n"].max() - f["n"].min())
    pd.testing.assert_series_equal(
        got, want, check_names=False, check_freq=False, check_index_type=False
    )


@pytest.mark.usefixtures("own")
def test_workers_learn_of_an_aggregation_with_the_indicator():
    import cloudpickle

    add(Aggregation("spread", **SPREAD))
    sent = cloudpickle.dumps(declare(aggregation="spread", measure="n"))
    del AGGREGATIONS["spread"]
    assert cloudpickle.loads(sent).how.name == "spread"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"combine": lambda a, b: a}, "two parts merged give .* correct combine"),
        ({"identity": (0.0, 0.0)}, None),
        ({"identity": (0.0,)}, "not a tuple of 1 arrays"),
        ({"finalize": lambda states: 3.0}, r"finalize returns the shape \(\)"),
        ({"chunk": lambda rows: rows.minimum}, "fails on .*minimum"),
        ({"name": "mean"}, "the platform has one of this name"),
        ({"name": "Spread"}, "not in lower case"),
    ],
)
@pytest.mark.usefixtures("own")
def test_an_aggregation_that_breaks_the_laws_is_refused(changes, message):
    made = Aggregation(**{"name": "spread", **SPREAD, **changes})
    if message is None:  # an identity that only matters to groups of which nothing is known
        add(made)
        return
    with pytest.raises(DeclarationError, match=message):
        add(made)
    assert AGGREGATIONS.get(made.name) is not made


FUNCTION = {
    "id": "f",
    "title": {"en": "F"},
    "domain": "air",
    "dataset": "counts",
    "frequency": "month",
    "units": "1",
}


def test_a_function_over_the_records(town, records):
    @indicator(**FUNCTION, reads=["n", "kind"])
    def third_largest(records):
        return records.groupby(["period", "area"])["n"].apply(
            lambda n: n.nlargest(3).iloc[-1], meta=("n", "float64")
        )

    got = town.compute(third_largest).to_series().dropna()
    want = by_month(records, lambda f: f["n"].nlargest(3).iloc[-1])
    pd.testing.assert_series_equal(
        got, want, check_names=False, check_freq=False, check_index_type=False
    )


def test_a_functions_figures_may_be_derived_from_and_per_another(town, records):
    @indicator(**FUNCTION, per="people", rolling={"sum": 2}, scale=10)
    def counted(records):
        return records.groupby(["period", "area"]).size()

    got = town.compute(counted).sel(area="1").values
    counts = by_month(records, len).xs("1", level="area").to_numpy()
    want = (counts[1:] + counts[:-1]) * 10 / records["w"].sum()
    np.testing.assert_allclose(got, [np.nan, *want])


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda records: 3, "returned int; return a Series"),
        (lambda records: records.groupby("area").size(), r"returned the index \['area'\]"),
        (lambda records: records["n"], "its function failed on the records of 1: KeyError"),
        (
            lambda records: pd.Series(
                [1.0], pd.MultiIndex.from_tuples([("x", "1")], names=["period", "area"])
            ),
            "returned no periods",
        ),
        (
            lambda records: pd.Series(
                [1.0],
                pd.MultiIndex.from_tuples(
                    [(pd.Timestamp("2020-01-01"), "9")], names=["period", "area"]
                ),
            ),
            "returned the area '9'",
        ),
        (
            lambda records: pd.Series(
                [1.0],
                pd.MultiIndex.from_tuples(
                    [(pd.Timestamp("2020-01-02"), "1")], names=["period", "area"]
                ),
            ),
            "which begins no period",
        ),
    ],
)
def test_what_a_function_returns_is_looked_at(town, function, message):
    with pytest.raises(CityError, match=message):
        town.compute(indicator(**FUNCTION)(function))


def test_a_function_is_declared_as_strictly():
    with pytest.raises(DeclarationError, match="did you mean 'reads'"):
        indicator(**FUNCTION, read=["n"])(len)
    with pytest.raises(DeclarationError, match="measure is not for functions"):
        indicator(**FUNCTION, measure="n")(len)


def test_a_profile_brings_functions_and_aggregations(town, tmp_path):
    (tmp_path / "own.py").write_text(
        "import numpy as np\n"
        "from citylib.indicators.aggregations import Aggregation\n"
        "from citylib.indicators.own import add, indicator\n"
        "HALF = 0.5\n"
        "add(Aggregation('spread', lambda r: (r.min, r.max),\n"
        "    lambda a, b: (np.minimum(a[0], b[0]), np.maximum(a[1], b[1])),\n"
        "    lambda s: s[1] - s[0], (np.inf, -np.inf)))\n"
        f"@indicator(**{FUNCTION!r})\n"
        "def f(records):\n"
        "    return records.groupby(['period', 'area']).size() * HALF\n",
        "utf-8",
    )
    text = PEOPLE.replace("people", "wide", 1).replace('"sum"', '"spread"')
    (tmp_path / "all.toml").write_text(text, "utf-8")
    try:
        declared = load_indicators(tmp_path, town.city)
        assert list(declared) == ["f", "wide"]
        assert town.compute(declared["f"]).sum("time").sel(area="1") == 300
        assert town.compute(declared["wide"]).max() == 4
    finally:
        AGGREGATIONS.pop("spread", None)
    digest = declared["f"].meaning
    own = tmp_path / "own.py"
    own.write_text(own.read_text("utf-8").replace("size() * HALF", "size()"), "utf-8")
    try:
        assert load_indicators(tmp_path)["f"].meaning != digest
    finally:
        AGGREGATIONS.pop("spread", None)
    own.write_text("1 / 0", "utf-8")
    with pytest.raises(ProfileError, match=r"own\.py: failed: ZeroDivisionError"):
        load_indicators(tmp_path)
