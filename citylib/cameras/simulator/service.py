"""`citylib camera simulate`: the simulated cameras of the city's list, as a program."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

from citylib.cameras.registry.model import Camera
from citylib.cameras.registry.read import read_cameras
from citylib.cameras.simulator.mount import Mount
from citylib.cameras.simulator.server import Simulator
from citylib.city.profile import City, load_city
from citylib.city.settings import Settings


def run_simulator(settings: Settings, port: int = 0) -> None:
    """Serve the simulated cameras of the installation until SIGTERM or SIGINT."""
    city = load_city(settings.profile)
    cameras = read_cameras(settings, city).known
    asyncio.run(_serve({name: mount_of(one, city) for name, one in cameras.items()}, port))


def mount_of(camera: Camera, city: City) -> Mount:
    """A simulated camera with the name and the place of one on the list."""
    place = f"{camera.lat:.5f} N {camera.lon:.5f} E"
    return Mount([*camera.name.values(), camera.id], place, city.timezone)


async def _serve(mounts: dict[str, Mount], port: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with Simulator(mounts.get, port) as simulator:
        print(f"simulated cameras at 127.0.0.1:{simulator.port}", flush=True)
        if told := os.environ.get("CITYLIB_SIMULATOR_TOLD"):
            Path(told).write_text(str(simulator.port))
        await stop.wait()
