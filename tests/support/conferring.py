"""The conference service as a process, for tests that use real browsers and for benchmarks."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
from support.conference import PREFIX, TOKENS, hub, settings_of
from support.hall import free_port, some_ports


@dataclass
class Served:
    """The running service; `url` is its address, with a slash at the end."""

    folder: Path
    port: int
    told: dict[str, str]
    process: subprocess.Popen[bytes] | None = None
    _client: httpx.Client = field(default_factory=lambda: httpx.Client(trust_env=False, timeout=30))

    @property
    def origin(self) -> str:
        """Where pages of this machine find it."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """Address of the service for pages of this machine."""
        return self.origin + PREFIX

    def ask(self, method: str, path: str, **values: Any) -> dict[str, Any]:
        """What an official's page asks of the service."""
        headers = {"Origin": self.origin, "Authorization": "token kim"}
        answer = self._client.request(method, self.url + path, headers=headers, json=values)
        assert answer.is_success, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def room(self, title: str = "Flood", **values: Any) -> str:
        """Make a room that lets everybody in at once; gives its id."""
        made = self.ask("POST", "rooms", title=title, waiting_room=False, **values)
        return str(made["room"]["id"])

    def invite(self, room: str, most_uses: int = 1000, **values: Any) -> str:
        """An invitation for many; gives what stands behind the # of its link."""
        made = self.ask("POST", f"rooms/{room}/invitations", most_uses=most_uses, **values)
        return str(made["invitation"]["link"].partition("#")[2])

    def python(self) -> psutil.Process:
        """The service's own process."""
        assert self.process
        return psutil.Process(self.process.pid)

    def janus(self) -> psutil.Process:
        """The process that carries the media."""
        children = self.python().children(recursive=True)
        return next(one for one in children if one.name() == "janus")

    def start(self) -> None:
        """Start it, where it was before."""
        environment = {name: text for name, text in os.environ.items() if "CITYLIB" not in name}
        environment |= self.told | {
            "CITYLIB_CONFIG": str(self.folder / "citylib.toml"),
            "JUPYTERHUB_SERVICE_URL": self.origin,
        }
        command = [sys.executable, "-m", "citylib.cli", "conference", "run"]
        with (self.folder / "service.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=self.folder, env=environment, stdout=log, stderr=log
            )
        until = time.monotonic() + 60
        while True:
            assert self.process.poll() is None, self.log()
            assert time.monotonic() < until, f"the service does not answer\n{self.log()}"
            with suppress(httpx.HTTPError):
                self._client.get(f"{self.url}nothing")
                return
            time.sleep(0.05)

    def stop(self) -> None:
        """End it as the hub does."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)

    def log(self) -> str:
        """The end of what it wrote."""
        return (self.folder / "service.log").read_text("utf-8", "replace")[-8000:]


@contextmanager
def served(folder: Path, rules: str = "") -> Iterator[Served]:
    """Start the service on a made-up city, behind a hub that only knows tokens.

    Parameters
    ----------
    rules : str
        More of `conference.toml`; its `[media]` is begun already.
    """
    first, last = some_ports()
    settings_of(folder, f"[media]\nports = [{first}, {last}]\n{rules}")
    with _hub() as told:
        service = Served(folder, free_port(), told)
        try:
            service.start()
            yield service
        finally:
            service.stop()


@contextmanager
def _hub() -> Iterator[dict[str, str]]:
    """The hub, in a loop of its own; gives what services are told of it."""
    loop = asyncio.new_event_loop()
    opened = hub(dict(TOKENS))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield asyncio.run_coroutine_threadsafe(opened.__aenter__(), loop).result(10)
        asyncio.run_coroutine_threadsafe(opened.__aexit__(None, None, None), loop).result(10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
