"""Kernels forked from a warm template process, in place of started anew.

`ForkedProvisioner` is what jupyter_client starts kernels with; `KernelTemplate` keeps the template
running. When there is none, or it does not answer, a kernel starts as it would without this.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo, LocalPortCache
from jupyter_client.provisioning import LocalProvisioner
from traitlets import Float, List, Unicode
from traitlets.config import SingletonConfigurable
from traitlets.config.configurable import LoggingConfigurable

from citylib.serving import template
from citylib.serving.process import ForkedProcess

ONE_THREAD = {
    "MALLOC_ARENA_MAX": "1",
    "MKL_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    # jemalloc as built into pyarrow and into Rust's packages.
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
    "_RJEM_MALLOC_CONF": "background_thread:false",
}
"""Environment in which libraries start no thread by being imported."""
USUAL = ("HOME", "LANG", "LC_ALL", "LC_CTYPE", "PATH", "TMPDIR", "TZ", "VIRTUAL_ENV")
"""Variables of the server that the template has too. No others: they may be secret."""
ROOM = 600
"""Letters of the template's command line, which a kernel's takes the place of."""
ATTEMPTS = 3
"""Forks for one kernel, each with other ports, before an ordinary one is started."""
PORTS = ("shell_port", "iopub_port", "stdin_port", "hb_port", "control_port")
SHORTEST, LONGEST = 0.1, 60.0
"""Seconds before a template that ended is started again: at first, and when it keeps ending."""


class DidNotStart(Exception):
    """A fork ended before it was a kernel."""


class ForkedProvisioner(LocalProvisioner):
    """Starts Python kernels of this environment by forking the template; others as ever.

    Registered as `forked`: `c.KernelProvisionerFactory.default_provisioner_name = "forked"`.
    """

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Start a kernel."""
        arguments = _arguments(cmd)
        if arguments is None or kwargs.keys() & {"stdin", "stdout", "stderr", "independent"}:
            return await super().launch_kernel(cmd, **kwargs)
        # Of the server as a whole, whichever kernel is the first to ask.
        kept = KernelTemplate.instance(parent=getattr(self.parent, "parent", None))
        folder = str(kwargs.get("cwd") or Path.cwd())
        process = None
        for _ in range(ATTEMPTS):
            try:
                process = await kept.fork(arguments, kwargs["env"], folder)
                break
            except DidNotStart as error:
                self.log.warning("a forked kernel ended at once: %s", error)
                self._choose_other_ports()
        if process is None:
            return await super().launch_kernel(cmd, **kwargs)
        # All else that a provisioner does, it does with what looks like a Popen.
        self.process = process  # type: ignore[assignment]
        self.pid = self.pgid = process.pid
        self.cwd = folder
        return self.connection_info

    def _choose_other_ports(self) -> None:
        """Between choosing a port and the kernel's opening it, somebody else may have taken it."""
        manager = self.parent
        if manager is None or manager.transport != "tcp":
            return
        ports = LocalPortCache.instance()
        for name in PORTS:
            ports.return_port(getattr(manager, name))
            setattr(manager, name, ports.find_available_port(manager.ip))
        manager._connection_file_written = False
        manager.write_connection_file()
        self.connection_info = manager.get_connection_info()

    async def send_signal(self, signum: int) -> None:
        """Send a signal to the kernel and what it started, if it is still there."""
        if self.process and self.process.poll() is None:
            await super().send_signal(signum)


class KernelTemplate(SingletonConfigurable, LoggingConfigurable):
    """Keeps the template process running, and asks it for kernels."""

    preload = List(
        Unicode(),
        ["ipywidgets"],
        help="What kernels have when they start: modules, and functions as `module:function` that "
        "are called. Nothing of it may start a thread, hold a secret, or be anybody's.",
    ).tag(config=True)
    environment = List(
        Unicode(),
        help="Further variables of this process's environment that the template has too, by name. "
        "A kernel has an environment of its own in place of the template's.",
    ).tag(config=True)
    patience = Float(
        10, help="Seconds that a fork may take; then an ordinary kernel is started."
    ).tag(config=True)
    warm_up = Float(120, help="Seconds that the template may take to get warm.").tag(config=True)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._tried = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """Number of the template process; None when there is none that could fork."""
        return self._process.pid if self._process and self._control else None

    def start(self) -> None:
        """Start the template and keep it running from now on."""
        if self._keeping is None:
            self._keeping = asyncio.get_running_loop().create_task(self._keep())

    async def close(self) -> None:
        """End the template; kernels go on."""
        if self._keeping:
            self._keeping.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeping
            self._keeping = None
            self._tried.clear()

    async def fork(
        self, arguments: list[str], environment: dict[str, str], folder: str
    ) -> ForkedProcess | None:
        """Make a kernel that can be connected to.

        Before the template is warm for the first time, it is waited for.

        Parameters
        ----------
        arguments : list of str
            Of `ipykernel_launcher`.
        environment : dict
            The kernel's environment, all of it.
        folder : str
            Where it works.

        Returns
        -------
        ForkedProcess or None
            None when the template is away or does not answer.

        Raises
        ------
        DidNotStart
            There was a fork, and it ended; what it said is in the log.
        """
        self.start()
        await self._tried.wait()
        control = self._control
        if control is None:
            self.log.warning("no template is warm: starting an ordinary kernel")
            return None
        order = {"arguments": arguments, "environment": environment, "folder": folder}
        line, others = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        line.setblocking(False)
        kernel: ForkedProcess | None = None
        try:
            with others:
                socket.send_fds(control, [json.dumps(order).encode()], [others.fileno()])
            async with asyncio.timeout(self.patience):
                ready = False
                while kernel is None or not ready:
                    told, handles = await _read_with_handles(line)
                    if handles:
                        kernel = ForkedProcess(int(told["pid"]), handles[0], line)
                    ready = ready or "ready" in told
        except DidNotStart:
            line.close()
            raise
        except (OSError, TimeoutError) as error:
            self.log.warning("forking a kernel failed (%r): starting an ordinary one", error)
            # What is there of the kernel ends with its line.
            line.close()
            if kernel is None and control is self._control and self._process:
                # It does not even fork. Another one takes its place.
                self._process.kill()
            return None
        return kernel

    async def _keep(self) -> None:
        pause = SHORTEST
        while True:
            control = self._launch()
            process = self._process
            assert process is not None  # noqa: S101
            began = time.monotonic()
            try:
                with suppress(OSError, TimeoutError):
                    async with asyncio.timeout(self.warm_up):
                        warm = await _read(control)
                    if warm:
                        self.log.info("kernels are forked after %.1f s", time.monotonic() - began)
                        self._control = control
                        self._tried.set()
                        pause = SHORTEST
                        await _read(control)
            finally:
                self._control = None
                control.close()
                process.kill()
                process.wait()
            self._tried.set()
            self.log.warning("the template ended (%s); kernels are ordinary", process.returncode)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST)

    def _launch(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        # An order is one message, and has an environment in it.
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, template.LARGEST)
        told = {
            name: value for name, value in os.environ.items() if name in (*USUAL, *self.environment)
        }
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603
                [
                    *(sys.executable, template.__file__),
                    *(str(theirs.fileno()), json.dumps(self.preload).ljust(ROOM)),
                ],
                env=told | ONE_THREAD,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
            )
        return ours


def _arguments(command: list[str]) -> list[str] | None:
    """What a command passes to this environment's kernel; None when it starts something else."""
    if command[1:3] != ["-m", "ipykernel_launcher"]:
        return None
    return command[3:] if Path(command[0]) == Path(sys.executable) else None


async def _read_with_handles(line: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """The next that is told of a fork, and file descriptors that came with it."""
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(line, readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(line)
    told, handles, _, _ = socket.recv_fds(line, template.LARGEST, 1, socket.MSG_CMSG_CLOEXEC)
    if not told:
        raise OSError("the kernel ended")
    found = json.loads(told)
    if "error" in found:
        raise OSError(found["error"])
    if "status" in found:
        raise DidNotStart(f"exit status {found['status']}")
    return found, handles


async def _read(source: socket.socket) -> bytes:
    return await asyncio.get_running_loop().sock_recv(source, 4096)
