"""Cameras by HTTP: MJPEG, stills that change, HLS."""

from __future__ import annotations

from citylib.cameras.gateway.faults import Fault
from citylib.cameras.gateway.sink import Sink
from citylib.cameras.gateway.targets import Target, Targets


async def pull(target: Target, targets: Targets, sink: Sink) -> None:
    """Give a camera's pictures to the sink, until they end."""
    raise Fault("unsupported", f"{target.source} is not shown yet")
