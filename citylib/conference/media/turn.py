"""The relay (TURN) for browsers whose network lets nothing else through: coturn, or another's."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import ipaddress
import logging
import os
import shutil
import signal
import socket
import time
from pathlib import Path
from typing import Any

import psutil

from citylib.city.errors import CityError
from citylib.city.secrets import SecretError, ensure_secret, keep_from_others, write_private
from citylib.city.settings import Settings
from citylib.conference.media.program import Program
from citylib.conference.settings import Rules

log = logging.getLogger(__name__)

VALID = 12 * 3600
"""Seconds that credentials hold; whoever has them may relay so long, so it is no more than a day
of work. A page gets new ones long before."""
CERTIFICATE_EVERY = 60.0
"""Seconds between two looks whether the certificate was renewed."""
MOST_OF_ONE, MOST_OF_ALL = 24, 1200
"""Relayed addresses: two connections, each by three ways, for some time double."""
BYTES_OF_ONE = 2_000_000
"""Of one relayed address in a second."""
REALM = "conference"
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104
DENIED = (
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
    *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16"),
    *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
    # Not ::/127: coturn 4.6 would find every IPv4 address in it. It refuses :: by itself.
    *("::1/128", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23"),
    *("2002::/16", "fc00::/7", "fe80::/10", "ff00::/8"),
)
"""Networks that are not public: a relay into them would be a way into the city's own."""


class Relay:
    """The relay of an installation, and the servers that a browser is told of.

    Parameters
    ----------
    settings : Settings
        The installation.
    rules : Rules
        What the city says of its conferences.
    certificate, key : Path, optional
        Of the installation; without them there is no relay over TLS here.
    bind : str
        The address that the platform listens on.
    """

    def __init__(
        self,
        settings: Settings,
        rules: Rules,
        certificate: Path | None = None,
        key: Path | None = None,
        bind: str = "0.0.0.0",  # noqa: S104
    ) -> None:
        self._rules, self._turn = rules, rules.turn
        self._certificate = certificate if certificate and key else None
        self._key = key
        self._listen = self._turn.listen or (() if bind in EVERYWHERE else (bind,))
        self._folder = settings.var / "conference" / "turn"
        self._secret = _secret(settings.secrets, self._turn.outside)
        program = shutil.which("turnserver")
        wanted = self._turn.run and not self._turn.outside
        self.missing = ""
        self._coturn: Program | None = None
        if wanted and program is None:
            self.missing = "coturn is not installed: the Debian package is coturn"
            log.warning("%s; browsers behind strict firewalls cannot take part", self.missing)
        elif wanted and program:
            command = [program, "-c", str(self._folder / "turnserver.conf")]
            self._coturn = Program("coturn", command, settings.var / "log" / "coturn.log")
        self.port, self.tls_port = self._turn.port, self._turn.tls_port

    async def run(self, stop: asyncio.Event) -> None:
        """Keep coturn running until told to stop, where it is run here."""
        if self._coturn is None:
            await stop.wait()
            return
        await self._coturn.keep(stop, self._prepare, self._watch_certificate)

    def ice_servers(self, who: str, host: str) -> list[dict[str, Any]]:
        """What a browser is told, with credentials of its own that hold for 12 hours.

        Parameters
        ----------
        who : str
            The participant; stands in the relay's log and is counted for the quota.
        host : str
            The name by which the browser reached this service, without a port.
        """
        servers: list[dict[str, Any]] = []
        if self._rules.media.stun:
            servers.append({"urls": [f"stun:{one}" for one in self._rules.media.stun]})
        if self._coturn is None and not self._turn.outside:
            return servers
        host = self._turn.host or host.strip("[]")
        host = f"[{host}]" if ":" in host else host
        urls = [f"turn:{host}:{self.port}?transport={way}" for way in ("udp", "tcp")]
        if self._certificate or self._turn.outside:
            urls.append(f"turns:{host}:{self.tls_port}?transport=tcp")
        user = f"{int(time.time()) + VALID}:{who}"
        # The form is that of coturn and its like: HMAC-SHA1.
        mac = hmac.new(self._secret.encode(), user.encode(), hashlib.sha1)
        password = base64.b64encode(mac.digest()).decode()
        return [*servers, {"urls": urls, "username": user, "credential": password}]

    def _prepare(self) -> None:
        keep_from_others(self._folder)
        self.port = self._free(self.port)
        if self._certificate:
            self.tls_port = self._free(self.tls_port)
        text = "".join(f"{line}\n" for line in self._configuration())
        write_private(self._folder / "turnserver.conf", text.encode())

    def _configuration(self) -> list[str]:
        first, last = self._turn.relay_ports
        here = _outward() or ["127.0.0.1"]
        lines = [
            *(f"listening-ip={address}" for address in self._listen),
            f"listening-port={self.port}",
            *(f"min-port={first}", f"max-port={last}"),
            *("use-auth-secret", f"static-auth-secret={self._secret}", f"realm={REALM}"),
            *("fingerprint", "stale-nonce=600", "no-software-attribute", "no-rfc5780"),
            *("no-cli", "no-tcp-relay", "no-multicast-peers", "no-dtls"),
            *("no-tlsv1", "no-tlsv1_1", "no-stun-backward-compatibility"),
            *(f"user-quota={MOST_OF_ONE}", f"total-quota={MOST_OF_ALL}"),
            f"max-bps={BYTES_OF_ONE}",
            *("log-file=stdout", "simple-log", "new-log-timestamp"),
            f"userdb={self._folder / 'users.db'}",
            f"pidfile={self._folder / 'pid'}",
            *(f"denied-peer-ip={_ends(network)}" for network in DENIED),
            *(f"allowed-peer-ip={_ends(network)}" for network in self._turn.networks),
            # Janus is here, and so are the relayed addresses of others.
            *(f"allowed-peer-ip={one}" for one in (*here, *self._rules.media.addresses)),
        ]
        if any(_is_loopback(address) for address in self._listen):
            lines.append(f"relay-ip={here[0]}")
        if _is_loopback(here[0]):
            lines.append("allow-loopback-peers")
        lines += [f"external-ip={address}" for address in self._rules.media.addresses[:1]]
        if self._certificate:
            lines += [f"cert={self._certificate}", f"pkey={self._key}"]
            lines.append(f"tls-listening-port={self.tls_port}")
        else:
            lines.append("no-tls")
        return lines

    def _free(self, port: int) -> int:
        """The port, or another where somebody else has it."""
        for address in self._listen or ("0.0.0.0",):  # noqa: S104
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            with socket.socket(family) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((address, port))
                except PermissionError:
                    raise CityError(
                        f"coturn may not listen on port {port}: allow the service ports below 1024 "
                        "(CAP_NET_BIND_SERVICE), or name another under turn in conference.toml"
                    ) from None
                except OSError:
                    probe.bind((address, 0))
                    other = int(probe.getsockname()[1])
                    log.warning("port %d is taken; the relay listens on %d", port, other)
                    return other
        return port

    async def _watch_certificate(self) -> None:
        """Tell coturn when the certificate was renewed."""
        known = self._changed()
        while True:
            await asyncio.sleep(CERTIFICATE_EVERY)
            now = await asyncio.to_thread(self._changed)
            if now != known and self._coturn and self._coturn.pid:
                known = now
                os.kill(self._coturn.pid, signal.SIGUSR2)

    def _changed(self) -> float:
        try:
            return self._certificate.stat().st_mtime if self._certificate else 0.0
        except OSError:
            return 0.0


def _secret(folder: Path, outside: bool) -> str:
    path = folder / "conference_turn"
    if outside and not path.is_file():
        raise SecretError(
            f"{path} is missing: write the secret into it that the relay named under turn in "
            "conference.toml shares, and chmod 600"
        )
    return ensure_secret(folder, path.name).read_text().strip()


def _outward() -> list[str]:
    """Addresses of this machine where Janus and the relay itself are; no loopback."""
    found = (
        address.address
        for addresses in psutil.net_if_addrs().values()
        for address in addresses
        if address.family == socket.AF_INET
    )
    return sorted(one for one in found if not _is_loopback(one))


def _is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address).is_loopback


def _ends(network: str) -> str:
    known = ipaddress.ip_network(network)
    return f"{known[0]}-{known[-1]}"
