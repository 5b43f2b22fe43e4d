"""Servers of analysts: one each, in a folder of their own."""

from __future__ import annotations

import os
import shutil
import sys
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
