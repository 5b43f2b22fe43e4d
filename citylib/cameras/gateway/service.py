"""The gateway as a service of the hub."""

from __future__ import annotations

import asyncio
import logging
import re

from tornado.web import Application

from citylib.access.service import Place, begin_service, cookie_secret, listen
from citylib.cameras.gateway.channel import Channel
from citylib.cameras.gateway.handlers import WatchHandler, routes
from citylib.cameras.gateway.posters import Posters
from citylib.cameras.gateway.sharing import gateway_of
from citylib.cameras.gateway.snapshots import Snapshots
from citylib.cameras.gateway.targets import Targets
from citylib.cameras.gateway.transcode import Transcoders
from citylib.cameras.gateway.viewer import Viewer
from citylib.cameras.gateway.viewings import Viewings
from citylib.cameras.registry.model import Camera
from citylib.cameras.registry.read import imported, read_cameras
from citylib.cameras.registry.rows import Cameras
from citylib.city.errors import CityError
from citylib.city.profile import City, load_city
from citylib.city.settings import Settings
from citylib.operations.store import Store

log = logging.getLogger(__name__)

BEAT = 2.8
"""Seconds between two heartbeats."""
LOOK_EVERY = 5.0
"""Seconds between two looks at the files of cameras."""
CLEAN_EVERY = 600.0
"""Seconds between two looks for posters that are to be forgotten."""
MOST_VIEWERS, MOST_PUBLIC = 5000, 500
"""Who watches at once, at most; and those of them who are not signed in."""


class Gateway:
    """The cameras of an installation, and who watches them.

    Parameters
    ----------
    settings : Settings
        The installation.
    city : City
        Its profile.
    store : Store
        For the audit log.
    prefix : str
        Path of the service; its last part is the gateway's name.
    """

    def __init__(
        self, settings: Settings, city: City, store: Store, prefix: str = "/services/cameras/"
    ) -> None:
        self.settings, self.city, self.prefix = settings, city, prefix
        self.name = prefix.strip("/").rpartition("/")[2]
        self.channels: dict[str, Channel] = {}
        self.open: set[WatchHandler] = set()
        self.posters = Posters(settings.var / "cameras" / "posters")
        self.snapshots = Snapshots(settings.var / "cameras" / "snapshots")
        self.viewings = Viewings(store, settings.var / "cameras" / f"{self.name}.open")
        self.take(read_cameras(settings, city))

    def take(self, cameras: Cameras) -> None:
        """Go on with these cameras; those that are open and changed are pulled anew."""
        self.cameras = cameras
        self._targets = Targets(self.settings, cameras.rules)
        self._transcoders = Transcoders(cameras.rules.transcode_at_most)
        for aside in cameras.aside:
            log.error("camera set aside: %s", aside)
        log.info("%d cameras, %d set aside", len(cameras.known), len(cameras.aside))

    @property
    def viewers(self) -> int:
        """How many watch."""
        return sum(len(channel.viewers) for channel in self.channels.values())

    def is_full(self, who: str) -> bool:
        """Whether one more like this would be too many."""
        public = sum(one.who == "public" for one in self.open) if who == "public" else 0
        return self.viewers >= MOST_VIEWERS or public >= MOST_PUBLIC

    def own(self, camera: Camera) -> bool:
        """Whether this gateway has the camera."""
        return gateway_of(camera.id, self.cameras.rules.gateways) == self.name

    def path_of(self, camera: Camera, what: str) -> str:
        """Path of a camera's pictures, at whichever gateway has it."""
        gateway = gateway_of(camera.id, self.cameras.rules.gateways)
        base = self.prefix.rstrip("/").rpartition("/")[0]
        return f"{base}/{gateway}/{what}/{camera.id}"

    def watch(self, camera: Camera, viewer: Viewer) -> None:
        """Somebody watches a camera."""
        channel = self.channels.get(camera.id)
        if channel is None:
            channel = Channel(camera, self._targets, self._transcoders, self._ended)
            self.channels[camera.id] = channel
        channel.attach(viewer)

    def leave(self, camera: Camera, viewer: Viewer, linger: bool) -> None:
        """Somebody watches no more; `linger`: may come back soon."""
        if channel := self.channels.get(camera.id):
            channel.detach(viewer, linger)

    async def poster(self, camera: Camera) -> tuple[bytes, float] | None:
        """The newest poster of a camera, and its time."""
        channel = self.channels.get(camera.id)
        return await self.posters.newest(camera, channel.key_picture if channel else None)

    def _ended(self, channel: Channel) -> None:
        if self.channels.get(channel.camera.id) is channel:
            del self.channels[channel.camera.id]
        self.posters.keep(channel.camera, channel.key_picture)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop; what goes wrong in one of its works ends it, to begin anew."""
        works = (self.viewings.run, self._beat, self._follow, self._clean)
        tasks = [asyncio.create_task(work()) for work in (stop.wait, *works)]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.gather(*(channel.close() for channel in [*self.channels.values()]))
            await self.viewings.finish()
            self.posters.close()
            self.snapshots.close()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT)
            for handler in [*self.open]:
                handler.beat()

    async def _follow(self) -> None:
        mark = self._mark()
        while True:
            await asyncio.sleep(LOOK_EVERY)
            if (now := self._mark()) == mark:
                continue
            mark = now
            try:
                cameras = await asyncio.to_thread(read_cameras, self.settings, self.city)
            except CityError as error:  # what ran goes on until it is mended
                log.error("%s", error)
                continue
            before, self_open = self.cameras.known, [*self.channels.values()]
            self.take(cameras)
            for channel in self_open:
                if cameras.known.get(channel.camera.id) != before.get(channel.camera.id):
                    await self._replace(channel)

    async def _replace(self, channel: Channel) -> None:
        """Pull a camera anew that was changed; viewers who may not see it any more are let go of
        when they are looked at next."""
        viewers = [*channel.viewers]
        await channel.close()
        camera = self.cameras.known.get(channel.camera.id)
        for viewer in viewers:
            if camera:
                self.watch(camera, viewer)

    def _mark(self) -> str:
        folder = self.city.folder
        told = []
        for path in (folder / "cameras.toml", folder / "cameras.csv", imported(self.settings)):
            try:
                known = path.stat()
                told.append(f"{path} {known.st_size} {known.st_mtime_ns}")
            except FileNotFoundError:
                continue
        return "\n".join(told)

    async def _clean(self) -> None:
        while True:
            cameras = [*self.cameras.known.values()]
            try:
                await asyncio.to_thread(self.posters.clean, cameras)
                await asyncio.to_thread(self.snapshots.clean, cameras)
            except OSError as error:
                log.error("pictures that are to be forgotten cannot be removed: %s", error)
            await asyncio.sleep(CLEAN_EVERY)


def application(gateway: Gateway) -> Application:
    """The gateway's addresses."""
    return Application(
        routes(re.escape(gateway.prefix)),
        gateway=gateway,
        cookie_secret=cookie_secret(gateway.settings, gateway.name),
        websocket_max_message_size=4096,
        log_function=lambda handler: None,
    )


def run_gateway(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; address, path and sign-in come from the hub's environment.

    Raises
    ------
    CityError
        It was not started by the hub, or the list of cameras cannot be read.
    """
    place = begin_service("the gateway")
    city = load_city(settings.profile)
    with Store(settings.database) as store:
        store.migrate()
        asyncio.run(_serve(settings, city, store, place))


async def _serve(settings: Settings, city: City, store: Store, place: Place) -> None:
    gateway = Gateway(settings, city, store, place.prefix)
    await gateway.run(listen(application(gateway), place, largest_body=0))
