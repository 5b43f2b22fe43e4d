"""Kernels of a shared service: so many, each of one reader, with none of the service's secrets."""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from tornado.web import HTTPError
from traitlets import Integer

from citylib.serving.access import Access, groups_of

TOO_MANY = "too many dashboards are open; try again in some minutes"
SECRETS = ("JUPYTERHUB_", "JPY_", "CITYLIB_DATABASE")


@dataclass
class _Given:
    reader: str
    since: float = field(default_factory=time.monotonic)
    opened: bool = False
    notebook: str = ""


class SharedKernelManager(AsyncMappingKernelManager):
    """Starts kernels without the hub's tokens in their environment, up to `most_kernels`.

    A kernel is given to the reader whose page it is for, and is nobody else's. One reader gets
    up to `most_for_one`, so that nobody can take them all.
    """

    most_kernels = Integer(
        60, help="No more kernels than this; 30 MB each, 0.1 GB if not forked."
    ).tag(config=True)
    most_for_one = Integer(8, help="No more kernels than this for one reader.").tag(config=True)
    unopened = Integer(
        60, help="Seconds after which a kernel ends that its page never opened."
    ).tag(config=True)

    def __init__(self, **kwargs: Any) -> None:
        # Kernels that died and were started again, empty.
        self._restarted: set[str] = set()
        # In the order in which they were given.
        self._given: dict[str, _Given] = {}
        self._coming: Counter[str] = Counter()
        # Of the notebooks in the pools.
        self._versions: dict[str, tuple[int, ...] | None] = {}
        self._ending: set[asyncio.Future[None]] = set()
        self._access: Access | None = None
        super().__init__(**kwargs)
        # Pools of these are filled as soon as the service starts.
        for path in Path(self.parent.root_dir).glob("*.ipynb") if self.parent else ():
            self._versions[path.name] = self._version(path.name)

    async def start_kernel(self, **kwargs: Any) -> str:  # type: ignore[override]
        """Start a kernel and return its id."""
        if len(self) >= self.most_kernels:
            raise HTTPError(503, TOO_MANY)
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
        self._given.pop(kernel_id, None)
        await super().shutdown_kernel(kernel_id, *args, **kwargs)

    async def cull_kernel_if_idle(self, kernel_id: str) -> None:
        """End a kernel whose page never opened it, or was not heard of for long."""
        given = self._given.get(kernel_id)
        if given and not given.opened and time.monotonic() - given.since > self.unopened:
            self.log.info("ending a kernel that its page never opened")
            await self.shutdown_kernel(kernel_id, now=True)
            return
        await super().cull_kernel_if_idle(kernel_id)

    def belongs_to(self, kernel_id: str, reader: str) -> bool:
        """Whether a kernel was given to this reader; one kept warm is nobody's."""
        given = self._given.get(kernel_id)
        return given is not None and given.reader == reader

    @property
    def access(self) -> Access:
        """Who may open which notebook."""
        if self._access is None:
            self._access = Access(Path(self.root_dir))
        return self._access

    def notebook_of(self, kernel_id: str) -> str:
        """The notebook that a kernel was given for."""
        given = self._given.get(kernel_id)
        return given.notebook if given else ""

    def open_to(self, kernel_id: str, user: Any) -> bool:
        """Whether a kernel is this user's, of a notebook that the user may still open."""
        return self.belongs_to(kernel_id, user.username) and self.access.allows(
            self.notebook_of(kernel_id), groups_of(user)
        )

    def opened(self, kernel_id: str) -> None:
        """Note that the page of a kernel has opened it."""
        if given := self._given.get(kernel_id):
            given.opened = True

    @asynccontextmanager
    async def for_reader(self, reader: str, notebook: str = "") -> AsyncIterator[list[str]]:
        """Give the reader the kernel whose id is put into the list, for a notebook.

        When it would be one too many, the oldest that no page is connected to ends for it.

        Raises
        ------
        HTTPError
            503: the reader has as many open as one may have.
        """
        self._given = {key: given for key, given in self._given.items() if key in self}
        idle, over = self._over(reader)
        # All noted before anything is waited for: requests at the same time see each other.
        for kernel_id in idle[:over]:
            del self._given[kernel_id]
        self._coming[reader] += 1
        got: list[str] = []
        try:
            for kernel_id in idle[:over]:
                await self.shutdown_kernel(kernel_id, now=True)
            yield got
        finally:
            self._coming -= Counter([reader])
            for kernel_id in got:
                self._given[kernel_id] = _Given(reader, notebook=notebook)

    def has_room(self, reader: str) -> None:
        """Refuse a reader who would get no kernel now.

        Raises
        ------
        HTTPError
            503, as `for_reader` and `start_kernel`.
        """
        _, over = self._over(reader)
        warm = sum(map(len, getattr(self, "_pools", {}).values()))
        if len(self) >= self.most_kernels and not (over or warm):
            raise HTTPError(503, TOO_MANY)

    def _over(self, reader: str) -> tuple[list[str], int]:
        """The reader's kernels that no page is connected to, and how many of them are to end."""
        mine = [key for key, given in self._given.items() if given.reader == reader and key in self]
        idle = [key for key in mine if not self._kernel_connections.get(key)]
        over = max(0, len(mine) + self._coming[reader] + 1 - self.most_for_one)
        if over > len(idle):
            raise HTTPError(503, "you have too many dashboards open; close one of them")
        return idle, over

    async def mend_pool(self, notebook: str) -> None:
        """Keep as many kernels of a notebook warm as there should be, of its newest version.

        Voila fills the pools of the notebooks that it finds at its start, fills them again after
        it handed a kernel out, and hands out kernels as they are: of code that was replaced since,
        failed to start, or dead.
        """
        pools: dict[str, list[Any]] | None = getattr(self, "_pools", None)
        if pools is None:
            return
        pool = pools.get(notebook, [])
        version = self._version(notebook)
        renewed = version != self._versions.get(notebook)
        if renewed:
            for task in pool:
                task.add_done_callback(self._discard)
            pool.clear()
        if version is None:
            pools.pop(notebook, None)
            self._versions.pop(notebook, None)
            return
        # Before the notebook is read: what changes meanwhile is noticed the next time.
        self._versions[notebook] = version
        for task in [task for task in pool if task.done()]:
            if task.cancelled() or task.exception():
                pool.remove(task)
                continue
            kernel_id = task.result()["kernel_id"]
            if kernel_id not in self or kernel_id in self._restarted:
                pool.remove(task)
                self._discard(task)
        self.fill_if_needed(  # type: ignore[attr-defined]
            delay=0 if renewed else None, notebook_name=notebook
        )

    async def mend_pools(self) -> None:
        """The same for each notebook that there is, or was."""
        there = {path.name for path in Path(self.root_dir).glob("[!.]*.ipynb")}
        for notebook in there | getattr(self, "_pools", {}).keys():
            await self.mend_pool(notebook)

    def has_warm(self, notebook: str) -> bool:
        """Whether a page of this notebook is there already, or being made."""
        pool: list[Any] = getattr(self, "_pools", {}).get(notebook, [])
        return bool(pool) and pool[0].done()

    def _discard(self, task: asyncio.Task[Any]) -> None:
        if task.cancelled() or task.exception():
            return
        kernel_id = task.result()["kernel_id"]
        if kernel_id in self:
            ending = asyncio.ensure_future(self.shutdown_kernel(kernel_id, now=True))
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)

    def _version(self, notebook: str) -> tuple[int, ...] | None:
        """What changes when a notebook is replaced; None when there is none."""
        try:
            found = (Path(self.root_dir) / notebook).stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size


class KernelsOfReader:
    """The kernels of the service as one reader's request sees them: what it takes is the reader's.

    Voila takes a kernel in the midst of making a page; this is how it is known for whom.
    """

    def __init__(self, kernels: SharedKernelManager, reader: str, notebook: str = "") -> None:
        self._kernels = kernels
        self._reader = reader
        self._notebook = notebook

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kernels, name)

    def has_room(self) -> None:
        """Refuse what would be refused in the midst of a page, while it can be said in its place.

        Raises
        ------
        HTTPError
            503: too many kernels are there, or the reader's are all in use.
        """
        self._kernels.has_room(self._reader)

    async def get_rendered_notebook(self, **kwargs: Any) -> Any:
        """Take a warm kernel."""
        async with self._kernels.for_reader(self._reader, self._notebook) as got:
            made = await self._kernels.get_rendered_notebook(**kwargs)  # type: ignore[attr-defined]
            got.append(made[2])
        return made

    async def start_kernel(self, **kwargs: Any) -> str:
        """Start a kernel and return its id."""
        async with self._kernels.for_reader(self._reader, self._notebook) as got:
            got.append(await self._kernels.start_kernel(**kwargs))
        return got[0]
