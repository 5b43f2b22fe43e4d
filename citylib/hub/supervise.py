"""Keeping a program running, and leaving nothing behind of it and its descendants.

Whatever the program starts, and whatever that starts, becomes a child of this process when its
own parent dies: nothing can get lost.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import psutil

from citylib.city.processes import end_with_parent

STOPPING = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
_PR_SET_CHILD_SUBREAPER = 36
_prctl = ctypes.CDLL(None, use_errno=True).prctl


class Supervisor:
    """Runs a command until told to stop, and again when it dies.

    Parameters
    ----------
    command : list of str
        The program and its arguments.
    environment : dict
        Its environment.
    log : Path
        File that its output is added to.
    spare : callable
        Tells of a process whether it may live on while the command is started again.
    before : callable
        Called before every start.
    patience : float
        Seconds that a program has to stop by itself.
    """

    def __init__(
        self,
        command: list[str],
        environment: dict[str, str],
        log: Path,
        *,
        spare: Callable[[psutil.Process], bool] = lambda process: False,
        before: Callable[[], None] = lambda: None,
        patience: float = 15,
    ) -> None:
        self._command = command
        self._environment = environment
        self._log = log
        self._spare = spare
        self._before = before
        self._patience = patience
        self.child: subprocess.Popen[bytes] | None = None
        self.starts = 0

    def run(self, tick: Callable[[], float]) -> signal.Signals | None:
        """Run until a signal to stop; then stop everything.

        Parameters
        ----------
        tick : callable
            Called whenever something may have changed; returns the seconds until it wants to
            be called again, or a negative number to stop.

        Returns
        -------
        signal or None
            The signal that ended it; None when `tick` did.
        """
        _prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        watched = STOPPING | {signal.SIGCHLD}
        # Delivered only where they are waited for; what is ignored might not be.
        for number in watched:
            signal.signal(number, lambda *_: None)
        signal.pthread_sigmask(signal.SIG_BLOCK, watched)
        try:
            self._start()
            while True:
                wait = tick()
                if wait < 0:
                    return None
                told = signal.sigtimedwait(watched, wait)
                if told is not None and told.si_signo in STOPPING:
                    return signal.Signals(told.si_signo)
                self._reap()
                if self.child is None or self.child.returncode is not None:
                    self._restart()
        finally:
            self.stop()
            # What was typed in impatience meanwhile is not to be delivered late.
            while signal.sigtimedwait(watched, 0):
                pass
            signal.pthread_sigmask(signal.SIG_UNBLOCK, watched)

    def stop(self) -> None:
        """End the program and all its descendants; they get `patience` to do it themselves."""
        if self.child is not None and self.child.returncode is None:
            self.child.send_signal(signal.SIGTERM)
            self._wait_for(lambda: self.child is None or self.child.returncode is not None)
        self._end(psutil.Process().children())

    def _start(self) -> None:
        self._before()
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with open(self._log, "ab", opener=_for_owner) as log:
            self.child = subprocess.Popen(  # noqa: S603
                self._command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # A Ctrl-C in the terminal is for this process, which then stops the other.
                start_new_session=True,
                preexec_fn=_after_fork,
            )
        self.starts += 1
        self._started = time.monotonic()

    def _restart(self) -> None:
        orphans = [child for child in psutil.Process().children() if not self._spare(child)]
        self._end(orphans)
        # A program that dies at once again and again is not started ever faster.
        pause = 1.0 if time.monotonic() - self._started > 60 else min(30.0, 2.0**self.starts / 2)
        told = signal.sigtimedwait(STOPPING, pause)
        if told is not None:
            os.kill(os.getpid(), told.si_signo)
        else:
            self._start()

    def _end(self, roots: Iterable[psutil.Process]) -> None:
        everything = list(roots)
        for process in list(everything):
            everything += _ignore_gone(lambda p: p.children(recursive=True), process, [])
            _ignore_gone(lambda p: p.terminate(), process, None)
        self._wait_for(lambda: not any(_lives(process) for process in everything))
        for process in everything:
            _ignore_gone(lambda p: p.kill(), process, None)
        self._wait_for(lambda: not any(_lives(process) for process in everything))

    def _wait_for(self, condition: Callable[[], bool]) -> None:
        until = time.monotonic() + self._patience
        self._reap()
        while not condition() and time.monotonic() < until:
            signal.sigtimedwait({signal.SIGCHLD}, 0.2)
            self._reap()

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if self.child is not None and pid == self.child.pid:
                self.child.returncode = os.waitstatus_to_exitcode(status)


def _for_owner(path: str, flags: int) -> int:
    descriptor = os.open(path, flags, 0o600)
    # One of an earlier release is there already.
    os.fchmod(descriptor, 0o600)
    return descriptor


def _after_fork() -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    # A shell has those it starts in the background ignore Ctrl-C, and they would pass it on.
    for number in STOPPING:
        signal.signal(number, signal.SIG_DFL)
    end_with_parent()


def _lives(process: psutil.Process) -> bool:
    alive = process.is_running()
    return bool(alive and _ignore_gone(lambda p: p.status(), process, "") != psutil.STATUS_ZOMBIE)


def _ignore_gone(act: Callable[[psutil.Process], Any], process: psutil.Process, other: Any) -> Any:
    try:
        return act(process)
    except psutil.NoSuchProcess:
        return other
