"""290 feeds asked by the service from a local server, 20 of them failing, each in its own way.

    uv run python benchmarks/feeds.py [--quick] [--minutes 30]

The server is a process of its own. Every minute each good source has a new record, and gives it
with the nine before; every poll of a good source thus ends in a commit to the table of its own
dataset. What is measured is the service's own process: figures are not computed besides. How late
the good feeds are asked is read from the server's log, where the run is long enough; of a short
run it is what the service says itself, failing feeds included.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

from printed import figure

from citylib.city.profile import load_city
from citylib.city.settings import Settings
from citylib.feeds.run import LOOKUPS
from citylib.feeds.schedule import share
from citylib.feeds.service import Service
from citylib.lake.lake import Lake
from citylib.operations.store import Store

FEEDS, INTERVAL, TIMEOUT = 290, 60.0, 10.0
FAILING = ("hang", "500", "half", "429", "encoding", "huge", "dns", "refused", "html", "drip") * 2
"""How the first feeds fail."""
CITY = """
id = "made"
code = "0"
name = { en = "Made-up city" }
languages = ["en"]
timezone = "Asia/Seoul"
bounds = [0.0, 0.0, 1.0, 1.0]
attribution = { en = "made up" }

[[level]]
id = "district"
name = { en = "District" }
table = "districts.csv"
boundary = "districts.geojson"
"""
DATASET = """
title = { en = "Sensors" }
publisher = "none"
source = "made up"
licence = "none"
classification = "internal"
key = ["time", "sensor"]
column = [
  { name = "sensor", type = "string", title = { en = "Sensor" } },
  { name = "value", type = "float64", title = { en = "Value" } },
]
"""
FEED = """
title = {{ en = "{id}" }}
dataset = "{id}"
connector = "socrata"
address = "{address}"
interval = {interval}
timeout = {timeout}
max_bytes = 4_000_000

[read]
format = "json"
time = {{ header = "time", formats = "%Y-%m-%dT%H:%M:%S%z" }}
area = {{ level = "city" }}
columns = {{ sensor = "sensor", value = "value" }}
"""


def build(folder: Path, port: int) -> Settings:
    """An installation with the feeds."""
    profile = folder / "city"
    square = [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]]
    district = {
        "type": "Feature",
        "properties": {"code": "1"},
        "geometry": {"type": "Polygon", "coordinates": square},
    }
    files = {
        "city.toml": CITY,
        "districts.csv": "code,name_en\n1,All\n",
        "districts.geojson": json.dumps({"type": "FeatureCollection", "features": [district]}),
    }
    for n in range(FEEDS):
        name, way = name_of(n), way_of(n)
        hosts = {"dns": "nowhere.invalid", "refused": "127.0.0.1:1"}
        address = f"http://{hosts.get(way, f'127.0.0.1:{port}')}/{way}/{name}.json"
        files[f"datasets/{name}.toml"] = DATASET
        files[f"feeds/{name}.toml"] = FEED.format(
            id=name, address=address, interval=INTERVAL, timeout=TIMEOUT
        )
    for name, text in files.items():
        path = profile / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    (folder / "citylib.toml").write_text('profile = "city"\n', "utf-8")
    return Settings.load(folder)


def name_of(n: int) -> str:
    return f"sensors_{n:03d}"


def way_of(n: int) -> str:
    return FAILING[n] if n < len(FAILING) else "good"


class Sources:
    """The server: what each source answers, and when it was asked."""

    def __init__(self, log: Path) -> None:
        self.log = log.open("w", buffering=1)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                _, way, name = head.split(b" ", 2)[1].split(b"?")[0].decode().split("/")
                if not await getattr(self, f"give_{way.replace('500', 'error')}", self.give_other)(
                    way, name.removesuffix(".json"), writer
                ):
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    async def give_good(self, _way: str, name: str, writer: asyncio.StreamWriter) -> bool:
        now = datetime.now(UTC)
        last = now.replace(second=0, microsecond=0)
        times = [last - timedelta(minutes=n) for n in range(10)]
        rows = [
            {"time": f"{t:%Y-%m-%dT%H:%M:%S}+0000", "sensor": name, "value": t.minute / 10}
            for t in times
        ]
        body = json.dumps(rows).encode()
        await self.send(writer, b"200 OK", body)
        self.log.write(f"{name} {now.timestamp():.3f} {int(last.timestamp())}\n")
        return True

    async def give_hang(self, *_: object) -> bool:
        await asyncio.sleep(3600)
        return False

    async def give_error(self, _way: str, _name: str, writer: asyncio.StreamWriter) -> bool:
        await self.send(writer, b"500 Internal Server Error", b"{}")
        return True

    async def give_half(self, _way: str, _name: str, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n[{" + b" " * 500)
        await writer.drain()
        return False

    async def give_huge(self, _way: str, _name: str, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n[")
        for _ in range(1000):
            writer.write(b'{"time": "2026"},' * 1000)
            await writer.drain()
        return False

    async def give_drip(self, _way: str, _name: str, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(1000):
            writer.write(b"[")
            await writer.drain()
            await asyncio.sleep(1)
        return False

    async def give_other(self, way: str, _name: str, writer: asyncio.StreamWriter) -> bool:
        status, body, more = {
            "429": (b"429 Too Many Requests", b"{}", b"Retry-After: 30\r\n"),
            "encoding": (b"200 OK", '[{"sensor": "Müller"}]'.encode("latin-1"), b""),
            "html": (b"200 OK", b"<!doctype html><title>Maintenance</title>", b""),
        }[way]
        await self.send(writer, status, body, more)
        return True

    async def send(
        self, writer: asyncio.StreamWriter, status: bytes, body: bytes, more: bytes = b""
    ) -> None:
        head = b"HTTP/1.1 %b\r\nContent-Length: %d\r\n%b\r\n" % (status, len(body), more)
        writer.write(head + body)
        await writer.drain()


async def run_sources(folder: Path) -> None:
    """The server process."""
    server = await asyncio.start_server(Sources(folder / "asked.log").answer, "127.0.0.1", 0)
    (folder / "port.part").write_text(str(server.sockets[0].getsockname()[1]))
    (folder / "port.part").rename(folder / "port")
    async with server:
        await server.serve_forever()


async def run_feeds(folder: Path) -> None:
    """The service's process; ends by SIGTERM, and notes what it took."""
    settings = Settings.load(folder)
    city = load_city(settings.profile)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(LOOKUPS))
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    with Store(settings.database) as store:
        store.migrate()
        service = Service(city, Lake(settings.lake, city), store)
        before, began = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
        await service.run(stop)
    after = resource.getrusage(resource.RUSAGE_SELF)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    told = {
        "cores": used / (time.monotonic() - began),
        "memory": after.ru_maxrss * 1024,
        "late": service.tally.lateness(),
        "polls": service.tally.polls,
        "failed": service.tally.failed,
    }
    (folder / "told.json").write_text(json.dumps(told))


def lateness(folder: Path, began: float, ended: float) -> list[float]:
    """How late each due poll of a good feed came to its source, seconds; from the server's log.

    A poll that did not come at all is as late as the next one.
    """
    asked: dict[str, list[float]] = {}
    for line in (folder / "asked.log").read_text().splitlines():
        name, moment, _ = line.split()
        asked.setdefault(name, []).append(float(moment))
    late = []
    for n in range(len(FAILING), FEEDS):
        moments = asked.get(name_of(n), [])
        # The first poll is at another time, soon after the start.
        shift = share(name_of(n)) * INTERVAL
        due = ((began + INTERVAL - shift) // INTERVAL + 1) * INTERVAL + shift
        while due < ended - 30:
            late.append(next((m for m in moments if m > due - 0.5), ended) - due)
            due += INTERVAL
    return late


def stored(settings: Settings, folder: Path) -> tuple[int, int]:
    """Records in the lake's tables, and different ones that the server gave."""
    city = load_city(settings.profile)
    lake = Lake(settings.lake, city)
    rows = sum(lake.table(name).rows for name in lake.datasets())
    given = set()
    for line in (folder / "asked.log").read_text().splitlines():
        name, _, last = line.split()
        given |= {(name, int(last) - 60 * n) for n in range(10)}
    return rows, len(given)


def measure(folder: Path, minutes: float) -> SimpleNamespace:
    """Run server and service for a while."""

    def start(part: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, __file__, "--part", part, "--folder", str(folder)]
        return subprocess.Popen(command, env={**os.environ, "CITYLIB_CONFIG": ""})  # noqa: S603

    server = start("sources")
    try:
        while not (folder / "port").exists():
            time.sleep(0.05)
        settings = build(folder, int((folder / "port").read_text()))
        began = time.time()
        service = start("feeds")
        try:
            time.sleep(minutes * 60)
        finally:
            service.terminate()
            service.wait()
        ended = time.time()
    finally:
        server.terminate()
        server.wait()
    told = SimpleNamespace(**json.loads((folder / "told.json").read_text()))
    told.rows, told.given = stored(settings, folder)
    late = lateness(folder, began, ended)
    told.source = "by the server's log" if len(late) > FEEDS else "by the service itself"
    if len(late) > FEEDS:
        told.late = statistics.quantiles(late, n=20, method="inclusive")[-1]
        told.latest = max(late)
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="under a minute")
    parser.add_argument("--minutes", type=float, default=30, help="how long (30)")
    parser.add_argument("--part", choices=("sources", "feeds"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.part:
        asyncio.run({"sources": run_sources, "feeds": run_feeds}[asked.part](asked.folder))
        return
    minutes = 0.7 if asked.quick else asked.minutes
    with tempfile.TemporaryDirectory(prefix="feeds-") as folder:
        told = measure(Path(folder), minutes)
    print(
        f"{FEEDS} feeds every {INTERVAL:g} s for {minutes:g} minutes, {len(FAILING)} of them "
        f"failing: {told.polls:,} polls, {told.failed:,} failed"
    )
    print(f"95 of 100 polls began within {told.late:.2f} s of their time, {told.source}")
    print(f"{told.cores:.2f} cores, {told.memory / 2**20:,.0f} MiB at most")
    print(f"{told.rows:,} records in the tables of {told.given:,} that were given")
    figures = [
        figure("lateness of polls, 95th percentile", told.late, "s", goal=5),
        figure("cores used by the service", told.cores, "cores", goal=0.5),
        figure("peak memory of the service", told.memory / 2**20, "MiB"),
    ]
    print(json.dumps({"figures": figures}))


if __name__ == "__main__":
    main()
