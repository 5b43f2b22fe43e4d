"""The whole platform, started as a user starts it, on a folder of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import nbformat
import psutil
from nbformat.v4 import new_code_cell, new_notebook
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from citylib.city.settings import Settings

CHECKOUT = Path(__file__).parents[2]
READY = re.compile(r"^ {4}(https?://\S+)$", re.M)
ACCOUNT = re.compile(r"^ {4}(analyst|official|mayor) +([a-z0-9]{4}(?:-[a-z0-9]{4}){3})$", re.M)
# The class is what the page waits for before it shows anything.
PROBE = """
import ipywidgets
notice = "<div class='city-notice'><h1>{}</h1></div>".format
said = ipywidgets.HTML(notice("hello from the kernel"))
button = ipywidgets.Button(description="Press")
button.on_click(lambda _: setattr(said, "value", notice("pressed")))
ipywidgets.VBox([button, said])
"""


@dataclass
class Platform:
    """A running platform.

    Attributes
    ----------
    url : str
        Its address, without a slash at the end.
    accounts : dict
        The password of each account: analyst, official, mayor.
    settings : Settings
        Where its state is.
    process : subprocess.Popen
        `citylib serve`.
    output : Path
        What it printed.
    """

    url: str
    accounts: dict[str, str]
    settings: Settings
    process: subprocess.Popen[bytes]
    output: Path
    clients: list[httpx.Client] = field(default_factory=list)

    def client(self, account: str | None = None, url: str | None = None) -> httpx.Client:
        """A browser's requests without the browser; signed in when an account is named."""
        client = httpx.Client(
            base_url=url or self.url,
            follow_redirects=True,
            timeout=60,
            verify=False,  # noqa: S501
            trust_env=False,
        )
        client.headers["Sec-Fetch-Mode"] = "navigate"
        self.clients.append(client)
        if account:
            answer = sign_in(client, account, self.accounts[account])
            assert answer.status_code in (302, 303), answer.text
        return client

    def processes(self) -> list[psutil.Process]:
        """Every process that belongs to this platform, wherever it hangs in the tree."""
        mark = f"CITYLIB_CONFIG={self.settings.root / 'citylib.toml'}"
        return [process for process in psutil.process_iter() if mark in _environment(process)]

    def find(self, part: str) -> list[psutil.Process]:
        """Those of its processes whose command line has this part."""
        return [process for process in self.processes() if part in _command(process)]

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Stop it and return its exit status."""
        for client in self.clients:
            client.close()
        self.process.send_signal(number)
        return self.process.wait(60)


def sign_in(client: httpx.Client, name: str, password: str, next_url: str = "") -> httpx.Response:
    """Fill in the form of the sign-in page; redirects are not followed."""
    path = "/hub/login" + (f"?next={next_url}" if next_url else "")
    form = client.get(path)
    found = re.search(r'name="_xsrf"\s+value="([^"]+)"', form.text)
    assert found, form.text
    data = {"username": name, "password": password, "_xsrf": found.group(1)}
    return client.post(path, data=data, follow_redirects=False)


def websocket(
    platform: Platform,
    path: str,
    client: httpx.Client | None = None,
    protocols: Sequence[str] = (),
    origin: str | None = None,
) -> ClientConnection:
    """Open a websocket as the browser of `client` would."""
    told = {"Sec-Fetch-Mode": "websocket"}
    url = platform.url.replace("http", "ws", 1) + path
    if client:
        told["Cookie"] = "; ".join(f"{c.name}={c.value}" for c in client.cookies.jar)
        url += f"?_xsrf={[c.value for c in client.cookies.jar if c.name == '_xsrf'][-1]}"
    return connect(
        url,
        additional_headers=told,
        origin=Origin(origin or platform.url),
        subprotocols=[Subprotocol(name) for name in protocols] or None,
        proxy=None,
    )


def kernel_of(page: str) -> str:
    found = re.search(r'"kernelId": "([0-9a-f-]{36})"', page)
    assert found, page[:2000]
    return found.group(1)


def make_root(folder: Path, dashboards: Path | None = None, cameras: bool = False) -> Settings:
    """An installation in a folder of its own: the checkout's city, its own state.

    Without `dashboards` it has one of the kind that needs no data; with `cameras` the city's are
    there, simulated, which starts two services more.
    """
    folder.mkdir(parents=True, exist_ok=True)
    profile = CHECKOUT / "cities" / "seoul"
    if not cameras:
        profile, whole = folder / "city", profile
        profile.mkdir()
        for part in whole.iterdir():
            if not part.name.startswith("cameras"):
                (profile / part.name).symlink_to(part)
    (folder / "citylib.toml").write_text(f'profile = "{profile}"\nvar = "var"\n')
    if dashboards:
        (folder / "dashboards").symlink_to(dashboards)
    else:
        (folder / "dashboards").mkdir(exist_ok=True)
        write_notebook(folder / "dashboards" / "mayor.ipynb", PROBE)
    (folder / "notebooks").mkdir(exist_ok=True)
    write_notebook(folder / "notebooks" / "first.ipynb", "6 * 7")
    return Settings.load(folder)


def write_notebook(path: Path, *cells: str) -> None:
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = new_notebook(
        cells=[new_code_cell(cell.strip()) for cell in cells], metadata={"kernelspec": kernel}
    )
    nbformat.write(notebook, path)


@contextmanager
def running(
    settings: Settings,
    *arguments: str,
    refresh: bool = False,
    feeds: bool = False,
    wait: float = 120,
) -> Iterator[Platform]:
    """Run `citylib serve` until the block ends; figures stay as they are unless `feeds`."""
    output = settings.root / "output.txt"
    # Not what the tests themselves were told.
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("CITYLIB_")
    }
    command = [sys.executable, "-m", "citylib.cli", "--config", str(settings.root), "serve"]
    if not refresh:
        command.append("--no-refresh")
    if not feeds:
        command.append("--no-feeds")
    environment["CITYLIB_CONFIG"] = str(settings.root / "citylib.toml")
    with output.open("wb") as file:
        process = subprocess.Popen(
            [*command, *arguments],
            cwd=settings.root,
            env=environment,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_until(lambda: "Ctrl-C stops" in output.read_text() or process.poll() is not None, wait)
        printed = output.read_text()
        found = READY.search(printed)
        assert found, f"{printed}\n{_log(settings)}"
        platform = Platform(
            found.group(1).rstrip("/"), dict(ACCOUNT.findall(printed)), settings, process, output
        )
        yield platform
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def wait_until(condition: Callable[[], object], seconds: float = 30, pause: float = 0.1) -> None:
    """Wait for a condition; fail when it does not hold in time."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"not within {seconds} s: {condition}"
        time.sleep(pause)


def _log(settings: Settings) -> str:
    log = settings.var / "log" / "hub.log"
    return log.read_text("utf-8", "replace")[-8000:] if log.is_file() else ""


def _environment(process: psutil.Process) -> str:
    try:
        return Path(f"/proc/{process.pid}/environ").read_text("utf-8", "replace") + "\0"
    except OSError:
        return ""


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""
