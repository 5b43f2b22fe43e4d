"""A conference that runs as a process of its own and can be killed, and pages that take part.

Each page has a colour and a tone of its own instead of camera and microphone, so that who is seen
and heard can be told by pixels and by energy.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, BrowserContext, Page
from support.hall import free_port, some_ports

HERE = Path(__file__).parent
SCRIPT = HERE / "meetings.js"
HUES = (0, 120, 240, 60, 300, 180, 30, 270)
PREFIX = "/services/conference/"


def soon(what: Callable[[], Any], seconds: float = 15, said: Callable[[], Any] | str = "") -> float:
    """Wait until something holds; gives the seconds that it took."""
    begun = time.monotonic()
    while not what():
        late = time.monotonic() - begun > seconds
        assert not late, f"not within {seconds} s: {said() if callable(said) else said}"
        time.sleep(0.04)
    return time.monotonic() - begun


class Meetings:
    """The service; `kim` is the mayor, as far as its hub knows.

    Parameters
    ----------
    folder : Path
        Where its state is kept.
    carrier : {"janus", "mesh"}
        What carries the rooms.
    """

    def __init__(self, folder: Path, carrier: str, host: str = "127.0.0.1") -> None:
        self.folder, self.carrier, self.host = folder, carrier, host
        self.port, self.udp = free_port(), some_ports()
        self.url = f"http://{host}:{self.port}{PREFIX}"
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Meetings:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(15)

    def start(self) -> None:
        """Begin, and wait until it answers."""
        words = [self.folder, self.port, self.carrier, *self.udp, self.host]
        paths = os.pathsep.join([str(HERE.parent), *sys.path])
        with (self.folder.parent / "meetings.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "support.meeting_service", *map(str, words)],
                env={**os.environ, "PYTHONPATH": paths},
                stdout=log,
                stderr=log,
            )
        try:
            soon(self._answers, 150)
        except AssertionError:
            self.kill()
            raise

    def kill(self) -> None:
        """End it without a chance to say so."""
        assert self.process
        self.process.kill()
        self.process.wait()

    def _answers(self) -> bool:
        assert self.process
        assert self.process.poll() is None, (self.folder.parent / "meetings.log").read_text()
        try:
            return httpx.get(f"{self.url}join/", trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    def ask(self, method: str, path: str, **values: Any) -> Any:
        """As the mayor, over HTTP."""
        headers = {"Authorization": "token kim"}
        answer = httpx.request(
            method, self.url + path, headers=headers, json=values or None, trust_env=False
        )
        assert answer.is_success, answer.text
        return answer.json() if answer.content else {}

    def room(self, **values: Any) -> str:
        """A room where guests come in by themselves; its id."""
        values = {"title": "Flood on the river", "waiting_room": False, **values}
        return str(self.ask("POST", "rooms", **values)["room"]["id"])

    def invite(self, room: str, role: str = "speaker", **values: Any) -> str:
        """The link of an invitation."""
        made = self.ask("POST", f"rooms/{room}/invitations", role=role, **values)
        return str(made["invitation"]["link"])


@dataclass
class Seat:
    """A page that takes part; `hue` and `tone` are its own."""

    page: Page
    hue: int
    tone: int
    faults: list[str] = field(default_factory=list)

    @property
    def id(self) -> str:
        """Of the participant."""
        return str(self.page.evaluate("meeting.room.you"))

    @property
    def state(self) -> str:
        """Of the room."""
        return str(self.page.evaluate("meeting.room?.state ?? ''"))

    def enter(self, name: str) -> None:
        """Go in by the door."""
        self.page.fill("input[name=name]", name)
        self.page.click(".door form .main")

    def knows(self, other: Seat) -> dict[str, Any] | None:
        """What this page knows of another participant."""
        told: dict[str, Any] | None = self.page.evaluate(
            "id => meeting.room.participants.get(id) ?? null", other.id
        )
        return told

    def sees(self, other: Seat) -> bool:
        """Whether the other's picture is here, and moves."""
        seen = self.page.evaluate("id => proofs.sees(id)", other.id)
        return bool(seen["moved"]) and near(seen["hue"], other.hue)

    def hears(self, other: Seat) -> bool:
        """Whether the other's tone is heard here."""
        return bool(
            self.page.evaluate("([id, tone]) => proofs.hears(id, tone)", [other.id, other.tone])
            > 0.02
        )

    def quiet(self, other: Seat) -> bool:
        """Whether nothing at all is heard of the other."""
        return bool(self.page.evaluate("id => proofs.loud(id)", other.id) < 0.002)

    def told(self) -> str:
        """What this page knows, for who reads a fault."""
        return str(self.page.evaluate("proofs.told()"))


def near(hue: float, other: float) -> bool:
    """Whether two hues are the same, as well as a codec keeps them."""
    return abs((hue - other + 180) % 360 - 180) < 16


def together(seats: list[Seat], seconds: float = 20) -> float:
    """Wait until each sees and hears each other; gives the seconds that it took."""
    begun = time.monotonic()
    people = [[seat.id, seat.tone, seat.hue] for seat in seats]
    for one in seats:
        others = [told for seat, told in zip(seats, people, strict=True) if seat is not one]

        def met(one: Seat = one, others: list[list[Any]] = others) -> bool:
            return bool(one.page.evaluate("others => proofs.met(others)", others))

        soon(met, seconds, one.told)
    return time.monotonic() - begun


def sit(
    browser: Browser,
    link: str,
    place: int = 0,
    devices: str = "given",
    rate: int = 10,
    **options: Any,
) -> Seat:
    """Open a page at the door; `devices`: "given", "denied", "none", "busy"; `rate`: pictures a
    second of its camera."""
    options = {"viewport": {"width": 800, "height": 600}, "locale": "en-US", **options}
    context: BrowserContext = browser.new_context(**options)
    context.set_default_timeout(20_000)
    hue, tone = HUES[place % len(HUES)], 400 + 150 * place
    context.add_init_script(
        f"globalThis.proof = {{hue: {hue}, tone: {tone}, devices: '{devices}', rate: {rate}}}"
    )
    context.add_init_script(path=SCRIPT)
    page = context.new_page()
    seat = Seat(page, hue, tone)
    page.on("console", lambda said: seat.faults.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: seat.faults.append(str(error)))
    page.goto(link)
    return seat
