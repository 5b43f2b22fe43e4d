"""Kernels of a shared service: a bounded number, and none of the service's secrets."""

from __future__ import annotations

import os
from typing import Any

from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from tornado.web import HTTPError
from traitlets import Integer

SECRETS = ("JUPYTERHUB_", "JPY_")


class SharedKernelManager(AsyncMappingKernelManager):
    """Starts kernels without the hub's tokens in their environment, up to `most_kernels`."""

    most_kernels = Integer(60, help="No more kernels than this; 0.1 GB each.").tag(config=True)

    async def start_kernel(self, **kwargs: Any) -> str:  # type: ignore[override]
        """Start a kernel and return its id."""
        if len(self) >= self.most_kernels:
            raise HTTPError(503, "too many dashboards are open; try again in some minutes")
        env = kwargs.get("env") or dict(os.environ)
        kwargs["env"] = {name: value for name, value in env.items() if not name.startswith(SECRETS)}
        return str(await super().start_kernel(**kwargs))
