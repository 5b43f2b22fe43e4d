"""A client of kernels that loses no time."""

from __future__ import annotations

import time
from queue import Empty

from jupyter_client.asynchronous.client import AsyncKernelClient

PAUSE = 0.2
"""Seconds after which a kernel that did not answer is asked again."""


class PromptClient(AsyncKernelClient):
    """Goes on as soon as a kernel answers on both of its channels.

    The client of jupyter_client 8 then waits for 0.2 s in which the kernel says nothing, to drop
    what it said before. Whoever reads by the request's id, as nbclient does, need not.
    """

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Wait until the kernel answers.

        Raises
        ------
        RuntimeError
            It died, or did not answer within `timeout` seconds.
        """
        until = time.monotonic() + (float("inf") if timeout is None else timeout)
        while True:
            self.kernel_info()
            try:
                while (reply := await self.get_shell_msg(timeout=1)) is not None:
                    if reply["msg_type"] == "kernel_info_reply":
                        break
                await self.get_iopub_msg(timeout=PAUSE)
            except Empty:
                pass
            else:
                self._handle_kernel_info_reply(reply)
                return
            if not await self.is_alive():
                raise RuntimeError("Kernel died before replying to kernel_info")
            if time.monotonic() > until:
                raise RuntimeError(f"Kernel didn't respond in {timeout} seconds")
