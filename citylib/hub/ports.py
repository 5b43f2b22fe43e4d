"""Ports of this installation, so that several can run on one machine."""

from __future__ import annotations

import random
import socket
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from citylib.city.errors import CityError

FIRST = 8000
# Below the range from which the system takes ports for outgoing connections.
INSIDE = range(20_000, 32_000)


class PortError(CityError):
    """The wanted port is taken."""


class Ports(BaseModel):
    """`address` is the one people use; the others are reached from this machine alone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: int
    hub: int
    proxy: int
    dashboards: int
    public: int
    cameras: int
    simulator: int
    conference: int

    def inside(self) -> tuple[int, ...]:
        """The ports that only the parts of the platform use among themselves."""
        return tuple(getattr(self, name) for name in Ports.model_fields if name != "address")


def choose(file: Path, bind: str, wanted: int | None = None) -> Ports:
    """Choose free ports and note them in `file`, the same as last time where they are free.

    Raises
    ------
    PortError
        `wanted` is taken.
    """
    last = read(file)
    if wanted is not None and not (is_free(wanted, bind) and _reserve(wanted)):
        raise PortError(f"port {wanted} is taken; choose another or leave it to the platform")
    address = wanted or next(
        port for port in range(FIRST, 65_000) if is_free(port, bind) and _reserve(port)
    )
    if last and all(is_free(port) for port in last.inside()):
        ports = last.model_copy(update={"address": address})
    else:
        found: list[int] = []
        names = [name for name in Ports.model_fields if name != "address"]
        while len(found) < len(names):
            port = random.choice(INSIDE)  # noqa: S311
            if port not in found and is_free(port):
                found.append(port)
        ports = Ports(address=address, **dict(zip(names, found, strict=True)))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(ports.model_dump_json())
    return ports


_reserved: list[socket.socket] = []


def _reserve(port: int) -> bool:
    """Keep a port for this process until it ends: another platform may be starting just now."""
    held = socket.socket(socket.AF_UNIX)
    try:
        held.bind(f"\0city-platform-{port}")
    except OSError:
        held.close()
        return False
    _reserved.append(held)
    return True


def read(file: Path) -> Ports | None:
    """The ports noted in `file`; None when there are none."""
    try:
        return Ports.model_validate_json(file.read_text())
    except (FileNotFoundError, ValidationError):
        return None


def is_free(port: int, bind: str = "127.0.0.1") -> bool:
    """Whether a server could listen there now."""
    with socket.socket(socket.AF_INET6 if ":" in bind else socket.AF_INET) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((bind, port))
        except OSError:
            return False
        return True
