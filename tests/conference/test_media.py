"""What carriers of media are made of, without Janus and without a browser."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

import psutil
import pytest
from support.clock import until
from support.hall import bare_settings

from citylib.city.errors import CityError, ProfileError
from citylib.city.model import parse
from citylib.conference.media.carrier import Refused
from citylib.conference.media.choose import choose_carrier
from citylib.conference.media.janus_process import JanusProcess
from citylib.conference.media.mesh import Mesh
from citylib.conference.media.program import Program
from citylib.conference.media.sdp import (
    MalformedDescription,
    read_sections,
    with_silence_suppressed,
)
from citylib.conference.media.slots import Slots
from citylib.conference.media.speakers import BREATH, LONG_ENOUGH, Speakers
from citylib.conference.media.wanted import LARGE, MIDDLE, SMALL, Sent, choose
from citylib.conference.protocol import Signal, Want
from citylib.conference.settings import Media, Rules

AUDIO = ("m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=mid:0", "a=rtpmap:111 opus/48000/2")
FMTP = "a=fmtp:111 minptime=10;useinbandfec=1"
VIDEO = ("m=video 9 UDP/TLS/RTP/SAVPF 96", "a=mid:1", "a=rtpmap:96 VP8/90000")


def sdp(*lines):
    head = ("v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0")
    return "".join(f"{line}\r\n" for line in (*head, *lines))


# Descriptions


def test_what_a_description_sends_is_read():
    both = sdp(*AUDIO, "a=sendonly", *VIDEO, "a=recvonly")
    assert [(one.kind, one.mid, one.sends) for one in read_sections(both)] == [
        ("audio", "0", True),
        ("video", "1", False),
    ]
    assert read_sections(sdp(*AUDIO))[0].sends, "without a word it sends and receives"
    assert not read_sections(sdp("a=inactive", *AUDIO))[0].sends
    rejected = sdp("m=audio 0 UDP/TLS/RTP/SAVPF 111", "a=mid:0")
    assert not read_sections(rejected)[0].sends
    bundled = sdp("m=audio 0 UDP/TLS/RTP/SAVPF 111", "a=mid:0", "a=bundle-only")
    assert read_sections(bundled)[0].sends


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "v=0",
        "v=0\r\nhello\r\n",
        sdp("m=audio 9 UDP/TLS/RTP/SAVPF 111"),
        sdp(*AUDIO, *AUDIO),
        sdp("m=text 9 RTP/AVP 1", "a=mid:0"),
        sdp("m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=mid:" + "9" * 17),
        sdp("a=" + "x" * 5000),
        sdp(*(f"m=audio 9 RTP 1\r\na=mid:{number}" for number in range(129))),
        sdp(*AUDIO) + "a=sendrecv",
    ],
)
def test_what_is_no_description_is_refused(text):
    with pytest.raises(MalformedDescription):
        read_sections(text)


def test_silence_is_suppressed_where_somebody_speaks_and_not_in_music():
    music = (*AUDIO[:1], "a=mid:2", *AUDIO[2:], FMTP)
    changed = with_silence_suppressed(sdp(*AUDIO, FMTP, *VIDEO, *music), {"0", "1"})
    assert changed.count("usedtx=1") == 1
    assert f"{FMTP};usedtx=1\r\n" in changed.partition("m=video")[0]
    assert with_silence_suppressed(changed, {"0", "1"}) == changed


# A mesh


def signal_to(whom, **told):
    return Signal(type="signal", to=whom, **told)


OFFER = {"type": "offer", "sdp": sdp(*AUDIO, "a=sendonly"), "from": "x", "tracks": "{}"}


async def meshed(*people):
    mesh, told = Mesh(), {}
    for room, who, may_publish in people:
        await mesh.open(room)
        told[who] = []
        await mesh.enter(room, who, told[who].append, may_publish)
    return mesh, told


async def refused(mesh, room, who, message):
    with pytest.raises(Refused) as fault:
        await mesh.message(room, who, message)
    return str(fault.value).removeprefix("conference.refused_")


def test_a_mesh_hands_a_signal_to_the_one_it_is_for():
    async def run():
        mesh, told = await meshed(("a", "anna", True), ("a", "ben", True), ("b", "carl", True))
        candidate = {"candidate": "candidate:1 1 udp 1 10.0.0.1 9 typ host", "sdpMLineIndex": 0}
        await mesh.message("a", "anna", signal_to("ben", description=OFFER, candidate=candidate))
        assert told["ben"] == [
            {"type": "signal", "who": "anna", "description": OFFER, "candidate": candidate}
        ]
        assert await refused(mesh, "a", "anna", signal_to("carl", description=OFFER)) == "nobody"
        assert await refused(mesh, "a", "anna", signal_to("anna", description=OFFER)) == "nobody"
        assert await refused(mesh, "b", "anna", signal_to("carl", description=OFFER)) == (
            "not_allowed"
        )
        await mesh.leave("a", "ben")
        assert await refused(mesh, "a", "anna", signal_to("ben", description=OFFER)) == "nobody"
        assert not told["carl"]

    asyncio.run(run())


def test_a_mesh_refuses_what_a_listener_would_send():
    async def run():
        mesh, told = await meshed(("a", "anna", True), ("a", "lea", False))
        assert await refused(mesh, "a", "lea", signal_to("anna", description=OFFER)) == (
            "not_allowed"
        )
        listens = {"type": "answer", "sdp": sdp(*AUDIO, "a=recvonly")}
        await mesh.message("a", "lea", signal_to("anna", description=listens))
        await mesh.allow("a", "lea", True)
        await mesh.message("a", "lea", signal_to("anna", description=OFFER))
        await mesh.allow("a", "lea", False)
        assert await refused(mesh, "a", "lea", signal_to("anna", description=OFFER)) == (
            "not_allowed"
        )
        assert len(told["anna"]) == 2

    asyncio.run(run())


@pytest.mark.parametrize(
    "told",
    [
        {"description": {"type": "offer"}},
        {"description": {"type": "steal", "sdp": ""}},
        {"description": {"type": "offer", "sdp": "v=1"}},
        {"description": {**OFFER, "more": "x"}},
        {"description": {**OFFER, "tracks": "x" * 3000}},
        {"candidate": {"candidate": 7}},
        {"candidate": {"candidate": "x" * 2000}},
        {"candidate": {"candidate": "", "script": "x"}},
        {"candidate": {"sdpMLineIndex": True}},
    ],
)
def test_a_mesh_hands_on_nothing_that_no_browser_says(told):
    async def run():
        mesh, heard = await meshed(("a", "anna", True), ("a", "ben", True))
        assert await refused(mesh, "a", "anna", signal_to("ben", **told)) == "description"
        assert heard["ben"] == []

    asyncio.run(run())


def test_a_mesh_holds_six():
    async def run():
        mesh, _ = await meshed(*(("a", f"p{number}", True) for number in range(6)))
        with pytest.raises(Refused, match="refused_full"):
            await mesh.enter("a", "p6", print, True)
        await mesh.enter("a", "p5", print, True)

    asyncio.run(run())


# Who speaks


def test_a_cough_changes_nothing_and_a_breath_ends_nothing():
    async def run():
        changes = []
        speakers = Speakers(lambda: changes.append(([*speakers.now], [*speakers.recent])))
        speakers.sound("anna", True)
        assert (speakers.now, speakers.heard) == (["anna"], ["anna"])
        await asyncio.sleep(LONG_ENOUGH / 4)
        speakers.sound("anna", False)
        await until(lambda: not speakers.now)
        assert speakers.recent == []
        speakers.sound("ben", True)
        await asyncio.sleep(LONG_ENOUGH / 4)
        speakers.sound("ben", False)
        await asyncio.sleep(BREATH / 4)
        speakers.sound("ben", True)
        await until(lambda: speakers.recent == ["ben"])
        assert speakers.now == ["ben"]
        assert speakers.heard == ["ben", "anna"]
        speakers.forget("ben")
        assert (speakers.now, speakers.recent, speakers.heard) == ([], [], ["anna"])
        assert changes[-1] == ([], [])

    asyncio.run(run())


# Who receives what


def sent(who, *sources, layered=True):
    return [Sent(who, source, f"{who}.1", str(n), layered) for n, source in enumerate(sources)]


EVERYBODY = [f"p{number}" for number in range(14)]
ALL = [one for who in EVERYBODY for one in sent(who, "microphone", "camera")]


def chosen(want, me="p0", things=ALL, seen=None, heard=None, interpreter=None):
    others = [who for who in EVERYBODY if who != me]
    wanted = Want(type="want", **want)
    found = choose(me, things, seen or others, heard or others, wanted, interpreter)
    return {f"{one.who}/{one.source}": layer for one, layer in found.items()}


def test_a_wall_gets_everybody_and_a_participant_nine():
    wall = chosen({"videos": "all"})
    assert sum(name.endswith("camera") for name in wall) == 13
    assert sum(name.endswith("microphone") for name in wall) == 13
    assert {layer for name, layer in wall.items() if name.endswith("camera")} == {SMALL}
    recent = chosen({"videos": "recent"}, seen=["p9", *EVERYBODY[1:]], heard=["p13", *EVERYBODY])
    assert sum(name.endswith("camera") for name in recent) == 9
    assert sum(name.endswith("microphone") for name in recent) == 9
    assert recent["p9/camera"] == LARGE, "who spoke last is large"
    assert "p13/microphone" in recent
    assert "p13/camera" not in recent
    assert not any(name.startswith("p0/") for name in {**wall, **recent}), "nobody gets themselves"


def test_who_is_wished_for_is_large_and_on_a_poor_line_nobody_is():
    assert chosen({"videos": "all", "large": "p12"})["p12/camera"] == LARGE
    recent = chosen({"videos": "recent", "large": "p13"})
    assert recent["p13/camera"] == LARGE
    assert sum(name.endswith("camera") for name in recent) == 9
    small = chosen({"videos": "recent", "small": True, "large": "p13"})
    assert {layer for name, layer in small.items() if name.endswith("camera")} == {SMALL}
    few = chosen({"videos": "all"}, things=ALL[:6])
    assert {layer for name, layer in few.items() if name.endswith("camera")} == {MIDDLE}
    assert not any(name.endswith("camera") for name in chosen({"videos": "none"}))


def test_what_is_shown_comes_to_all_and_an_interpreter_to_who_listens():
    things = ALL + sent("p13", "screen", "screen-sound") + sent("p12", "city-camera")
    things += sent("ida", "interpretation")
    shown = {"p13/screen", "p13/screen-sound", "p12/city-camera"}
    assert shown <= set(chosen({"videos": "recent"}, things=things))
    assert shown - {"p13/screen", "p12/city-camera"} <= set(
        chosen({"videos": "none"}, things=things)
    )
    assert "ida/interpretation" not in chosen({"videos": "all"}, things=things)
    assert "ida/interpretation" in chosen({"videos": "none"}, things=things, interpreter="ida")


# Slots


def filled(slots, *streams):
    slots.take(
        {"mid": str(n), "type": kind, "active": bool(feed), "feed_id": feed, "feed_mid": mid}
        for n, (kind, feed, mid) in enumerate(streams)
    )


def moves(plan):
    return [(slot.mid, source) for slot, source in plan.moves]


def test_who_has_a_slot_keeps_it_and_empty_ones_are_filled_first():
    slots = Slots("dummy")
    anna, ben, carl, dora = (sent(name, "camera")[0] for name in ("anna", "ben", "carl", "dora"))
    filled(
        slots,
        *(("video", "anna.1", "0"), ("video", "dummy", "1"), ("video", "carl.1", "0")),
        *(("video", "", ""), ("audio", "dummy", "0")),
    )
    plan = slots.plan({anna: LARGE, ben: SMALL})
    assert moves(plan) == [("1", ("ben.1", "0")), ("2", ("dummy", "1"))]
    assert plan.left == []
    plan = slots.plan({anna: LARGE, ben: SMALL, carl: SMALL, dora: SMALL})
    assert moves(plan) == [("1", ("ben.1", "0")), ("3", ("dora.1", "0"))]
    assert slots.plan(dict.fromkeys(sent("eve", *(["camera"] * 9)), SMALL)).left != []
    assert [track["who"] for track in slots.tracks()] == []
    slots.plan({anna: LARGE})
    assert slots.tracks() == [{"mid": "0", "who": "anna", "source": "camera"}]


def test_a_layer_is_asked_for_until_it_comes_and_not_for_ever(monkeypatch):
    monkeypatch.setattr("citylib.conference.media.slots.LAYER_WITHIN", 0)
    slots = Slots("dummy")
    anna, ben = sent("anna", "camera")[0], sent("ben", "camera", layered=False)[0]
    filled(slots, ("video", "anna.1", "0"), ("video", "ben.1", "0"))
    slots.plan({anna: SMALL, ben: SMALL})
    assert slots.layers() == ([{"mid": "0", "substream": SMALL}], True)
    slots.take_layer("0", LARGE)
    assert slots.layers()[0] != []
    slots.take_layer("0", SMALL)
    assert slots.layers() == ([], False)
    slots.plan({anna: LARGE, ben: SMALL})
    asked = [bool(slots.layers()[0]) for _ in range(9)]
    assert asked == [True] * 4 + [False] * 5


# Programs and settings


def test_a_program_is_started_again_and_ended_with_the_service(tmp_path):
    async def run():
        sleeper = [sys.executable, "-c", "import time; time.sleep(99)"]
        program, stop = (
            Program("sleeper", sleeper, tmp_path / "log" / "sleeper.log"),
            asyncio.Event(),
        )
        kept = asyncio.create_task(program.keep(stop))
        await until(lambda: program.pid)
        first = program.pid
        os.kill(first, signal.SIGKILL)
        await until(lambda: program.pid not in (None, first))
        second = program.pid
        stop.set()
        await kept
        assert not psutil.pid_exists(second)
        assert (tmp_path / "log" / "sleeper.log").stat().st_mode & 0o077 == 0

    asyncio.run(run())


def test_without_janus_rooms_hold_six_and_the_operator_is_told_why(tmp_path, monkeypatch):
    settings = bare_settings(tmp_path)
    assert (
        choose_carrier(settings, Media(janus=False)).missing == "conference.toml says janus = false"
    )
    monkeypatch.setenv("PATH", str(tmp_path))
    carrier = choose_carrier(settings, Media())
    assert (carrier.name, carrier.most) == ("mesh", 6)
    assert "the Debian package is janus" in carrier.missing


def test_janus_is_configured_without_any_port_but_those_of_media(tmp_path):
    try:
        janus = JanusProcess(bare_settings(tmp_path), Media(addresses=("203.0.113.7",)))
    except CityError as missing:
        pytest.skip(str(missing))
    janus.prepare()
    text = (janus.folder / "janus.jcfg").read_text()
    assert 'rtp_port_range = "42000-43999"' in text
    assert 'nat_1_1_mapping = "203.0.113.7"' in text
    assert "admin" not in text
    assert [one.name for one in (janus.folder / "plugins").iterdir()] == ["libjanus_videoroom.so"]
    assert [one.name for one in (janus.folder / "transports").iterdir()] == [
        "libjanus_websockets.so"
    ]
    api = (janus.folder / "janus.transport.websockets.jcfg").read_text()
    assert f'ws_unix = "{janus.socket}"' in api
    assert "admin_ws = false" in api


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"recording_day": 3}, "did you mean 'recording_days'"),
        ({"media": {"ports": [9000, 8000]}}, "first and the last port"),
        ({"media": {"addresses": ["city.example"]}}, "no IP address"),
        ({"media": {"stun": ["stun.example.org"]}}, "host:port"),
        ({"turn": {"outside": True}}, "needs host"),
        ({"turn": {"networks": ["10.0.0.0/99"]}}, "write it like 10.20.0.0/16"),
    ],
)
def test_a_mistake_in_the_rules_names_its_mend(tmp_path, values, said):
    with pytest.raises(ProfileError, match=said):
        parse(Rules, values, tmp_path / "conference.toml")


def test_where_the_path_of_the_state_is_long_the_socket_is_elsewhere_and_as_closed(tmp_path):
    settings = bare_settings(tmp_path / ("deep-" * 30))
    janus = JanusProcess(settings, Media())
    janus.prepare()
    assert len(bytes(janus.socket)) <= 107
    assert janus.socket.parent.stat().st_mode & 0o777 == 0o700
