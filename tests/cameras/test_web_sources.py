"""Cameras that are reached by HTTP: MJPEG, stills, HLS, an engine that a city has already."""

from __future__ import annotations

import asyncio
import io
from itertools import pairwise

import av
import httpx
import pytest
from PIL import Image
from support.cameras import laboratory, row, until

from citylib.cameras.gateway import hls
from citylib.cameras.gateway.faults import Fault


@pytest.mark.parametrize("kind", ["mjpeg", "still"])
def test_jpegs_come_one_a_message_and_make_a_poster(tmp_path, kind):
    async def run():
        async with laboratory(tmp_path, row("gate", f"simulated:{kind}")) as lab:
            one = await lab.watch("gate")
            await until(lambda: one.state == "live" and one.pictures)
            assert [m["mime"] for m in one.messages if m["type"] == "stream"] == ["image/jpeg"]
            assert Image.open(io.BytesIO(bytes(one.video))).size == (320, 192)
            two = await lab.watch("gate")
            await until(lambda: two.pictures)
            async with httpx.AsyncClient(trust_env=False) as client:
                headers = {"Authorization": "token kim"}
                answer = await client.get(lab.url("poster/gate"), headers=headers)
            assert Image.open(io.BytesIO(answer.content)).size == (320, 192)

    asyncio.run(run())


def test_hls_comes_at_its_pace_and_as_a_stream(tmp_path):
    async def run():
        async with laboratory(tmp_path, row("gate", "simulated:hls")) as lab:
            one = await lab.watch("gate")
            await until(lambda: one.state == "live" and one.pictures > 40)
            with av.open(io.BytesIO(bytes(one.video))) as container:
                times = [float(frame.time) for frame in container.decode(video=0)]
            # No gap from one segment to the next.
            steps = [b - a for a, b in pairwise(times)]
            assert max(steps) < 0.1
            assert len(times) > 35

    asyncio.run(run())


@pytest.mark.parametrize("kind", ["mjpeg", "still", "hls"])
@pytest.mark.parametrize(
    ("does", "reason"),
    [("dead", "dead"), ("refusing", "refused"), ("missing", "missing"), ("garbage", "unreadable")],
)
def test_faults_are_told_and_mend(tmp_path, kind, does, reason):
    async def run():
        async with laboratory(tmp_path, row("gate", f"simulated:{kind}")) as lab:
            lab.simulator.change(lab.mounts["gate"], does)
            one = await lab.watch("gate")
            await until(lambda: one.state == reason, 5)
            lab.simulator.change(lab.mounts["gate"], "well")
            await until(lambda: one.state == "live", 10)

    asyncio.run(run())


@pytest.mark.parametrize("source", ["hls", "mjpeg"])
def test_a_camera_of_an_engine_is_reached_through_its_template(tmp_path, source):
    async def run():
        async with laboratory(tmp_path / "first", row("gate")) as engine:
            place = f"http://127.0.0.1:{engine.simulator.port}/{source}/{{id}}"
            rules = f'networks = ["127.0.0.0/8"]\n[engine.ours]\nsource = "{source}"\n'
            rules += f'address = "{place}"\n'
            rows = row("gate", "", engine="ours")
            async with laboratory(tmp_path / "second", rows, rules) as lab:
                one = await lab.watch("gate")
                await until(lambda: one.state == "live")

    asyncio.run(run())


def test_a_redirect_to_the_inside_is_refused(tmp_path):
    async def run():
        async with laboratory(tmp_path, row("gate", "simulated:mjpeg")) as lab:
            mount = lab.mounts["gate"]
            mount.location = f"http://127.0.0.1:{lab.port}/services/cameras/cameras.json"
            lab.simulator.change(mount, "redirecting")
            one = await lab.watch("gate")
            await until(lambda: one.state == "forbidden", 5)

    asyncio.run(run())


def test_a_variant_that_a_wall_can_show_is_chosen():
    text = (
        "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=6000000\nlarge.m3u8\n"
        "#EXT-X-STREAM-INF:BANDWIDTH=2000000,RESOLUTION=640x360\nmiddle.m3u8\n"
        "#EXT-X-STREAM-INF:BANDWIDTH=300000\nsmall.m3u8\n"
    )
    assert hls._variant(text) == "middle.m3u8"
    with pytest.raises(Fault, match="unreadable"):
        hls._variant("#EXTM3U\n#EXT-X-STREAM-INF:\n")
