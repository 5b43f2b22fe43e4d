"""A kernel that another process has forked."""

from __future__ import annotations

import json
import os
import select
import signal
import socket


class ForkedProcess:
    """A kernel that is no child of this process, with the parts of `subprocess.Popen` used.

    Parameters
    ----------
    pid, handle : int
        Number of the process, and a file descriptor that stays its own.
    line : socket.socket
        The process ends when this is closed.
    """

    stdin = stdout = stderr = None

    def __init__(self, pid: int, handle: int, line: socket.socket) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._handle = handle
        self._line = line

    def poll(self) -> int | None:
        """The exit status; None while it runs."""
        if self.returncode is None and select.select([self._handle], [], [], 0)[0]:
            self.returncode = self._status()
            self._close()
        return self.returncode

    def wait(self) -> int:
        """Wait for its end."""
        if self.returncode is None:
            select.select([self._handle], [], [])
        status = self.poll()
        assert status is not None  # noqa: S101
        return status

    def send_signal(self, number: int) -> None:
        """Send a signal to it alone."""
        if self.poll() is None:
            signal.pidfd_send_signal(self._handle, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def _status(self) -> int:
        """What the template tells; 1 when there is none that could know."""
        # It reaps in its turn, so what it says may come a moment later than the end.
        while select.select([self._line], [], [], 0.05)[0] and (told := self._line.recv(4096)):
            if (status := json.loads(told).get("status")) is not None:
                return int(status)
        return 1

    def _close(self) -> None:
        self._line.close()
        os.close(self._handle)

    def __del__(self) -> None:
        if self.returncode is None:
            self._close()
