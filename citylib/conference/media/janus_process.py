"""Janus as this service runs it: a configuration of its own, reached by a UNIX socket alone."""

from __future__ import annotations

import json
import secrets
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from citylib.city.errors import CityError
from citylib.city.secrets import ensure_secret, keep_from_others, write_private
from citylib.city.settings import Settings
from citylib.conference.media.program import Program
from citylib.conference.settings import Media

PLUGIN, TRANSPORT = "libjanus_videoroom.so", "libjanus_websockets.so"
LONGEST_PATH = 107
"""Bytes of the path of a UNIX socket."""


class JanusMissing(CityError):
    """Janus is not installed, or not with what is needed of it."""


class JanusProcess:
    """Janus with the rooms' plugin and no other, listening on no port but those of media.

    Parameters
    ----------
    settings : Settings
        The installation: the configuration is written below `var`, its secrets are kept.
    media : Media
        What the city's rules say.

    Raises
    ------
    JanusMissing
        It is not installed.
    """

    def __init__(self, settings: Settings, media: Media) -> None:
        self._program_file, self._library = find_janus()
        self.folder = settings.var / "conference" / "janus"
        self._elsewhere: TemporaryDirectory[str] | None = None
        self._name_socket()
        self._media = media
        self._secrets = {
            name: ensure_secret(settings.secrets, f"janus_{name}").read_text()
            for name in ("api", "token", "rooms")
        }
        command = [self._program_file, "--configs-folder", str(self.folder)]
        self.program = Program("Janus", command, settings.var / "log" / "janus.log")

    @property
    def api_secret(self) -> str:
        """What every request has."""
        return self._secrets["api"]

    @property
    def token_secret(self) -> str:
        """What tokens of requests are signed with."""
        return self._secrets["token"]

    @property
    def rooms_key(self) -> str:
        """What a request to make a room has."""
        return self._secrets["rooms"]

    def _name_socket(self) -> None:
        # Another each time: a Janus that is just ending removes its own.
        name = f"api-{secrets.token_hex(4)}"
        self.socket = self.folder / name
        if len(bytes(self.socket)) > LONGEST_PATH:
            # A folder of the system's for temporary files, which nobody else may open either.
            self._elsewhere = self._elsewhere or TemporaryDirectory(prefix="conference-")
            self.socket = Path(self._elsewhere.name) / name

    def prepare(self) -> None:
        """Write the configuration; called before each start."""
        keep_from_others(self.folder)
        for name, wanted in (("plugins", PLUGIN), ("transports", TRANSPORT), ("none", None)):
            shutil.rmtree(self.folder / name, ignore_errors=True)
            (self.folder / name).mkdir()
            if wanted:
                (self.folder / name / wanted).symlink_to(self._library / name / wanted)
        for left in (*self.folder.glob("api-*"), *self.socket.parent.glob("api-*")):
            left.unlink(missing_ok=True)
        self._name_socket()
        for file, values in self._configuration().items():
            write_private(self.folder / file, _written(values).encode())

    def _configuration(self) -> dict[str, dict[str, Any]]:
        general = {
            "configs_folder": str(self.folder),
            "plugins_folder": str(self.folder / "plugins"),
            "transports_folder": str(self.folder / "transports"),
            "events_folder": str(self.folder / "none"),
            "loggers_folder": str(self.folder / "none"),
            "debug_level": 3,
            "debug_timestamps": True,
            "debug_colors": False,
            "api_secret": self.api_secret,
            "token_auth": True,
            "token_auth_secret": self.token_secret,
            "server_name": "conference",
            "session_timeout": 60,
            "hide_dependencies": True,
        }
        nat: dict[str, Any] = {
            # Names of other machines that no server here could look up.
            "ignore_mdns": True,
            **_given("nat_1_1_mapping", ",".join(self._media.addresses)),
            **_given("ice_enforce_list", ",".join(self._media.interfaces)),
        }
        if self._media.addresses:
            nat["keep_private_host"] = True
        first, last = self._media.ports
        return {
            "janus.jcfg": {
                "general": general,
                "media": {"rtp_port_range": f"{first}-{last}"},
                "nat": nat,
                "events": {"broadcast": False},
            },
            "janus.transport.websockets.jcfg": {
                "general": {
                    "json": "compact",
                    "ws": True,
                    "ws_unix": str(self.socket),
                    "wss": False,
                },
                "admin": {"admin_ws": False, "admin_wss": False},
            },
            "janus.plugin.videoroom.jcfg": {
                "general": {
                    "admin_key": self.rooms_key,
                    "lock_rtp_forward": True,
                    "string_ids": True,
                    "events": False,
                }
            },
        }


def find_janus() -> tuple[str, Path]:
    """The program, and the folder with its plugins and transports.

    Raises
    ------
    JanusMissing
        It is not there, or without the plugin or the transport.
    """
    program = shutil.which("janus")
    if program is None:
        raise JanusMissing("Janus is not installed: the Debian package is janus")
    lib = Path(program).resolve().parents[1] / "lib"
    for folder in sorted([*lib.glob("*/janus"), lib / "janus"]):
        if (folder / "plugins" / PLUGIN).exists() and (folder / "transports" / TRANSPORT).exists():
            return program, folder
    raise JanusMissing(f"Janus is there, but {PLUGIN} and {TRANSPORT} are not below {lib}")


def _given(key: str, value: str) -> dict[str, Any]:
    return {key: value} if value else {}


def _written(values: dict[str, Any], depth: int = 0) -> str:
    """In libconfig's form; its strings are escaped as JSON's are."""
    lines = []
    for key, value in values.items():
        if isinstance(value, dict):
            lines.append(f"{key}: {{\n{_written(value, depth + 1)}}}\n")
        else:
            lines.append(f"{key} = {json.dumps(value, ensure_ascii=False)}\n")
    return "".join("  " * depth + line for line in lines)
