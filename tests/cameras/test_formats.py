"""Packets to pictures to MP4: what real encoders make, and what nobody should send."""

from __future__ import annotations

import io
import random
from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from citylib.cameras.gateway import fmp4
from citylib.cameras.gateway.auth import authorization
from citylib.cameras.gateway.faults import Fault
from citylib.cameras.gateway.h264 import format_of
from citylib.cameras.gateway.hls import _marked
from citylib.cameras.gateway.rtp import Depacketiser
from citylib.cameras.gateway.sdp import video_of
from citylib.cameras.gateway.targets import Target
from citylib.cameras.simulator.encode import Encoder, Rtp, packets

SDP = "v=0\nm=audio 0 RTP/AVP 0\nm=video 0 RTP/AVP 96\na=rtpmap:96 {}/90000\na=control:track1\n"


def encoded(width, height, **options):
    """Pictures of a real encoder: NAL units and time of each, in the order of decoding."""
    codec = av.CodecContext.create("libx264", "w")
    codec.width, codec.height, codec.pix_fmt = width, height, "yuv420p"
    codec.time_base, codec.framerate = Fraction(1, 90_000), Fraction(25)
    codec.options = {"preset": "ultrafast", **options}
    made = []
    for number in range(50):
        picture = np.full((height * 3 // 2, width), 128, np.uint8)
        picture[: height // 2] = number * 4
        frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
        frame.pts, frame.time_base = number * 3600, Fraction(1, 90_000)
        made += codec.encode(frame)
    made += codec.encode(None)
    return [(_marked(bytes(packet)), packet.pts) for packet in made]


@pytest.mark.parametrize("size", [(640, 360), (1920, 1080), (320, 192), (176, 144)])
@pytest.mark.parametrize("profile", ["baseline", "high", "high444"])
def test_size_and_profile_are_read_from_the_header(size, profile):
    units = encoded(*size, profile=profile)[0][0]
    sps = next(unit for unit in units if unit[0] & 31 == 7)
    pps = next(unit for unit in units if unit[0] & 31 == 8)
    form = format_of(sps, pps)
    assert (form.width, form.height) == size
    assert form.mime == f'video/mp4; codecs="avc1.{sps[1:4].hex()}"'


@pytest.mark.parametrize("options", [{"bf": "0"}, {"bf": "2", "preset": "medium"}])
def test_every_picture_comes_out_of_the_mp4_in_its_order_and_at_its_time(options):
    made = encoded(320, 192, **options)
    first = made[0][0]
    form = format_of(*(next(u for u in first if u[0] & 31 == kind) for kind in (7, 8)))
    clock, parts = fmp4.Clock(), [fmp4.beginning(form)]
    for number, (units, shown) in enumerate(made):
        data = b"".join(len(u).to_bytes(4) + u for u in units if 0 < u[0] & 31 < 6)
        decoded, length, shift = clock.next((shown + 2**32 - 60_000) % 2**32)
        key = any(u[0] & 31 == 5 for u in units)
        parts.append(fmp4.fragment(number, decoded, length, key, shift, data))
    with av.open(io.BytesIO(b"".join(parts)), "r") as container:
        times = [frame.pts for frame in container.decode(video=0)]
    assert len(times) == 50
    assert {b - a for a, b in zip(times, times[1:], strict=False)} == {3600}  # noqa: RUF007


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_packets_come_together_as_they_were_and_a_loss_is_noticed(codec):
    encoder = Encoder(codec, 640, 360, 25, 25, 4_000_000)
    noise = np.random.default_rng(0)
    came = []
    one = Depacketiser(codec, 96, lambda units, time, whole: came.append((units, time, whole)))
    rtp = Rtp()
    sent = []
    for number in range(6):
        picture = noise.integers(0, 255, (540, 640), dtype=np.uint8)
        units = encoder.encode(picture, number * 3600)
        stream = rtp.wrap(packets(units, codec), number * 3600)
        sent.append(units)
        place, count = 0, 0
        while place < len(stream):
            size = int.from_bytes(stream[place + 2 : place + 4])
            count += 1
            if (number, count) != (3, 2):  # one is lost
                one.packet(stream[place + 4 : place + 4 + size])
            place += 4 + size
    assert [units for units, *_ in came[:3]] == sent[:3]
    # Of the fourth nothing is left; the fifth says that something is missing before it.
    assert [time for _, time, _ in came] == [0, 3600, 7200, 14400, 18000]
    assert [whole for *_, whole in came] == [True, True, True, False, True]
    assert one.broken() == 0


@given(st.binary(max_size=200), st.sampled_from(["h264", "h265"]), st.integers(0, 2**16))
def test_no_packet_breaks_it(data, codec, seed):
    came = []
    one = Depacketiser(codec, 96, lambda *picture: came.append(picture))
    chance = random.Random(seed)  # noqa: S311
    for number in range(20):
        body = data + chance.randbytes(chance.randrange(40))
        head = bytes((0x80 | chance.randrange(64), 96 | chance.choice((0, 128)), 0, number))
        one.packet(head + number.to_bytes(4) + bytes(4) + body)
    for units, *_ in came:
        assert all(units)


@given(st.binary(max_size=80))
def test_no_header_breaks_it(data):
    for sps in (data, b"\x67" + data, b"\x67\x64\0\x1f" + data):
        try:
            form = format_of(sps, b"\x68\0")
        except ValueError:
            continue
        assert 0 < form.width <= 16384


@given(st.text(max_size=200))
def test_no_description_breaks_it(text):
    for said in (text, SDP.format("H264") + text):
        try:
            found = video_of(said).codec
        except Fault as fault:
            found = fault.reason
        assert found in ("h264", "h265", "unreadable", "unsupported")


def test_the_video_is_found_among_other_things():
    track = video_of(SDP.format("H264") + "a=fmtp:96 sprop-parameter-sets=Z0IAHg==,aM4=\n")
    assert (track.codec, track.payload, track.control) == ("h264", 96, "track1")
    assert track.sets == (b"\x67\x42\0\x1e", b"\x68\xce")
    with pytest.raises(Fault, match="unsupported: video of the kind JPEG"):
        video_of(SDP.format("JPEG"))
    with pytest.raises(Fault, match="unreadable"):
        video_of("v=0\nm=audio 0 RTP/AVP 0\n")


def test_digest_is_that_of_the_standard():
    # RFC 7616, 3.9.1, without the client's nonce.
    target = Target("rtsp", "rtsp://h.example/", "Mufasa", "Circle of Life")
    challenge = 'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"'
    told = authorization(target, ["Basic realm=x", challenge], "GET", "/dir/index.html")
    assert 'response="' in told
    assert told.startswith("Digest ")
    assert "Circle" not in told
    with pytest.raises(Fault, match="refused"):
        authorization(target, ["Negotiate"], "GET", "/")
    with pytest.raises(Fault, match="none are named"):
        authorization(Target("rtsp", "rtsp://h.example/"), [challenge], "GET", "/")
