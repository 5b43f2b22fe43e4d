"""The shared Voila application."""

from __future__ import annotations

import asyncio
import inspect
import os
import re
import shutil
import socket
from http.client import responses
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jupyter_core.utils import run_sync
from jupyter_server.utils import url_path_join
from jupyterhub.singleuser.extension import (
    JupyterHubAuthorizer,
    JupyterHubLogoutHandler,
    JupyterHubOAuthCallbackHandler,
)
from tornado.ioloop import PeriodicCallback
from tornado.web import HTTPError, RedirectHandler, RequestHandler, StaticFileHandler
from traitlets import Integer, Unicode, default
from traitlets.config import Config
from voila.app import Voila
from voila.request_info_handler import RequestInfoSocketHandler
from voila.static_file_handler import TemplateStaticFileHandler
from voila.tornado.contentshandler import VoilaContentsHandler
from voila.tornado.handler import TornadoVoilaHandler
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler
from voila.tornado.treehandler import TornadoVoilaTreeHandler

from citylib.serving.access import groups_of
from citylib.serving.client import PromptClient
from citylib.serving.first import Asked, FirstBytes, failure
from citylib.serving.identity import HubIdentity
from citylib.serving.kernels import KernelsOfReader, SharedKernelManager
from citylib.serving.waiting import waits_in
from citylib.serving.websocket import GuardedWebsocketHandler

# What Voila has and a reader of dashboards does not need: a list of the notebooks, their
# properties, and a websocket without sign-in that tells what a kernel was asked for.
LEFT_OUT = (TornadoVoilaTreeHandler, VoilaContentsHandler, RequestInfoSocketHandler)

# Scripts and styles of widgets are written into the page by Voila, so those stay free.
POLICY = (
    "frame-ancestors 'self'; object-src 'none'; base-uri 'self'; form-action 'self'; "
    "connect-src 'self'"
)

# Cookies that are nobody else's business.
SIGNED_IN = ("jupyterhub", "_xsrf")

# Names that say what is in the file: under such a name there is never anything else.
HASHED = re.compile(r"/labextensions/.+\.[0-9a-f]{8,}\.js$")

LOOK_SECONDS = 5
"""Between two looks at the folder of the notebooks."""
SLOW_SECONDS = 10
"""After which the log says what a page waits for."""


class SharedVoila(Voila):
    """Voila for all viewers at once, as a service of a JupyterHub.

    The hub tells address and sign-in through the environment (`JUPYTERHUB_SERVICE_URL`,
    `JUPYTERHUB_SERVICE_PREFIX`). Every request needs the hub's leave, static files and websockets
    too; notebooks directly in `root_dir` are shown and nothing else is served from there.
    """

    name = "voila"

    home = Unicode(help="Notebook that the service's bare address leads to.").tag(config=True)
    warm = Integer(2, help="Kernels kept ready for each notebook, its cells run.").tag(config=True)

    first = Unicode(
        help="Function that makes the first bytes of each page, as `module:function`; "
        "see citylib.serving.first."
    ).tag(config=True)

    port_retries = 0
    open_browser = False
    identity_provider_class = HubIdentity
    authorizer_class = JupyterHubAuthorizer

    @default("config_file_paths")
    def _config_file_paths_default(self) -> list[str]:
        # What lies about in the folder it is started in, or in somebody's home, is not for it.
        return []

    @default("connection_dir_root")
    def _default_connection_dir(self) -> str:
        folder = Path(self.runtime)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # What a predecessor that was killed left behind.
        for left in folder.glob("voila_*"):
            shutil.rmtree(left, ignore_errors=True)
        return str(folder)

    runtime = Unicode("runtime", help="Folder of this service alone, for sockets of kernels.").tag(
        config=True
    )

    def initialize(self, argv: list[str] | None = None) -> None:
        """Take address and defaults from the hub, then what the command line says."""
        address = urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"])
        self.ip, self.port = address.hostname or "127.0.0.1", address.port
        self.base_url = os.environ["JUPYTERHUB_SERVICE_PREFIX"]
        self.config.merge(_defaults())
        super().initialize(argv)
        self.voila_configuration.preheat_kernel = self.warm > 0
        self.voila_configuration.default_pool_size = self.warm
        # It would keep one entry for every page ever shown.
        RequestInfoSocketHandler._cache = _Forgetful()

    def start(self) -> None:
        """Serve until SIGTERM."""
        try:
            # Before the folder of a predecessor is cleared: it may still be there.
            socket.create_server((self.ip, self.port)).close()
        except OSError as error:
            self.log.critical("cannot listen on %s port %s: %s", self.ip, self.port, error)
            self.exit(1)
        super().start()

    def stop(self) -> None:
        """End the kernels at once: they hold nothing that is not elsewhere."""
        shutil.rmtree(self.connection_dir, ignore_errors=True)
        run_sync(self.kernel_manager.shutdown_all)(now=True)

    def init_settings(self) -> dict[str, Any]:
        """Voila's settings, and what browsers are told that its pages may do."""
        headers = {"Content-Security-Policy": POLICY, "Referrer-Policy": "same-origin"}
        settings = {**super().init_settings(), "headers": headers}
        if self.first:
            module, _, function = self.first.partition(":")
            settings["first_bytes"] = FirstBytes(getattr(import_module(module), function))
        # What is published, replaced or taken back is warm, or gone, before somebody asks for it.
        PeriodicCallback(self.kernel_manager.mend_pools, 1000 * LOOK_SECONDS).start()
        return settings

    def init_handlers(self) -> list[Any]:
        """Voila's handlers, less what is left out, each behind the hub's sign-in."""
        base = re.escape(self.server_url)
        handlers = [
            _guarded(*found) for found in super().init_handlers() if found[1] not in LEFT_OUT
        ]
        handlers.append((f"{base}reader", _Reader))
        if self.home:
            home = url_path_join(self.server_url, "voila/render", self.home)
            handlers.append((f"{base}?", RedirectHandler, {"url": home, "permanent": False}))
        return handlers


class _Forgetful(dict[str, Any]):
    def __setitem__(self, key: str, value: Any) -> None:
        pass


class _RoleRequired(RequestHandler):
    """Refuses who has not the hub's leave.

    For handlers that know nothing of Jupyter's sign-in (static files, plain websockets) and those
    that Jupyter serves to anybody. Kernels of other readers are not there.
    """

    def set_default_headers(self) -> None:
        super().set_default_headers()
        self.set_header("X-Content-Type-Options", "nosniff")

    async def prepare(self) -> None:
        done = super().prepare()
        if inspect.isawaitable(done):
            await done
        if self._finished:
            # Sent to sign in.
            return
        user = self.settings["identity_provider"].get_user(self)
        if inspect.isawaitable(user):
            user = await user
        if user is None:
            raise HTTPError(403)
        self.reader = user.username
        kernels = self.settings["kernel_manager"]
        for named in (*self.path_args, *self.path_kwargs.values()):
            if named in kernels and not kernels.open_to(named, user):
                raise HTTPError(404, f"there is no kernel {named}")


class _FilesForReaders(_RoleRequired):
    def set_headers(self) -> None:
        super().set_headers()  # type: ignore[misc]
        # Voila has browsers ask again for each script of each widget, on each page.
        if HASHED.search(self.request.path) and self.get_status() == 200:
            self.set_header("Cache-Control", "private, max-age=31536000, immutable")

    def check_xsrf_cookie(self) -> None:
        # A page's fonts are asked for without the token against forgery, and nothing happens
        # by asking.
        return


class _Reader(_FilesForReaders):
    """Says who is signed in, and where one signs out: pages made beforehand do not know."""

    def get(self) -> None:
        self.set_header("Cache-Control", "no-store")
        out = url_path_join(self.settings["base_url"], "logout")
        self.write({"name": self.reader, "sign_out": out})


class _DashboardHandler(TornadoVoilaHandler):
    """Shows a notebook directly in the root folder; other paths are not there."""

    @property
    def kernel_manager(self) -> Any:
        """The kernels; what is taken from them belongs to who asked for the page."""
        kernels = super().kernel_manager
        user = self.current_user
        return KernelsOfReader(kernels, user.username, self.path_args[0]) if user else kernels

    def should_use_rendered_notebook(self, *args: Any) -> bool:
        """Whether a warm kernel is taken: only one that is there is quicker than a new one."""
        return bool(super().should_use_rendered_notebook(*args)) and self.settings[
            "kernel_manager"
        ].has_warm(self.path_args[0])

    async def get(self, path: str = "") -> None:
        if not re.fullmatch(r"[\w-][\w.-]*\.ipynb", path):
            raise HTTPError(404, f"there is no dashboard {path}")
        user = self.current_user
        if user is None:
            # Is sent to sign in.
            await super().get(path)
            return
        # Who may not open it is not told whether it is there.
        if not self.kernel_manager.access.allows(path, groups_of(user)):
            raise HTTPError(404, f"there is no dashboard {path}")
        self.kernel_manager.has_room()
        if first_bytes := self.settings.get("first_bytes"):
            await self._begin(first_bytes, path)
        request = asyncio.current_task()
        slow = asyncio.get_running_loop().call_later(SLOW_SECONDS, self._say_where, request)
        try:
            await self.kernel_manager.mend_pool(path)
            await super().get(path)
        except Exception as error:
            if not self._headers_written:
                raise
            status = error.status_code if isinstance(error, HTTPError) else 500
            if status == 500:
                self.log.exception("a page that had begun could not be finished")
            told = (isinstance(error, HTTPError) and error.log_message) or responses[status]
            self.finish(failure(status, told))
        finally:
            slow.cancel()

    def _say_where(self, request: asyncio.Task[Any] | None) -> None:
        places = "".join(f"\n  {place}" for place in waits_in(request))
        self.log.warning("a page is not done after %d s; it waits in:%s", SLOW_SECONDS, places)

    async def _begin(self, first_bytes: FirstBytes, path: str) -> None:
        """Send what there is before a kernel."""
        query = {name: values[-1] for name, values in self.request.query_arguments.items()}
        cookies = {name: found.value for name, found in self.cookies.items()}
        asked = Asked(
            path,
            {name: value.decode("utf-8", "replace") for name, value in query.items()},
            {name: value for name, value in cookies.items() if not name.startswith(SIGNED_IN)},
            self.current_user.username,
            self.base_url,
        )
        began = await first_bytes(asked)
        self.set_header("Content-Type", "text/html; charset=UTF-8")
        self.set_header("Cache-Control", "no-cache, no-store, must-revalidate")
        self.write(began)
        await self.flush()


class _TemplateFiles(_FilesForReaders, TemplateStaticFileHandler):
    """Files of the page's template; a path that is none is not there, and no failure."""

    def parse_url_path(self, url_path: str) -> str:
        if not re.match(r"[\w-]+/static/(?!.*\.\.)", url_path):
            raise HTTPError(404)
        return str(super().parse_url_path(url_path))


def _guarded(pattern: str, handler: type[RequestHandler], *options: Any) -> tuple[Any, ...]:
    if handler is VoilaKernelWebsocketHandler:
        handler = GuardedWebsocketHandler
    elif handler is TornadoVoilaHandler:
        handler = _DashboardHandler
    elif handler is TemplateStaticFileHandler:
        handler = _TemplateFiles
    elif not issubclass(handler, (JupyterHubLogoutHandler, JupyterHubOAuthCallbackHandler)):
        guard = _FilesForReaders if issubclass(handler, StaticFileHandler) else _RoleRequired
        handler = type(f"Guarded{handler.__name__}", (guard, handler), {})
    return (pattern, handler, *options)


def _defaults() -> Config:
    config = Config()
    voila = config.VoilaConfiguration
    voila.file_allowlist = []
    voila.allow_template_override = "NO"
    voila.allow_theme_override = "NO"
    voila.show_tracebacks = False
    voila.multi_kernel_manager_class = SharedKernelManager
    config.Voila.mathjax_url = ""
    config.SharedVoila.mathjax_url = ""
    # A page says good-bye when it is left. One that could not (a phone switched off) is
    # noticed by its silence.
    config.MappingKernelManager.cull_idle_timeout = 20 * 60
    config.MappingKernelManager.cull_interval = 20
    config.MappingKernelManager.cull_connected = False
    # Not while the page that took a warm kernel is being drawn: it may be on the same machine,
    # and its messages go through this process.
    config.VoilaKernelManager.fill_delay = 2.5
    config.HubOAuth.cache_max_age = 30
    config.KernelProvisionerFactory.default_provisioner_name = "forked"
    config.AsyncKernelManager.client_factory = PromptClient
    return config
