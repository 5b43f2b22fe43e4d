"""The kernels behind dashboards of the running platform: forked, warm, of the newest notebook."""

from __future__ import annotations

import json
from pathlib import Path

import psutil
import pytest
from jupyter_server.services.kernels.connection.base import (
    deserialize_msg_from_ws_v1,
    serialize_msg_to_ws_v1,
)
from support.platform import kernel_of, wait_until, websocket, write_notebook

from citylib.serving.websocket import SUBPROTOCOL

FOLDER = "/services/dashboards/voila/render"
TEMPLATE = "serving/template.py"
# What the template has not, and a widget of it.
OTHER = """
import colorsys, ipywidgets
ipywidgets.HTML(value="<div class='city-notice'><h1>{}</h1></div>".format(colorsys.__name__))
"""


@pytest.fixture(scope="module")
def platform(bare_platform):
    """Its service is begun anew: kernels that other tests left go with it."""
    (service,) = bare_platform.find("-m citylib.serving")
    service.kill()
    service.wait(15)
    return bare_platform


@pytest.fixture(scope="module")
def mayor(platform):
    mayor = platform.client("mayor")
    wait_until(lambda: mayor.get(f"{FOLDER}/mayor.ipynb").status_code == 200, 60, 0.5)
    return mayor


@pytest.fixture
def dashboards(platform):
    return platform.settings.var / "dashboards"


def process_of(platform, page):
    (process,) = platform.find(kernel_of(page.text))
    return process


def warm(platform):
    """Processes of the dashboards' kernels that are there."""
    return platform.find("/hub/dashboards/runtime/voila_")


def states_of(platform, client, kernel):
    """What a page asks for first: the state of all widgets."""
    path = f"/services/dashboards/api/kernels/{kernel}/channels"

    def send(socket, kind, content):
        header = {"msg_id": kind, "msg_type": kind, "username": "", "session": "s"}
        header |= {"date": "2026-01-01T00:00:00Z", "version": "5.4"}
        about = {"version": "1.0.0"}
        parts = [json.dumps(part).encode() for part in (header, {}, about, content)]
        socket.send(serialize_msg_to_ws_v1(parts, "shell"))

    with websocket(platform, path, client, [SUBPROTOCOL]) as socket:
        opened = {"comm_id": "c", "target_name": "jupyter.widget.control", "data": {}}
        send(socket, "comm_open", opened)
        send(socket, "comm_msg", {"comm_id": "c", "data": {"method": "request_states"}})
        while True:
            channel, parts = deserialize_msg_from_ws_v1(socket.recv(timeout=20))
            if channel == "iopub" and json.loads(parts[0])["msg_type"] == "comm_msg":
                return json.loads(parts[3])["data"]["states"]


def test_a_dashboards_kernel_is_a_fork_that_answers(platform, mayor):
    (template,) = platform.find(TEMPLATE)
    page = mayor.get(f"{FOLDER}/mayor.ipynb")
    process = process_of(platform, page)
    assert process.ppid() == template.pid
    states = states_of(platform, mayor, kernel_of(page.text))
    assert "hello from the kernel" in json.dumps(states)


def test_no_kernel_is_told_what_the_service_is_told(platform, mayor):
    (service,) = platform.find("-m citylib.serving")
    (template,) = platform.find(TEMPLATE)
    process = process_of(platform, mayor.get(f"{FOLDER}/mayor.ipynb"))
    token = service.environ()["JUPYTERHUB_API_TOKEN"]
    for one in (template, process):
        told = one.environ()
        assert token not in told.values()
        assert not [name for name in told if name.startswith(("JUPYTERHUB_", "JPY_", "AWS_"))]
        # Whatever else may be in it of the service: no file that it holds open.
        files = {str(file) for file in map(_target, Path(f"/proc/{one.pid}/fd").iterdir())}
        assert not [file for file in files if "secret" in file or "cookie" in file]


def _target(file):
    try:
        return file.readlink()
    except OSError:
        return file


def test_what_is_published_replaced_and_taken_back_is_what_readers_get(platform, mayor, dashboards):
    def shown(name):
        page = mayor.get(f"{FOLDER}/{name}")
        assert page.status_code == 200
        return json.dumps(states_of(platform, mayor, kernel_of(page.text)))

    path = dashboards / "other.ipynb"
    hello = "import ipywidgets; ipywidgets.HTML('{}')"
    write_notebook(path, hello.format("the first"))
    assert "the first" in shown("other.ipynb")
    # Two kernels of each dashboard are warm, besides the one just used.
    wait_until(lambda: len(warm(platform)) > 2 * len(list_of(platform)))
    for words in ("the second", "the third"):
        new = path.with_suffix(".new")
        write_notebook(new, hello.format(words))
        new.replace(path)
        assert words in shown("other.ipynb")
    path.unlink()
    assert mayor.get(f"{FOLDER}/other.ipynb").status_code == 404
    assert mayor.get(f"{FOLDER}/mayor.ipynb").status_code == 200


def test_what_the_template_has_not_works_too(platform, mayor, dashboards):
    write_notebook(dashboards / "colours.ipynb", OTHER)
    page = mayor.get(f"{FOLDER}/colours.ipynb")
    states = states_of(platform, mayor, kernel_of(page.text))
    assert "<h1>colorsys</h1>" in json.dumps(states)
    (dashboards / "colours.ipynb").unlink()


def test_with_its_template_killed_a_page_is_served_and_forks_are_back(platform, mayor):
    (template,) = platform.find(TEMPLATE)
    page = mayor.get(f"{FOLDER}/mayor.ipynb")
    process = process_of(platform, page)
    template.kill()
    assert mayor.get(f"{FOLDER}/mayor.ipynb").status_code == 200
    assert process.is_running()
    assert "hello" in json.dumps(states_of(platform, mayor, kernel_of(page.text)))
    wait_until(lambda: platform.find(TEMPLATE) not in ([], [template]), 20)

    def forks():
        new = process_of(platform, mayor.get(f"{FOLDER}/mayor.ipynb"))
        return TEMPLATE in " ".join(new.parent().cmdline())

    wait_until(forks, 30, 0.5)


def test_no_kernel_outlives_the_service(platform, mayor):
    mayor.get(f"{FOLDER}/mayor.ipynb")
    (service,) = platform.find("-m citylib.serving")
    before = [service, *platform.find(TEMPLATE), *warm(platform)]
    assert len(before) >= 3
    service.kill()
    _, alive = psutil.wait_procs(before, timeout=15)
    assert alive == []
    wait_until(lambda: mayor.get(f"{FOLDER}/mayor.ipynb").status_code == 200, 60, 0.5)
    # What is there is asked for: pools of each dashboard, and the page's own.
    wait_until(lambda: len(warm(platform)) <= 2 * len(list_of(platform)) + 2, 30)


def list_of(platform):
    return list((platform.settings.var / "dashboards").glob("*.ipynb"))
