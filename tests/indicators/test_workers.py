"""The same figures from one, two or four processes, from a cluster that loses a worker, and from
records in object storage; and the way to Dask's dashboard.
"""

import os
import signal
import subprocess
import sys
import urllib.parse
import urllib.request
from contextlib import contextmanager

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from distributed import Client, LocalCluster
from support.store import serving
from support.town import build_town

from citylib.city.profile import load_city
from citylib.city.settings import Settings
from citylib.indicators import engine
from citylib.indicators.declaration import Indicator
from citylib.indicators.declared import load_indicators
from citylib.indicators.engine import compute, partials
from citylib.indicators.workers import connect, shared
from citylib.lake import Lake, Piece
from citylib.lake.report import run_load

FILES = 16
SAID = {"title": {"en": ""}, "domain": "a", "dataset": "d", "frequency": "day", "units": "1"}
DECLARED = [
    Indicator(id=how, aggregation=how, measure=None if how == "count" else "n", **more, **SAID)
    for how, more in (
        ("count", {}),
        ("sum", {}),
        ("mean", {}),
        ("std", {}),
        ("distinct", {}),
        ("quantile", {"quantile": 0.9}),
    )
]


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    return load_city(build_town(tmp_path_factory.mktemp("town")).profile)


@pytest.fixture(scope="module")
def pieces(tmp_path_factory):
    folder = tmp_path_factory.mktemp("records")
    random = np.random.default_rng(7)
    for number in range(FILES):
        table = pa.table(
            {
                "time": pa.array(
                    np.sort(random.integers(0, 30 * 86_400_000_000, 2000)),
                    pa.timestamp("us", "UTC"),
                ),
                "area": random.choice(["1e", "1w", "1"], 2000),
                "n": random.normal(size=2000),
            }
        )
        pq.write_table(table, folder / f"{number}.parquet")
    key = ("time", "n")
    return [Piece(f"{n}.parquet", str(folder), table.schema, key, (), 2000) for n in range(FILES)]


@contextmanager
def processes(count):
    with (
        LocalCluster(
            n_workers=count, threads_per_worker=1, dashboard_address=None, host="127.0.0.1"
        ) as cluster,
        Client(cluster) as client,
    ):
        client.wait_for_workers(count, timeout=120)
        yield client


def same(a, b):
    for name, part in a.items():
        np.testing.assert_array_equal(part.keys, b[name].keys)
        how = next(one.how for one in DECLARED if one.id == name)
        np.testing.assert_array_equal(how.finalize(part.states), how.finalize(b[name].states))


@pytest.fixture
def small_tasks(monkeypatch):
    """A task for each file, however few records it has."""
    monkeypatch.setattr(engine, "LEAST", 1)


@pytest.mark.usefixtures("small_tasks")
@pytest.mark.parametrize("count", [1, 2, 4])
def test_processes_give_the_figures_of_threads_to_the_last_bit(count, city, pieces):
    with connect() as client:
        here = partials(DECLARED, {"d": pieces}, city, client)
    with processes(count) as client:
        same(here, partials(DECLARED, {"d": pieces}, city, client))


@pytest.mark.usefixtures("small_tasks")
def test_a_worker_that_dies_in_the_middle_is_survived(city, pieces):
    with connect() as client:
        here = partials(DECLARED, {"d": pieces}, city, client)
    with processes(2) as client:
        before = client.run(os.getpid)
        killed = []

        def kill(done, total):
            if not killed:
                killed.append(next(iter(before.values())))
                os.kill(killed[0], signal.SIGKILL)

        there = partials(DECLARED, {"d": pieces}, city, client, kill)
        client.wait_for_workers(1, timeout=120)
        assert killed[0] not in client.run(os.getpid).values()
    same(here, there)


def test_processes_read_from_object_storage(tmp_path, monkeypatch):
    root = build_town(tmp_path).root
    file = root / "citylib.toml"
    file.write_text(file.read_text("utf-8") + 'lake = "s3://records/town"\n', "utf-8")
    settings = Settings.load(root)
    with serving() as store:
        for name, value in store.environment.items():
            monkeypatch.setenv(name, value)
        store.client().create_bucket(Bucket="records")
        run_load(settings)
        city = load_city(settings.profile)
        declared = load_indicators(settings.profile / "indicators", city)
        with processes(2) as client:
            made = compute(list(declared.values()), Lake(settings.lake, city), city, client)
    assert float(made["total"].sel(time="2020-01-01", area="1")) == 3


@pytest.fixture
def server(tmp_path):
    """An analyst's Jupyter server, as the hub starts it, but with a token of its own."""
    log = tmp_path / "server.log"
    command = [sys.executable, "-m", "jupyter_server", "--port=0", "--allow-root", "--no-browser"]
    own = {"JUPYTER_RUNTIME_DIR": str(tmp_path), "JUPYTER_CONFIG_DIR": str(tmp_path)}
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [*command, "--IdentityProvider.token=known", "--ServerApp.base_url=/user/a/"],
            env={**os.environ, **own},
            cwd=tmp_path,
            stdout=sink,
            stderr=sink,
        )
    try:
        import json
        import time

        end = time.monotonic() + 120
        while not (found := list(tmp_path.glob("jpserver-*.json"))):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.1)
        yield json.loads(found[0].read_text())["url"]
    finally:
        process.terminate()
        process.wait(30)


def fetched(url):
    with urllib.request.urlopen(url, timeout=60) as answer:
        return answer.read().decode(), answer.url


def test_the_dashboard_is_reached_through_the_analysts_server_alone(server, monkeypatch):
    origin = server.removesuffix("/user/a/")
    monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", "/user/a/")
    with connect() as client:
        link = client.dashboard_link
        assert link.startswith("/user/a/proxy/")
        page, _ = fetched(f"{origin}{link}?token=known")
        assert "bokeh" in page
        refused, landed = fetched(f"{origin}{link}")
        assert "Dask" not in refused
        assert urllib.parse.urlsplit(landed).path == "/user/a/login"


def test_without_a_hub_the_dashboard_is_on_this_machine(monkeypatch):
    monkeypatch.delenv("JUPYTERHUB_SERVICE_PREFIX", raising=False)
    with connect() as client:
        assert client.dashboard_link.startswith("http://127.0.0.1:")
        assert "bokeh" in fetched(client.dashboard_link)[0]


def test_a_kernel_keeps_one_client():
    client = shared()
    assert shared() is client
    assert client.submit(sum, [1, 2]).result() == 3
    client.close()
    assert shared() is not client
    shared().close()
