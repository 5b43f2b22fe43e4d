"""Where each role is led at the hub, and the pages that are ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jupyterhub import handlers as of_the_hub
from jupyterhub.handlers.base import BaseHandler
from jupyterhub.handlers.pages import HomeHandler, SpawnHandler, TokenPageHandler
from jupyterhub.utils import url_path_join
from tornado.web import HTTPError, authenticated

from citylib.access.roles import GROUPS, role_of
from citylib.city.settings import Settings
from citylib.hub.publishing import NAMED, DashboardAPI, DashboardsAPI
from citylib.panels.dashboards import published

TEMPLATES = Path(__file__).parent / "templates"
DASHBOARDS = "services/dashboards/voila/render"
READ = "access:services!service=dashboards"


def first_page(handler: Any) -> str:
    """The page that a visitor of the bare address is sent to."""
    base = handler.settings["base_url"]
    user = handler.current_user
    if user is None:
        return url_path_join(base, "services/public/")
    role = role_of({group.name for group in user.groups})
    if role in ("mayor", "official"):
        return url_path_join(base, "hub/dashboards")
    if role == "analyst":
        return url_path_join(base, "hub/spawn")
    return url_path_join(base, "hub/no-role")


def lead(settings: Settings) -> None:
    """Put our pages before the hub's own, of which some offer readers what is not for them.

    The hub's setting for further pages would put them last.
    """
    of_the_hub.default_handlers[:0] = [
        ("/dashboards", DashboardsHandler, {"installation": settings}),
        ("/api/dashboards", DashboardsAPI, {"installation": settings}),
        (NAMED, DashboardAPI, {"installation": settings}),
        ("/no-role", NoRoleHandler),
        ("/home", _Home),
        ("/token", _Token),
        ("/spawn", _Spawn),
        ("/spawn/([^/]+)", _Spawn),
        ("/spawn/([^/]+)/([^/]+)", _Spawn),
    ]


class DashboardsHandler(BaseHandler):
    """Lists the published dashboards by title; leads to the only one when there is one."""

    def initialize(self, installation: Settings) -> None:
        """Take what the route was given."""
        self.installation = installation

    @authenticated
    async def get(self) -> None:
        """Show the list."""
        if not self.has_scope(READ):
            raise HTTPError(403, "the dashboards are for the mayor and officials")
        mine = {group.name for group in self.current_user.groups}
        found = [one for one in published(self.installation) if mine.intersection(one.groups)]
        folder = url_path_join(self.settings["base_url"], DASHBOARDS)
        if len(found) == 1:
            self.redirect(url_path_join(folder, found[0].file))
            return
        self.finish(await self.render_template("dashboards.html", found=found, folder=folder))


class NoRoleHandler(BaseHandler):
    """Tells somebody who is signed in but has no role what to do."""

    @authenticated
    async def get(self) -> None:
        """Show the page."""
        self.set_status(403)
        self.finish(await self.render_template("no-role.html"))


def _has_server(user: Any) -> bool:
    """Whether pages about servers and tokens are for this user: analysts and the operator."""
    return bool(user.admin) or GROUPS["analyst"] in {group.name for group in user.groups}


class _Home(HomeHandler):
    @authenticated
    async def get(self) -> None:
        if _has_server(self.current_user):
            await super().get()
        else:
            self.redirect(first_page(self))


class _Token(TokenPageHandler):
    @authenticated
    async def get(self) -> None:
        if _has_server(self.current_user):
            await super().get()
        else:
            self.redirect(first_page(self))


class _Spawn(SpawnHandler):
    async def prepare(self) -> None:
        await super().prepare()
        if self.current_user is not None and not _has_server(self.current_user):
            self.set_status(403)
            self.finish(await self.render_template("no-server.html", there=first_page(self)))
