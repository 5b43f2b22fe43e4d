"""What analysts ask the hub to do with dashboards."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from functools import partial
from typing import Any

from jupyterhub.apihandlers.base import APIHandler
from tornado.web import HTTPError, authenticated

from citylib.access.roles import GROUPS
from citylib.city.errors import CityError
from citylib.city.settings import Settings
from citylib.hub.desk import AtTheStore, told_of
from citylib.operations.dashboards import Version
from citylib.panels.rehearsal import NotPublished

NAMED = r"/api/dashboards/([\w-]{1,100}(?:\.ipynb)?)"


class _ForAnalysts(APIHandler):
    """Refuses everybody but analysts; what they do is done in their name."""

    def initialize(self, installation: Settings) -> None:
        """Take what the route was given."""
        self.installation = installation

    async def prepare(self) -> None:
        await super().prepare()
        user = self.current_user
        if user is None:
            raise HTTPError(403, "sign in first")
        if GROUPS["analyst"] not in {group.name for group in user.groups}:
            raise HTTPError(403, "dashboards are for analysts to publish")
        self.desk = AtTheStore(self.installation, user.name)

    async def do(self, work: Callable[[], Version | list[Version]]) -> None:
        """Do it in a thread and answer with what came of it."""
        try:
            done = await asyncio.to_thread(work)
        except NotPublished as error:
            raise HTTPError(409, str(error).replace("%", "%%")) from None
        except CityError as error:
            raise HTTPError(500, str(error).replace("%", "%%")) from None
        told = [*map(told_of, done)] if isinstance(done, list) else told_of(done)
        self.finish(json.dumps(told))

    def asked(self, **kinds: Any) -> dict[str, Any]:
        """The values that a request brings, each of its kind."""
        told = self.get_json_body()
        values = {name: told.get(name) if isinstance(told, dict) else None for name in kinds}
        for name, kind in kinds.items():
            if not isinstance(values[name], kind):
                raise HTTPError(400, f"{name!r} is missing or of the wrong kind")
        if any(not isinstance(role, str) for role in values.get("roles") or ()):
            raise HTTPError(400, "'roles' are names")
        return values


class DashboardsAPI(_ForAnalysts):
    """All dashboards."""

    @authenticated
    async def get(self) -> None:
        """The newest version of each one that is shown."""
        await self.do(self.desk.newest)

    @authenticated
    async def post(self) -> None:
        """Publish one: `name`, `notebook` (its text), `roles`, `replace`."""
        told = self.asked(name=str, notebook=str, roles=list, replace=bool)
        told["text"] = told.pop("notebook")
        await self.do(partial(self.desk.publish, **told))


class DashboardAPI(_ForAnalysts):
    """One dashboard."""

    @authenticated
    async def get(self, name: str) -> None:
        """Its versions, newest first."""
        await self.do(partial(self.desk.history, name))

    @authenticated
    async def post(self, name: str) -> None:
        """Show an earlier `version` of it again, to `roles` (or those of then)."""
        told = self.asked(version=int, roles=list | None)
        await self.do(partial(self.desk.restore, name, **told))

    @authenticated
    async def delete(self, name: str) -> None:
        """Show it to nobody any more."""
        await self.do(partial(self.desk.take_back, name))
