"""Who looks at a dashboard: the hub knows."""

from __future__ import annotations

from typing import Any

from jupyter_server.utils import url_path_join
from jupyterhub.singleuser.extension import JupyterHubIdentityProvider


class HubIdentity(JupyterHubIdentityProvider):
    """The hub's sign-in for a Voila that runs as the hub's service."""

    def __init__(self, **kwargs: Any) -> None:
        # Voila passes what its own sign-in needs.
        kwargs.pop("token", None)
        kwargs.pop("login_handler_class", None)
        super().__init__(**kwargs)

    def get_handlers(self) -> list[tuple[Any, ...]]:
        """The handlers of signing in, under the service's own address."""
        base = self.parent.base_url
        return [(url_path_join(base, path), *rest) for path, *rest in super().get_handlers()]
