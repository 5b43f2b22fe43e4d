"""Servers of analysts: one each, in a folder of their own."""

from __future__ import annotations

import asyncio
import filecmp
import os
import shutil
import sys
from contextlib import suppress
from datetime import UTC
from pathlib import Path
from typing import Any

import nbformat
from jupyterhub.spawner import SimpleLocalProcessSpawner
from nbformat import ValidationError
from nbformat.sign import NotebookNotary
from tornado.web import HTTPError
from traitlets import Unicode

from citylib.access.roles import GROUPS

# How long a server takes the hub's word for who somebody is, in seconds.
ASK_AGAIN = "--HubOAuth.cache_max_age=30"
# Nothing that asks other machines (news, updates, extensions) or looks for other programs.
QUIET = (
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--LabApp.extension_manager=readonly",
    "--LanguageServerManager.autodetect=False",
)
# The button that publishes a notebook.
BUTTON = f"--LabApp.extra_labextensions_path={Path(__file__).parent / 'jupyter/labextensions'}"


class AnalystSpawner(SimpleLocalProcessSpawner):
    """Starts JupyterLab as the user that the hub runs as: this does not isolate analysts.

    An installation gives each analyst an OS user (see docs/operator.md).
    """

    workspaces = Unicode(help="Folder in which each analyst has a folder.").tag(config=True)
    start_from = Unicode(help="Folder of notebooks that a new one starts with.").tag(config=True)

    def _default_home_dir(self) -> str:
        return str(Path(self.workspaces) / self.user.name)

    async def start(self) -> tuple[str, int]:
        """Prepare the folder and start the server; refused to all but analysts.

        Rights at the hub refuse it as well. This holds whoever asks, and however they are set.
        """
        if GROUPS["analyst"] not in {group.name for group in self.user.groups}:
            raise HTTPError(403, f"{self.user.name} is no analyst and has no server")
        self.home_dir = self._default_home_dir()
        self.notebook_dir = self.home_dir
        prepare_workspace(Path(self.home_dir), Path(self.start_from))
        return await super().start()

    async def poll_and_notify(self) -> Any:
        """Look whether the server runs, and end it when its analyst's account was changed.

        Its open connections would live on after a new password, and what runs in it anyway.
        """
        if not await self._still_theirs():
            self.log.warning("ending the server of %s: the account was changed", self.user.name)
            await self.stop()
        return await super().poll_and_notify()

    async def _still_theirs(self) -> bool:
        accounts = getattr(self.authenticator, "accounts", None)
        started = self.orm_spawner.started
        if accounts is None or started is None:
            return True
        account = await asyncio.to_thread(accounts.get, self.user.name)
        return account is not None and account.changed <= started.replace(tzinfo=UTC)

    def get_args(self) -> list[Any]:
        """Arguments of the server."""
        # Tests and containers run as root.
        root = ["--allow-root"] if os.geteuid() == 0 else []
        return [*super().get_args(), ASK_AGAIN, *QUIET, BUTTON, *root]

    cmd = [sys.executable, "-m", "jupyterhub.singleuser"]  # noqa: RUF012


def prepare_workspace(folder: Path, start_from: Path) -> None:
    """Make an analyst's folder and copy the notebooks to start from that are not there.

    What is there is left alone, changed or not. Notebooks that are as we made them are trusted:
    JupyterLab shows them with Voila without a warning.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not start_from.is_dir():
        return
    ours = []
    for source in sorted(start_from.rglob("*")):
        inside = source.relative_to(start_from)
        if any(part.startswith((".", "__")) for part in inside.parts) or not source.is_file():
            continue
        target = folder / "notebooks" / inside
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        if target.suffix == ".ipynb" and filecmp.cmp(source, target, shallow=False):
            ours.append(target)
    _trust(ours, folder / ".local" / "share" / "jupyter")


def _trust(notebooks: list[Path], signatures: Path) -> None:
    """Sign notebooks in the name of the analyst whose Jupyter data folder is `signatures`."""
    readable = []
    for path in notebooks:
        with suppress(ValueError, KeyError, TypeError, AttributeError, ValidationError):
            readable.append(nbformat.read(path, as_version=4))
    if not readable:
        return
    signatures.mkdir(parents=True, exist_ok=True, mode=0o700)
    with NotebookNotary(data_dir=str(signatures)) as notary:
        for notebook in readable:
            notary.sign(notebook)
