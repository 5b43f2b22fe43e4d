"""Several gateways share the cameras: each camera is at one of them, found without asking."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence


def gateway_of(camera: str, gateways: Sequence[str]) -> str:
    """The gateway that a camera belongs to.

    By rendezvous hashing: the same on every machine, even, and when a gateway is added or taken
    away only the cameras of that one move.

    Examples
    --------
    >>> gateway_of("gate", ["cameras"])
    'cameras'
    """

    def weight(gateway: str) -> bytes:
        return hashlib.blake2b(f"{gateway}\0{camera}".encode(), digest_size=8).digest()

    return max(gateways, key=weight)
