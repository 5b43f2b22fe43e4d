"""Cameras in a real browser: from a touch on the map to a picture; a map and a wall full of them.

    uv run python benchmarks/camera_page.py [--quick] [--times 20] [--state var/]

The platform runs as `citylib serve` starts it, with the 2,800 simulated cameras of Seoul, of which
some send no key frame on connect; the page is the mayor's, reached through the hub, signed in.
Touches are a real mouse's on the map; their clock runs from the browser's `pointerdown` to the
picture's `requestVideoFrameCallback`. Between two touches the pictures are closed. Everything,
encoders of the cameras included, shares the machine's cores.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Page
from printed import figure

from citylib.city.settings import Settings
from citylib.indicators.refresh import run_compute
from citylib.lake.errors import DatasetMissing
from citylib.lake.report import run_load

CHECKOUT = Path(__file__).parents[1]
sys.path.insert(0, str(CHECKOUT / "tests"))

from support.platform import running  # noqa: E402
from support.screen import SIZES, chromium, open_dashboard, sign_in  # noqa: E402

FEW = ("population_yearly",)
"""Datasets that are loaded so that there is a map."""
INTERVAL = 1.0
"""Seconds from one key frame to the next."""
CLOCKS = """(() => {
  const marks = (window.marks = {});
  addEventListener("pointerdown", (event) => { marks.down = event.timeStamp; }, true);
  const look = () => {
    const settled = document.documentElement?.dataset.settled;
    if (settled && !marks.settled) marks.settled = performance.now();
    const video = document.querySelector(".camera-side video");
    if (video && !video.counted) {
      video.counted = true;
      video.requestVideoFrameCallback(() => { marks.first = performance.now(); });
    }
    const points = document.querySelector(".camera-points")?.dataset.drawn;
    if (!marks.points && Number(points)) {
      marks.points = null;
      requestAnimationFrame(() => { marks.points = performance.now(); });
    }
  };
  new MutationObserver(look).observe(document, { subtree: true, childList: true,
    attributeFilter: ["data-settled", "data-drawn"] });
})()"""
MAP = """async () => {
  for (const one of document.querySelectorAll(".city-map .leaflet-container")) {
    for (const promise of Object.values(jupyterapp.widgetManager._models)) {
      const model = await promise;
      for (const view of Object.values(model.views ?? {})) {
        const found = await view;
        if (found.obj?.getContainer?.() === one) window.cityMap = found.obj;
      }
    }
  }
  const told = await (await fetch("/services/cameras/cameras.json")).json();
  window.placeOf = Object.fromEntries(told.cameras.map((one) => [one.id, [one.lat, one.lon]]));
}"""
GO = """id => {
  cityMap.setView(placeOf[id], 18, {animate: false});
  const at = cityMap.latLngToContainerPoint(placeOf[id]);
  const box = cityMap.getContainer().getBoundingClientRect();
  delete marks.first;
  return [box.x + at.x, box.y + at.y];
}"""
HOLD = """path => new Promise((done) => {
  const socket = (window.held = new WebSocket(location.origin.replace("http", "ws") + path));
  socket.onmessage = ({data}) => { if (typeof data !== "string") done(); };
})"""
# A finger that drags the map to and fro: pictures that the browser made a second.
PAN = """seconds => new Promise((done) => {
  const box = cityMap.getContainer().getBoundingClientRect();
  const [x, y] = [box.x + box.width / 3, box.y + box.height / 2];
  const send = (to, type, at) => to.dispatchEvent(new PointerEvent(type, {bubbles: true, button: 0,
    buttons: 1, pointerId: 1, pointerType: "mouse", isPrimary: true, clientX: at, clientY: y}))
    && to.dispatchEvent(new MouseEvent(type.replace("pointer", "mouse"), {bubbles: true, button: 0,
    buttons: 1, clientX: at, clientY: y}));
  let [count, moved] = [0, 0];
  cityMap.on("move", () => { moved += 1; });
  send(cityMap.getPane("mapPane"), "pointerdown", x);
  const began = performance.now();
  const step = (now) => {
    count += 1;
    send(document, "pointermove", x + 150 * Math.sin(count / 15));
    if (now - began < 1000 * seconds) return requestAnimationFrame(step);
    send(document, "pointerup", x);
    done([count / (now - began) * 1000, moved]);
  };
  requestAnimationFrame(step);
})"""
# By the browser's own count of presented pictures: a callback may come once for two of them.
RATES = """async seconds => {
  const videos = [...document.querySelectorAll(".camera-tile video:not([hidden])")];
  const at = (video) => new Promise((done) => video.requestVideoFrameCallback(
    (now, { presentedFrames }) => done([now, presentedFrames])));
  const before = await Promise.all(videos.map(at));
  await new Promise((done) => setTimeout(done, 1000 * seconds));
  const after = await Promise.all(videos.map(at));
  return after.map(([now, count], place) =>
    (count - before[place][1]) / (now - before[place][0]) * 1000);
}"""
# The camera's clock in the picture, against the browser's when the picture is to be seen.
GLASS = """async count => {
  const video = document.querySelector(".camera-tile video");
  const canvas = document.createElement("canvas");
  Object.assign(canvas, {width: video.videoWidth, height: video.videoHeight});
  const pen = canvas.getContext("2d", {willReadFrequently: true});
  const side = Math.max(4, Math.floor(canvas.width / 64));
  const read = [];
  while (read.length < count) {
    const [now, about] = await new Promise((done) =>
      video.requestVideoFrameCallback((...told) => done(told)));
    const seen = Date.now() + about.expectedDisplayTime - performance.now();
    pen.drawImage(video, 0, 0);
    const row = pen.getImageData(0, canvas.height - side / 2, canvas.width, 1).data;
    let told = 0;
    for (let bit = 0; bit < 32; bit += 1)
      told = told * 2 + (row[4 * (bit * side + side / 2)] > 128);
    read.push((seen + 9 * 3600e3) % 86400e3 - told);
  }
  return read;
}"""


async def simulate(told: Path, count: int) -> None:
    """Cameras `late0` … that send all the time, and no key frame on connect: one waits for it."""
    from citylib.cameras.simulator.encode import Encoder
    from citylib.cameras.simulator.mount import Mount
    from citylib.cameras.simulator.picture import Scene
    from citylib.cameras.simulator.server import Simulator

    every = int(25 * INTERVAL)
    scene, encoder = Scene(["late"], "", 640, 360), Encoder("h264", 640, 360, 25, every)
    now = datetime.now(UTC)
    loop = [encoder.encode(scene.at(now, number), number * 3600) for number in range(every)]
    mounts = {f"late{n}": Mount([str(n)], loop=loop, key_at_once=False) for n in range(count)}
    async with Simulator(mounts.get) as simulator:
        for mount in mounts.values():
            mount.attach("h264", lambda *_: None, simulator.pool)
            await asyncio.sleep(0.37)  # they are not in step
        told.with_suffix(".part").write_text(str(simulator.port))
        told.with_suffix(".part").rename(told)
        await asyncio.Event().wait()


@contextmanager
def late_cameras(told: Path, count: int) -> Iterator[int]:
    """Port of such cameras, in a process of their own."""
    command = [sys.executable, __file__, "--simulate", told, "--times", str(count)]
    process = subprocess.Popen(command)  # noqa: S603
    try:
        while not told.exists():
            if process.poll() is not None:
                raise SystemExit("the simulator ended")
            time.sleep(0.05)
        yield int(told.read_text())
    finally:
        process.terminate()
        process.wait()


def build(root: Path, port: int, times: int) -> tuple[Settings, list[str], list[str]]:
    """An installation; ids of cameras with a key frame on connect, and of those without."""
    profile, own = root / "city", CHECKOUT / "cities" / "seoul"
    profile.mkdir()
    for path in own.iterdir():
        if path.name not in ("cameras.csv", "cameras.toml"):
            (profile / path.name).symlink_to(path)
    with (own / "cameras.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    late = rows[-times:]
    for number, row in enumerate(late):
        row["address"] = f"rtsp://127.0.0.1:{port}/rtsp/late{number}"
    with (profile / "cameras.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    rules = (own / "cameras.toml").read_text("utf-8")
    (profile / "cameras.toml").write_text(rules + '\nnetworks = ["127.0.0.1/32"]\n', "utf-8")
    (root / "citylib.toml").write_text('profile = "city"\nvar = "var"\n')
    for name in ("dashboards", "notebooks"):
        shutil.copytree(CHECKOUT / name, root / name)
    ready = [row["id"] for row in rows if row["address"] == "simulated:rtsp"]
    return Settings.load(root), ready[: times + 1], [row["id"] for row in late]


def touch(page: Page, camera: str) -> float:
    """Milliseconds from a touch on a camera to its first picture."""
    x, y = page.evaluate(GO, camera)
    page.mouse.click(x, y)
    page.wait_for_function("marks.first")
    page.wait_for_selector(f".camera-tile[data-camera={camera}]")
    found = page.evaluate("marks.first - marks.down")
    page.click(".camera-bar > .camera-close")
    page.wait_for_selector(".camera-side", state="detached")
    return float(found)


def measure(page: Page, url: str, ready: list[str], late: list[str], quick: bool) -> dict:
    """All figures, from an address on."""
    told: dict = {"painted": [], "switched": []}
    for _ in range(2 if quick else 5):
        open_dashboard(page, url, "?language=en&layer=cameras")
        page.wait_for_function("marks.points")
        page.wait_for_selector(".camera-points[data-drawn='2800']", state="attached")
        told["painted"].append(max(0.0, page.evaluate("marks.points - marks.settled")))
    open_dashboard(page, url, "?language=en")
    page.click("[data-press='layer:cameras']")
    page.wait_for_function("marks.points")
    told["switched"] = page.evaluate("marks.points - marks.down")
    page.evaluate(MAP)
    told["pan"], moved = page.evaluate(PAN, 2 if quick else 5)
    if moved < 30:
        raise SystemExit("the map does not follow the finger")
    first, *others = ready
    touch(page, first)  # the first video of a page loads the browser's decoder
    told["cold"] = [touch(page, camera) for camera in others]
    told["late"] = [touch(page, camera) for camera in late]
    page.evaluate(HOLD, f"/services/cameras/watch/{first}")
    told["warm"] = [touch(page, first) for _ in others]
    page.evaluate("held.close()")
    x, y = page.evaluate(GO, first)
    page.mouse.click(x, y)
    page.wait_for_selector(".camera-tile[data-state=live]")
    page.wait_for_timeout(1000)
    told["glass"] = page.evaluate(GLASS, 50 if quick else 250)
    page.click(".camera-size[data-size='16']")
    live = "document.querySelectorAll('.camera-tile[data-state=live]').length === 16"
    page.wait_for_function(live)
    page.wait_for_timeout(2000)
    told["wall"] = page.evaluate(RATES, 5 if quick else 20)
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="under a minute")
    parser.add_argument("--times", type=int, default=20, help="touches of each kind (20)")
    parser.add_argument("--state", type=Path, help="an installation's var/, in place of loading")
    parser.add_argument("--simulate", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.simulate:
        asyncio.run(simulate(asked.simulate, asked.times))
        return
    times = 4 if asked.quick else asked.times
    with tempfile.TemporaryDirectory(prefix="camera-page-") as folder, ExitStack() as stack:
        root = Path(folder)
        port = stack.enter_context(late_cameras(root / "port", times))
        settings, ready, late = build(root, port, times)
        if asked.state:
            shutil.copytree(asked.state / "cube", settings.var / "cube")
        else:
            run_load(settings, FEW)
            with suppress(DatasetMissing):  # indicators of the others are left out
                run_compute(settings)
        platform = stack.enter_context(running(settings))
        browser = stack.enter_context(chromium())
        width, height = SIZES["laptop"]
        page = browser.new_page(viewport={"width": width, "height": height})
        page.add_init_script(CLOCKS)
        sign_in(page, platform.url, "mayor", platform.accounts["mayor"])
        told = measure(page, platform.url, ready, late, asked.quick)
    show(told)


def show(told: dict) -> None:
    for name in ("warm", "cold", "late", "glass", "wall", "painted"):
        values = sorted(told[name])
        print(
            f"{name}: n {len(values)}, least {values[0]:.1f}, median "
            f"{statistics.median(values):.1f}, greatest {values[-1]:.1f}"
        )
    wait = 1000 * INTERVAL + 100
    figures = [
        figure("touch to first picture, watched camera, median", statistics.median(told["warm"]),
               "ms", goal=100),
        figure("touch to first picture, camera not watched, key frame on connect, median",
               statistics.median(told["cold"]), "ms", goal=200),
        figure("touch to first picture, camera not watched, next key frame, the slowest",
               max(told["late"]), "ms", goal=wait),
        figure("2,800 cameras painted after the page, the slowest", max(told["painted"]), "ms",
               goal=1000),
        figure("touch on the layer to 2,800 cameras painted", told["switched"], "ms", goal=1000),
        figure("panning over 2,800 cameras", told["pan"], "pictures/s", goal=50, better="higher"),
        figure("wall of 16, the slowest tile", min(told["wall"]), "pictures/s", goal=24,
               better="higher"),
        figure("glass to glass, median", statistics.median(told["glass"]), "ms", goal=300),
    ]  # fmt: skip
    print(json.dumps({"figures": figures}))


if __name__ == "__main__":
    main()
