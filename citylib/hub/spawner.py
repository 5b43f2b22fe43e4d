"""Servers of analysts: one each, in a folder of their own."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from datetime import UTC
from pathlib import Path
from typing import Any

from jupyterhub.spawner import SimpleLocalProcessSpawner
from traitlets import Unicode

# How long a server takes the hub's word for who somebody is, in seconds.
ASK_AGAIN = "--HubOAuth.cache_max_age=30"
# Nothing that asks other machines (news, updates, extensions) or looks for other programs.
QUIET = (
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--LabApp.extension_manager=readonly",
    "--LanguageServerManager.autodetect=False",
)


class AnalystSpawner(SimpleLocalProcessSpawner):
    """Starts JupyterLab as the user that the hub runs as: this does not isolate analysts.

    An installation gives each analyst an OS user (see docs/operator.md).
    """

    workspaces = Unicode(help="Folder in which each analyst has a folder.").tag(config=True)
    start_from = Unicode(help="Folder of notebooks that a new one starts with.").tag(config=True)

    def _default_home_dir(self) -> str:
        return str(Path(self.workspaces) / self.user.name)

    async def start(self) -> tuple[str, int]:
        """Prepare the folder and start the server."""
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
        return [*super().get_args(), ASK_AGAIN, *QUIET, *root]

    cmd = [sys.executable, "-m", "jupyterhub.singleuser"]  # noqa: RUF012


def prepare_workspace(folder: Path, start_from: Path) -> None:
    """Make an analyst's folder and copy the notebooks to start from that are not there.

    What is there is left alone, changed or not.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not start_from.is_dir():
        return
    for source in sorted(start_from.rglob("*")):
        inside = source.relative_to(start_from)
        if any(part.startswith((".", "__")) for part in inside.parts) or not source.is_file():
            continue
        target = folder / "notebooks" / inside
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
