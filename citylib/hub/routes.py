"""Where the bare address leads, by role."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jupyterhub.handlers.base import BaseHandler
from jupyterhub.utils import url_path_join
from tornado.web import authenticated

from citylib.access.roles import role_of
from citylib.hub.installation import HOME

TEMPLATES = Path(__file__).parent / "templates"


def first_page(handler: Any) -> str:
    """The page that a visitor of the bare address is sent to."""
    base = handler.settings["base_url"]
    user = handler.current_user
    if user is None:
        return url_path_join(base, "services/public/")
    role = role_of({group.name for group in user.groups})
    if role in ("mayor", "official"):
        return url_path_join(base, "services/dashboards/voila/render", HOME)
    if role == "analyst":
        return url_path_join(base, "hub/spawn")
    return url_path_join(base, "hub/no-role")


class NoRoleHandler(BaseHandler):
    """Tells somebody who is signed in but has no role what to do."""

    @authenticated
    async def get(self) -> None:
        """Show the page."""
        self.set_status(403)
        self.finish(await self.render_template("no-role.html"))
