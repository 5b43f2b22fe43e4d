"""Where dashboards are handed in: at the hub from an analyst's server, else at the store itself.

An analyst's server need not reach the operations store or the folder of shown dashboards, and whose
it is the hub knows: what is handed in there is in that analyst's name.
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import quote

import httpx

from citylib.city.settings import Settings
from citylib.operations.dashboards import Version
from citylib.panels import publishing
from citylib.panels.rehearsal import NotPublished, name_of

TIMEOUT = 60.0


class Desk(Protocol):
    """What can be done with published dashboards; see `citylib.panels.publishing`."""

    def publish(self, name: str, text: str, roles: Sequence[str], replace: bool) -> Version:
        """Show a notebook to roles."""

    def newest(self) -> list[Version]:
        """The newest version of each dashboard that is shown."""

    def history(self, name: str) -> list[Version]:
        """Versions of a dashboard, newest first."""

    def restore(self, name: str, version: int, roles: Sequence[str] | None) -> Version:
        """Show an earlier version again."""

    def take_back(self, name: str) -> Version:
        """Show a dashboard to nobody any more."""


class AtTheStore:
    """Does it here and now, in somebody's name."""

    def __init__(self, settings: Settings, actor: str) -> None:
        self._settings, self._actor = settings, actor

    def publish(self, name: str, text: str, roles: Sequence[str], replace: bool) -> Version:
        """Show a notebook to roles."""
        return publishing.publish(
            self._settings, name, text, roles, actor=self._actor, replace=replace
        )

    def newest(self) -> list[Version]:
        """The newest version of each dashboard that is shown."""
        return publishing.newest(self._settings)

    def history(self, name: str) -> list[Version]:
        """Versions of a dashboard, newest first."""
        return publishing.history(self._settings, name)

    def restore(self, name: str, version: int, roles: Sequence[str] | None) -> Version:
        """Show an earlier version again."""
        return publishing.restore(self._settings, name, version, roles, actor=self._actor)

    def take_back(self, name: str) -> Version:
        """Show a dashboard to nobody any more."""
        return publishing.take_back(self._settings, name, actor=self._actor)


class AtTheHub:
    """Asks the hub to do it, with the token of an analyst's server.

    Every call raises NotPublished with what the hub says.
    """

    def __init__(self, url: str, token: str) -> None:
        self._url, self._token = f"{url.rstrip('/')}/dashboards", token

    def publish(self, name: str, text: str, roles: Sequence[str], replace: bool) -> Version:
        """Show a notebook to roles."""
        told = {"name": name, "notebook": text, "roles": [*roles], "replace": replace}
        return version_of(self._ask("POST", "", told))

    def newest(self) -> list[Version]:
        """The newest version of each dashboard that is shown."""
        return [version_of(one) for one in self._ask("GET", "")]

    def history(self, name: str) -> list[Version]:
        """Versions of a dashboard, newest first."""
        return [version_of(one) for one in self._ask("GET", name)]

    def restore(self, name: str, version: int, roles: Sequence[str] | None) -> Version:
        """Show an earlier version again."""
        told = {"version": version, "roles": None if roles is None else [*roles]}
        return version_of(self._ask("POST", name, told))

    def take_back(self, name: str) -> Version:
        """Show a dashboard to nobody any more."""
        return version_of(self._ask("DELETE", name))

    def _ask(self, method: str, name: str, told: object = None) -> Any:
        url = f"{self._url}/{quote(name_of(name))}" if name else self._url
        headers = {"Authorization": f"token {self._token}"}
        try:
            # Nobody's proxy is between a server and its hub.
            with httpx.Client(trust_env=False, timeout=TIMEOUT, headers=headers) as client:
                answer = client.request(method, url, json=told)
                said = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise NotPublished(f"the hub at {self._url} does not answer: {error}") from None
        if answer.is_success:
            return said
        if answer.status_code == 403 and not said.get("message"):
            raise NotPublished("dashboards are for analysts to publish")
        raise NotPublished(str(said.get("message") or f"the hub says {answer.status_code}"))


def desk(settings: Settings, environment: Mapping[str, str] = os.environ) -> Desk:
    """Where this program hands in dashboards.

    Parameters
    ----------
    settings : Settings
        The installation.
    environment : mapping
        Of this program; JupyterHub tells an analyst's server where the hub is.
    """
    url, token = (environment.get(f"JUPYTERHUB_API_{key}") for key in ("URL", "TOKEN"))
    if url and token:
        return AtTheHub(url, token)
    return AtTheStore(settings, getpass.getuser())


def told_of(version: Version) -> dict[str, Any]:
    """A version as JSON."""
    return vars(version) | {"time": version.time.isoformat()}


def version_of(told: dict[str, Any]) -> Version:
    """The version that JSON tells of."""
    return Version(**(told | {"time": datetime.fromisoformat(told["time"])}))
