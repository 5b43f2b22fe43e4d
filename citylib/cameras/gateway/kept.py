"""Addresses of pictures that somebody keeps."""

from __future__ import annotations

import asyncio
from datetime import datetime
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import av
from tornado.web import HTTPError

from citylib.cameras.gateway.handler import Handler
from citylib.cameras.gateway.snapshots import Full


class SnapshotHandler(Handler):
    """Keeps the newest picture of a camera that is being watched."""

    async def post(self, name: str) -> None:
        """Keep it; answers with its path, its name as a file, and for how many hours it is kept."""
        # Only pages of this very address may ask; browsers say which one asks.
        if urlsplit(self.request.headers.get("Origin", "")).netloc != self.request.host:
            raise HTTPError(403, reason="not from a page of this platform")
        camera, gateway = self.camera(name), self.gateway
        if self.role is None:
            raise HTTPError(403, reason="sign in to keep pictures")
        if gateway.viewings.full:
            raise HTTPError(503, reason="too much at once; try again")
        channel = gateway.channels.get(camera.id)
        stream = channel.newest if channel else b""
        if not stream:
            raise HTTPError(404, reason="no picture of this camera at the moment")
        now = datetime.now(ZoneInfo(gateway.city.timezone))
        try:
            made = await gateway.snapshots.take(camera, self.get_argument("lang", ""), stream, now)
        except Full:
            raise HTTPError(503, reason="too many pictures are kept; try again later") from None
        except (OSError, ValueError, av.FFmpegError):
            raise HTTPError(404, reason="no picture of this camera at the moment") from None
        gateway.viewings.kept(self.who, camera.id, made)
        self.set_status(201)
        self.write(
            {
                "picture": f"{gateway.path_of(camera, 'snapshot')}/{made}",
                "name": f"{camera.id}_{made}",
                "hours": camera.retention_hours,
            }
        )


class KeptHandler(Handler):
    """A picture that was kept."""

    async def get(self, name: str, picture: str) -> None:
        """Send the JPEG; 404 when its time is over."""
        camera = self.camera(name)
        if self.role is None:
            raise HTTPError(403, reason="sign in to see kept pictures")
        found = await asyncio.to_thread(self.gateway.snapshots.read, camera, picture)
        if found is None:
            raise HTTPError(404, reason="this picture is not kept any more")
        self.set_header("Content-Type", "image/jpeg")
        self.set_header("Content-Disposition", f'attachment; filename="{camera.id}_{picture}"')
        self.finish(found)
