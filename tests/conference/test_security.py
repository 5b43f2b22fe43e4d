"""Who may do what, what floods do, and what never leaves the service."""

from __future__ import annotations

import asyncio
import logging

import pytest
from support.cameras import until
from support.conference import laboratory
from tornado.httpclient import HTTPClientError

from citylib.conference.media.mesh import Mesh
from citylib.conference.protocol import Publish
from citylib.conference.service import limits, service, socket

EVERYBODY = ("kim", "lee", "nam", "park", "choi", "oh", "forged", None)
OWN = {"lee", "kim"}
"""Who made the room, and the mayor."""
OFFICIALS = {"kim", "lee", "nam"}
ROUTES = (
    ("GET", "", OFFICIALS, 200),
    ("GET", "join/", {*EVERYBODY}, 200),
    ("GET", "join", {*EVERYBODY}, 200),
    ("GET", "static/join.js", {*EVERYBODY}, 200),
    ("GET", "sign-in", {"kim", "lee", "nam", "park", "choi"}, 200),
    ("GET", "rooms", OFFICIALS, 200),
    ("POST", "rooms", OFFICIALS, 201),
    ("GET", "rooms/{room}", OWN, 200),
    ("PATCH", "rooms/{room}", OWN, 200),
    ("GET", "rooms/{room}/invitations", OWN, 200),
    ("POST", "rooms/{room}/invitations", OWN, 201),
    ("GET", "rooms/{room}/invitations/{invitation}/ics", OWN, 200),
    ("GET", "rooms/{room}/minutes", OWN, 200),
    ("GET", "rooms/{room}/minutes?as=csv", OWN, 200),
    ("GET", "rooms/{room}/recordings", OWN, 200),
    ("GET", "rooms/{room}/recordings/none", set(), 0),
    ("POST", "rooms/{room}/recordings", set(), 0),
    ("DELETE", "rooms/{room}/invitations/{invitation}", OWN, 204),
    ("DELETE", "rooms/{room}", OWN, 204),
    ("GET", "nothing", set(), 0),
    ("GET", "static/../service/service.py", set(), 0),
    ("GET", "static/%2e%2e/protocol.py", set(), 0),
)
FORMS = {"rooms": {"title": "x"}, "rooms/{room}": {"title": "y"}}


@pytest.mark.parametrize(("method", "path", "may", "status"), ROUTES)
def test_every_role_against_every_address(tmp_path, method, path, may, status):
    async def run():
        async with laboratory(tmp_path) as lab:
            for token in EVERYBODY:
                room = await lab.room("lee")
                invitation = (await lab.invite(room, "lee"))["id"]
                place = path.format(room=room, invitation=invitation)
                more = {} if method in ("GET", "DELETE") else {"json": FORMS.get(path, {})}
                answer = await lab.ask(method, place, token, **more)
                if token in may:
                    assert answer.status_code == status, (token, answer.text)
                    continue
                # Who is not signed in is led to the hub by the pages for officials.
                led = answer.status_code == 302 and path in ("", "sign-in")
                assert led or answer.status_code in (403, 404), (token, answer.text)
                if led:
                    assert "/hub/api/oauth2/authorize" in answer.headers["Location"]
                assert "lee" not in answer.text
                if method != "GET":
                    found = (await lab.ask("GET", f"rooms/{room}", "lee")).json()["room"]
                    assert (found["title"], found["ended"]) == ("Flood", None)
                # What is another's and what is not there are told alike.
                if "{room}" in path and token == "nam" and path != "rooms/{room}/recordings":
                    nowhere = path.format(room="nowhere", invitation=invitation)
                    other = await lab.ask(method, nowhere, token, **more)
                    assert (other.status_code, other.text) == (answer.status_code, answer.text)

    asyncio.run(run())


def test_other_sites_are_refused(tmp_path):
    async def run():
        async with laboratory(tmp_path) as lab:
            room = await lab.room()
            here = f"http://127.0.0.1:{lab.port}"
            near = f"{here}.evil.example"
            for origin in ("https://evil.example", "http://127.0.0.1:1", "null", near):
                with pytest.raises(HTTPClientError, match="403"):
                    await lab.open("kim", Origin=origin)
                for method, path in (("POST", "rooms"), ("DELETE", f"rooms/{room}")):
                    told = {"Origin": origin}
                    answer = await lab.ask(method, path, "kim", headers=told, json={"title": "x"})
                    assert answer.status_code == 403
            told = {"Origin": "", "Sec-Fetch-Site": "cross-site"}
            answer = await lab.ask("DELETE", f"rooms/{room}", "kim", headers=told)
            assert answer.status_code == 403
            for token in ("forged", "oh"):
                visitor = await lab.look(token, room=room)
                assert await visitor.refused() == "not_allowed"
            for token in ("lee", "park", "choi", None):  # not theirs, or nobody's
                assert await (await lab.look(token, room=room)).refused() == "not_allowed"
            assert await (await lab.look("kim", room="nowhere")).refused() == "not_allowed"
            visitor = await lab.open("kim", Origin=here)
            await visitor.say("look", room=room)
            await visitor.first("door")
            page = await lab.ask("GET", "join/")
            for name, value in {
                "Content-Security-Policy": "default-src 'none'",
                "X-Content-Type-Options": "nosniff",
                "Referrer-Policy": "no-referrer",
            }.items():
                assert value in page.headers[name]

    asyncio.run(run())


SENDS = "\r\n".join(
    (
        *("v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", "m=audio 9 UDP/TLS/RTP/SAVPF 111"),
        *("c=IN IP4 0.0.0.0", "a=mid:0", "a=sendrecv", ""),
    )
)


class Noting(Mesh):
    """Says what came to it."""

    def __init__(self, most=6):
        super().__init__()
        self.most, self.came = most, []

    async def message(self, room, who, message):
        self.came.append((room, who, message))
        if not isinstance(message, Publish):
            await super().message(room, who, message)


def test_a_listener_publishes_nothing(tmp_path):
    carrier = Noting()

    async def run():
        async with laboratory(tmp_path, carrier=carrier) as lab:
            room = await lab.room(waiting_room=False)
            host = await lab.host(room)
            listener = await lab.guest(await lab.invite(room, role="listener"), "Quiet")
            speaker = await lab.guest(await lab.invite(room), "Loud")
            camera = [{"mid": "0", "source": "camera"}]
            await listener.say("publish", offer="v=0", tracks=camera)
            await listener.say("material", picture="<svg/>", title="x")
            await listener.say("state", microphone=True, camera=True, hand=True)
            await until(lambda: len(listener.all("error", reason="not_allowed")) == 2)
            await until(lambda: host.all("participant")[-1]["participant"]["hand"])
            told = host.all("participant")[-1]["participant"]
            assert (told["microphone"], told["camera"], told["sources"]) == (False, False, [])
            await listener.say("signal", to=host.id, description={"type": "offer", "sdp": SENDS})
            await until(lambda: listener.all("error", about="signal"))
            assert not host.all("signal")
            # A speaker is no interpreter, and sends each source once.
            for tracks in (
                [{"mid": "0", "source": "interpretation"}],
                [{"mid": "0", "source": "camera"}, {"mid": "1", "source": "camera"}],
            ):
                speaker.came = [one for one in speaker.came if one["type"] == "entered"]
                await speaker.say("publish", offer="v=0", tracks=tracks)
                assert (await speaker.first("error"))["reason"] == "not_allowed"
            assert not [one for one in carrier.came if isinstance(one[2], Publish)]
            # Made a listener, somebody is cut off.
            await speaker.say("publish", offer="v=0", tracks=camera)
            await until(lambda: host.all("participant")[-1]["participant"]["sources"] == ["camera"])
            await host.say("appoint", who=speaker.id, role="listener")
            await until(lambda: host.all("participant")[-1]["participant"]["sources"] == [])
            await speaker.say("publish", offer="v=0", tracks=camera)
            await speaker.first("error", about="publish", reason="not_allowed")

    asyncio.run(run())


def test_rooms_know_nothing_of_each_other(tmp_path):
    async def run():
        async with laboratory(tmp_path) as lab:
            one, other = await lab.room(waiting_room=False), await lab.room(waiting_room=False)
            invited = await lab.invite(one, role="host")
            anna = await lab.guest(invited, "Anna")
            ben = await lab.guest(await lab.invite(other), "Ben")
            before = len(ben.came)
            candidate = {"candidate": "candidate:1 1 udp 1 192.0.2.7 9 typ host", "sdpMid": "0"}
            for kind, more in (
                ("signal", {"to": ben.id, "candidate": candidate}),
                ("say", {"text": "hello", "to": ben.id}),
                ("mute", {"who": ben.id}),
                ("remove", {"who": ben.id}),
                ("admit", {"who": ben.id}),
                ("appoint", {"who": ben.id, "role": "listener"}),
            ):
                await anna.say(kind, **more)
                assert (await anna.first("error", about=kind))["reason"] == "nobody"
            await anna.say("say", text="to all")
            await anna.first("said")
            await anna.say("end")
            await anna.first("ended")
            assert len(ben.came) == before
            assert "Anna" not in str(ben.came)
            assert "Ben" not in str(anna.came)
            # A guest host is none at the addresses of officials.
            assert (await lab.ask("GET", f"rooms/{one}")).status_code == 403

    asyncio.run(run())


def test_who_is_signed_out_is_let_go_of(tmp_path, monkeypatch):
    monkeypatch.setattr(socket, "RECHECK", 0.1)
    monkeypatch.setattr(service, "BEAT", 0.05)

    async def run():
        async with laboratory(tmp_path) as lab:
            room = await lab.room("lee", waiting_room=False)
            host, anna = await lab.host(room, "lee"), await lab.guest(await lab.invite(room, "lee"))
            del lab.tokens["lee"]
            assert await host.refused() == "signed_out"
            assert await (await lab.resume(host.ticket, "lee")).refused() == "ticket"
            assert not anna.closed

    asyncio.run(run())


def test_floods_of_joins_are_stopped_and_others_still_come_in(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "WRONG", limits.Limit(tries=5, seconds=600))
    monkeypatch.setattr(limits, "MOST_HERE", 12)
    monkeypatch.setattr(limits, "MOST_SOCKETS", 14)

    async def run():
        async with laboratory(tmp_path) as lab:
            lab.here = "198.51.100.7"
            room = await lab.room(waiting_room=False)
            invitation = await lab.invite(room)
            anna = await lab.guest(invitation, "Anna")
            flood = {"X-Forwarded-For": "203.0.113.9"}
            reasons = []
            for number in range(8):
                visitor = await lab.open(**flood)
                kind = "resume" if number % 2 else "look"
                guess = {"ticket": "guess"} if number % 2 else {"invitation": "guess"}
                await visitor.say(kind, **guess)
                reasons.append(await visitor.refused())
            assert reasons == ["forged", "ticket", "forged", "ticket", "forged", *["too_much"] * 3]
            opened = [await lab.open(**flood) for _ in range(12)]
            with pytest.raises(HTTPClientError, match="429"):
                await lab.open(**flood)
            await lab.guest(invitation, "Ben")
            with pytest.raises(HTTPClientError, match="429"):  # all places are taken
                await lab.open()
            for visitor in opened:
                visitor.socket.close()
            await until(lambda: all(visitor.closed for visitor in opened))
            await until(lambda: lab.conference.places.open.total() == 2)
            await lab.guest(invitation, "Cem")
            assert not anna.closed

    asyncio.run(run())


def test_who_says_nothing_or_does_not_go_in_is_closed(tmp_path, monkeypatch):
    monkeypatch.setattr(socket, "SILENT", 0.3)
    monkeypatch.setattr(socket, "AT_THE_DOOR", 2.0)
    monkeypatch.setattr(service, "BEAT", 0.05)

    async def run():
        async with laboratory(tmp_path) as lab:
            room = await lab.room(waiting_room=False)
            invitation = await lab.invite(room)
            inside = await lab.guest(invitation, "Anna")
            silent, malformed = await lab.open(), await lab.open()
            await malformed.socket.write_message("{}")
            assert await silent.refused() == "too_slow"
            assert await malformed.refused() == "too_slow"
            door = await lab.look(invitation=invitation["token"])
            await door.first("door")
            assert await door.refused() == "too_slow"
            assert not inside.closed

    asyncio.run(run())


def test_floods_of_messages_are_stopped_and_others_are_still_heard(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "PATIENCE", 30)

    async def run():
        async with laboratory(tmp_path) as lab:
            room = await lab.room(waiting_room=False)
            invitation = await lab.invite(room)
            anna, ben = await lab.guest(invitation, "Anna"), await lab.guest(invitation, "Ben")
            for number in range(60):
                await anna.say("say", text=str(number))
            assert await anna.refused() == "too_much"
            assert len(ben.all("said")) <= limits.KINDS["say"][1] + 3
            await ben.say("say", text="still here")
            await ben.first("said", text="still here")
            # Flooding does not lose the place, and does not help to get it back faster.
            again = await lab.resume(anna.ticket)
            await again.first("entered")

    asyncio.run(run())


def test_a_full_room_says_so(tmp_path):
    async def run():
        async with laboratory(tmp_path, carrier=Noting(most=2)) as lab:
            room = await lab.room(waiting_room=False)
            invitation = await lab.invite(room)
            anna = await lab.guest(invitation, "Anna")
            await lab.guest(invitation, "Ben")
            late = await lab.look(invitation=invitation["token"])
            assert (await late.first("door"))["most"] == 2
            await late.say("enter", name="Cem")
            assert await late.refused() == "full"
            found = (await lab.ask("GET", f"rooms/{room}/invitations", "kim")).json()
            assert found["invitations"][0]["uses"] == 2
            again = await lab.resume(anna.ticket)  # has a place already
            await again.first("entered")

    asyncio.run(run())


def test_no_secret_is_in_a_log_or_an_answer_to_others(tmp_path, caplog, capfd):
    caplog.set_level(logging.DEBUG)

    async def run():
        async with laboratory(tmp_path) as lab:
            room = await lab.room(waiting_room=False)
            host = await lab.host(room)
            invitation = await lab.invite(room, email="anna@example.org")
            anna = await lab.guest(invitation, "Anna")
            await anna.say("say", text="between us", to=host.id)
            await host.first("said")
            await lab.ask("GET", f"join/?{invitation['token']}")
            await (await lab.resume(anna.ticket + "x")).refused()
            await (await lab.look(invitation=invitation["token"] + "x")).refused()
            await lab.ask("GET", f"rooms/{room}/minutes", "kim")
            for visitor in (host, anna):
                others = {host.ticket, anna.ticket} - {visitor.ticket}
                assert not any(ticket in str(visitor.came) for ticket in others)
                assert invitation["token"] not in str(visitor.came)
                assert "anna@example.org" not in str(visitor.came)
            audit = str(lab.store.audit.read(limit=1000))
            with lab.store.read() as connection:
                kept = str(connection.exec_driver_sql("select * from participants").all())
                kept += str(connection.exec_driver_sql("select * from invitations").all())
            return [host.ticket, anna.ticket, invitation["token"]], audit, kept

    secrets, audit, kept = asyncio.run(run())
    told = capfd.readouterr()
    # What others log is left out in the service; what it prints is seen when it is killed.
    ours = [one for one in caplog.records if one.name.startswith("citylib")]
    logged = "\n".join(one.getMessage() for one in ours)
    for secret in secrets:
        for text in (audit, kept, logged, told.out, told.err):
            assert secret not in text
    assert "example.org" not in audit + logged + told.out + told.err
    assert "between us" not in audit + logged
