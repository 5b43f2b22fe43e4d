"""Where a camera is reached, and whether that may be: the only place that knows addresses."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import socket
from dataclasses import dataclass, field, replace
from urllib.parse import quote, urljoin, urlsplit

from citylib.cameras.gateway.faults import Fault
from citylib.cameras.registry.imports import secret_file
from citylib.cameras.registry.model import Camera, Rules
from citylib.city.settings import Settings

PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}
SIMULATOR = "CITYLIB_CAMERA_SIMULATOR"
"""Environment variable with host and port of the simulator."""
LOOKUP = 2.0
"""Seconds that looking a name up may take."""
NAT64 = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True)
class Target:
    """Where to go: `source` is what is there. Never printed."""

    source: str
    url: str = field(repr=False)
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    own: bool = False

    @property
    def host(self) -> str:
        """Name or address of the host."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """Port, of the scheme if the address has none."""
        parts = urlsplit(self.url)
        return parts.port or PORTS[parts.scheme]

    @property
    def encrypted(self) -> bool:
        """Whether it is reached by TLS."""
        return urlsplit(self.url).scheme in ("rtsps", "https")

    def at(self, location: str) -> Target:
        """The target that this one leads to; another host or port gets no credentials.

        Raises
        ------
        Fault
            There is no such place.
        """
        try:
            url = urljoin(self.url.replace("rtsp", "http", 1), location)
            if self.source == "rtsp" and "://" not in location:
                url = url.replace("http", "rtsp", 1)
            there = replace(self, url=url, own=False)
            allowed = ("rtsp", "rtsps") if self.source == "rtsp" else ("http", "https")
            if urlsplit(url).scheme not in allowed or not there.host:
                raise ValueError("another scheme")
            same = (there.host, there.port) == (self.host, self.port)
        except ValueError:
            raise Fault("forbidden", "it leads to something that is no camera") from None
        if same and there.encrypted >= self.encrypted:
            return replace(there, own=self.own)
        return replace(there, user="", password="")


class Targets:
    """Finds where cameras are, and refuses what is not to be reached.

    Parameters
    ----------
    settings : Settings
        Where secrets are.
    rules : Rules
        The city's.
    """

    def __init__(self, settings: Settings, rules: Rules) -> None:
        self._secrets = settings.secrets
        self._rules = rules
        self._networks = [ipaddress.ip_network(text) for text in rules.networks]

    def of(self, camera: Camera) -> Target:
        """Where a camera is reached.

        Raises
        ------
        Fault
            Its credentials are not there, or it is simulated and there is no simulator.
        """
        if camera.engine:
            engine = self._rules.engine[camera.engine]
            url = engine.address.get_secret_value().replace("{id}", quote(camera.id, safe=""))
            return Target(engine.source, url, *self._credentials(engine.credentials))
        url = camera.address.get_secret_value()
        if camera.source == "simulated":
            place, kind = os.environ.get(SIMULATOR, ""), urlsplit(url).path
            if not place:
                raise Fault("dead", "the simulator does not run")
            source = "rtsp" if kind in ("rtsp", "h265") else kind
            scheme = "rtsp" if source == "rtsp" else "http"
            return Target(source, f"{scheme}://{place}/{kind}/{camera.id}", own=True)
        return Target(camera.source, url, *self._credentials(camera.credentials))

    def fault_of(self, camera: Camera) -> str | None:
        """What is wrong with what a camera names, as far as that can be known without asking it."""
        try:
            target = self.of(camera)
        except Fault as fault:
            return None if camera.source == "simulated" else fault.detail
        try:
            address = ipaddress.ip_address(target.host)
        except ValueError:
            return None
        return None if target.own or self.allows(str(address)) else _NOT_ALLOWED

    async def resolve(self, target: Target) -> str:
        """The address to connect to; whoever connects uses it and does not look the name up again.

        Raises
        ------
        Fault
            The name is unknown, or one of its addresses is in a network that is not allowed.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(LOOKUP):
                found = await loop.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError, TimeoutError):
            raise Fault("dead", "the name of its host is unknown") from None
        addresses = list(dict.fromkeys(str(place[0]) for *_, place in found))
        if not target.own:
            for address in addresses:
                if not self.allows(address):
                    raise Fault("forbidden", _NOT_ALLOWED)
        return addresses[0]

    def allows(self, address: str) -> bool:
        """Whether an address may be connected to: it is public, or in the city's networks."""
        one = ipaddress.ip_address(address.partition("%")[0])
        if isinstance(one, ipaddress.IPv6Address):
            inner = one.ipv4_mapped or one.sixtofour
            if inner is None and one in NAT64:
                inner = ipaddress.IPv4Address(int(one) & 0xFFFFFFFF)
            if inner is not None:
                return self.allows(str(inner))
        if any(one.version == network.version and one in network for network in self._networks):
            return True
        return one.is_global and not one.is_multicast

    def _credentials(self, name: str | None) -> tuple[str, str]:
        if name is None:
            return "", ""
        path = self._secrets / secret_file(name)
        try:
            if path.stat().st_mode & 0o077:
                raise Fault("secret", f"the secret {name} can be read by others: chmod 600 it")
            user, mark, password = path.read_text("utf-8").strip("\r\n").partition(":")
        except (OSError, UnicodeDecodeError):
            raise Fault("secret", f"there is no secret {name}, or it cannot be read") from None
        if not mark:
            raise Fault("secret", f"the secret {name} is not written as name:password")
        return user, password


_NOT_ALLOWED = (
    "its address is inside a network that is not allowed; if cameras stand there, "
    "name it under networks in cameras.toml"
)
