"""Who comes into a room, and what hosts do there."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager

import pytest
from support.cameras import until
from support.conference import laboratory
from websockets.asyncio.client import connect

from citylib.conference.rooms.names import clean, key
from citylib.conference.service import service, socket


@asynccontextmanager
async def open_room(tmp_path, **values):
    """A room without a waiting room, its host, and an invitation for everybody."""
    async with laboratory(tmp_path) as lab:
        room = await lab.room(waiting_room=False, **values)
        yield lab, room, await lab.host(room), await lab.invite(room)


def test_a_guest_waits_until_a_host_opens(tmp_path):
    async def run():
        async with laboratory(tmp_path) as lab:
            room = await lab.room(agenda="The dike")
            host = await lab.host(room)
            invitation = await lab.invite(room)
            guest = await lab.look(invitation=invitation["token"])
            door = await guest.first("door")
            assert door["room"]["title"] == "Flood"
            assert door["room"]["agenda"] == "The dike"
            assert (door["role"], door["waiting_room"], door["name"]) == ("speaker", True, None)
            await guest.say("enter", name="  Anna\u200b  B ")
            await guest.say("say", text="let me in")
            await guest.first("waiting")
            assert (await guest.first("error"))["reason"] == "waiting"
            waits = await host.first("waits")
            assert waits["name"] == "Anna B"
            await host.say("admit", who=waits["who"])
            entered = await guest.first("entered")
            assert {one["name"] for one in entered["participants"]} == {"kim", "Anna B"}
            assert (await host.first("participant"))["participant"]["name"] == "Anna B"
            await host.first("waits_no_more")

            other = await lab.look(invitation=invitation["token"])
            await other.say("enter", name="Ben")
            who = (await host.first("waits", name="Ben"))["who"]
            await host.say("admit", who=who, welcome=False)
            assert await other.refused() == "turned_away"
            assert await (await lab.resume(other.ticket)).refused() == "turned_away"

            third = await lab.look(invitation=invitation["token"])
            await third.say("enter", name="Cem")
            who = (await host.first("waits", name="Cem"))["who"]
            third.socket.close()
            await host.first("waits_no_more", who=who)
            again = await lab.resume(third.ticket)
            await again.first("waiting")
            host.came.clear()
            await lab.ask("DELETE", f"rooms/{room}/invitations/{invitation['id']}", "kim")
            assert await again.refused() == "withdrawn"
            assert not guest.closed

    asyncio.run(run())


def test_hosts_mute_remove_lock_and_make_others_host(tmp_path):
    async def run():
        async with open_room(tmp_path) as (lab, _, host, invitation):
            anna, ben = await lab.guest(invitation, "Anna"), await lab.guest(invitation, "Ben")
            await anna.say("state", microphone=True, camera=True, hand=True, quality=3)
            await until(lambda: shown(ben, anna)["hand"] and shown(ben, anna)["quality"] == 3)
            await host.say("mute")
            assert (await anna.first("muted"))["by"] == host.id
            await until(lambda: not shown(ben, anna)["microphone"])
            await anna.say("state", microphone=True)
            await until(lambda: shown(ben, anna)["microphone"])

            # Who is no host may do none of it.
            for message in (
                {"kind": "mute"},
                {"kind": "remove", "who": anna.id},
                {"kind": "lock", "locked": True},
                {"kind": "appoint", "who": ben.id, "role": "host"},
                {"kind": "record", "recording": True},
                {"kind": "admit", "who": anna.id},
                {"kind": "end"},
            ):
                ben.came = [one for one in ben.came if one["type"] == "entered"]
                await ben.say(**message)
                error = await ben.first("error")
                assert (error["about"], error["reason"]) == (message["kind"], "not_allowed")
                assert error["text"] == "This is not allowed here."

            await host.say("lock", locked=True)
            assert (await ben.first("room"))["locked"]
            late = await lab.look(invitation=invitation["token"])
            assert (await late.first("door"))["locked"]
            await late.say("enter", name="Late")
            assert await late.refused() == "locked"

            await host.say("appoint", who=ben.id, role="host")
            await ben.first("role", role="host")
            await ben.say("remove", who=anna.id)
            assert await anna.refused() == "removed"
            await until(lambda: host.all("left", who=anna.id, why="removed"))
            assert await (await lab.resume(anna.ticket)).refused() == "removed"
            # Interpreters have a language, others none.
            await host.say("appoint", who=ben.id, role="interpreter")
            assert (await host.first("error"))["reason"] == "language"
            await host.say("appoint", who=ben.id, role="interpreter", language="ko")
            await until(lambda: shown(host, ben)["language"] == "ko")
            await host.say("appoint", who=host.id, role="speaker")
            await until(lambda: host.all("error", reason="last_host"))
            await host.say("end")
            await ben.first("ended")
            assert await (await lab.resume(ben.ticket)).refused() == "ended"
            over = await lab.look(invitation=invitation["token"])
            assert await over.refused() == "ended"

    asyncio.run(run())


def shown(visitor, other):
    """The newest that somebody was told of another."""
    found = [
        one["participant"]
        for one in visitor.all("participant")
        if one["participant"]["id"] == other.id
    ]
    entered = visitor.all("entered")[-1]["participants"] if visitor.all("entered") else []
    return (found or [one for one in entered if one["id"] == other.id])[-1]


def test_chat_to_all_and_to_one(tmp_path):
    async def run():
        async with open_room(tmp_path) as (lab, room, host, invitation):
            anna, ben = await lab.guest(invitation, "Anna"), await lab.guest(invitation, "Ben")
            await anna.say("say", text="to all <b>")
            await anna.say("say", text="to the host", to=host.id)
            await anna.say("say", text="to nobody", to="nobody")
            assert (await anna.first("error"))["reason"] == "nobody"
            await host.first("said", text="to the host")
            assert len(anna.all("said")) == 2
            await ben.first("said", text="to all <b>")
            late = await lab.guest(invitation, "Late")
            assert [one["text"] for one in late.all("entered")[0]["chat"]] == ["to all <b>"]
            assert not ben.all("said", text="to the host")
            minutes = (await lab.ask("GET", f"rooms/{room}/minutes", "kim")).json()
            assert [one["text"] for one in minutes["chat"]] == ["to all <b>"]

    asyncio.run(run())


def test_without_a_host_the_speaker_who_came_first_takes_over(tmp_path, monkeypatch):
    monkeypatch.setattr(service, "HOST_MAY_BE_AWAY", 0.3)
    monkeypatch.setattr(service, "BEAT", 0.05)

    async def run():
        async with open_room(tmp_path) as (lab, room, host, invitation):
            listeners = await lab.invite(room, role="listener")
            listener = await lab.guest(listeners, "Early")
            anna, ben = await lab.guest(invitation, "Anna"), await lab.guest(invitation, "Ben")
            await host.say("leave")
            await anna.first("role", role="host")
            assert anna.all("left", why="left")
            anna.socket.close()  # a lost connection: the place is kept for a while
            await ben.first("left", who=anna.id, why="lost")
            assert not ben.all("role")
            await ben.first("role", role="host")
            again = await lab.resume(anna.ticket)
            assert (await again.first("entered"))["role"] == "host"
            assert not listener.all("role")

    asyncio.run(run())


def test_nobody_takes_the_name_of_somebody_else(tmp_path):
    async def run():
        async with open_room(tmp_path) as (lab, room, _, invitation):
            from citylib.access.accounts import Accounts

            Accounts(lab.store).ensure("minji", "official")
            await lab.invite(room, name="Choi Jun")
            other = await lab.invite(room)
            anna = await lab.guest(invitation, "Anna")
            for name in (
                "anna", "ＡＮＮＡ", "A\u200bnna", "Аnnа", "An na", "Ánna",  # of who is there
                "kim", "K\u0456m", "Minji", "choi-jun",  # of accounts, of who is invited
                " ", "\u200b\u3164",
            ):  # fmt: skip
                someone = await lab.look(invitation=other["token"])
                await someone.say("enter", name=name)
                assert await someone.refused() == "name", name
            await lab.guest(other, "Hanna")
            await anna.say("leave")
            await until(lambda: anna.closed)
            await lab.guest(invitation, "Anna")

            # A personal invitation has its name; who is signed in has that of the account.
            own = await lab.invite(room, name="Dr. Weiß")
            visitor = await lab.look(invitation=own["token"])
            assert (await visitor.first("door"))["name"] == "Dr. Weiß"
            await visitor.say("enter", name="Somebody else")
            entered = await visitor.first("entered")
            assert "Dr. Weiß" in {one["name"] for one in entered["participants"]}
            signed_in = await lab.look("park", invitation=invitation["token"])
            assert (await signed_in.first("door"))["name"] == "park"

    asyncio.run(run())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("김민지", "김 민지"),
        ("Ｋim", "kim"),
        ("mayor", "Мауоr"),
        ("Bill", "Bi1l"),
        ("O'Neil", "oneil"),
    ],
)
def test_names_that_look_the_same_are_the_same(one, other):
    assert key(one) == key(other)


def test_names_are_shown_without_what_is_not_seen():
    assert clean("\u202eAnna\u202c\tB\u00a0") == "Anna B"
    assert key("가나") != key("가니")
    assert key("सीता") != key("सती")


def test_a_vanished_page_is_noticed_and_its_place_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(socket, "VANISHED", 0.4)
    monkeypatch.setattr(service, "BEAT", 0.05)

    async def run():
        async with open_room(tmp_path) as (lab, _, host, invitation):
            anna = await lab.guest(invitation, "Anna")
            async with connect(lab.url("socket", "ws"), proxy=None) as page:
                await page.send(json.dumps({"type": "resume", "ticket": anna.ticket}))
                assert await anna.refused() == "elsewhere"
                page.transport.pause_reading()  # as of a network that is cut: no pong
                await until(lambda: shown(host, anna)["quality"] == 0)
                assert not host.all("left")
                page.transport.resume_reading()
                await until(lambda: shown(host, anna)["quality"] == 4)
                page.transport.pause_reading()
                await until(lambda: shown(host, anna)["quality"] == 0)
                monkeypatch.setattr(socket, "CUT", 0.6)
                await host.first("left", who=anna.id, why="lost")
            again = await lab.resume(anna.ticket)
            assert (await again.first("entered"))["you"] == anna.id
            monkeypatch.undo()
            other = await lab.resume(anna.ticket)
            await other.first("entered")
            assert await again.refused() == "elsewhere"
            assert shown(host, anna)["quality"] == 4

    asyncio.run(run())


def test_who_was_cut_off_while_coming_in_comes_in_again(tmp_path, monkeypatch):
    monkeypatch.setattr(socket, "ARRIVED", b"never said back")  # the ticket did not come

    async def run():
        async with open_room(tmp_path) as (lab, room, host, _):
            monkeypatch.setattr(socket.SocketHandler, "on_pong", lambda self, _: self._hear())
            own = await lab.invite(room, name="Anna", most_uses=1)
            first = await lab.guest(own, "Anna")
            first.socket.close()
            await host.first("left", who=first.id)
            second = await lab.guest(own, "Anna")
            # One that is half open still is not in the way either.
            third = await lab.invite(room, most_uses=2)
            ben = await lab.guest(third, "Ben")
            await lab.guest(third, "ben")
            assert await ben.refused() == "elsewhere"
            await host.say("remove", who=second.id)
            assert await second.refused() == "removed"
            assert await (await lab.look(invitation=own["token"])).refused() == "used"

    asyncio.run(run())


def test_a_room_is_changed_while_people_are_in_it(tmp_path):
    async def run():
        async with open_room(tmp_path) as (lab, room, host, invitation):
            anna = await lab.guest(invitation, "Anna")
            path = f"rooms/{room}"
            answer = await lab.ask("PATCH", path, "kim", json={"title": "Fire", "locked": True})
            assert answer.json()["room"]["title"] == "Fire"
            assert answer.json()["room"]["inside"] == 2
            told = await anna.first("room")
            assert (told["room"]["title"], told["locked"]) == ("Fire", True)
            assert (await lab.ask("DELETE", path, "kim")).status_code == 204
            await anna.first("ended")
            await until(lambda: host.closed)
            assert not lab.conference.meetings
            began, ended = lab.store.changes.since(0, kind="conference")
            assert (began.subject, began.detail["state"], ended.detail["state"]) == (
                room, "began", "ended",
            )  # fmt: skip
            done = {entry.action for entry in lab.store.audit.read(subject=room)}
            assert {"made room", "invited", "entered", "changed room", "ended room"} <= done

    asyncio.run(run())


def test_a_room_of_voices_alone_takes_no_pictures(tmp_path):
    async def run():
        async with open_room(tmp_path, voice_only=True) as (lab, _, host, invitation):
            anna = await lab.guest(invitation, "Anna")
            tracks = [{"mid": "0", "source": "camera"}]
            await anna.say("publish", offer="v=0", tracks=tracks)
            assert (await anna.first("error"))["reason"] == "voice_only"
            await anna.say("state", camera=True, microphone=True)
            await until(lambda: shown(host, anna)["microphone"])
            assert not shown(host, anna)["camera"]

    asyncio.run(run())
