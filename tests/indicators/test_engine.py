"""Figures from tables of records: against pandas, from threads and from a cluster."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from citylib.city.errors import CityError
from citylib.indicators import engine
from citylib.indicators.areas import Areas
from citylib.indicators.declaration import DeclarationError, Indicator
from citylib.indicators.engine import compute
from citylib.indicators.workers import connect
from citylib.lake import Piece

ZONE = "Asia/Seoul"


class Level:
    def __init__(self, codes):
        self.areas = dict.fromkeys(codes)


class Town:
    """A city of two districts, one of them with two quarters."""

    code, timezone, languages = "1", ZONE, ("en",)
    domains: dict = {}  # noqa: RUF012
    levels = {"district": Level(["1a", "1b"]), "quarter": Level(["1a1", "1a2"])}  # noqa: RUF012
    datasets = {  # noqa: RUF012
        "counts": SimpleNamespace(
            classification="public",
            column=[
                SimpleNamespace(name=name, classification=None, type=kind)
                for name, kind in (("n", "float64"), ("of", "float64"), ("kind", "string"))
            ],
        )
    }

    def ancestors(self, code):
        return {"1": [], "1a": ["1"], "1b": ["1"], "1a1": ["1a", "1"], "1a2": ["1a", "1"]}[code]


class Table:
    version = 1

    def __init__(self, folder, pieces):
        self.metadata = {"publisher": {"fr": "la ville", "en": "the town"}, "licence": "open"}
        self.folder, self.paths = str(folder), []
        for number, piece in enumerate(pieces):
            frame = pd.DataFrame(piece, columns=["time", "area", "n", "of", "kind"])
            local = pd.to_datetime(frame["time"]).dt.tz_localize(ZONE)
            table = pa.table(
                {
                    "time": pa.array(local.dt.tz_convert("UTC"), pa.timestamp("us", tz="UTC")),
                    "area": pa.array(frame["area"], pa.string()),
                    "n": pa.array(frame["n"], pa.float64()),
                    "of": pa.array(frame["of"], pa.float64()),
                    "kind": pa.array(frame["kind"], pa.string()),
                }
            )
            self.paths.append(str(folder / f"{number}.parquet"))
            pq.write_table(table, self.paths[-1], row_group_size=3)
        self.schema = pq.read_schema(self.paths[0]) if self.paths else pa.schema([])

    def pieces(self):
        names = [Path(path).name for path in self.paths]
        return [Piece(name, self.folder, self.schema, ("time", "area"), rows=9) for name in names]


def lake(folder, pieces):
    table = Table(folder, pieces)
    return SimpleNamespace(table=lambda name: table)


def declare(**changes):
    given = {
        "id": "x",
        "title": {"en": "X"},
        "domain": "air",
        "dataset": "counts",
        "measure": "n",
        "aggregation": "sum",
        "frequency": "day",
        "units": "1",
    }
    return Indicator(**{**given, **changes})


@pytest.fixture(scope="module")
def client():
    with connect() as client:
        yield client


PIECES = [
    [
        ("2020-01-01 00:00", "1a", 1, 2, "p"),
        ("2020-01-01 23:59", "1a1", 2, 2, "q"),
        ("2020-01-01 12:00", "1", 4, 5, "p"),
        ("2020-01-01 12:00", None, 1000, 1, "p"),
    ],
    [("2020-01-03 08:00", "1b", 8, 10, "q"), ("2020-01-03 08:00", "1b", None, 10, "q")],
]


def test_each_record_counts_for_its_areas_and_the_city(tmp_path, client):
    array = compute([declare()], lake(tmp_path, PIECES), Town(), client)["x"]
    assert array.dims == ("time", "area")
    assert array["area"].values.tolist() == ["1", "1a", "1b"]
    assert array["time"].values.astype("datetime64[D]").astype(str).tolist() == [
        "2020-01-01",
        "2020-01-02",
        "2020-01-03",
    ]
    nan = np.nan
    np.testing.assert_array_equal(array, [[7, 3, nan], [nan] * 3, [8, nan, 8]])
    assert array.attrs["source"] == array.attrs["source_en"] == "the town"
    assert array.attrs["source_fr"] == "la ville"
    assert array.attrs["licence"] == "open"
    assert "licence_fr" not in array.attrs, "one text is for all languages"
    assert array["time"].attrs["time_zone"] == ZONE


@pytest.mark.parametrize(
    ("changes", "want"),
    [
        ({"aggregation": "count", "measure": None}, [[3, 2, 0], [np.nan] * 3, [2, 0, 2]]),
        (
            {"aggregation": "count", "measure": None, "where": {"kind": "p"}},
            [[2, 1, 0], [np.nan] * 3, [0, 0, 0]],
        ),
        ({"where": {"kind": "q"}}, [[2, 2, np.nan], [np.nan] * 3, [8, np.nan, 8]]),
        ({"where": {"kind": ["p"]}}, [[5, 1, np.nan]]),
        ({"frequency": "month"}, [[15, 3, 8]]),
        ({"level": "city"}, [[7], [np.nan], [8]]),
        ({"level": "quarter"}, [[7, 2, np.nan], [np.nan] * 3, [8, np.nan, np.nan]]),
        (
            {"aggregation": "ratio", "denominator": "of", "scale": 100.0},
            [[700 / 9, 75, np.nan], [np.nan] * 3, [80, np.nan, 80]],
        ),
        (
            {"aggregation": "last", "derive": "difference", "level": "city", "frequency": "month"},
            [[np.nan]],
        ),
        ({"derive": "running_total"}, [[7, 3, np.nan], [np.nan] * 3, [15, np.nan, 8]]),
    ],
)
def test_declarations_mean_what_they_say(tmp_path, client, changes, want):
    array = compute([declare(**changes)], lake(tmp_path, PIECES), Town(), client)["x"]
    np.testing.assert_allclose(array, want)


def test_records_known_for_the_city_alone_say_nothing_of_its_areas(tmp_path, client):
    pieces = [[("2020-01-01", "1", 1, 1, "p")], [("2020-01-02", "1a", 1, 1, "p")]]
    count = declare(aggregation="count", measure=None)
    array = compute([count], lake(tmp_path, pieces), Town(), client)["x"]
    np.testing.assert_array_equal(array, [[1, np.nan, np.nan], [1, 1, 0]])


def test_the_last_of_a_moment_does_not_depend_on_the_order(tmp_path, client):
    rows = [("2020-01-01", "1a", 100, 1, "p"), ("2020-01-01", "1b", 900, 1, "p")]
    last = declare(aggregation="last", level="city")
    for number, pieces in enumerate(
        [[rows], [rows[::-1]], [[r] for r in rows], [[r] for r in rows[::-1]]]
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        assert compute([last], lake(folder, pieces), Town(), client)["x"].item() == 900


def test_an_empty_table_gives_no_periods(tmp_path, client):
    assert compute([declare()], lake(tmp_path, []), Town(), client)["x"].sizes["time"] == 0
    assert compute([declare()], lake(tmp_path, [[]]), Town(), client)["x"].sizes["time"] == 0


def test_an_area_that_is_not_the_citys_is_no_figure(tmp_path, client):
    with pytest.raises(CityError, match="area '9z' is not in the city's profile"):
        compute([declare()], lake(tmp_path, [[("2020-01-01", "9z", 1, 1, "p")]]), Town(), client)


def test_a_damaged_file_is_named(tmp_path, client):
    broken = lake(tmp_path, PIECES)
    path = broken.table("counts").paths[1]
    with open(path, "r+b") as file:  # noqa: PTH123
        file.truncate(100)
    with pytest.raises(CityError, match=path):
        compute([declare()], broken, Town(), client)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dataset": "nothing"}, "'dataset' names 'nothing'; this city has: counts"),
        ({"measure": "m"}, "'measure' names 'm'; this city has: n, of, kind"),
        ({"where": {"m": 1}}, "'where' names 'm'"),
        ({"level": "street"}, "'level' names 'street'; this city has: city, district, quarter"),
        ({"title": {"ko": "X"}}, "lacks language 'en'"),
        ({"measure": "kind"}, "'measure' names 'kind', which holds text"),
        ({"where": {"n": "abc"}}, "'where.n' is 'abc', but the column is of type float64"),
        ({"where": {"kind": [1]}}, "'where.kind' is 1, but the column is of type string"),
    ],
)
def test_a_declaration_that_does_not_fit_the_city_says_so(changes, message):
    with pytest.raises(DeclarationError, match=message):
        declare(**changes).check(Town())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"aggregation": "avg"}, "known are count, sum, mean"),
        ({"aggregation": "ratio"}, "needs denominator"),
        ({"aggregation": "last"}, 'needs level = "city"'),
        ({"scale": float("inf")}, "finite"),
        ({"denominator": "of"}, "takes no denominator"),
        ({"frequency": "week"}, "'hour', 'day', 'month' or 'year'"),
        ({"measures": "n"}, "'measures' is not known here; did you mean 'measure'"),
    ],
)
def test_a_wrong_declaration_fails_where_it_is_written(changes, message):
    with pytest.raises(ValueError, match=message):
        declare(**changes)


def test_figures_are_not_more_open_than_their_records():
    town = Town()
    town.datasets = {"counts": SimpleNamespace(**vars(town.datasets["counts"]))}
    town.datasets["counts"].classification = "internal"
    with pytest.raises(DeclarationError, match="declare it 'internal'"):
        declare().check(town)
    declare(classification="internal").check(town)


def test_areas_know_where_finer_records_belong():
    areas = Areas.of(Town(), "district")
    assert areas.codes == ("1", "1a", "1b")
    assert areas.place == {"1": 0, "1a": 1, "1b": 2, "1a1": 1, "1a2": 1}


RECORD = st.tuples(
    st.integers(0, 5000).map(lambda h: str(pd.Timestamp("2019-12-30") + pd.Timedelta(hours=h))),
    st.sampled_from(["1", "1a", "1b", "1a1", None]),
    st.one_of(st.none(), st.integers(-100, 100)),
    st.integers(1, 9),
    st.sampled_from("pq"),
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    pieces=st.lists(st.lists(RECORD, max_size=8), min_size=1, max_size=4),
    frequency=st.sampled_from(["hour", "day", "month", "year"]),
)
def test_figures_equal_pandas_however_records_are_split(tmp_path, client, pieces, frequency):
    array = compute([declare(frequency=frequency)], lake(tmp_path, pieces), Town(), client)["x"]
    frame = pd.DataFrame([r for p in pieces for r in p], columns=["time", "area", "n", "of", "k"])
    frame = frame[frame["area"].notna()]
    frame["time"] = pd.to_datetime(frame["time"])
    unit = {"hour": "h", "day": "D", "month": "M", "year": "Y"}[frequency]
    frame["period"] = frame["time"].to_numpy().astype(f"datetime64[{unit}]").astype("M8[ns]")
    frame["n"] = frame["n"].astype(float)
    for area, inside in (("1", None), ("1a", "1a"), ("1b", "1b")):
        mine = frame if inside is None else frame[frame["area"].str.startswith(inside)]
        want = mine.groupby("period")["n"].sum(min_count=1).dropna()
        got = array.sel(area=area).to_series().dropna()
        pd.testing.assert_series_equal(
            got, want, check_names=False, check_freq=False, check_index_type=False
        )


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    """A scheduler and two workers, each a process of its own."""
    address_file = tmp_path / "scheduler.json"
    common = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": tmp_path}
    environment = {k: v for k, v in os.environ.items() if k != "DASK_SCHEDULER_ADDRESS"}

    def run(module, *arguments):
        command = [sys.executable, "-m", module, "--scheduler-file", str(address_file), *arguments]
        return subprocess.Popen(command, env=environment, **common)

    processes = [
        run(
            "distributed.cli.dask_scheduler",
            "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
        ),
        *(
            run(
                "distributed.cli.dask_worker",
                "--host", "127.0.0.1", "--nthreads", "1", "--no-dashboard",
            )
            for _ in range(2)
        ),
    ]  # fmt: skip
    try:
        from distributed import Client

        with Client(scheduler_file=str(address_file), timeout="60s") as client:
            client.wait_for_workers(2, timeout=60)
            address = client.scheduler.address
        monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", address)
        import dask

        with dask.config.set({"scheduler-address": address}):
            yield address
    finally:
        for process in processes:
            process.kill()
            process.wait()


def test_a_cluster_gives_the_same_figures_to_the_last_bit(tmp_path, client, cluster):
    random = np.random.default_rng(1)
    pieces = [
        [
            (str(pd.Timestamp("2020-01-01") + pd.Timedelta(hours=int(h))), area, value, 3, "p")
            for h, area, value in zip(
                random.integers(0, 100, 50),
                random.choice(["1", "1a", "1b"], 50),
                random.normal(size=50),
                strict=True,
            )
        ]
        for _ in range(7)
    ]
    declared = [
        declare(id=name, aggregation=name, measure=None if name == "count" else "n")
        for name in ("count", "sum", "mean", "min", "max", "std")
    ]
    records = lake(tmp_path, pieces)
    here = compute(declared, records, Town(), client)
    with connect() as workers:
        assert workers.scheduler.address == cluster
        assert len(workers.scheduler_info()["workers"]) == 2
        there = compute(declared, records, Town(), workers)
    for name, array in here.items():
        xr.testing.assert_identical(array, there[name])


def test_threads_of_the_process_give_the_same_as_dask(tmp_path, client, monkeypatch):
    monkeypatch.setattr(engine, "LEAST", 1)
    monkeypatch.setattr(engine, "TOGETHER", 3)
    random = np.random.default_rng(2)
    pieces = [
        [(f"2020-01-{d:02d} 10:00", "1a", v, 3, "p") for d, v in zip(days, values, strict=True)]
        for days, values in zip(
            random.integers(1, 9, (11, 20)), random.normal(size=(11, 20)), strict=True
        )
    ]
    declared = [declare(id=name, aggregation=name) for name in ("sum", "mean", "std")]
    parts = {"counts": lake(tmp_path, pieces).table("counts").pieces()}
    done = []
    here = engine.partials(declared, parts, Town(), None, lambda *progress: done.append(progress))
    there = engine.partials(declared, parts, Town(), client)
    tasks = len(engine.even(parts["counts"]))
    assert tasks > 3
    assert done == [(number, len(done)) for number in range(1, len(done) + 1)]
    assert len(done) > tasks, "merging is work, too"
    for name, part in here.items():
        assert part.keys.tolist() == there[name].keys.tolist()
        for own, other in zip(part.states, there[name].states, strict=True):
            np.testing.assert_array_equal(own, other)


def test_a_cluster_that_does_not_answer_is_named(monkeypatch):
    import dask

    monkeypatch.setattr("citylib.indicators.workers.PATIENCE", "1s")
    with (
        dask.config.set({"scheduler-address": "tcp://127.0.0.1:1"}),
        pytest.raises(CityError, match=r"tcp://127\.0\.0\.1:1.*DASK_SCHEDULER_ADDRESS"),
        connect(),
    ):
        pass


def test_dask_listens_to_this_machine_alone(client):
    listening = [c for c in psutil.Process().net_connections("inet") if c.status == "LISTEN"]
    assert listening
    assert {c.laddr.ip for c in listening} <= {"127.0.0.1", "::1"}
