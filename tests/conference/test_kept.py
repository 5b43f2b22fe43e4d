"""What is kept: nothing that was acknowledged is lost, on each database, whatever dies."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from support.cameras import until
from support.conference import TOKENS, Lab, hub, laboratory, service, settings_of
from support.hall import free_port

from citylib.access.links import Links
from citylib.conference.rooms.chat import Chat
from citylib.conference.rooms.invitations import Invitations
from citylib.conference.rooms.minutes import read_minutes
from citylib.conference.rooms.model import NotIn
from citylib.conference.rooms.people import People
from citylib.conference.rooms.rooms import Rooms
from citylib.operations.store import Store

RULES = "[media]\njanus = false\n[turn]\nrun = false\n"


def test_a_killed_service_has_everything_again(tmp_path):
    settings_of(tmp_path, RULES)
    port = free_port()

    async def run():
        async with hub(dict(TOKENS)) as told:
            with Store(f"sqlite:///{tmp_path / 'var' / 'operations.db'}") as store:
                lab = Lab(None, store, None, port, {})
                async with service(tmp_path, told, port) as first:
                    room = await lab.room("lee", waiting_room=False)
                    host, invitation = await lab.host(room, "lee"), await lab.invite(room, "lee")
                    anna = await lab.guest(invitation, "Anna")
                    ben = await lab.guest(invitation, "Ben")
                    await host.say("appoint", who=anna.id, role="interpreter", language="en")
                    await anna.first("role")
                    await host.say("remove", who=ben.id)
                    assert await ben.refused() == "removed"
                    await host.say("lock", locked=True)
                    await host.say("record", recording=True)
                    await anna.first("recording")
                    # Lines are sent as fast as they are kept; the kill comes in their middle.
                    said = []
                    for number in range(5):
                        await anna.say("say", text=f"line {number}")
                        await anna.first("said", text=f"line {number}")
                        said.append(f"line {number}")
                    await anna.say("say", text="perhaps")
                    first.kill()
                    await first.wait()
                    await until(lambda: anna.closed and host.closed)
                async with service(tmp_path, told, port):
                    assert await (await lab.resume(ben.ticket)).refused() == "removed"
                    again = await lab.resume(anna.ticket)
                    entered = await again.first("entered")
                    assert (entered["you"], entered["role"]) == (anna.id, "interpreter")
                    assert entered["channels"] == ["en"]
                    assert [line["text"] for line in entered["chat"]][:5] == said
                    assert entered["room"]["locked"]
                    assert entered["recording"]["by"] == host.id
                    mayor = await lab.resume(host.ticket, "lee")
                    assert (await mayor.first("entered"))["role"] == "host"
                    await again.first("participant")
                    late = await lab.look(invitation=invitation["token"])
                    await late.say("enter", name="Late")
                    assert await late.refused() == "locked"
                    # An account's ticket is nothing without the account.
                    assert await (await lab.resume(host.ticket, "nam")).refused() == "ticket"
                    await mayor.say("leave")
                    minutes = (await lab.ask("GET", f"rooms/{room}/minutes", "lee")).json()
                    assert {one["name"] for one in minutes["attendance"]} == {"lee", "Anna", "Ben"}
        log = (tmp_path / "service.log").read_text()
        for secret in (anna.ticket, host.ticket, invitation["token"], "line 0", "Anna"):
            assert secret not in log
        assert "Traceback" not in log

    asyncio.run(run())


@pytest.fixture
def store(database_url):
    with Store(database_url) as store:
        store.migrate()
        yield store


def test_rooms_are_kept_on_each_database(store, tmp_path):
    rooms, people, chat = Rooms(store), People(store), Chat(store)
    invitations = Invitations(store, Links(tmp_path, "invitation"))
    begins = datetime(2027, 1, 1, 9, 30, tzinfo=UTC)
    room = rooms.make("lee", "홍수", agenda="제방", begins=begins)
    assert rooms.get(room.id) == room
    assert rooms.of("lee") == rooms.of() == [room]
    assert rooms.of("nam") == []
    now = datetime.now(UTC)
    made = invitations.make("lee", room, "speaker", now + timedelta(days=1), 2, name="김민지")
    found = invitations.read(invitations.token(made))
    assert (found, found.expires.tzinfo) == (made, UTC)
    person, ticket = people.ask(room, "Anna", "speaker", invitation=made, waits=True)
    assert people.by_ticket(ticket) == person
    assert people.by_ticket(ticket + "x") is None
    assert people.by_ticket("\ud800") is None
    with pytest.raises(NotIn, match="name"):
        people.ask(room, "anna", "speaker", waits=True)
    assert invitations.get(made.id).uses == 1  # a refused name uses nothing
    inside = people.admit("lee", person)
    chat.say(inside, "물이 올라옵니다", None)
    chat.say(inside, "to one", "other")
    assert [line.text for line in chat.of(room.id)] == ["물이 올라옵니다"]
    assert len(chat.of(room.id, person.id)) == 2
    people.see([person.id])
    assert people.overdue(now) == []
    [overdue] = people.overdue(datetime.now(UTC) + timedelta(minutes=1))
    gone = people.lose(overdue)
    assert gone.left == people.by_ticket(ticket).seen
    rooms.begin(room)
    over = rooms.end("lee", room)
    assert rooms.get(room.id).ended == over.ended
    assert [change.detail["state"] for change in store.changes.since(0)] == ["began", "ended"]
    told = read_minutes(store, rooms.get(room.id)).told()
    assert told["attendance"][0]["name"] == "Anna"
    assert rooms.forget(datetime.now(UTC) - timedelta(days=1)) == 0
    assert rooms.forget(datetime.now(UTC) + timedelta(seconds=1)) == 1
    assert people.of(room.id) == chat.of(room.id) == invitations.of(room.id) == rooms.of() == []
    assert store.audit.read(subject=room.id)[0].action == "forgot room"


def test_many_who_use_one_invitation_at_once_use_it_no_more_than_allowed(store, tmp_path):
    from concurrent.futures import ThreadPoolExecutor

    rooms, people = Rooms(store), People(store)
    invitations = Invitations(store, Links(tmp_path, "invitation"))
    room = rooms.make("lee", "Flood")
    made = invitations.make("lee", room, "speaker", datetime.now(UTC) + timedelta(days=1), 3)

    def enter(number):
        try:
            people.ask(room, f"Guest {'abcdefgh'[number]}", "speaker", invitation=made, waits=False)
        except NotIn as refused:
            return refused.reason
        return "in"

    with ThreadPoolExecutor(8) as pool:
        ends = [*pool.map(enter, range(8))]
    assert sorted(ends) == ["in"] * 3 + ["used"] * 5
    assert invitations.get(made.id).uses == len(people.of(room.id)) == 3


def test_who_does_not_come_back_is_given_up_and_empty_rooms_end(tmp_path, monkeypatch):
    from citylib.conference.service import service as module

    async def run():
        async with laboratory(tmp_path) as lab:
            room = await lab.room(waiting_room=False)
            anna = await lab.guest(await lab.invite(room), "Anna")
            anna.socket.close()
            await until(lambda: not lab.conference.meetings)
            await lab.conference.tidy()
            again = await lab.resume(anna.ticket)
            await again.first("entered")
            again.socket.close()
            await until(lambda: not lab.conference.meetings)
            monkeypatch.setattr(module, "COME_BACK", timedelta(seconds=-1))
            await lab.conference.tidy()
            assert await (await lab.resume(anna.ticket)).refused() == "ticket"
            assert lab.store.audit.read(action="was lost")[0].actor == "guest Anna"
            open_one = await lab.room(waiting_room=False)
            ben = await lab.guest(await lab.invite(open_one), "Ben")
            lab.conference.rooms.end("platform", lab.conference.rooms.get(open_one))
            await lab.conference.tidy()  # as after `citylib conference end`
            await ben.first("ended")
            planned = await lab.room(begins="2100-01-01T10:00:00Z")
            monkeypatch.setattr(module, "EMPTY", timedelta(seconds=-1))
            await lab.conference.tidy()
            rooms = {one.id: one for one in lab.conference.rooms.of()}
            assert rooms[room].ended
            assert not rooms[planned].ended

    asyncio.run(run())
