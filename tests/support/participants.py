"""Participants of a conference that are no browsers: many in one process, real media."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from support.film import make_films
from support.go import CHECKOUT, built

BOTS = CHECKOUT / "benchmarks" / "conference_bots"
FILMS = CHECKOUT / ".tools" / "films"


class Participants:
    """Those of one process; `process` is what they run in."""

    def __init__(self, process: subprocess.Popen[str], count: int) -> None:
        self.process, self.count = process, count

    def ask(self, order: str) -> dict[str, Any]:
        """Answer to an order: see the program's main.go."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(order + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"the participants' program ended with {self.process.wait()}"
        answer: dict[str, Any] = json.loads(line)
        assert "error" not in answer, answer
        return answer

    def stats(self) -> list[dict[str, Any]]:
        """What each has counted: see `told` in the program's bot.go."""
        return list(self.ask("stats")["bots"])

    def processor(self) -> float:
        """Seconds of processor that the program has used."""
        return float(self.ask("stats")["processor"])

    def wait(self, holds: Callable[[dict[str, Any]], object], seconds: float = 30) -> None:
        """Wait until something holds for every one of them."""
        until = time.monotonic() + seconds
        while missing := [one for one in self.stats() if not holds(one)]:
            assert time.monotonic() < until, f"{len(missing)} not within {seconds} s: {missing[0]}"
            time.sleep(0.2)

    def wait_until_in(self, seconds: float = 60) -> None:
        """Wait until all are in the room and see somebody, where there is more than one."""
        self.wait(lambda one: one["state"] == "in" and (self.count == 1 or one["first"]), seconds)


def seen(one: dict[str, Any]) -> set[str]:
    """Whose camera's pictures came to a participant since the last `reset`."""
    return {who for who, pictures in one["cameras"].items() if pictures}


def lost(told: Sequence[dict[str, Any]], what: str = "picture") -> float:
    """Part of the packets (of "picture" or "sound") that did not come."""
    expected = sum(one[what]["expected"] for one in told)
    return 1 - sum(one[what]["packets"] for one in told) / max(expected, 1)


@contextmanager
def participants(
    service: str,
    invitations: Sequence[str],
    count: int,
    *,
    first: int = 0,
    name: str = "Bot",
    videos: str = "recent",
    layers: Sequence[str] = (),
    pause: float = 0.1,
    turn: float = 2.0,
    command: Callable[..., list[str]] | None = None,
) -> Iterator[Participants]:
    """Let them come in, one after the other.

    Parameters
    ----------
    service : str
        Address of the conference service, with a slash at its end.
    invitations : sequence of str
        One for each; the last is for all further ones.
    first : int
        Number of the first of them; their pictures and names tell their numbers.
    layers : sequence of str
        Sizes that a picture is sent in, largest first; none: the smallest alone.
    pause, turn : float
        Seconds from one coming to the next, and that one of them speaks (0: nobody).
    command : callable, optional
        Makes a command line that runs elsewhere, as `Network.command` does.
    """
    numbers = range(first, first + count)
    make_films(FILMS, numbers, tuple(layers) or ("l",))
    program = str(built(BOTS))
    process = subprocess.Popen(
        command(program) if command else [program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    plan = {
        "socket": service.replace("http", "ws", 1) + "socket",
        "origin": "/".join(service.split("/")[:3]),
        "invitations": list(invitations),
        "name": name,
        "first": first,
        "count": count,
        "videos": videos,
        "media": str(FILMS),
        "layers": list(layers),
        "pause": int(1000 * pause),
        "turn": turn,
        "seed": 1,
    }
    started = Participants(process, count)
    try:
        started.ask(json.dumps(plan))
        yield started
    finally:
        try:
            process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
