"""`citylib serve`: from a checkout to an address and the accounts, until Ctrl-C."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil

from citylib.access.accounts import Accounts
from citylib.city.errors import CityError
from citylib.city.processes import end_with_parent
from citylib.city.settings import FILE, Settings
from citylib.hub import data, ports
from citylib.hub.found import missing
from citylib.hub.installation import CHECKOUT, Installation
from citylib.hub.ready import answers
from citylib.hub.supervise import Supervisor
from citylib.hub.tls import ensure_certificate, machine_hosts
from citylib.operations import Store

EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104
ACCOUNTS = {"analyst": "analyst", "official": "official", "mayor": "mayor"}
LARGEST_LOG = 20_000_000
SINGLE_USER = "jupyterhub.singleuser"


class ServeError(CityError):
    """The platform cannot be started, or did not come up."""


def main(
    settings: Settings | None = None,
    *,
    https: bool = False,
    hosts: Sequence[str] = (),
    port: int | None = None,
    refresh: bool = True,
    feeds: bool = True,
) -> int:
    """Run the platform until Ctrl-C, SIGTERM or the terminal's hang-up; then stop all of it.

    Parameters
    ----------
    settings : Settings, optional
        The installation; by default what `Settings.load` finds.
    https : bool
        Speak HTTPS on all interfaces, with the certificate that `CITYLIB_TLS_CERT` and
        `CITYLIB_TLS_KEY` name, or one made for this machine and `hosts`.
    hosts : sequence of str
        More names or addresses by which this machine is reached.
    port : int, optional
        The port of the address; by default 8000 or the next free one.
    refresh : bool
        Bring records, figures and public pages up to date first.
    feeds : bool
        Ask the city's feeds for new records.

    Returns
    -------
    int
        The exit status.

    Raises
    ------
    ServeError
        It runs already, the data could not be brought up to date, or the hub does not start.
    """
    # A shell starts what is in its background with SIGINT ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    settings = settings or Settings.load()
    os.environ["CITYLIB_CONFIG"] = str(settings.root / FILE)
    here = Installation.load()
    if not feeds:
        here = replace(here, feeds=False)
    if https:
        here = _with_https(here, hosts)
    with _alone(here):
        ports.choose(here.state / "ports.json", here.bind, port)
        with Store(settings.database) as store:
            store.migrate()
        try:
            if refresh:
                _refresh(here)
        except KeyboardInterrupt:
            print("\nStopped (SIGINT).", flush=True)
            return 130
        return _supervise(here, hosts)


def ensure_accounts(settings: Settings) -> dict[str, str | None]:
    """Make the accounts of the first start; a password for each that is new, else None."""
    with Store(settings.database) as store:
        accounts = Accounts(store)
        return {name: accounts.ensure(name, role) for name, role in ACCOUNTS.items()}


def _with_https(here: Installation, hosts: Sequence[str]) -> Installation:
    if here.certificate is None:
        certificate, key = ensure_certificate(here.settings.var / "secrets", hosts)
        here = replace(here, certificate=certificate, key=key)
    if "CITYLIB_BIND" not in os.environ:
        here = replace(here, bind="0.0.0.0")  # noqa: S104
    return here


@contextmanager
def _alone(here: Installation) -> Iterator[None]:
    here.state.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = here.state / "running"
    with file.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ServeError(f"it runs already, at {here.address()}") from None
        yield


def _refresh(here: Installation) -> None:
    mark = here.state / "data.mark"
    if mark.is_file() and mark.read_text() == data.state(here.settings):
        return
    print("Bringing records, figures and public pages up to date …", flush=True)
    done = subprocess.run(
        [sys.executable, "-m", "citylib.hub.data"], check=False, preexec_fn=end_with_parent
    )
    if done.returncode == data.FIGURES_OF_BEFORE:
        # No mark: the next start tries again.
        print("\nStarting with the figures that are there. Mend the above, and start again.")
    elif done.returncode:
        raise ServeError("the data could not be brought up to date; see above")
    else:
        mark.write_text(data.state(here.settings))


def _supervise(here: Installation, hosts: Sequence[str]) -> int:
    log = here.logs / "hub.log"
    turn_over(log)
    config = CHECKOUT / "jupyterhub_config.py"
    for program in (config, *map(Path, here.proxy_command())):
        if not program.is_file():
            raise ServeError(f"{program} is not there: run make setup in {CHECKOUT}")
    supervisor = Supervisor(
        [sys.executable, "-m", "jupyterhub", "-f", str(config)],
        _hub_environment(here),
        log,
        spare=_is_analysts_server,
        before=lambda: forget_stale_proxy(here.state / "proxy.pid"),
    )
    watch = _Watch(here, supervisor, hosts, log)
    print("Starting the platform …", flush=True)
    told = supervisor.run(watch.tick)
    if watch.failed:
        raise ServeError(f"the platform did not start; the end of {log}:\n{_tail(log)}")
    print(f"\nStopped ({told.name if told else 'done'}).", flush=True)
    return 0


@dataclass
class _Watch:
    """Tells the address once the platform answers, and gives up when it never does."""

    here: Installation
    supervisor: Supervisor
    hosts: Sequence[str]
    log: Path
    began: float = field(default_factory=time.monotonic)
    ready: bool = False
    failed: bool = False

    def tick(self) -> float:
        if self.ready:
            end_orphaned_kernels()
            turn_over(self.log)
            return 2.0
        if answers(self.here) and self.is_ours():
            self.ready = True
            self.tell()
        elif self.supervisor.starts > 2 or time.monotonic() - self.began > 180:
            self.failed = True
            return -1.0
        return 0.3

    def is_ours(self) -> bool:
        """Whether it is our proxy that listens there, and not another platform's."""
        port = self.here.ports().address
        for process in psutil.Process().children(recursive=True):
            try:
                found = process.net_connections("inet")
            except psutil.Error:
                continue
            if any(one.status == psutil.CONN_LISTEN and one.laddr.port == port for one in found):
                return True
        return False

    def tell(self) -> None:
        """Print address, accounts and what is missing.

        The accounts of the first start are made now and not before: a password that was made
        for a start that failed would never be told.
        """
        passwords = ensure_accounts(self.here.settings)
        lines = ["", f"The platform is ready after {time.monotonic() - self.began:.0f} s:", ""]
        lines.append(f"    {self.here.address()}")
        if self.here.bind in EVERYWHERE:
            names = [*self.hosts, *machine_hosts()]
            known = dict.fromkeys(name for name in names if ":" not in name)
            lines += [f"    {self.here.address(name)}" for name in known if name != "127.0.0.1"]
        lines += ["", "Without signing in: the public page. Accounts:", ""]
        for name, password in passwords.items():
            told = password or "password as printed at the first start"
            lines.append(f"    {name:10} {told}")
        if any(passwords.values()):
            lines += ["", "The passwords are printed this once. A new one for somebody:"]
        else:
            lines += ["", "A new password for somebody:"]
        lines.append("    citylib account reset NAME")
        if parts := missing():
            lines += ["", "Not on this machine, and not needed for this:"]
            lines += [f"    {part}" for part in parts]
        lines += ["", f"Logs: {self.log.parent}. Ctrl-C stops everything.", ""]
        print("\n".join(lines), flush=True)


def end_orphaned_kernels() -> None:
    """End kernels whose server died; most notice by themselves, forked ones always."""
    for child in psutil.Process().children():
        try:
            if "-m ipykernel_launcher" in " ".join(child.cmdline()):
                child.kill()
        except psutil.NoSuchProcess:
            continue


def forget_stale_proxy(file: Path) -> None:
    """Remove a note of a proxy that is none: its number may by now be another process's."""
    try:
        command = psutil.Process(int(file.read_text())).cmdline()
    except FileNotFoundError:
        return
    except (ValueError, psutil.Error):
        command = []
    if not any("configurable-http-proxy" in part for part in command):
        file.unlink(missing_ok=True)


def _is_analysts_server(process: psutil.Process) -> bool:
    try:
        return SINGLE_USER in process.cmdline()
    except psutil.NoSuchProcess:
        return False


def _hub_environment(here: Installation) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if name.startswith(("CITYLIB_", "DASK_", "AWS_", "LC_")) or name in ("HOME", "TZ")
    }
    told = {"CITYLIB_BIND": here.bind, "CITYLIB_FEEDS": "on" if here.feeds else "off"}
    if here.certificate and here.key:
        told["CITYLIB_TLS_CERT"] = str(here.certificate)
        told["CITYLIB_TLS_KEY"] = str(here.key)
    # The keys of the feeds, which the hub hands on to their service alone.
    keys = here.feeds_environment() if here.feeds else {}
    return kept | keys | here.environment() | told | {"PYTHONUNBUFFERED": "1"}


def turn_over(log: Path) -> None:
    """Put a log that has grown large aside, in the place of the one put aside before.

    It is copied and emptied, not renamed: whoever writes to it now has it open, and all of them
    add to its end. What is written in the moment between is lost.
    """
    if log.is_file() and log.stat().st_size > LARGEST_LOG:
        with suppress(OSError):  # a full disk is no reason to let it grow
            shutil.copy(log, log.with_suffix(".log.1"))
        os.truncate(log, 0)


def _tail(log: Path, lines: int = 30) -> str:
    return "\n".join(log.read_text("utf-8", "replace").splitlines()[-lines:])
