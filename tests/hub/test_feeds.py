"""The feeds' service under the hub: it runs, comes back, knows what it must and no more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from support.platform import PROBE, running, wait_until, write_notebook
from support.town import build_town

from citylib.city.profile import load_city
from citylib.lake import Lake
from citylib.lake.report import run_load
from citylib.operations import Store

REPLAY = """
title = { en = "Counts (replayed)" }
dataset = "counts"
connector = "replay"
address = "records/counts"
interval = 1

[options]
first = 2020-01-01
last = 2020-01-07
days = 7
speed = 100000

[read]
time = { header = "time", formats = "%Y-%m-%d %H:%M:%S" }
area = { level = "district", header = "area", scheme = "code" }
columns = { n = "n" }
"""
KEYED = """
title = { en = "Nobody answers" }
dataset = "counts"
connector = "replay"
address = "records/none"
key = "TOWN_TEST_KEY"
interval = 3600
options = { first = 2020-01-01, last = 2020-01-07 }

[read]
time = { header = "time", formats = "%Y" }
area = { level = "city" }
columns = { n = "n" }
"""


def test_the_hub_keeps_the_feeds_running(tmp_path, monkeypatch):
    settings = build_town(tmp_path)
    folder = settings.profile / "feeds"
    folder.mkdir()
    (folder / "again.toml").write_text(REPLAY)
    (folder / "keyed.toml").write_text(KEYED)
    for name in ("dashboards", "notebooks"):
        (tmp_path / name).mkdir()
        write_notebook(tmp_path / name / "mayor.ipynb", PROBE)
    run_load(settings)
    monkeypatch.setenv("TOWN_TEST_KEY", "secret-of-the-town")
    with running(settings, feeds=True) as platform, Store(settings.database) as store:

        def stored() -> int:
            return store.feeds.read()["again"].stored if "again" in store.feeds.read() else 0

        wait_until(stored, 60)
        (service,) = platform.find("feed run")
        assert service.environ()["TOWN_TEST_KEY"] == "secret-of-the-town"
        for process in platform.processes():
            if not any(part in " ".join(process.cmdline()) for part in ("feed run", "-f", "serve")):
                assert "secret-of-the-town" not in str(process.environ()), process.cmdline()
        lake = Lake(settings.lake, load_city(settings.profile))

        def replayed() -> list[dict]:
            return [row for row in lake.table("counts").read().to_pylist() if row["replayed"]]

        # All that a round has; the state is written a moment after the records.
        wait_until(lambda: len(replayed()) == stored() >= 3)
        assert lake.table("counts").rows == 3 + len(replayed())
        for row in replayed():
            assert abs(row["time"] - datetime.now(UTC)) < timedelta(days=17)

        polls = store.feeds.read()["again"].attempted
        service.kill()
        wait_until(lambda: platform.find("feed run") not in ([], [service]), 60)
        wait_until(lambda: store.feeds.read()["again"].attempted > polls, 60)
        assert platform.stop() == 0
        assert platform.processes() == []
    assert "secret-of-the-town" not in (settings.var / "log" / "hub.log").read_text()
