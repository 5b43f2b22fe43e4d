"""What a camera says of its streams (SDP, RFC 8866): the video among them."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass

from citylib.cameras.gateway.faults import Fault

NAMES = {"H264": "h264", "H265": "h265", "HEVC": "h265"}


@dataclass(frozen=True)
class Track:
    """The video of a camera: codec, type of payload, where it is controlled, parameter sets."""

    codec: str
    payload: int
    control: str
    sets: tuple[bytes, ...]


def video_of(text: str) -> Track:
    """The first video that can be shown.

    Raises
    ------
    Fault
        There is none; "unsupported" when there is another kind of video.
    """
    other = []
    for part in re.split(r"(?m)^m=", text)[1:]:
        head = re.match(r"video \S+ \S+ (\d+)", part)
        if not head:
            continue
        payload = int(head[1])
        name = re.search(rf"(?m)^a=rtpmap:{payload} (\w+)/90000", part)
        codec = NAMES.get(name[1].upper()) if name else None
        if codec is None:
            other.append(name[1][:20] if name else "unknown")
            continue
        control = re.search(r"(?m)^a=control:(\S+)", part)
        return Track(codec, payload, control[1] if control else "", _sets(part))
    if other:
        raise Fault("unsupported", f"video of the kind {', '.join(other)}")
    raise Fault("unreadable", "it offers no video")


def _sets(part: str) -> tuple[bytes, ...]:
    found = []
    for text in re.findall(r"sprop-(?:parameter-sets|vps|sps|pps)=([^;\s]+)", part):
        for one in text.split(","):
            try:
                found.append(base64.b64decode(one + "=" * (-len(one) % 4)))
            except ValueError:
                continue
    return tuple(unit for unit in found if unit)
