"""Opening the mayor's dashboard and touching it, in a real browser, beside plain Voila.

    uv run python benchmarks/dashboard.py [--quick] [--runs 20]

The platform runs as `citylib serve` starts it and is reached through the hub, signed in. Plain
Voila serves the same notebook, so the same widgets, with the template that it comes with and
without a sign-in; once with kernels that are started when a page is asked for, once with a kernel
that ran before. All take turns in one browser that has seen each page before. Clocks are the
browser's, from the navigation on: until the map is coloured and tiles are readable in a picture
that was painted, and until a touch on a tile, made as soon as it can be, has recoloured the map.

Then 49 more viewers open it, each with a websocket and a kernel of its own, and a new version of
the figures is committed: the time until every one of the 50 was told the new colours.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
from jupyter_server.services.kernels.connection.base import deserialize_msg_from_ws_v1
from PIL import Image
from playwright.sync_api import BrowserContext, Page
from printed import figure
from websockets.exceptions import ConnectionClosed

from citylib.access.accounts import Accounts
from citylib.city.settings import Settings
from citylib.indicators.cube import Cube
from citylib.indicators.mapped import lay_out, place_of
from citylib.indicators.refresh import announce, run_compute
from citylib.lake.errors import DatasetMissing
from citylib.lake.report import run_load
from citylib.look.theme import CLASSES
from citylib.operations.store import Store
from citylib.serving.kernels import SharedKernelManager
from citylib.serving.websocket import SUBPROTOCOL

CHECKOUT = Path(__file__).parents[1]
sys.path.insert(0, str(CHECKOUT / "tests"))

from support.platform import Platform, kernel_of, running, websocket  # noqa: E402
from support.screen import DASHBOARD, SIZES, chromium, sign_in  # noqa: E402

FEW = ("air_daily", "population_yearly", "fire_yearly")
"""Datasets of a quick run; all of the city's otherwise."""
INDICATOR = "pm25"
VIEWERS = 50
PLAIN, WARM = "plain Voila", "plain Voila, pre-heated"
CLOCK = """
(() => {
  const marks = (window.marks = {});
  const later = (name) => {
    marks[name] = null;
    requestAnimationFrame(() => requestAnimationFrame(() => (marks[name] = performance.now())));
  };
  const colours = () =>
    [...document.querySelectorAll(".city-map path[data-paint]")].map((p) => p.dataset.paint).join();
  window.colours = colours;
  window.tiles = () => [...document.querySelectorAll(
    ".city-dashboard .tile[data-indicator]")];
  window.next = () => tiles().find((tile) => tile.getAttribute("aria-pressed") !== "true");
  let before = null;
  const look = () => {
    const early = document.querySelector("#picture") && document.querySelector("#still");
    const drawn = colours().includes("class") && tiles().length;
    const live = drawn && !document.querySelector("#first");
    if (!("picture" in marks) && (early || live)) later("picture");
    if (before === null && live && document.documentElement.dataset.settled) {
      before = colours();
      next().click();
    }
    if (before !== null && colours() !== before && !("answered" in marks)) later("answered");
    if (!marks.answered) requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})();
"""
TOUCH = """() => new Promise((done, fail) => {
  const before = colours(), began = performance.now();
  setTimeout(() => fail(Error("the map was not recoloured")), 10000);
  const look = () => {
    if (colours() === before) return requestAnimationFrame(look);
    requestAnimationFrame(() => done(performance.now() - began));
  };
  window.turn = ((window.turn ?? 0) + 1) % 2;
  const all = tiles();
  (all[0].getAttribute("aria-pressed") === "true" ? all[1] : all[0]).click();
  look();
})"""

WATCH = """() => {
  const colours = () =>
    [...document.querySelectorAll(".city-map path[data-paint]")].map((p) => p.dataset.paint).join();
  const before = colours();
  const look = () => {
    window.recoloured = colours() !== before;
    if (!window.recoloured) requestAnimationFrame(look);
  };
  look();
}"""


@contextmanager
def plain(root: Path, heated: bool) -> Iterator[str]:
    """Voila as it is installed, on the same notebook; gives the page's address."""
    folder = root / "plain"
    folder.mkdir(exist_ok=True)
    shutil.copy(CHECKOUT / "dashboards" / "mayor.ipynb", folder)
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    command = [sys.executable, "-m", "voila", str(folder), f"--port={port}", "--no-browser"]
    # A page that is left cannot end its kernel without a sign-in.
    command += ["--MappingKernelManager.cull_interval=2"]
    command += ["--MappingKernelManager.cull_idle_timeout=120"]
    if heated:
        command += ["--preheat_kernel=True", "--pool_size=1"]
    told = {"CITYLIB_CONFIG": str(root / "citylib.toml")}
    with (root / f"{port}.log").open("wb") as log:
        server = subprocess.Popen(  # noqa: S603
            command, env=os.environ | told, stdout=log, stderr=log, start_new_session=True
        )
    address = f"http://127.0.0.1:{port}/voila/render/mayor.ipynb"
    try:
        _until(lambda: _answers(f"http://127.0.0.1:{port}/voila/static/voila.js"))
        yield address
    finally:
        children = psutil.Process(server.pid).children(recursive=True)
        server.terminate()
        server.wait(20)
        for child in children:
            with suppress(psutil.Error):
                child.kill()


def open_once(context: BrowserContext, address: str) -> tuple[dict[str, float], Page]:
    """Open a page; seconds until its picture and until a touch was answered."""
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.add_init_script(CLOCK)
    page.goto(address, wait_until="commit")
    page.wait_for_function("window.marks?.answered")
    return {name: at / 1000 for name, at in page.evaluate("marks").items()}, page


def touches(page: Page, runs: int) -> list[float]:
    """Milliseconds from a touch on a tile to the map in other colours."""
    taken = []
    for _ in range(runs):
        taken.append(page.evaluate(TOUCH))
        page.wait_for_timeout(250)
    return taken


def coloured(page: Page, address: str) -> float:
    """Share of the picture in the map's colours while no script of the front end is there."""
    page.route("**/static/voila.js", lambda route: None)
    page.goto(address, wait_until="commit")
    page.wait_for_selector("#picture")
    page.wait_for_timeout(500)
    image = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    wanted = {tuple(bytes.fromhex(colour[1:])) for colour in CLASSES["dark"]}
    counts = image.getcolors(image.width * image.height) or []
    page.close()
    return sum(n for n, colour in counts if colour in wanted) / (image.width * image.height)


def private(process: psutil.Process) -> float:
    """Memory that is this process's alone, MB."""
    return float(process.memory_full_info().uss / 1e6)


class Viewer:
    """A page without a browser: its kernel, its websocket, and when it was told new colours."""

    def __init__(self, platform: Platform, client: httpx.Client) -> None:
        page = client.get(DASHBOARD)
        page.raise_for_status()
        self.kernel = kernel_of(page.text)
        path = f"/services/dashboards/api/kernels/{self.kernel}/channels"
        self.socket = websocket(platform, path, client, [SUBPROTOCOL])
        self.told = 0.0
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        with suppress(ConnectionClosed, OSError):
            for message in self.socket:
                _, parts = deserialize_msg_from_ws_v1(message)
                if b"comm_msg" in parts[0] and b'"colours"' in parts[3]:
                    self.told = time.time()


def many(
    platform: Platform, settings: Settings, page: Page, viewers: int
) -> tuple[list[float], list[float], list[float]]:
    """Seconds until each viewer was told of new figures, the browser last; MB before and after."""
    with Store(settings.database) as store:
        accounts = Accounts(store)
        most = SharedKernelManager.most_for_one.default_value
        clients = []
        for n in range(-(-(viewers - 1) // most)):
            name = f"viewer{n}"
            platform.accounts[name] = accounts.ensure(name, "official") or ""
            clients.append(platform.client(name))
    with ExitStack() as stack:
        open_ones = []
        for n in range(viewers - 1):
            open_ones.append(Viewer(platform, clients[n // most]))
            stack.callback(open_ones[-1].socket.close)
        time.sleep(3)
        processes = [platform.find(one.kernel)[0] for one in open_ones]
        sizes = [private(process) for process in processes]
        page.evaluate(WATCH)
        began = commit(settings)
        page.wait_for_function("window.recoloured", timeout=30_000)
        seen = time.time() - began
        _until(lambda: all(one.told > began for one in open_ones))
        told = [*(one.told - began for one in open_ones), seen]
        return told, sizes, [private(process) for process in processes]


def commit(settings: Settings) -> float:
    """A new version of the figures, the areas' newest in another order; when it was committed."""
    cube = Cube(settings.cube)
    array = cube.read(INDICATOR).load()
    last = int(np.flatnonzero(np.isfinite(array.values).any(axis=1))[-1])
    array[last, 1:] = array[last, :0:-1].values
    with cube.draft() as draft:
        draft.put([array])
        draft.commit("turned round")
    began = time.time()
    with Store(settings.database) as store:
        lay_out(cube, place_of(settings))
        announce(cube, store)
    return began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few of everything, in a minute")
    parser.add_argument("--runs", type=int, default=20, help="times that each page is opened (20)")
    parser.add_argument("--state", type=Path, help="an installation's var/, in place of loading")
    asked = parser.parse_args()
    runs = 3 if asked.quick else asked.runs
    viewers = 10 if asked.quick else VIEWERS
    with tempfile.TemporaryDirectory(prefix="dashboard-") as folder, ExitStack() as stack:
        root = Path(folder)
        profile = CHECKOUT / "cities" / "seoul"
        (root / "citylib.toml").write_text(f'profile = "{profile}"\nvar = "var"\n')
        for name in ("dashboards", "notebooks"):
            shutil.copytree(CHECKOUT / name, root / name)
        settings = Settings.load(root)
        if asked.state:
            shutil.copytree(asked.state / "cube", settings.var / "cube")
            lay_out(Cube(settings.cube), place_of(settings))
        else:
            with suppress(DatasetMissing):
                run_load(settings, FEW if asked.quick else ())
                # Indicators of the others are left out.
                run_compute(settings)
        platform = stack.enter_context(running(settings))
        browser = stack.enter_context(chromium())
        width, height = SIZES["laptop"]
        context = browser.new_context(viewport={"width": width, "height": height})
        page = context.new_page()
        sign_in(page, platform.url, "mayor", platform.accounts["mayor"])
        page.close()
        ours = platform.url + DASHBOARD
        print(
            f"{coloured(context.new_page(), ours):.0%} of the first picture is the map", flush=True
        )
        peers = {PLAIN: False} if asked.quick else {PLAIN: False, WARM: True}
        addresses = {"ours": ours}
        taken: dict[str, list[dict[str, float]]] = {}
        touched: dict[str, list[float]] = {}
        sizes: dict[str, float] = {}
        for name, heated in peers.items():
            addresses[name] = stack.enter_context(plain(root, heated))
        for run in range(runs + 1):
            for name, address in addresses.items():
                print(f"opening {name}", flush=True)
                times, page = open_once(context, address)
                if run:  # the first time, the browser has nothing of it yet
                    taken.setdefault(name, []).append(times)
                    print(name, {key: round(value, 3) for key, value in times.items()}, flush=True)
                if run == runs:
                    touched[name] = touches(page, max(runs, 5))
                    kernel = page.evaluate("jupyterapp.widgetManager.kernel.id")
                    sizes[name] = private(_process(kernel))
                page.close()
                # The pool is filled again, and what the page left is over.
                time.sleep(2 if asked.quick else 4)
        page = context.new_page()
        page.goto(ours, wait_until="commit")
        page.wait_for_selector("#first", state="detached")
        told, private_each, private_after = many(platform, settings, page, viewers)
    figures = []
    for key, title, goal in (
        ("picture", "first picture", 0.3),
        ("answered", "a touch answered", 1.5),
    ):
        values = [times[key] for times in taken["ours"]]
        for peer in peers:
            theirs = [times[key] for times in taken[peer]]
            figures.append(
                figure(f"to {title}, median", statistics.median(values), "s", peer,
                       statistics.median(theirs), goal)
            )  # fmt: skip
        figures.append(
            figure(f"to {title}, p95", p95(values), "s", PLAIN,
                   p95([times[key] for times in taken[PLAIN]]))
        )  # fmt: skip
    for title, value in (("median", statistics.median), ("p95", p95)):
        figures.append(
            figure(f"touch on a tile to map recoloured, {title}", value(touched["ours"]), "ms",
                   PLAIN, value(touched[PLAIN]), 100 if title == "median" else None)
        )  # fmt: skip
    figures += [
        figure(
            "private memory of each further viewer",
            statistics.fmean(private_each), "MB", PLAIN, sizes[PLAIN], 30,
        ),
        figure("the same, once it has shown new figures", statistics.fmean(private_after), "MB"),
        figure(f"{viewers} viewers told new figures, median", statistics.median(told), "s"),
        figure(f"{viewers} viewers told new figures, the last", max(told), "s"),
    ]  # fmt: skip
    print(json.dumps({"figures": figures}))


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20, method="inclusive")[-1]


def _process(kernel: str) -> psutil.Process:
    found = [
        one
        for one in psutil.process_iter(["cmdline"])
        if any(f"kernel-{kernel}" in part for part in one.info["cmdline"] or ())
    ]
    return found[0]


def _answers(address: str) -> bool:
    try:
        return httpx.get(address, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def _until(condition: Any, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise SystemExit(f"not within {seconds} s")
        time.sleep(0.05)


if __name__ == "__main__":
    main()
