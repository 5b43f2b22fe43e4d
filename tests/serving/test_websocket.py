"""The websocket of a kernel: what it carries, and what it refuses."""

from __future__ import annotations

import json
import uuid
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jupyter_server.services.kernels.connection.base import (
    deserialize_msg_from_ws_v1,
    serialize_msg_to_ws_v1,
)
from support.platform import kernel_of, websocket
from websockets.exceptions import ConnectionClosed, InvalidStatus

from citylib.serving.websocket import SUBPROTOCOL, well_formed

RENDER = "/services/dashboards/voila/render/mayor.ipynb"


def message(kind: str, content: dict, channel: str = "shell") -> bytes:
    header = {"msg_id": uuid.uuid4().hex, "msg_type": kind, "username": "", "session": "s"}
    header |= {"date": "2026-01-01T00:00:00Z", "version": "5.4"}
    parts = [json.dumps(part).encode() for part in (header, {}, {}, content)]
    return serialize_msg_to_ws_v1(parts, channel)


def lies(count: int, size: int) -> bytes:
    return count.to_bytes(8, "little") + b"\0" * (size - 8)


@pytest.fixture(scope="module")
def mayor(bare_platform):
    return bare_platform.client("mayor")


@pytest.fixture
def channels(mayor):
    kernel = kernel_of(mayor.get(RENDER).text)
    return f"/services/dashboards/api/kernels/{kernel}/channels"


@pytest.fixture
def voila(bare_platform):
    (process,) = bare_platform.find("-m citylib.serving")
    return process


@given(channel=st.sampled_from(["shell", "control"]), parts=st.lists(st.binary(), min_size=4))
def test_what_browsers_send_is_well_formed(channel, parts):
    sent = serialize_msg_to_ws_v1(parts, channel)
    assert well_formed(sent)
    assert deserialize_msg_from_ws_v1(sent) == (channel, parts)


@given(st.binary(max_size=400))
def test_what_is_well_formed_can_be_read_in_bounds(sent):
    if well_formed(sent):
        _, parts = deserialize_msg_from_ws_v1(sent)
        assert sum(map(len, parts)) <= len(sent)


@pytest.mark.parametrize(
    "sent",
    [
        "text",
        b"",
        lies(2**40, 8),
        lies(2**63, 4000),
        lies(6, 56),
        lies(400, 4000),
        (6).to_bytes(8, "little") + b"".join(n.to_bytes(8, "little") for n in range(60, 54, -1)),
        (6).to_bytes(8, "little") + b"".join(n.to_bytes(8, "little") for n in [56] * 5 + [2**60]),
    ],
)
def test_lies_about_lengths_are_noticed(sent):
    assert not well_formed(sent)


@pytest.mark.parametrize("protocols", [(), ("something.else",)])
def test_without_the_subprotocol_there_is_no_websocket(bare_platform, mayor, channels, protocols):
    with pytest.raises(InvalidStatus) as refused:
        websocket(bare_platform, channels, mayor, protocols)
    assert refused.value.response.status_code == 400


@pytest.mark.parametrize("sent", [lies(2**40, 8), lies(2**33, 64), lies(400, 4000), "text"])
def test_a_message_that_would_fill_the_memory_closes_the_websocket(
    bare_platform, mayor, channels, voila, sent
):
    before = voila.memory_info().rss
    with websocket(bare_platform, channels, mayor, [SUBPROTOCOL]) as socket:
        socket.send(sent)
        with suppress(ConnectionClosed):
            while socket.recv(timeout=20):
                pass
        assert socket.close_code == 1003
    assert voila.memory_info().rss - before < 50e6
    assert voila.is_running()
    assert mayor.get("/services/dashboards/voila/render/none.ipynb").status_code == 404


def test_code_is_not_run_over_the_websocket_of_a_dashboard(
    bare_platform, mayor, channels, tmp_path
):
    trace = tmp_path / "was here"
    code = {"code": f"open({str(trace)!r}, 'w')", "silent": False}
    with websocket(bare_platform, channels, mayor, [SUBPROTOCOL]) as socket:
        for channel in ("shell", "control"):
            socket.send(message("execute_request", code, channel))
        socket.send(message("kernel_info_request", {}))
        kinds = []
        while "kernel_info_reply" not in kinds:
            _, parts = deserialize_msg_from_ws_v1(socket.recv(timeout=20))
            kinds.append(json.loads(parts[0])["msg_type"])
    assert not trace.exists()
    assert not {"execute_reply", "execute_input"} & set(kinds)


def test_other_ways_to_run_code_are_closed_too(bare_platform, mayor, channels):
    asked = ["complete_request", "inspect_request", "history_request", "debug_request"]
    asked += ["interrupt_request", "create_subshell_request", "input_reply"]
    with websocket(bare_platform, channels, mayor, [SUBPROTOCOL]) as socket:
        for kind in asked:
            socket.send(message(kind, {"code": "1", "cursor_pos": 1, "command": "initialize"}))
        socket.send(message("kernel_info_request", {}))
        kinds = []
        while "kernel_info_reply" not in kinds:
            _, parts = deserialize_msg_from_ws_v1(socket.recv(timeout=20))
            kinds.append(json.loads(parts[0])["msg_type"])
    assert not {kind.replace("request", "reply") for kind in asked} & set(kinds)
