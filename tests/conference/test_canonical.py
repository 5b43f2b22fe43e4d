"""What pages say of their media reaches Janus in one form, whatever they wrote."""

from __future__ import annotations

import os
import random
import re
import shutil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.hall import Hall, bare_settings, some_ports
from support.platform import wait_until

from citylib.conference.media.canonical import rewrite, rewrite_candidate
from citylib.conference.media.carrier import Refused
from citylib.conference.media.janus import Janus
from citylib.conference.media.sdp import MalformedDescription, read_sections
from citylib.conference.protocol import Candidate, Publish
from citylib.conference.settings import Media

COUNT = int(os.environ.get("HOSTILE_DESCRIPTIONS", "400"))
PRINT = ":".join(["AB"] * 32)
TRANSPORT = f"""a=ice-ufrag:ldL3
a=ice-pwd:SMJcuUgNCRU/O/I39BPtEfO3
a=ice-options:trickle
a=fingerprint:sha-256 {PRINT}
a=setup:actpass"""
# The lines that Chromium and Firefox write, of each kind one or two.
CHROMIUM = f"""v=0
o=- 5873245691329146523 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
a=extmap-allow-mixed
a=msid-semantic: WMS
m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
a=candidate:1339198240 1 udp 2113937151 c79535ee-e7e6-42c1-985b-b6c67ce6cbc2.local 33410 typ host
a=candidate:2226408128 1 udp 2113942271 192.0.2.7 35952 typ host generation 0 network-cost 999
a=candidate:842163049 1 udp 1677729535 198.51.100.9 46154 typ srflx raddr 10.0.17.1 rport 46154
a=candidate:842163048 1 tcp 1518280447 192.0.2.7 9 typ host tcptype active generation 0
{TRANSPORT}
a=mid:0
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=sendonly
a=msid:- 26bddb98-68bf-4558-be1d-82f347e56a19
a=rtcp-mux
a=rtcp-rsize
a=rtpmap:111 opus/48000/2
a=rtcp-fb:111 transport-cc
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:63 red/48000/2
a=fmtp:63 111/111
a=rtpmap:9 G722/8000
a=ssrc:2284347281 cname:asknGJKMtiLCFzGl
a=ssrc:2284347281 msid:- 26bddb98-68bf-4558-be1d-82f347e56a19
m=video 9 UDP/TLS/RTP/SAVPF 96 97 102 103
c=IN IP4 0.0.0.0
{TRANSPORT}
a=mid:1
a=extmap:13 urn:3gpp:video-orientation
a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id
a=sendonly
a=rtcp-mux
a=rtpmap:96 VP8/90000
a=rtcp-fb:96 goog-remb
a=rtcp-fb:96 nack pli
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
a=rtpmap:102 H264/90000
a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f
a=rtpmap:103 rtx/90000
a=fmtp:103 apt=102
a=rid:h send
a=rid:m send
a=rid:l send
a=simulcast:send h;m;l
"""
FIREFOX = f"""v=0
o=mozilla...THIS_IS_SDPARTA-99.0 4611732261 0 IN IP4 0.0.0.0
s=-
t=0 0
a=fingerprint:sha-256 {PRINT}
a=group:BUNDLE {{7f}}
a=ice-options:trickle
a=msid-semantic:WMS *
m=video 9 UDP/TLS/RTP/SAVPF 120 124
c=IN IP4 0.0.0.0
a=sendrecv
a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid
a=fmtp:120 max-fs=12288;max-fr=60
a=fmtp:124 apt=120
a=ice-pwd:0b66f472495ef0ccac7bda653ab6be49
a=ice-ufrag:e7bd0b1a
a=mid:0
a=rtcp-fb:120 nack
a=rtcp-fb:120 ccm fir
a=rtcp-mux
a=rtpmap:120 VP8/90000
a=rtpmap:124 rtx/90000
a=setup:actpass
a=ssrc:1713461712 cname:{{a1e2c3d4-0000-4000-8000-0123456789ab}}
a=ssrc:904117612 cname:{{a1e2c3d4-0000-4000-8000-0123456789ab}}
a=ssrc-group:FID 1713461712 904117612
"""


def on_the_wire(text):
    return text.replace("\n", "\r\n")


OFFERS = [on_the_wire(CHROMIUM), on_the_wire(FIREFOX)]
NASTY = ("\t", " ", ":", "0", "-1", "4294967296", "99999999999", "/", ";", "=", "%n%s", "é", "a=")
NASTY += ("x" * 400, "a=mid:\r\n", "m=video 0\r\n", "\r\n", "a=rid:\r\n", "a=simulcast:send\r\n")
NASTY += ("a=ssrc-group:SIM\r\n", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x\r\n", "b=AS:0\r\n")
NASTY += ("a=fmtp:96\r\n", "a=extmap:0 x\r\n", "a=candidate:\r\n", "a=sctp-port:5000\r\n", "\x00")


def mutated(offer, dice):
    """The offer with some of its lines or letters lost, repeated, exchanged or strange."""
    for _ in range(dice.randrange(1, 5)):
        lines = offer.split("\r\n")
        one, other = dice.randrange(len(lines)), dice.randrange(len(lines))
        match dice.randrange(8):
            case 0:
                del lines[one]
            case 1:
                lines[one], lines[other] = lines[other], lines[one]
            case 2:
                lines.insert(one, lines[other])
            case 3:
                lines[one:one] = lines[min(one, other) : max(one, other)]
            case 4:
                lines[one] = lines[one][: dice.randrange(len(lines[one]) + 1)]
            case 5:
                lines[one] = re.sub(r"\d+", lambda _: dice.choice(NASTY[3:7]), lines[one], count=1)
            case 6:
                at = dice.randrange(len(lines[one]) + 1)
                lines[one] = lines[one][:at] + dice.choice(NASTY) + lines[one][at:]
            case 7:
                words = lines[one].split(" ")
                dice.shuffle(words)
                lines[one] = " ".join(words)
        offer = "\r\n".join(lines)
    return offer


FORMS = [
    r"v=0|o=- 1 1 IN IP4 127\.0\.0\.1|s=-|t=0 0|c=IN IP4 0\.0\.0\.0|a=group:BUNDLE( [\w-]{1,16})+",
    r"m=(audio|video|application) [09] UDP/TLS/RTP/SAVPF( \d{1,3})+",
    r"a=(mid:[\w-]{1,16}|sendonly|recvonly|sendrecv|inactive|rtcp-mux|ice-options:trickle)",
    r"a=ice-(ufrag|pwd):[A-Za-z0-9+/]{4,256}|a=setup:(actpass|active|passive)",
    r"a=fingerprint:sha-\d+ ([0-9A-Fa-f]{2}:){19,63}[0-9A-Fa-f]{2}",
    r"a=rtpmap:\d{1,3} (opus/48000/2|VP8/90000|rtx/90000)",
    r"a=rtcp-fb:\d{1,3} [a-z -]{3,12}|a=fmtp:\d{1,3} [\w=;.\- ]{1,200}|a=extmap:\d\d? [\w:/.\-]+",
    r"a=rid:\w{1,8} send|a=simulcast:send \w{1,8}(;\w{1,8}){1,2}",
    r"a=ssrc:\d{1,10} cname:\S{1,64}|a=ssrc-group:(FID|SIM)( \d{1,10}){2,6}",
    r"a=candidate:\S{1,32} [12] udp \d{1,10} [0-9a-f.:]{2,45} \d{1,5} typ "
    r"(host|(srflx|prflx|relay) raddr 0\.0\.0\.0 rport 9)",
]


@pytest.mark.parametrize("offer", OFFERS)
def test_a_browsers_offer_keeps_its_meaning(offer):
    told = rewrite(offer)
    assert read_sections(told) == read_sections(offer)
    assert [line for line in told.split("\r\n")[:-1] if not is_known(line)] == []
    for kept in ("a=ice-ufrag:", "a=ice-pwd:", "a=fingerprint:", "a=setup:", "a=rtcp-mux"):
        assert told.count(kept) == told.count("m="), kept


def test_only_what_rooms_use_is_left():
    told = rewrite(OFFERS[0])
    assert "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n" in told
    assert "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\n" in told
    assert "a=rid:h send\r\na=rid:m send\r\na=rid:l send\r\na=simulcast:send h;m;l\r\n" in told
    assert "a=fmtp:111 minptime=10;useinbandfec=1\r\n" in told
    for dropped in ("H264", "G722", "red/", "apt=102", ".local", " tcp ", "10.0.17.1", "msid"):
        assert dropped not in told, dropped
    assert "a=candidate:2226408128 1 udp 2113942271 192.0.2.7 35952 typ host\r\n" in told
    assert "198.51.100.9 46154 typ srflx raddr 0.0.0.0 rport 9\r\n" in told
    assert "a=ssrc-group:FID 1713461712 904117612\r\n" in rewrite(OFFERS[1])


def test_every_number_that_a_source_can_have_is_kept():
    for number, kept in ((0, True), (4_000_000_000, True), (2**32 - 1, True), (2**32, False)):
        told = rewrite(OFFERS[1].replace("904117612", str(number)))
        assert (f"a=ssrc:{number} cname:" in told) == kept
        assert (f"a=ssrc-group:FID 1713461712 {number}\r\n" in told) == kept


@settings(max_examples=1500, deadline=None)
@given(st.sampled_from(OFFERS), st.randoms(use_true_random=False))
def test_whatever_is_written_is_refused_or_told_in_the_one_form(offer, dice):
    offer = mutated(offer, dice)
    try:
        sections = read_sections(offer)
        told = rewrite(offer)
    except MalformedDescription:
        return
    assert [line for line in told.split("\r\n")[:-1] if not is_known(line)] == []
    assert rewrite(told) == told
    again = read_sections(told)
    assert [(one.kind, one.mid) for one in again] == [(one.kind, one.mid) for one in sections]
    for one, before in zip(again, sections, strict=True):
        assert one.rejected or one == before, "nothing is sent that was not offered"


def is_known(line):
    return any(re.fullmatch(form, line, re.ASCII) for form in FORMS)


@pytest.mark.parametrize("missing", ["ice-ufrag", "ice-pwd", "fingerprint", "setup"])
def test_who_does_not_say_how_it_is_reached_is_refused(missing):
    with pytest.raises(MalformedDescription):
        rewrite(re.sub(rf"a={missing}:[^\r]*\r\n", "", OFFERS[0]))


@pytest.mark.parametrize(
    ("told", "known"),
    [
        ("candidate:7 1 udp 21 192.0.2.7 999 typ host x y", "7 1 udp 21 192.0.2.7 999 typ host"),
        ("candidate:7 1 UDP 21 2001:DB8::7 9 typ host", "7 1 udp 21 2001:db8::7 9 typ host"),
        (
            "candidate:7 1 udp 21 192.0.2.7 999 typ relay raddr 10.0.0.1 rport 5",
            "7 1 udp 21 192.0.2.7 999 typ relay raddr 0.0.0.0 rport 9",
        ),
        ("candidate:7 1 udp 21 a.local 999 typ host", None),
        ("candidate:7 1 tcp 21 192.0.2.7 9 typ host tcptype active", None),
        ("candidate:7 1 udp 21 192.0.2.777 999 typ host", None),
        ("candidate:7 1 udp 4294967296 192.0.2.7 999 typ host", None),
        ("candidate:7 1 udp 21 192.0.2.7 65536 typ host", None),
        ("candidate:7 1 udp 21 192.0.2.7 999 typ host\r\na=x", None),
        ("candidate:" + "7" * 4000, None),
    ],
)
def test_addresses(told, known):
    index = {"sdpMLineIndex": 0}
    expected = None if known is None else {"candidate": f"candidate:{known}", **index}
    assert rewrite_candidate({"candidate": told, "sdpMid": "0"}) == expected


@pytest.mark.parametrize("told", [None, {}, {"candidate": ""}, {"candidate": None}])
def test_there_are_no_more_addresses(told):
    assert rewrite_candidate(told) == {"completed": True}


@pytest.mark.skipif(not shutil.which("janus"), reason="janus is not installed: make system")
def test_janus_outlives_hostile_descriptions(tmp_path):
    dice = random.Random(20261201)  # noqa: S311
    tracks = ({"mid": "0", "source": "microphone"}, {"mid": "1", "source": "camera"})

    def publish(offer):
        return Publish.model_validate({"type": "publish", "offer": offer, "tracks": tracks})

    def candidate(text):
        told = {"type": "candidate", "at": "publish", "candidate": {"candidate": text}}
        return Candidate.model_validate(told)

    janus = Janus(bare_settings(tmp_path), Media(ports=some_ports()))
    answers = []

    async def hostile(who):
        await janus.enter("room", who, answers.append, True)
        for _ in range(10):
            text = mutated("candidate:1 1 udp 7 192.0.2.7 999 typ host", dice)
            for message in (publish(mutated(OFFERS[0], dice)), candidate(text)):
                try:
                    await janus.message("room", who, message)
                except Refused as refusal:
                    answers.append({"type": str(refusal)})
        await janus.leave("room", who)

    with Hall(janus) as hall:
        wait_until(lambda: janus._client is not None, 20)
        hall.do(janus.open("room"))
        before = janus.pid
        for number in range(COUNT // 10):
            hall.do(hostile(f"eve{number}"))
        answers.clear()
        hall.do(janus.enter("room", "anna", answers.append, True))
        hall.do(janus.message("room", "anna", publish(OFFERS[0])))
        assert janus.pid == before
        assert "published" in {one["type"] for one in answers}, answers
