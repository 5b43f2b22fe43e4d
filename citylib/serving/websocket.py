"""Kernel websockets that only carry well-formed messages, for whom the kernel is meant.

Voila 0.5.13 and jupyter_server 2.21 read the length of a list from the first eight bytes of a
message without looking whether it can be true: one message makes them fill the memory. Voila
does so with what a kernel sends to a websocket opened without the subprotocol below, and
jupyter_server with what a browser sends on one opened with it.
"""

from __future__ import annotations

from tornado.ioloop import PeriodicCallback
from tornado.web import HTTPError
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler

SUBPROTOCOL = "v1.kernel.websocket.jupyter.org"
UNSUPPORTED_DATA = 1003
POLICY_VIOLATION = 1008
RECHECK_SECONDS = 15
LOOK_SECONDS = 2
# Channel and four parts of a message, so six offsets.
FEWEST_OFFSETS = 6


class GuardedWebsocketHandler(VoilaKernelWebsocketHandler):
    """Refuses websockets without the subprotocol and those to somebody else's kernel.

    Closes those with malformed messages, and those of readers who lost the hub's leave.
    """

    _rechecks: tuple[PeriodicCallback, ...] = ()

    async def get(self, kernel_id: str) -> None:
        """Open the websocket of a kernel."""
        offered = self.request.headers.get("Sec-WebSocket-Protocol", "")
        if SUBPROTOCOL not in (name.strip() for name in offered.split(",")):
            raise HTTPError(400, f"open kernel websockets with the subprotocol {SUBPROTOCOL}")
        if kernel_id not in self.kernel_manager:
            raise HTTPError(404, f"there is no kernel {kernel_id}")
        await super().get(kernel_id)

    async def pre_get(self) -> None:
        """Look whose kernel it is, before anything is asked of it: it may be ending."""
        if not self.kernel_manager.open_to(self.kernel_id, self.current_user):
            raise HTTPError(404, f"there is no kernel {self.kernel_id}")
        await super().pre_get()

    async def open(self, kernel_id: str) -> None:
        """Connect to the kernel, and keep asking whether the reader still may."""
        self.kernel_manager.opened(kernel_id)
        self._rechecks = (
            PeriodicCallback(self.close_if_refused, RECHECK_SECONDS * 1000),
            PeriodicCallback(self.close_if_taken_back, LOOK_SECONDS * 1000),
        )
        for recheck in self._rechecks:
            recheck.start()
        await super().open(kernel_id)

    def on_close(self) -> None:
        """Let go of the kernel."""
        for recheck in self._rechecks:
            recheck.stop()
        super().on_close()

    async def close_if_refused(self) -> None:
        """Close the websocket when the sign-in that it was opened with is over."""
        hub = self.identity_provider.hub_auth
        try:
            user = await hub.user_for_token(
                hub.get_token(self),
                use_cache=False,
                session_id=hub.get_session_id(self),
                sync=False,
            )
        except HTTPError as error:
            # The hub is being started again; it is asked the next time.
            self.log.warning("cannot ask the hub about an open dashboard: %s", error)
            return
        if user:
            self.current_user.hub_user["groups"] = user.get("groups") or []
        if not user or not hub.check_scopes(hub.access_scopes, user):
            self.log.info("closing a kernel websocket: its reader is not signed in any more")
            self.close(POLICY_VIOLATION, "signed out")

    async def close_if_taken_back(self) -> None:
        """Close the websocket and end the kernel when the notebook is not for this reader now."""
        kernels = self.kernel_manager
        if self.kernel_id in kernels and not kernels.open_to(self.kernel_id, self.current_user):
            self.log.info("ending a kernel: its notebook is not for its reader any more")
            self.close(POLICY_VIOLATION, "taken back")
            await kernels.shutdown_kernel(self.kernel_id, now=True)

    def on_message(self, message: str | bytes) -> None:
        """Pass a message on to the kernel."""
        if not self.kernel_manager.open_to(self.kernel_id, self.current_user):
            self.close(POLICY_VIOLATION, "taken back")
            return
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
