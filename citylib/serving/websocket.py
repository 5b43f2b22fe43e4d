"""Kernel websockets that only carry well-formed messages.

Voila 0.5.13 and jupyter_server 2.21 read the length of a list from the first eight bytes of a
message without looking whether it can be true: one message makes them fill the memory. Voila
does so with what a kernel sends to a websocket opened without the subprotocol below, and
jupyter_server with what a browser sends on one opened with it.
"""

from __future__ import annotations

from tornado.web import HTTPError
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler

SUBPROTOCOL = "v1.kernel.websocket.jupyter.org"
UNSUPPORTED_DATA = 1003
# Channel and four parts of a message, so six offsets.
FEWEST_OFFSETS = 6


class GuardedWebsocketHandler(VoilaKernelWebsocketHandler):
    """Refuses websockets without the subprotocol and closes those with malformed messages."""

    async def get(self, kernel_id: str) -> None:
        """Open the websocket of a kernel."""
        offered = self.request.headers.get("Sec-WebSocket-Protocol", "")
        if SUBPROTOCOL not in (name.strip() for name in offered.split(",")):
            raise HTTPError(400, f"open kernel websockets with the subprotocol {SUBPROTOCOL}")
        if kernel_id not in self.kernel_manager:
            raise HTTPError(404, f"there is no kernel {kernel_id}")
        await super().get(kernel_id)

    def on_message(self, message: str | bytes) -> None:
        """Pass a message on to the kernel."""
        if not well_formed(message):
            self.log.warning("closing a kernel websocket: malformed message")
            self.close(UNSUPPORTED_DATA, "malformed message")
            return
        super().on_message(message)


def well_formed(message: str | bytes) -> bool:
    """Whether a message of the subprotocol has offsets that lie in it and in order.

    Examples
    --------
    >>> well_formed((2**40).to_bytes(8, "little"))
    False
    """
    if not isinstance(message, bytes) or len(message) < 8 * (1 + FEWEST_OFFSETS):
        return False
    count = int.from_bytes(message[:8], "little")
    if not FEWEST_OFFSETS <= count <= len(message) // 8 - 1:
        return False
    place = 8 * (1 + count)
    for i in range(count):
        offset = int.from_bytes(message[8 * (i + 1) : 8 * (i + 2)], "little")
        if not place <= offset <= len(message):
            return False
        place = offset
    return True
