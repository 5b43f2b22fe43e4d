"""Starting, stopping, being killed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from support.platform import Platform, kernel_of, make_root, running, sign_in, wait_until

from citylib.access.accounts import Accounts
from citylib.hub import demo
from citylib.operations import Store

RENDER = "/services/dashboards/voila/render/mayor.ipynb"


def start_server(platform):
    client = platform.client("analyst")
    client.get("/hub/spawn")
    wait_until(lambda: client.get("/user/analyst/lab").url.path == "/user/analyst/lab", 60, 1)
    return client


def stops(platform, number):
    """By this signal everything ends that was started, and nothing is left of it."""
    kernel_of(platform.client("mayor").get(RENDER).text)
    for part in ("jupyterhub -f", "configurable-http-proxy", "citylib.serving"):
        assert platform.find(part), part
    assert platform.find("ipykernel_launcher")
    # A hurried operator presses it twice.
    platform.process.send_signal(number)
    assert platform.stop(number) == 0
    assert platform.processes() == []
    assert f"Stopped ({number.name})" in platform.output.read_text()
    left = platform.settings.var.joinpath("hub").rglob("*voila_*")
    assert list(left) == []


def test_ctrl_c_stops_everything_that_was_started(tmp_path):
    with running(make_root(tmp_path, cameras=True)) as platform:
        start_server(platform)
        assert platform.find("jupyterhub.singleuser")
        stops(platform, signal.SIGINT)


def test_the_next_start_knows_the_accounts_and_a_second_one_is_refused(tmp_path):
    settings = make_root(tmp_path)
    with running(settings) as first:
        passwords = first.accounts
        log = (settings.var / "log" / "hub.log").read_text()
        assert not re.search(r"error.*: (404|503) |40[34] GET", log)
        command = [sys.executable, "-m", "citylib.cli", "--config", str(tmp_path), "serve"]
        second = subprocess.run(command, capture_output=True, text=True, check=False)
        assert second.returncode == 1
        assert f"it runs already, at {first.url}" in second.stderr
        assert "Traceback" not in second.stderr
        stops(first, signal.SIGHUP)
    # The number in it is another process's by now.
    (settings.var / "hub" / "proxy.pid").write_text(str(os.getpid()))
    with running(settings) as again:
        assert again.accounts == {}
        assert "password as printed at the first start" in again.output.read_text()
        client = again.client()
        assert sign_in(client, "mayor", passwords["mayor"]).status_code == 302
        assert client.get(RENDER).status_code == 200
        # Nobody is there to tell them: the rest stops by itself.
        again.process.kill()
        wait_until(lambda: not again.processes(), 60)


def test_killed_parts_come_back_and_leave_nothing(tmp_path):
    with running(make_root(tmp_path)) as platform:
        mayor = platform.client("mayor")
        analyst = start_server(platform)
        (server,) = platform.find("jupyterhub.singleuser")
        kernel = kernel_of(mayor.get(RENDER).text)

        (voila,) = platform.find("-m citylib.serving")
        voila.kill()
        wait_until(lambda: not platform.find(kernel))
        wait_until(lambda: mayor.get(RENDER).status_code == 200, 60, 0.5)

        (proxy,) = platform.find("configurable-http-proxy")
        proxy.kill()
        wait_until(lambda: answers(mayor), 60, 0.5)

        (hub,) = platform.find("jupyterhub -f")
        hub.kill()
        wait_until(lambda: platform.find("jupyterhub -f") not in ([], [hub]), 60)
        wait_until(lambda: answers(mayor), 60, 0.5)
        for part in ("jupyterhub -f", "configurable-http-proxy", "-m citylib.serving"):
            wait_until(lambda part=part: len(platform.find(part)) == 1)
        # Work that goes on is left alone, and still belongs to the hub.
        assert platform.find("jupyterhub.singleuser") == [server]
        assert analyst.get("/user/analyst/lab").status_code == 200
        stops(platform, signal.SIGTERM)


def answers(client) -> bool:
    try:
        return client.get(RENDER).status_code == 200
    except OSError:
        return False
    except Exception as error:
        if "httpx" in type(error).__module__ or "httpcore" in type(error).__module__:
            return False
        raise


def test_the_log_stays_bounded_under_those_who_write_to_it(tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "LARGEST_LOG", 1000)
    monkeypatch.setattr(demo, "end_orphaned_kernels", lambda: None)
    log, before = tmp_path / "hub.log", tmp_path / "hub.log.1"
    watch = demo._Watch(None, None, (), log, ready=True)
    with open(log, "ab", buffering=0, opener=lambda *a: os.open(*a, 0o600)) as held:
        for n in range(1000):
            held.write(b"line %d\n" % n)
            watch.tick()
            assert log.stat().st_size <= 1000
    kept = (before.read_text() + log.read_text()).splitlines()
    assert kept == [f"line {n}" for n in range(1000 - len(kept), 1000)]
    assert len(kept) > 90
    assert before.stat().st_mode & 0o777 == 0o600
    # Where nothing can be put aside, it is emptied all the same.
    before.unlink()
    before.mkdir()
    (before / "hub.log").mkdir()
    log.write_bytes(b"x" * 2000)
    watch.tick()
    assert log.stat().st_size == 0


def test_a_platform_that_cannot_start_says_why(tmp_path):
    settings = make_root(tmp_path)
    secret = settings.var / "secrets" / "cookie_secret"
    secret.parent.mkdir(parents=True)
    secret.write_text("0123")
    secret.chmod(0o644)
    command = [sys.executable, "-m", "citylib.cli", "--config", str(tmp_path), "serve"]
    done = subprocess.run(
        [*command, "--no-refresh"], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 1
    assert f"chmod 600 {secret}" in done.stderr
    assert not [p for p in psutil.process_iter() if str(tmp_path) in " ".join(_cmdline(p))]


def _cmdline(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def test_a_taken_port_is_named(tmp_path, bare_platform):
    settings = make_root(tmp_path)
    port = bare_platform.url.rsplit(":", 1)[1]
    command = [sys.executable, "-m", "citylib.cli", "--config", str(settings.root), "serve"]
    done = subprocess.run(
        [*command, "--no-refresh", "--port", port], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert f"port {port} is taken" in done.stderr
    assert not Path(tmp_path / "var" / "log" / "hub.log").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopping_while_the_data_are_brought_up_to_date_leaves_nothing(tmp_path, number):
    settings = make_root(tmp_path)
    command = [sys.executable, "-m", "citylib.cli", "--config", str(tmp_path), "serve"]
    environment = os.environ | {"CITYLIB_CONFIG": str(tmp_path / "citylib.toml")}
    with (tmp_path / "output.txt").open("wb") as file:
        serve = subprocess.Popen(
            command, stdout=file, stderr=subprocess.STDOUT, env=environment, start_new_session=True
        )
    mine = Platform("", {}, settings, serve, tmp_path / "output.txt")
    wait_until(lambda: any((settings.var / "lake").glob("*")))
    # As a terminal does: to the whole group.
    os.killpg(serve.pid, number)
    assert serve.wait(30) != 0
    wait_until(lambda: not mine.processes())
    printed = mine.output.read_text()
    assert "Traceback" not in printed
    assert "ready" not in printed
    # Nobody was told a password, so there is none yet to be told at the next start.
    with Store(settings.database) as store:
        assert Accounts(store).all() == []
