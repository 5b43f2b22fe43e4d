"""The part of JupyterLab's button "Publish" that runs in an analyst's own server.

It does what `citylib dashboard` does in a terminal there: the notebook is run with the analyst's
rights, and handed in at the hub in the analyst's name.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join
from tornado.web import HTTPError, authenticated

from citylib.city.errors import CityError
from citylib.city.settings import Settings
from citylib.hub.desk import desk, told_of
from citylib.panels.publishing import NOBODY
from citylib.panels.rehearsal import NotPublished, prepared


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    return [{"module": "citylib.hub.lab"}]


def _load_jupyter_server_extension(server: Any) -> None:
    address = url_path_join(server.web_app.settings["base_url"], "city/dashboards/(.+)")
    root = {"root": Path(server.root_dir)}
    server.web_app.add_handlers(".*$", [(address, DashboardHandler, root)])


class DashboardHandler(APIHandler):
    """A notebook of this server as a dashboard."""

    def initialize(self, root: Path) -> None:
        """Take what the route was given."""
        self.root = root

    @authenticated
    async def get(self, path: str) -> None:
        """Its versions, newest first; none when it was never published."""
        notebook = self.notebook(path)
        versions = await self.do(_history, notebook)
        self.finish(json.dumps([told_of(one) for one in versions]))

    @authenticated
    async def post(self, path: str) -> None:
        """Publish it, restore a version of it, take it back."""
        told = self.get_json_body() or {}
        says = await self.do(_act, self.notebook(path), told)
        self.finish({"says": says})

    def notebook(self, path: str) -> Path:
        """The file of a notebook of this server."""
        found = (self.root / path).resolve()
        if not found.is_relative_to(self.root.resolve()) or found.suffix != ".ipynb":
            raise HTTPError(404, f"there is no notebook {path}")
        return found

    async def do(self, work: Any, *told: Any) -> Any:
        """Do it in a thread; what is wrong is said to who asked."""
        try:
            return await asyncio.to_thread(work, *told)
        except CityError as error:
            raise HTTPError(409, str(error).replace("%", "%%")) from None


def _history(notebook: Path) -> list[Any]:
    try:
        return desk(Settings.load()).history(notebook.name)
    except NotPublished as error:
        if str(error).startswith(NOBODY):
            return []
        raise


def _act(notebook: Path, told: dict[str, Any]) -> str:
    at, name = desk(Settings.load()), notebook.name
    roles = [role for role in told.get("roles") or () if isinstance(role, str)]
    match told.get("act"):
        case "publish":
            done = at.publish(name, prepared(notebook), roles, False)
        case "restore" if isinstance(told.get("version"), int):
            done = at.restore(name, told["version"], roles)
        case "take back":
            done = at.take_back(name)
            return f"{done.name} is taken back. Its versions stay."
        case _:
            raise NotPublished("publish, restore a version, or take back")
    who = " and ".join(done.roles)
    return f"{done.name}, version {done.version}, is shown to: {who}."
