"""A network at the other end of a bad path: far away, with losses, and little room upwards."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.go import built
from support.network import Network


@dataclass
class Far(Network):
    """`there` is where its programs are, `here` this machine as they see it."""

    device: str
    path: subprocess.Popen[str]

    def counts(self, order: str = "") -> dict[str, dict[str, int]]:
        """What went each way so far (`there`, `back`): packets, bytes, lost, full, late, failed."""
        assert self.path.stdin
        assert self.path.stdout
        self.path.stdin.write(f"{order}\n")
        self.path.stdin.flush()
        counts: dict[str, dict[str, int]] = json.loads(self.path.stdout.readline())
        return counts

    def cut(self) -> None:
        """Lose everything, without a word to anybody."""
        self.counts("cut")

    def mend(self) -> None:
        """Lose no more than before."""
        self.counts("mend")

    def unplug(self) -> None:
        """Pull the cable out over there: programs are told that there is no network."""
        _ip(f"-n {self.name} link set {self.device} down")

    def plug(self) -> None:
        """Put it in again."""
        _ip(f"-n {self.name} link set {self.device} up")
        _ip(f"-n {self.name} route add default dev {self.device}")

    @contextmanager
    def reach(self, port: int) -> Iterator[str]:
        """Let a port of this machine's own be reached from there; gives the address."""
        with socket.create_server((self.here, 0)) as ear:
            thread = threading.Thread(target=_hand_on, args=(ear, port), daemon=True)
            thread.start()
            yield f"http://{self.here}:{ear.getsockname()[1]}"
            ear.shutdown(socket.SHUT_RDWR)

    def program(self, file: Path, program: str) -> Path:
        """A script that is this program, over there: for who starts it by its path."""
        words = shlex.join(self.command(program))
        file.write_text(f'#!/bin/sh\nexec {words} "$@"\n', "utf-8")
        file.chmod(0o755)
        return file


@contextmanager
def far_network(
    round_trip: float = 0.3,
    jitter: float = 0.03,
    loss: float = 0.02,
    upwards: int = 1_000_000,
    downwards: int = 0,
    seed: int = 1,
) -> Iterator[Far]:
    """Make the network; the test is skipped where that is not possible.

    Parameters
    ----------
    round_trip, jitter : float
        Seconds. Each way takes half of the round trip, plus or minus the jitter.
    loss : float
        Chance of a packet to be lost, each way.
    upwards, downwards : int
        Bits a second from there to here, and back; 0: no limit.
    """
    if os.geteuid() != 0:
        pytest.skip("a network can only be made as root")
    if not shutil.which("ip"):
        pytest.skip("ip is not installed: the Debian package is iproute2 (make system)")
    if not os.access("/dev/net/tun", os.W_OK):
        pytest.skip("/dev/net/tun is missing: this kernel has no TUN devices")
    number = os.getpid() % 250
    name, near, far = (f"{kind}-{os.getpid()}" for kind in ("far", "tn", "tf"))
    here, there = f"10.214.{number}.1", f"10.214.{number}.2"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"networks cannot be made here: {made.stderr.strip()}")
    command = [str(built(Path(__file__).parent / "path")), "--names", f"{near},{far}"]
    command += ["--delay", f"{round_trip / 2}s", "--jitter", f"{jitter}s", "--loss", str(loss)]
    command += ["--rates", f"{downwards},{upwards}", "--seed", str(seed)]
    path = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert path.stdout
        assert path.stdout.readline() == "ready\n", "the path has not begun"
        for line in (
            f"link set {far} netns {name}",
            f"addr add {here} peer {there} dev {near}",
            f"link set {near} up",
            f"-n {name} addr add {there} peer {here} dev {far}",
            f"-n {name} link set {far} up",
            f"-n {name} link set lo up",
            f"-n {name} route add default dev {far}",
        ):
            _ip(line)
        yield Far(name, here, there, far, path)
    finally:
        path.communicate()
        subprocess.run(["ip", "netns", "del", name], check=True)


def _hand_on(ear: socket.socket, port: int) -> None:
    """Connect each who comes with a port here, until the ear is closed."""
    while True:
        try:
            caller = ear.accept()[0]
        except OSError:
            return
        called = socket.create_connection(("127.0.0.1", port))
        for one, other in ((caller, called), (called, caller)):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=_copy, args=(one, other), daemon=True).start()


def _copy(one: socket.socket, other: socket.socket) -> None:
    try:
        while data := one.recv(65536):
            other.sendall(data)
    except OSError:
        pass
    for side in (one, other):
        with suppress(OSError):
            side.shutdown(socket.SHUT_RDWR)


def _ip(line: str) -> None:
    subprocess.run(["ip", *line.split()], check=True)
