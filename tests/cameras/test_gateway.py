"""The gateway over real streams: pictures, sharing, faults, who is slow and who vanished."""

from __future__ import annotations

import asyncio
import io
import socket
import time

import av
import pytest
from support.cameras import laboratory, row, until

from citylib.cameras.gateway import rtsp


def frames(video):
    """Sizes of the pictures of a stream, decoded."""
    with av.open(io.BytesIO(bytes(video))) as container:
        return [(frame.width, frame.height) for frame in container.decode(video=0)]


@pytest.mark.parametrize("kind", ["rtsp", "h265"])
def test_a_camera_is_seen_and_its_newest_pictures_wait_for_who_comes_later(tmp_path, kind):
    async def run():
        async with laboratory(tmp_path, row("gate", f"simulated:{kind}")) as lab:
            first = await lab.watch("gate")
            await until(lambda: first.state == "live" and first.pictures > 30)
            began = time.monotonic()
            second = await lab.watch("gate")
            await until(lambda: second.video)
            # Not a new key frame: what was kept.
            assert time.monotonic() - began < 0.5
            assert [one["type"] for one in second.messages[:2]] == ["state", "stream"]
            assert second.messages[1]["mime"].startswith('video/mp4; codecs="avc1.42')
            await until(lambda: second.pictures > 10)
            for one in (first, second):
                sizes = frames(one.video)
                assert len(sizes) > 8
                assert set(sizes) == {(320, 192)}
            assert lab.mounts["gate"].opened == 1

    asyncio.run(run())


def test_100_viewers_make_one_connection_and_none_is_left_10_s_after_them(tmp_path):
    async def run():
        async with laboratory(tmp_path, row("gate")) as lab:
            all_of_them = await asyncio.gather(*(lab.watch("gate") for _ in range(100)))
            await until(lambda: all(one.pictures > 5 for one in all_of_them))
            assert (lab.mounts["gate"].opened, lab.mounts["gate"].open) == (1, 1)
            for one in all_of_them:
                one.leave()
            await until(lambda: lab.mounts["gate"].open == 0, 10)
            assert lab.gateway.channels == {}

    asyncio.run(run())


@pytest.mark.parametrize(
    ("does", "reason", "text"),
    [
        ("dead", "dead", "does not answer"),
        ("hanging", "dead", "does not answer"),
        ("refusing", "refused", "refuses access"),
        ("missing", "missing", "no such stream"),
        ("silent", "silent", "sends no pictures"),
        ("garbage", "unreadable", "cannot be read"),
        ("restarting", "ended", "connection to the camera was lost"),
    ],
)
@pytest.mark.parametrize("before", [True, False], ids=["while watched", "from the start"])
def test_a_fault_is_told_within_5_s_and_mends_without_a_touch(tmp_path, does, reason, text, before):
    async def run():
        async with laboratory(tmp_path, row("gate")) as lab:
            mount = lab.mounts["gate"]
            if before:
                one = await lab.watch("gate")
                await until(lambda: one.state == "live")
                lab.simulator.change(mount, does)
            else:
                lab.simulator.change(mount, does)
                one = await lab.watch("gate")
            await until(lambda: reason in one.states(), 5)
            told = next(said for said in one.messages if said.get("reason") == reason)
            assert text in told["text"]
            lab.simulator.change(mount, "well")
            count = one.pictures
            await until(lambda: one.state == "live" and one.pictures > count + 5, 10)
            assert frames(one.video)

    asyncio.run(run())


def test_a_camera_that_is_late_with_key_frames_says_what_it_waits_for(tmp_path):
    async def run():
        async with laboratory(tmp_path, row("gate")) as lab:
            lab.simulator.change(lab.mounts["gate"], "late")
            one = await lab.watch("gate")
            await until(lambda: one.state == "waiting", 5)
            assert "key picture" in one.messages[-1]["text"]
            await until(lambda: one.state == "live", 12)

    asyncio.run(run())


def test_another_resolution_begins_a_stream_anew(tmp_path):
    async def run():
        async with laboratory(tmp_path, row("gate")) as lab:
            lab.mounts["gate"].size = (640, 368)
            one = await lab.watch("gate")
            await until(lambda: one.pictures > 5)
            assert frames(one.video)[0] == (640, 368)
            lab.simulator.change(lab.mounts["gate"], "resized")
            streams = lambda: [m for m in one.messages if m["type"] == "stream"]  # noqa: E731
            await until(lambda: len(streams()) == 2, 5)
            await until(lambda: len(one.video) > 10_000)
            assert set(frames(one.video)) == {(320, 192)}
            assert lab.mounts["gate"].opened == 1

    asyncio.run(run())


def test_h265_beyond_the_cap_is_told_and_comes_when_a_place_is_free(tmp_path):
    async def run():
        rows = row("a", "simulated:h265") + row("b", "simulated:h265")
        async with laboratory(tmp_path, rows, "transcode_at_most = 1") as lab:
            one = await lab.watch("a")
            await until(lambda: one.state == "live")
            two = await lab.watch("b")
            await until(lambda: two.state == "busy", 5)
            one.leave()
            await until(lambda: two.state == "live", 15)

    asyncio.run(run())


def test_a_viewer_that_takes_nothing_holds_up_nobody_and_is_let_go_of(tmp_path):
    async def run():
        async with laboratory(tmp_path, row("gate")) as lab:
            mount = lab.mounts["gate"]
            mount.size, mount.every = (1280, 720), 5
            head = (
                f"GET {lab.url('watch/gate').partition(str(lab.port))[2]} HTTP/1.1\r\n"
                f"Host: 127.0.0.1:{lab.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
                "Authorization: token kim\r\n\r\n"
            )
            slow = socket.create_connection(("127.0.0.1", lab.port))
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow.sendall(head.encode())
            good = await lab.watch("gate")
            await until(lambda: good.state == "live")
            # One that takes nothing and answers no heartbeat is let go of; meanwhile the other
            # gets each picture when it comes.
            began, count = time.monotonic(), good.pictures
            await until(lambda: lab.gateway.viewers == 1, 12)
            seconds = time.monotonic() - began
            assert good.pictures - count > 0.8 * mount.rate * seconds
            assert not [one for one in good.messages if one["type"] == "skipped"]
            slow.close()

    asyncio.run(run())


def test_who_vanishes_without_a_word_lets_go_of_the_camera_within_10_s(tmp_path):
    async def run():
        async with laboratory(tmp_path, row("gate")) as lab:
            one = await lab.watch("gate")
            await until(lambda: one.state == "live")
            # It reads on, but answers no heartbeat: a cable that was cut behind a proxy.
            one.socket.protocol._handle_message = lambda opcode, data: None
            await until(lambda: lab.mounts["gate"].open == 0, 10)
            closed = await until(lambda: lab.store.audit.read(action="closed camera"))
            assert closed[0].detail["why"] == "vanished"

    asyncio.run(run())


def test_an_asked_for_password_is_given_digested_or_plain(tmp_path):
    async def run():
        rows = row("gate", "rtsp://127.0.0.1:1/x", credentials="gates")
        async with laboratory(tmp_path, rows, 'networks = ["127.0.0.0/8"]') as lab:
            mount = lab.mounts["gate"]
            address = f"rtsp://127.0.0.1:{lab.simulator.port}/rtsp/gate"
            table = lab.settings.profile / "cameras.csv"
            table.write_text(table.read_text().replace("rtsp://127.0.0.1:1/x", address))
            from citylib.cameras.registry.read import read_cameras

            lab.gateway.take(read_cameras(lab.settings, lab.gateway.city))
            secret = lab.settings.secrets / "camera_gates"
            one = await lab.watch("gate")
            await until(lambda: one.state == "secret")
            secret.write_text("operator:hunter2-very-secret")
            secret.chmod(0o600)
            mount.user, mount.password = "operator", "hunter2-very-secret"
            await until(lambda: one.state == "live")
            mount.digest = False
            lab.simulator.change(mount, "dead")
            await until(lambda: one.state == "dead")
            lab.simulator.change(mount, "well")
            await until(lambda: one.state == "live")
            mount.password = "another"
            lab.simulator.change(mount, "restarting")
            lab.simulator.change(mount, "well")
            await until(lambda: one.state == "refused")

    asyncio.run(run())


def test_what_is_no_rtsp_is_told_and_memory_is_bounded(tmp_path):
    async def run():
        async def talk(reader, writer):
            while True:
                writer.write(b"x" * 65536)
                await writer.drain()

        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        rows = row("gate", f"rtsp://127.0.0.1:{port}/")
        async with laboratory(tmp_path, rows, 'networks = ["127.0.0.0/8"]') as lab:
            one = await lab.watch("gate")
            await until(lambda: one.state == "unreadable", 5)
            assert rtsp.LARGEST < 10**6
        server.close()

    asyncio.run(run())
