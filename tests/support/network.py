"""A second network on this machine, joined to it by one cable."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest


@dataclass
class Network:
    """`here` is this machine's address on the cable; `name` is the network at its other end."""

    name: str
    here: str
    there: str

    def command(self, *words: str) -> list[str]:
        """A command line that runs over there."""
        return ["ip", "netns", "exec", self.name, *words]


@contextmanager
def second_network() -> Iterator[Network]:
    """Make the network; skips the test where that is not possible."""
    if os.geteuid() != 0:
        pytest.skip("a network can only be made as root")
    if not shutil.which("ip"):
        pytest.skip("ip is not installed: the Debian package is iproute2 (make system)")
    # Several test runs on one machine have networks of their own.
    number = os.getpid() % 250
    network = Network(f"city-{os.getpid()}", f"10.213.{number}.1", f"10.213.{number}.2")
    near, far = f"cn{os.getpid()}", f"cf{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", network.name], capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"networks cannot be made here: {made.stderr.strip()}")
    try:
        for line in (
            f"link add {near} type veth peer name {far} netns {network.name}",
            f"addr add {network.here}/30 dev {near}",
            f"link set {near} up",
            f"-n {network.name} addr add {network.there}/30 dev {far}",
            f"-n {network.name} link set {far} up",
            f"-n {network.name} link set lo up",
        ):
            subprocess.run(["ip", *line.split()], check=True)
        yield network
    finally:
        subprocess.run(["ip", "netns", "del", network.name], check=True)
