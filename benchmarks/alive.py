"""From a record that the lake has accepted to its figure on an open page, in a real browser.

    uv run python benchmarks/alive.py [--quick] [--runs 20]

The platform runs as `citylib serve` starts it, with a feed that asks a local server every second.
For each run the server has measurements of one more day, one for each district. The clock starts
when the commit of the lake's table is there, and stops at the browser's next picture once the page
shows the new figure over the map and has painted the districts anew.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from printed import figure

from citylib.city.profile import City, load_city
from citylib.city.settings import Settings
from citylib.indicators.refresh import run_compute
from citylib.lake.report import run_load
from citylib.operations.store import Store
from citylib.panels.follow import follow

CHECKOUT = Path(__file__).parents[1]
sys.path.insert(0, str(CHECKOUT / "tests"))

from support.platform import running  # noqa: E402
from support.screen import SIZES, chromium, open_dashboard, sign_in  # noqa: E402

DATASET, INDICATOR, FIRST = "air_daily", "pm25", date(2023, 1, 2)
FEW = (DATASET, "air_hourly", "population_yearly", "fire_yearly")
"""Datasets of a quick run; all of the city's otherwise."""
FEED = """
title = {{ en = "Measurements of today", ko = "오늘의 측정" }}
dataset = "{dataset}"
connector = "socrata"
address = "{address}"
interval = 1

[read]
format = "json"
time = {{ header = "day", formats = "%Y-%m-%d" }}
area = {{ level = "district", header = "district", scheme = "code" }}
columns = {{ station = "station", station_kind = "kind", {column} = "value" }}
"""
WAIT = """([mean, before]) => {
  const areas = () =>
    [...document.querySelectorAll(".city-map path[data-paint]")].map((p) => p.dataset.paint);
  window.shown = new Promise((done, fail) => {
    setTimeout(() => fail(Error("the page does not show the new figure")), 30000);
    const look = () => {
      const over = document.querySelector(".city-map-heading data");
      const same = over && Math.abs(over.value - mean) < 1e-6;
      if (same && areas().join() !== before) done(Date.now());
      else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  });
}"""
PAINT = """() => [...document.querySelectorAll(".city-map path[data-paint]")]
  .map((path) => path.dataset.paint).join()"""


class Source:
    """The local server: measurements of the newest day, none at first."""

    def __init__(self, city: City) -> None:
        self.codes = list(city.levels["district"].areas)
        self.body, self.day = b"[]", FIRST
        handler = type("Handler", (_Handler,), {"source": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}/today.json"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def next(self) -> float:
        """Have another day; returns the mean over the city."""
        self.day += timedelta(days=1)
        values = [float(random.randint(1, 120)) for _ in self.codes]  # noqa: S311
        rows = [
            {"day": f"{self.day}", "district": code, "value": value}
            | {"station": f"made-{code}", "kind": "district"}
            for code, value in zip(self.codes, values, strict=True)
        ]
        self.body = json.dumps(rows).encode()
        return statistics.fmean(values)


class _Handler(BaseHTTPRequestHandler):
    source: Source

    def do_GET(self) -> None:
        body = self.source.body
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def build(folder: Path, datasets: tuple[str, ...]) -> tuple[Settings, Source]:
    """The bundled city with one feed, its records loaded and computed."""
    profile, original = folder / "city", CHECKOUT / "cities" / "seoul"
    (profile / "feeds").mkdir(parents=True)
    for path in original.iterdir():
        if path.name != "feeds":
            (profile / path.name).symlink_to(path)
    for name in ("dashboards", "notebooks"):
        (folder / name).symlink_to(CHECKOUT / name)
    (folder / "citylib.toml").write_text('profile = "city"\n', "utf-8")
    settings = Settings.load(folder)
    run_load(settings, datasets)
    try:
        run_compute(settings)
    except Exception as error:
        if not datasets:  # of a quick run not all tables are there
            raise
        print(error, file=sys.stderr)
    source = Source(load_city(profile))
    feed = FEED.format(dataset=DATASET, address=source.address, column=INDICATOR)
    (profile / "feeds" / "today.toml").write_text(feed, "utf-8")
    for fault in load_city(profile).feed_faults.values():
        raise SystemExit(fault)
    return settings, source


def commits(settings: Settings) -> dict[str, float]:
    """Moment of each commit of the table, by its entry in the log."""
    log = Path(settings.lake) / DATASET / "_delta_log"
    return {path.name: path.stat().st_mtime for path in log.glob("*.json")}


def measure(settings: Settings, source: Source, runs: int) -> list[SimpleNamespace]:
    """Seconds from accepted to computed and to shown, for each run."""
    found = []
    with (
        running(settings, feeds=True) as platform,
        Store(settings.database) as store,
        page_of(platform) as page,
    ):
        for number in range(runs + 1):
            before, known = page.evaluate(PAINT), commits(settings)
            seen = store.changes.latest()
            page.evaluate(WAIT, [source.next(), before])
            shown = page.evaluate("shown") / 1000
            accepted = min(at for name, at in commits(settings).items() if name not in known)
            computed = next(c for c in store.changes.since(seen) if c.kind == "cube")
            one = SimpleNamespace(
                computed=computed.time.timestamp() - accepted, shown=shown - accepted
            )
            if number:  # the first one opens what stays open
                found.append(one)
            time.sleep(0.5 + random.random())  # noqa: S311
    return found


@contextmanager
def page_of(platform: Any) -> Iterator[Any]:
    """The mayor's page, with the indicator chosen."""
    with chromium() as browser:
        width, height = SIZES["laptop"]
        page = browser.new_page(viewport={"width": width, "height": height})
        page.set_default_timeout(60_000)
        sign_in(page, platform.url, "mayor", platform.accounts["mayor"])
        open_dashboard(page, platform.url, f"?language=en&indicator={INDICATOR}")
        yield page


def idle(settings: Settings, seconds: float) -> float:
    """Share of a core that following the log takes while nothing happens."""

    async def look() -> float:
        with Store(settings.database) as store:
            task = asyncio.create_task(
                follow(store, store.changes.latest(), lambda: None, lambda: False)
            )
            await asyncio.sleep(0.5)
            used, began = time.process_time(), time.monotonic()
            await asyncio.sleep(seconds)
            used, took = time.process_time() - used, time.monotonic() - began
            task.cancel()
            return used / took

    return asyncio.run(look())


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20, method="inclusive")[-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a part of the city, five runs")
    parser.add_argument("--runs", type=int, default=20, help="how many (20)")
    asked = parser.parse_args()
    runs = 5 if asked.quick else asked.runs
    with tempfile.TemporaryDirectory(prefix="alive-") as folder:
        settings, source = build(Path(folder), FEW if asked.quick else ())
        found = measure(settings, source, runs)
        share = idle(settings, 3 if asked.quick else 10)
    shown, computed = [one.shown for one in found], [one.computed for one in found]
    print(
        f"{runs} deliveries, accepted to shown: {statistics.median(shown) * 1000:.0f} ms median, "
        f"{min(shown) * 1000:.0f} to {max(shown) * 1000:.0f}; "
        f"of these until the figures are there {statistics.median(computed) * 1000:.0f} ms"
    )
    print(f"an open page looks at the change log with {share:.2%} of a core")
    figures = [
        figure("record accepted to shown on an open page", statistics.median(shown), "s", goal=0.5),
        figure("the same, 95th percentile", p95(shown), "s", goal=1.0),
        figure("record accepted to figures computed", statistics.median(computed), "s"),
        figure("following the change log while nothing happens", share * 100, "% of a core"),
    ]
    print(json.dumps({"figures": figures}))


if __name__ == "__main__":
    main()
