"""A conference: from the wish to go in to a picture; 45 on the wall; the far side of the Earth.

    uv run python benchmarks/conference.py [--quick] [--times 10] [--seconds 20]

The service runs as the hub starts it, with Janus. Pages are the join page in Debian's Chromium.
Other participants are programs (pion, `conference_bots/`): they come through the same websocket,
send VP8 of 320x180 at 15 pictures a second and Opus with error correction, one of them speaks at a
time, and they receive what pages receive. The far side is a network of its own behind a path with
300 ms round trip, 2 % loss each way, 30 ms jitter and 1 Mb/s upwards; it needs root. Beside joining
stands the same page without Janus, where pages send to one another. All shares the machine's cores.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Browser, Page
from printed import figure

CHECKOUT = Path(__file__).parents[1]
sys.path.insert(0, str(CHECKOUT / "tests"))

from support.conferring import Served, served  # noqa: E402
from support.far import Far, far_network  # noqa: E402
from support.film import write_speech  # noqa: E402
from support.join import (  # noqa: E402
    CLOCKS,
    Received,
    concealed,
    first_picture,
    go_in,
    open_door,
    packet_loss,
    tiles,
    wait_for,
)
from support.participants import lost, participants, seen  # noqa: E402
from support.screen import SIZES, WITH_MEDIA, chromium  # noqa: E402

WALL, SPEAKERS = 45, 9
SETTLE = 6.0
"""Seconds until pictures have found their sizes and sound its delay."""


class Meter:
    """Cores that processes use, and what the machine has left."""

    def __init__(self, **processes: list[psutil.Process]) -> None:
        self._processes = processes
        self._before, self._began = self._look(), time.monotonic()

    def _look(self) -> dict[str, float]:
        used = {
            name: sum(sum(one.cpu_times()[:2]) for one in some)
            for name, some in self._processes.items()
        }
        return used | {"left": psutil.cpu_times().idle}

    def cores(self) -> dict[str, float]:
        """Of each, since the beginning; `others` is what is none of them."""
        seconds = time.monotonic() - self._began
        now = self._look()
        used = {name: (now[name] - before) / seconds for name, before in self._before.items()}
        return used | {"others": max(0.0, psutil.cpu_count() - sum(used.values()))}


def browsers() -> list[psutil.Process]:
    """The processes of all browsers that this program started."""
    children = psutil.Process().children(recursive=True)
    return [one for one in children if one.name().startswith("chrom")]


@contextmanager
def page_at_door(browser: Browser, url: str, invitation: str, size: str) -> Iterator[Page]:
    width, height = SIZES[size]
    with browser.new_context(viewport={"width": width, "height": height}) as context:
        page = context.new_page()
        page.add_init_script(CLOCKS)
        open_door(page, url, invitation)
        yield page
        page.evaluate("meeting.room.leave()")
        page.wait_for_timeout(500)


def join_times(browser: Browser, url: str, invitation: str, times: int) -> list[float]:
    """Milliseconds from the touch on the key to somebody's picture, each time as somebody new."""
    took = []
    for number in range(times):
        with page_at_door(browser, url, invitation, "laptop") as page:
            page.wait_for_selector(".preview video")
            page.wait_for_timeout(1000)
            go_in(page, f"Guest {number}")
            took.append(first_picture(page))
    return took


def joining(service: Served, people: int, times: int) -> list[float]:
    """Into a room with so many, oneself included."""
    invitation = service.invite(service.room())
    with participants(service.url, [invitation], people - 1) as bots, chromium(*WITH_MEDIA) as one:
        bots.wait_until_in()
        return join_times(one, service.url, invitation, times)


def joining_without_janus(folder: Path, people: int, times: int) -> list[float]:
    """The same where pages send to one another: all of them are browsers' pages."""
    with ExitStack() as stack:
        service = stack.enter_context(served(folder, "janus = false"))
        invitation = service.invite(service.room())
        browser = stack.enter_context(chromium(*WITH_MEDIA))
        for number in range(people - 1):
            page = stack.enter_context(page_at_door(browser, service.url, invitation, "phone"))
            go_in(page, f"Other {number}")
        time.sleep(SETTLE)
        return join_times(browser, service.url, invitation, times)


def wall(service: Served, people: int, seconds: float) -> dict[str, Any]:
    """Everybody on one screen."""
    room = service.room()
    speaker, listener = service.invite(room), service.invite(room, role="listener")
    with ExitStack() as stack:
        bots = stack.enter_context(participants(service.url, [speaker], people))
        bots.wait_until_in(120)
        browser = stack.enter_context(chromium(*WITH_MEDIA))
        page = stack.enter_context(page_at_door(browser, service.url, listener, "wall"))
        page.evaluate("document.querySelector('.door form').requestSubmit()")
        go_in(page, "Wall")
        page.evaluate("meeting.room.want({ videos: 'all' }); meeting.view?.('all')")
        videos = "[...document.querySelectorAll('.conference-seat video')]"
        playing = f"{videos}.filter((one) => !one.hidden && one.videoWidth).length >= {people}"
        wait_for(page, playing, 60)
        time.sleep(SETTLE)
        bots.ask("reset")
        meter = Meter(
            service=[service.python()],
            janus=[service.janus()],
            participants=[psutil.Process(bots.process.pid)],
            browser=browsers(),
        )
        received = Received(page)
        shown = tiles(page, seconds)
        cores, told, streams = meter.cores(), bots.stats(), received.since()
        # Nobody new speaks: what each of the others receives stands still, and is looked at.
        bots.ask("speak -1")
        time.sleep(3)
        bots.ask("reset")
        time.sleep(2)
        still = bots.stats()
    for one in shown:
        print(f"  {one['name']}: {one['rate']:.1f} pictures/s, {one['changed']} points changed")
    print("  cores:", ", ".join(f"{name} {value:.2f}" for name, value in cores.items()))
    right = [one for one in shown if one["name"] == f"Bot {one['number']}" and one["changed"] > 50]
    few = [len(seen(one) & {*one["recent"][: SPEAKERS + 1]} - {one["you"]}) for one in still]
    return {
        "cores": cores,
        "tiles": len(right),
        "rate": min(one["rate"] for one in shown),
        "loss": 100 * packet_loss(streams),
        "others lost": 100 * lost(told),
        "others see": min(few),
    }


def from_afar(folder: Path, service: Served, far: Far, people: int, times: int, seconds: float):
    """A page over there, one here that listens to it, everybody else is a program here."""
    room = service.room()
    invitation = service.invite(room)
    speech = write_speech(folder / "speech.wav")
    with ExitStack() as stack:
        origin = stack.enter_context(far.reach(service.port))
        url = service.url.replace(service.origin, origin)
        bots = stack.enter_context(participants(service.url, [invitation], people - 2, turn=3))
        bots.wait_until_in(120)
        there = stack.enter_context(
            chromium(
                *WITH_MEDIA,
                f"--use-file-for-fake-audio-capture={speech}",
                f"--unsafely-treat-insecure-origin-as-secure={origin}",
                program=far.program(folder / "chromium", "chromium"),
            )
        )
        joins = join_times(there, url, invitation, times)
        # A second browser of the same playwright: it can be begun once alone.
        near = there.browser_type.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", *WITH_MEDIA]
        )
        stack.callback(near.close)
        listener = stack.enter_context(page_at_door(near, service.url, invitation, "laptop"))
        go_in(listener, "Near")
        page = stack.enter_context(page_at_door(there, url, invitation, "laptop"))
        go_in(page, "Far")
        first_picture(page)
        time.sleep(SETTLE)
        here, over_there = Received(listener), Received(page)
        time.sleep(seconds)
        heard_there, heard_here = over_there.since(), here.since()
        print(f"  path: {far.counts()}")
    of_far = [one for one in heard_here if one["name"] == "Far"]
    return {
        "joins": joins,
        "heard there": 100 * concealed(heard_there),
        "heard here": 100 * concealed(of_far),
    }


def figures_of_joining(folder: Path, service: Served, sizes: list[int], times: int) -> list[dict]:
    made = []
    for people in sizes:
        took = joining(service, people, times)
        show(f"join to first picture, {people} people", took)
        peer = {}
        if people <= 6:
            (folder / f"mesh{people}").mkdir()
            without = joining_without_janus(folder / f"mesh{people}", people, min(times, 3))
            show(f"the same without Janus, {people} people", without)
            peer = {"peer": "pages that send to one another", "peer_value": median(without)}
        name = f"join to first remote picture, {people} people, median"
        made.append(figure(name, median(took), "ms", goal=1000, **peer))
    return made


def figures_of_wall(service: Served, people: int, seconds: float) -> list[dict]:
    told = wall(service, people, seconds)
    cores = told["cores"]
    name = f"{people} on the wall"
    return [
        figure(f"{name}, tiles that move under the right name", told["tiles"], "tiles",
               goal=people, better="higher"),
        figure(f"{name}, the slowest tile", told["rate"], "pictures/s", goal=10, better="higher"),
        figure(f"{name}, packets of pictures lost", told["loss"], "%", goal=0.1),
        figure(f"{name}, packets lost by the others", told["others lost"], "%", goal=0.1),
        figure(f"{name}, recent speakers that each of the others sees", told["others see"],
               "people", goal=min(SPEAKERS, people - 1), better="higher"),
        figure(f"{name}, Janus", cores["janus"], "cores", goal=1),
        figure(f"{name}, the service", cores["service"], "cores"),
        figure(f"{name}, the browser", cores["browser"], "cores"),
        figure(f"{name}, the others' program", cores["participants"], "cores"),
        figure(f"{name}, what the machine had left", cores["left"], "cores", better="higher"),
    ]  # fmt: skip


def figures_of_far_side(folder: Path, service: Served, people: int, times: int, seconds: float):
    with far_network() as far:
        told = from_afar(folder, service, far, people, times, seconds)
    show(f"join from afar, {people} people", told["joins"])
    name = f"{people} people, 300 ms, 2 % loss"
    return [
        figure(f"{name}: join to first remote picture, median", median(told["joins"]), "ms",
               goal=4000),
        figure(f"{name}: sound made up over there", told["heard there"], "%", goal=5),
        figure(f"{name}: sound made up here of who is there", told["heard here"], "%", goal=5),
    ]  # fmt: skip


def median(values: list[float]) -> float:
    return statistics.median(values)


def show(name: str, values: list[float]) -> None:
    values = sorted(values)
    print(
        f"{name}: n {len(values)}, least {values[0]:.0f}, median {median(values):.0f}, "
        f"greatest {values[-1]:.0f} ms; load of the machine {os.getloadavg()[0]:.1f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="under a minute")
    parser.add_argument("--times", type=int, default=10, help="joins of each kind (10)")
    parser.add_argument("--seconds", type=float, default=20, help="that is measured (20)")
    parser.add_argument("--only", choices=("join", "wall", "far"), help="one part alone")
    asked = parser.parse_args()
    times, seconds = (3, 4.0) if asked.quick else (asked.times, asked.seconds)
    with tempfile.TemporaryDirectory(prefix="conf-", dir="/tmp") as name:
        folder = Path(name)
        (folder / "janus").mkdir()
        figures = []
        with served(folder / "janus") as service:
            if asked.only in (None, "join"):
                sizes = [2] if asked.quick else [2, 6, 10]
                figures += figures_of_joining(folder, service, sizes, times)
            if asked.only in (None, "wall"):
                figures += figures_of_wall(service, 8 if asked.quick else WALL, seconds)
            if asked.only in (None, "far"):
                for people in [4] if asked.quick else [10, WALL]:
                    figures += figures_of_far_side(folder, service, people, times, seconds)
    print(json.dumps({"figures": figures}))


if __name__ == "__main__":
    main()
