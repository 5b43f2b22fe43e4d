"""What a source gives its pictures to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from citylib.cameras.gateway.sdp import Track

Picture = Callable[[list[bytes], int, bool], None]


class Sink(Protocol):
    """Takes what one connection to a camera brings."""

    def begin(self, track: Track) -> Picture:
        """A connection to video stands; gives what takes each picture.

        That takes NAL units, time in ticks of 1/90000 s, and whether nothing was lost since the
        picture before.

        Raises
        ------
        Fault
            Such video cannot be shown now.
        """

    def still(self, jpeg: bytes) -> None:
        """Take a picture that is a JPEG."""
