"""The template: a process that has imported what dashboards need, and forks itself into kernels.

Started by `citylib.serving.forking`, as `python template.py FD PRELOAD`. `FD` is a socket to the
server, over which it is asked for kernels; `PRELOAD` a JSON list of what is imported first. It
ends with the server. It runs no notebook and is told nothing about anybody: its memory is in every
kernel.
"""

from __future__ import annotations

import ctypes
import gc
import json
import logging
import os
import select
import signal
import socket
import sys
import threading
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Generic

LARGEST = 2**20
"""Bytes of the largest order: arguments and environment of a kernel."""
WARM = b"warm"
OF_A_KERNEL = (
    "ipykernel.kernelapp",
    "ipykernel.zmqshell",
    # What those import when they are used.
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "faulthandler",
    "pdb",
    "psutil",
    "tornado.platform.asyncio",
)


class _NoModules:
    """The module `sys`, but for the list of modules."""

    modules: ClassVar[dict[str, Any]] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(sys, name)


@dataclass(frozen=True)
class Order:
    """What a fork is to become.

    Attributes
    ----------
    arguments : list of str
        Of `ipykernel_launcher`.
    environment : dict
        The kernel's environment, all of it.
    folder : str
        Where it works.
    line : socket.socket
        To the server: says when the kernel can be connected to, and ends the kernel when the
        server is gone.
    """

    arguments: list[str]
    environment: dict[str, str]
    folder: str
    line: socket.socket


def main() -> None:
    """Get warm, fork kernels, and in each fork be that kernel."""
    # As for a kernel started by itself: a notebook does not import from this file's folder.
    del sys.path[0]
    control = socket.socket(fileno=int(sys.argv[1]))
    preload(json.loads(sys.argv[2]))
    control.send(WARM)
    if order := serve(control):
        become(order)


def preload(wanted: list[str]) -> None:
    """Import modules (`package.module`) and call functions (`package.module:function`).

    Raises
    ------
    SystemExit
        One of them started a thread, which a fork would not have.
    """
    gc.disable()
    # The debugger is nothing for a dashboard, and 10 MB of every kernel.
    sys.modules["debugpy"] = None  # type: ignore[assignment]
    import_module("ipykernel.debugger")

    del sys.modules["debugpy"]
    # It asks every module for its file, for the debugger. That would write to the memory of all of
    # them, and make each kernel's copy 8 MB larger.
    import_module("ipykernel.ipkernel").sys = _NoModules()  # type: ignore[attr-defined]
    # It keeps the names of all modules; each name is a place in memory.
    import_module("IPython.core.shellapp").sys = _NoModules()  # type: ignore[attr-defined]
    _application()
    # Made when it is first asked for, which every socket does, and then all that is generic is
    # told of it: that touches 1 MB.
    _ = Generic.__annotations__
    for one in (*OF_A_KERNEL, *wanted):
        module, _, function = one.partition(":")
        found = import_module(module)
        if function:
            getattr(found, function)()
    threads = sorted(Path("/proc/self/task").iterdir())[1:]
    if threads:
        names = ", ".join((thread / "comm").read_text().strip() for thread in threads)
        raise SystemExit(f"the template cannot fork: something it imports runs threads ({names})")
    gc.collect()
    # What is there now is never looked at again: looking would write to memory that is shared.
    gc.freeze()


def serve(control: socket.socket) -> Order | None:
    """Fork kernels until the server is gone.

    Returns
    -------
    Order or None
        In a fork, what it is to become; None when the server is gone.
    """
    # A terminal's Ctrl-C is for the server, whose end is noticed.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    woken, waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(waker)
    poller = select.poll()
    for source in (control.fileno(), woken):
        poller.register(source, select.POLLIN)
    kernels: dict[int, socket.socket] = {}
    while True:
        for source, _ in poller.poll():
            if source == woken:
                os.read(woken, 4096)
                _reap(kernels)
                continue
            asked, passed, _, _ = socket.recv_fds(control, LARGEST, 1, socket.MSG_CMSG_CLOEXEC)
            if not asked:
                return None
            line = socket.socket(fileno=passed[0])
            if _fork(line, kernels):
                for kept in (control, *kernels.values()):
                    kept.close()
                signal.set_wakeup_fd(-1)
                os.close(woken)
                os.close(waker)
                return Order(**json.loads(asked), line=line)


def _fork(line: socket.socket, kernels: dict[int, socket.socket]) -> bool:
    """Fork; true in the fork. The server is given a handle of it, or told why there is none."""
    try:
        child = os.fork()
    except OSError as error:
        _tell(line, {"error": str(error)})
        line.close()
        return False
    if not child:
        return True
    kernels[child] = line
    handle = os.pidfd_open(child)
    _tell(line, {"pid": child}, handle)
    os.close(handle)
    return False


def _reap(kernels: dict[int, socket.socket]) -> None:
    while kernels:
        child, status = os.waitpid(-1, os.WNOHANG)
        if not child:
            return
        with kernels.pop(child) as line:
            _tell(line, {"status": os.waitstatus_to_exitcode(status)})


def _tell(line: socket.socket, what: dict[str, Any], *handles: int) -> None:
    try:
        socket.send_fds(line, [json.dumps(what).encode()], handles)
    except OSError:
        # The server does not wait for it any more.
        return


def become(order: Order) -> None:
    """Be a kernel until it is told to shut down or the server is gone."""
    gc.enable()
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(order.environment)
    os.chdir(order.folder)
    if "numpy" in sys.modules:
        # Python's own generator is seeded anew by Python.
        sys.modules["numpy"].random.seed()
    sys.argv = ["ipykernel_launcher", *order.arguments]
    _rename([sys.executable, "forked", *sys.argv])
    threading.Thread(target=_end_with_server, args=(order.line,), daemon=True).start()

    # 1: it need not look whether its parent still lives.
    app = _application().instance(parent_handle=1)
    # Its file of what was run would be one for all kernels, and each would wait for the others.
    app.config.HistoryManager.enabled = False
    app.initialize(order.arguments)
    # Names that the shell did not get to know.
    del app.shell._sys_modules_keys
    if "ipywidgets" in sys.modules:
        # Widgets register themselves when they are imported in a kernel; these were before.
        sys.modules["ipywidgets"].register_comm_target()
    _tell(order.line, {"ready": True})
    app.start()


@cache
def _application() -> Any:
    """The kernel's application, less what costs each kernel memory of its own and is not needed."""
    from ipykernel.kernelapp import IPKernelApp

    class Application(IPKernelApp):
        def parse_command_line(self, argv: list[str] | None = None) -> None:
            match argv:
                case ["-f", path]:
                    # A parser of all that could be said touches 4 MB.
                    self.connection_file = path
                case _:
                    super().parse_command_line(argv)

        def _configure_logging(self) -> None:
            # What goes wrong is told without a format, which touches 1 MB.
            self.log.setLevel(logging.ERROR)

    return Application


def _end_with_server(line: socket.socket) -> None:
    poller = select.poll()
    poller.register(line, 0)
    poller.poll()
    os.killpg(0, signal.SIGKILL)


def _rename(command: list[str]) -> None:
    """Have the system's list of processes show a command in place of the template's."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    begin, end = int(fields[45]), int(fields[46])
    told = b"\0".join(part.encode() for part in command)[: end - begin - 1]
    ctypes.memmove(begin, told.ljust(end - begin, b"\0"), end - begin)


if __name__ == "__main__":
    main()
