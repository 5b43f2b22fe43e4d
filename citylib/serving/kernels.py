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

    def __init__(self, **kwargs: Any) -> None:
        # Kernels that died and were started again, empty.
        self._restarted: set[str] = set()
        super().__init__(**kwargs)

    async def start_kernel(self, **kwargs: Any) -> str:  # type: ignore[override]
        """Start a kernel and return its id."""
        if len(self) >= self.most_kernels:
            raise HTTPError(503, "too many dashboards are open; try again in some minutes")
        env = kwargs.get("env") or dict(os.environ)
        kwargs["env"] = {name: value for name, value in env.items() if not name.startswith(SECRETS)}
        kernel_id = str(await super().start_kernel(**kwargs))
        self.add_restart_callback(kernel_id, lambda: self._restarted.add(kernel_id))
        return kernel_id

    async def shutdown_kernel(  # type: ignore[override]
        self, kernel_id: str, *args: Any, **kwargs: Any
    ) -> None:
        """End a kernel."""
        self._restarted.discard(kernel_id)
        await super().shutdown_kernel(kernel_id, *args, **kwargs)

    async def mend_pool(self, notebook: str) -> None:
        """Replace warm kernels of a notebook that failed to start or died while they waited.

        Voila hands them out as they are, and fills a pool only after it handed one out.
        """
        pools: dict[str, list[Any]] = getattr(self, "_pools", {})
        pool = pools.get(notebook)
        if pool is None:
            return
        for task in [task for task in pool if task.done()]:
            if task.cancelled() or task.exception():
                pool.remove(task)
                continue
            kernel_id = task.result()["kernel_id"]
            if kernel_id not in self or kernel_id in self._restarted:
                pool.remove(task)
                if kernel_id in self:
                    await self.shutdown_kernel(kernel_id, now=True)
        self.fill_if_needed(notebook_name=notebook)  # type: ignore[attr-defined]
