"""10,000 messages as nobody should send them: nothing fails, and others are served meanwhile."""

from __future__ import annotations

import asyncio
import json
import logging
import random
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.cameras import until
from support.conference import laboratory
from tornado.websocket import WebSocketClosedError

from citylib.conference.protocol import LONGEST, MalformedMessage, parse
from citylib.conference.rooms.names import clean, key
from citylib.conference.service import limits, socket

COUNT = 10_000
SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
CANDIDATE = {"candidate": "candidate:1 1 udp 1 192.0.2.7 9 typ host", "sdpMid": "0"}
VALID = (
    {"type": "look", "invitation": "x.1.y", "language": "ko"},
    {"type": "look", "room": "r"},
    {"type": "enter", "name": "Eve"},
    {"type": "resume", "ticket": "t", "language": "en"},
    {"type": "publish", "offer": SDP, "tracks": [{"mid": "0", "source": "camera"}]},
    {"type": "answer", "answer": SDP},
    {"type": "candidate", "at": "publish", "candidate": CANDIDATE},
    {"type": "candidate", "at": "subscribe", "candidate": None},
    {"type": "restart"},
    {"type": "signal", "to": "HOST", "description": {"type": "offer", "sdp": SDP}},
    {"type": "signal", "to": "HOST", "candidate": CANDIDATE},
    {"type": "want", "videos": "all", "large": "HOST"},
    {"type": "state", "microphone": True, "camera": True, "hand": True, "quality": 4},
    {"type": "say", "text": "hello", "to": "HOST"},
    {"type": "say", "text": "hello"},
    {"type": "hear", "channel": "en"},
    {"type": "material", "title": "map", "picture": "<svg xmlns='http://www.w3.org/2000/svg'/>"},
    {"type": "admit", "who": "HOST"},
    {"type": "mute", "who": None},
    {"type": "remove", "who": "HOST"},
    {"type": "lock", "locked": True},
    {"type": "appoint", "who": "HOST", "role": "listener"},
    {"type": "record", "recording": True},
    {"type": "end"},
)
NASTY = (
    *(None, True, False, 0, -1, 2**63, 2**200, 1e308, [], {}, [[[]]], "", " ", "\x00", "\u202e"),
    *("../../etc/passwd", "' or 1=1 --", "<script>alert(1)</script>", "${jndi:x}", "%s%n", "💥"),
    *("x" * 100, "y" * 5000, {"type": "end"}, [{"mid": "0"}] * 50, "HOST", "host", "\ud7ff\uffff"),
)


def mutated(dice, host):
    """A message that is almost one of them; at times it is one."""
    message = json.loads(json.dumps(dice.choice(VALID)).replace("HOST", host))
    for _ in range(dice.randrange(4)):
        place = message
        name = dice.choice([*place]) if place else "type"
        if isinstance(place.get(name), dict) and place[name] and dice.random() < 0.5:
            place = place[name]
            name = dice.choice([*place])
        match dice.randrange(5):
            case 0:
                place.pop(name, None)
            case 1:
                place[name] = dice.choice(NASTY)
            case 2:
                place[dice.choice(("type", "who", "__class__", "", "to", "é"))] = dice.choice(NASTY)
            case 3:
                place[name] = [place.get(name)]
            case 4:
                place[name] = str(place.get(name)) * dice.choice((0, 2, 40))
    text = json.dumps(message, ensure_ascii=dice.random() < 0.5)
    match dice.randrange(24):
        case 0:
            return text[: dice.randrange(len(text) + 1)]
        case 1:
            at = dice.randrange(len(text) + 1)
            added = dice.choice(("\x00", "\\ud800", "[" * 9000, "{", '"', "NaN"))
            return text[:at] + added + text[at:]
        case 2:
            return dice.randbytes(dice.randrange(200))
        case 3:
            return text.encode()
        case 4:
            return dice.choice(("[" * 50_000, '{"a":' * 20_000, "1", "null", "[]", '"end"', " "))
        case 5:
            return text[:-1] + ',"type":"end"}'
    return text


def test_ten_thousand_hostile_messages(tmp_path, monkeypatch, caplog):
    # Limits would close each page after some; here what is behind them is tried.
    monkeypatch.setattr(socket, "MALFORMED_AT_MOST", COUNT)
    monkeypatch.setattr(limits, "PATIENCE", COUNT)
    monkeypatch.setattr(limits, "KINDS", {})
    monkeypatch.setattr(limits, "OTHER", (1e9, 1e9))
    monkeypatch.setattr(limits, "ALL", (1e9, 1e9))
    monkeypatch.setattr(limits, "WRONG", limits.Limit(10**9, 1))
    monkeypatch.setattr(limits, "KNOCK", limits.Limit(10**9, 1))
    dice = random.Random(20261130)  # noqa: S311
    caplog.set_level(logging.WARNING)

    async def run():
        async with laboratory(tmp_path) as lab:
            room = await lab.room(waiting_room=False)
            host = await lab.host(room)
            invitation = await lab.invite(room, most_uses=1000)
            guarded = await lab.room()
            waits = await lab.invite(guarded, most_uses=1000)
            mine = await lab.room("lee", waiting_room=False)

            async def page(kind):
                if kind == "outside":
                    return await lab.open()
                if kind == "door":
                    return await lab.look(invitation=invitation["token"])
                if kind == "waiting":
                    visitor = await lab.look(invitation=waits["token"])
                    await visitor.say("enter", name=f"Eve {dice.random()}")
                    return visitor
                if kind == "host":
                    nonlocal mine
                    if lab.conference.rooms.get(mine).ended:
                        mine = await lab.room("lee", waiting_room=False)
                    return await lab.host(mine, "lee")
                visitor = await lab.look(invitation=invitation["token"])
                await visitor.say("enter", name=f"Eve {dice.random()}")
                return visitor

            kinds = ("outside", "door", "waiting", "guest", "host")
            pages, sent, heard, slowest = {}, 0, 0, 0.0
            while sent < COUNT:
                kind = kinds[sent // 5 % len(kinds)]
                if kind not in pages or pages[kind].closed:
                    pages[kind] = await page(kind)
                text = mutated(dice, host.id)
                try:
                    await pages[kind].socket.write_message(text, binary=isinstance(text, bytes))
                except WebSocketClosedError:
                    del pages[kind]
                    continue
                sent += 1
                if sent % 250 == 0:
                    began = time.monotonic()
                    heard += 1
                    await host.say("say", text=f"still here {heard}")
                    await host.first("said", text=f"still here {heard}")
                    slowest = max(slowest, time.monotonic() - began)
            await pages["host"].socket.write_message("z" * (LONGEST + 1))
            await until(lambda: pages["host"].closed)
            assert (heard, host.closed) == (COUNT // 250, False)
            assert slowest < 5
            assert not host.all("muted")
            late = await lab.guest(invitation, "Late")
            assert late.all("entered")
            for visitor in lab.visitors:
                assert visitor.all("error", reason="failed") == []
            assert not lab.conference.rooms.get(room).ended

    asyncio.run(run())
    told = [one for one in caplog.records if one.levelno >= logging.ERROR]
    assert told == [], told[:3]


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(VALID), st.dictionaries(st.sampled_from(
    ["type", "to", "who", "text", "offer", "tracks", "candidate", "at", "name", "role", "x"]
), anything, max_size=3))  # fmt: skip
def test_whatever_comes_is_read_or_refused_in_few_words(message, other):
    text = json.dumps(message | other)
    try:
        told = parse(text).type
    except MalformedMessage as fault:
        told = str(fault)
    assert len(told) < 400


@settings(max_examples=400, deadline=None)
@given(st.text(max_size=90))
def test_every_name_is_shown_and_compared(name):
    shown = clean(name)
    assert clean(shown) == shown
    assert len(shown) <= 80
    assert key(shown) == key(name) == key(shown.upper().lower()) or not shown.isascii()
    assert bool(key(name)) == bool(shown)


@pytest.mark.parametrize(
    "text",
    ["", "x" * (LONGEST + 1), "[" * 100_000, '{"type":' * 10_000, '{"type":"end","type":"lock"}',
     b"\xff\xfe", b"\x00", '{"type":"enter","name":"\\ud800"}', '{"type":"say","text":1e999}'],
)  # fmt: skip
def test_what_is_no_message_is_refused(text):
    with pytest.raises(MalformedMessage):
        parse(text)
