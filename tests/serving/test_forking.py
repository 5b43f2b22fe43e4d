"""Kernels forked from a template: each by itself, none left behind; ordinary ones without it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest
from jupyter_client.connect import LocalPortCache
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning import KernelProvisionerFactory
from traitlets.config import Config

from citylib.serving.client import PromptClient
from citylib.serving.forking import KernelTemplate
from citylib.serving.process import ForkedProcess

SECRET = "the-hub's-token-0123456789"


@pytest.fixture
def server(monkeypatch):
    """What a server is configured with; templates and their settings end with the test."""
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", SECRET)
    config = Config()
    config.KernelProvisionerFactory.default_provisioner_name = "forked"
    config.KernelTemplate.preload = ["ipywidgets", "numpy"]
    KernelProvisionerFactory.clear_instance()
    KernelTemplate.clear_instance()
    yield config
    KernelProvisionerFactory.clear_instance()
    KernelTemplate.clear_instance()


@asynccontextmanager
async def template(config):
    KernelProvisionerFactory.instance(config=config)
    kept = KernelTemplate.instance(config=config)
    try:
        yield kept
    finally:
        await kept.close()


@asynccontextmanager
async def kernel(**kwargs):
    manager = AsyncKernelManager(client_factory=PromptClient)
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    await manager.start_kernel(env=environment | kwargs.pop("env", {}), **kwargs)
    try:
        yield manager
    finally:
        await manager.shutdown_kernel(now=True)


async def run(manager, code):
    """What code prints, and how it ended."""
    client = manager.client()
    client.start_channels()
    try:
        await client.wait_for_ready(30)
        said = []

        def note(message):
            said.append(message["content"].get("text", ""))

        reply = await client.execute_interactive(code, timeout=60, output_hook=note)
    finally:
        client.stop_channels()
    return (
        "".join(said).strip() if reply["content"]["status"] == "ok" else reply["content"]["ename"]
    )


async def until(condition, seconds=30):
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


def is_forked(manager):
    return isinstance(manager.provisioner.process, ForkedProcess)


def process_of(manager):
    return psutil.Process(manager.provisioner.process.pid)


def environ_of(pid):
    return Path(f"/proc/{pid}/environ").read_text("utf-8", "replace")


def has_in_memory(pid, what):
    with Path(f"/proc/{pid}/mem").open("rb", 0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            place, rights, *rest = line.split()
            if not rights.startswith("rw") or rest[-1] in ("[vvar]", "[vsyscall]"):
                continue
            begin, end = (int(part, 16) for part in place.split("-"))
            memory.seek(begin)
            if what in memory.read(end - begin):
                return True
    return False


def sockets_of(pid):
    files = (file.readlink() for file in Path(f"/proc/{pid}/fd").iterdir() if file.is_symlink())
    return {str(file) for file in files if str(file).startswith("socket:")}


def test_a_fork_is_a_kernel_of_its_own(server, tmp_path):
    async def main():
        async with template(server) as kept, kernel(env={"MINE": "1"}, cwd=str(tmp_path)) as one:
            assert is_forked(one)
            assert process_of(one).ppid() == kept.pid
            assert one.connection_file in process_of(one).cmdline()
            said = await run(
                one,
                "import os, sys; print(os.environ['MINE'], os.getcwd(), sys.argv[0], "
                "'numpy' in sys.modules, __name__, os.getpid() == os.getsid(0))",
            )
            assert said == f"1 {tmp_path} ipykernel_launcher True __main__ True"
            async with kernel() as other:
                assert await run(other, "import os; print('MINE' in os.environ)") == "False"
                drawn = {
                    await run(each, "import numpy as np; print(np.random.random())")
                    for each in (one, other)
                }
            assert len(drawn) == 2
            # It does what others do: errors, modules that the template has not, being interrupted.
            assert await run(one, "1 / 0") == "ZeroDivisionError"
            assert await run(one, "import colorsys, colorsys as c; print(c.__name__)") == "colorsys"
            task = asyncio.create_task(run(one, "open('begun', 'w')\nwhile True: pass"))
            await until((tmp_path / "begun").exists)
            await one.interrupt_kernel()
            assert await asyncio.wait_for(task, 20) == "KeyboardInterrupt"
            (tmp_path / "beside.py").write_text("here = 'in its folder'")
            assert await run(one, "import beside; print(beside.here)") == "in its folder"

    asyncio.run(main())


def test_a_widget_of_a_fork_is_reached_from_outside(server):
    async def main():
        async with template(server), kernel() as one:
            code = (
                "import ipywidgets, comm; print(*sorted(comm.get_comm_manager().targets)); "
                "w = ipywidgets.IntSlider(); print(w.comm.kernel is not None)"
            )
            said = await run(one, code)
            assert said.split() == ["jupyter.widget", "jupyter.widget.control", "True"]

    asyncio.run(main())


def test_a_killed_kernel_is_noticed_and_started_again(server):
    async def main():
        async with template(server), kernel() as one:
            await run(one, "x = 1")
            before = process_of(one)
            before.kill()
            await until(lambda: one.provisioner.process.poll() is not None)
            assert not await one.is_alive()
            assert one.provisioner.process.returncode == -signal.SIGKILL
            await one.restart_kernel(now=True)
            assert is_forked(one)
            assert process_of(one).pid != before.pid
            assert await run(one, "x") == "NameError"
            await one.shutdown_kernel()
            assert not await one.is_alive()

    asyncio.run(main())


def test_without_its_template_a_kernel_goes_on_and_the_next_is_ordinary(server):
    async def main():
        async with template(server) as kept, kernel() as one:
            await run(one, "x = 1")
            first = kept.pid
            os.kill(first, signal.SIGKILL)
            await until(lambda: kept.pid is None)
            async with kernel() as two:
                assert not is_forked(two)
                assert await run(two, "print(2)") == "2"
            assert await run(one, "print(x)") == "1"
            await until(lambda: kept.pid, 20)
            assert kept.pid != first
            async with kernel() as three:
                assert is_forked(three)
                assert await run(three, "print(3)") == "3"
            # Nobody is there any more that could tell how the first one ends.
            process_of(one).kill()
            await until(lambda: one.provisioner.process.poll() is not None)
            assert one.provisioner.process.returncode == 1

    asyncio.run(main())


def test_a_template_that_hangs_is_replaced(server):
    async def main():
        server.KernelTemplate.patience = 4
        async with template(server) as kept:
            async with kernel() as one:
                assert is_forked(one)
            first = kept.pid
            os.kill(first, signal.SIGSTOP)
            async with kernel() as two:
                assert not is_forked(two)
                assert await run(two, "print(2)") == "2"
            await until(lambda: kept.pid not in (None, first))
            assert not psutil.pid_exists(first)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("import threading\nthreading.Timer(9, print).start()", "runs threads"),
        ("raise ImportError('it is broken')", "it is broken"),
    ],
)
def test_what_cannot_be_forked_leaves_ordinary_kernels(server, tmp_path, capfd, source, told):
    (tmp_path / "preloaded.py").write_text(source)
    server.KernelTemplate.preload = ["preloaded"]
    server.KernelTemplate.environment = ["PYTHONPATH"]
    os.environ["PYTHONPATH"] = str(tmp_path)

    async def main():
        async with template(server), kernel() as one:
            assert not is_forked(one)
            assert await run(one, "print(1)") == "1"

    try:
        asyncio.run(main())
    finally:
        del os.environ["PYTHONPATH"]
    assert told in capfd.readouterr().err


def test_no_secret_of_the_server_is_in_the_template_or_a_kernel(server):
    async def main():
        async with template(server) as kept, kernel(env={"MINE": "seen-by-this-one"}) as one:
            await run(one, "1")
            for pid in (kept.pid, process_of(one).pid):
                assert SECRET not in environ_of(pid)
                assert not has_in_memory(pid, SECRET.encode())
            assert has_in_memory(os.getpid(), SECRET.encode())
            # And nothing of one kernel is in the template, from which the next one is made.
            assert not has_in_memory(kept.pid, one.session.key)
            assert not has_in_memory(kept.pid, b"seen-by-this-one" + b"\\0")
            # Nor can a kernel speak for another, or ask for one.
            async with kernel() as two:
                assert not sockets_of(process_of(one).pid) & sockets_of(process_of(two).pid)

    asyncio.run(main())


def test_many_at_once_and_none_left_behind(server):
    async def main():
        async with template(server) as kept:
            managers = [AsyncKernelManager(client_factory=PromptClient) for _ in range(8)]
            await asyncio.gather(*(one.start_kernel() for one in managers))
            assert all(is_forked(one) for one in managers)
            codes = (run(one, f"print({n})") for n, one in enumerate(managers))
            assert await asyncio.gather(*codes) == [str(n) for n in range(8)]
            assert len(psutil.Process(kept.pid).children()) == 8
            handles = len(sockets_of("self"))
            await asyncio.gather(*(one.shutdown_kernel(now=True) for one in managers))
            assert psutil.Process(kept.pid).children() == []
            assert len(sockets_of("self")) < handles
            last = kept.pid
        assert not psutil.pid_exists(last)

    asyncio.run(main())


def test_a_port_that_was_taken_meanwhile_is_replaced(server, monkeypatch):
    async def main():
        async with template(server):
            with socket.create_server(("127.0.0.1", 0)) as taken:
                find, first = LocalPortCache.find_available_port, []

                def unlucky(self, ip):
                    first.append(find(self, ip))
                    return taken.getsockname()[1] if len(first) == 1 else first[-1]

                monkeypatch.setattr(LocalPortCache, "find_available_port", unlucky)
                async with kernel() as one:
                    assert is_forked(one)
                    assert await run(one, "print(1)") == "1"
                    assert len(first) == 10

    asyncio.run(main())


def test_modules_are_not_forgotten_by_a_reset(server):
    """The shell does not know their names, so it must not take any for a new one."""

    async def main():
        async with template(server), kernel() as one:
            assert is_forked(one)
            code = "import sys; get_ipython().reset(aggressive=True)\n"
            said = await run(one, code + "import sys; print('ipywidgets' in sys.modules)")
            assert said.splitlines()[-1] == "True"

    asyncio.run(main())


def test_a_further_kernel_costs_less_memory(server):
    async def main():
        code = "import numpy, ipywidgets; print(ipywidgets.IntSlider().value)"
        async with template(server), kernel() as one:
            assert is_forked(one)
            assert await run(one, code) == "0"
            forked = process_of(one).memory_full_info().uss
            KernelProvisionerFactory.clear_instance()
            async with kernel() as two:
                assert not is_forked(two)
                assert await run(two, code) == "0"
                ordinary = process_of(two).memory_full_info().uss
            assert forked < 0.4 * ordinary

    asyncio.run(main())


SERVER = """
import asyncio, json, os
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning import KernelProvisionerFactory
from citylib.serving.forking import KernelTemplate

async def main():
    KernelProvisionerFactory.instance(default_provisioner_name="forked")
    kept = KernelTemplate.instance(preload=[])
    managers = [AsyncKernelManager() for _ in range(3)]
    for one in managers:
        await one.start_kernel()
    pids = [kept.pid, *(one.provisioner.process.pid for one in managers)]
    client = managers[0].client()
    client.start_channels()
    await client.wait_for_ready(30)
    # Busy without ever letting another thread run for long.
    client.execute("while True: sum(range(10**6))")
    print(json.dumps(pids), flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.mark.parametrize("template_first", [False, True])
def test_nothing_outlives_a_server_that_was_killed(template_first):
    server = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True)
    try:
        pids = json.loads(server.stdout.readline())
        processes = [psutil.Process(pid) for pid in pids]
        if template_first:
            processes[0].kill()
    finally:
        server.kill()
        server.wait()
        server.stdout.close()
    _, alive = psutil.wait_procs(processes, timeout=10)
    assert alive == []
