"""What hosts do: admit, mute, remove, lock, appoint, record, end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from citylib.conference.protocol import (
    Admit,
    Appoint,
    End,
    Lock,
    Mute,
    Record,
    Remove,
)
from citylib.conference.rooms.model import NotIn
from citylib.conference.rooms.noted import note
from citylib.conference.service.guest import Guest

if TYPE_CHECKING:
    from citylib.conference.service.meeting import Meeting


async def admit(meeting: Meeting, host: Guest, message: Admit) -> None:
    """Let somebody in who waits, or turn them away."""
    guest = meeting.waiting.get(message.who)
    if guest is None:
        raise NotIn("nobody")
    conference, actor = meeting.conference, host.person.actor
    if not message.welcome:
        await conference.keep(conference.people.turn_away, actor, guest.person)
        guest.page.refuse("turned_away")
        meeting.go(guest, "turned_away")
        return
    if meeting.is_full():
        raise NotIn("full")
    meeting.put(guest, await conference.keep(conference.people.admit, actor, guest.person))
    hosts = meeting.hosts()
    await meeting.come_in(guest)
    meeting.tell({"type": "waits_no_more", "who": guest.id}, hosts)


async def mute(meeting: Meeting, host: Guest, message: Mute) -> None:
    """Silence one, or all but hosts."""
    if message.who is None:
        silenced = [one for one in meeting.inside.values() if one.person.role != "host"]
    else:
        silenced = [_inside(meeting, message.who)]
    await _note(meeting, host, "muted", who=message.who or "all")
    for guest in silenced:
        guest.microphone, guest.silenced = False, True
        guest.page.send({"type": "muted", "by": host.id})
        meeting.conference.carrying.silence(meeting, guest, True)
        meeting.show(guest)


async def remove(meeting: Meeting, host: Guest, message: Remove) -> None:
    """Put somebody out; the ticket and this use of the invitation end with it."""
    guest = meeting.waiting.get(message.who) or _inside(meeting, message.who)
    conference = meeting.conference
    await conference.keep(conference.people.remove, host.person.actor, guest.person)
    guest.page.refuse("removed")
    meeting.go(guest, "removed")
    await conference.after_going(meeting, guest)


async def lock(meeting: Meeting, host: Guest, message: Lock) -> None:
    """Let nobody in any more, or again."""
    conference = meeting.conference
    await conference.keep(
        conference.rooms.change, host.person.actor, meeting.room, locked=message.locked
    )
    meeting.change(locked=message.locked)


async def appoint(meeting: Meeting, host: Guest, message: Appoint) -> None:
    """Give somebody a role."""
    guest = _inside(meeting, message.who)
    if (message.role == "interpreter") != (message.language is not None):
        raise NotIn("language")
    if guest is host and message.role != "host" and len(meeting.hosts()) == 1:
        raise NotIn("last_host")
    await give(meeting, host.person.actor, guest, message.role, message.language)


async def give(
    meeting: Meeting, actor: str, guest: Guest, role: Any, language: str | None = None
) -> None:
    """Somebody has a role from now on; it is kept, told, and what they send follows it."""
    conference = meeting.conference
    kept = await conference.keep(conference.people.appoint, actor, guest.person, role, language)
    was_host = guest.person.role == "host"
    meeting.put(guest, kept)
    if not guest.may_publish:
        guest.microphone = guest.camera = False
    await conference.carrying.allow(meeting, guest)
    guest.page.send({"type": "role", "role": role})
    meeting.show(guest)
    conference.carrying.hear_again(meeting)
    if role == "host" and not was_host:
        meeting.hostless = None
        for one in meeting.waiting.values():
            guest.page.send({"type": "waits", "who": one.id, "name": one.person.name})
    if was_host and role != "host":
        await conference.after_going(meeting, guest)


async def record(meeting: Meeting, host: Guest, message: Record) -> None:
    """Begin or end a recording; every page says so."""
    conference = meeting.conference
    if message.recording:
        if meeting.recording is not None:
            raise NotIn("records_already")
        meeting.recording = await conference.keep(conference.recordings.begin, host.person)
    elif meeting.recording is not None:
        await conference.keep(conference.recordings.end, host.person.actor, meeting.recording)
        meeting.recording = None
    meeting.tell({"type": "recording", "recording": meeting.recorded()})


async def end(meeting: Meeting, host: Guest, message: End) -> None:
    """It is over for all."""
    await meeting.conference.end(host.person.actor, meeting.room)


def _inside(meeting: Meeting, who: str) -> Guest:
    guest = meeting.inside.get(who)
    if guest is None:
        raise NotIn("nobody")
    return guest


async def _note(meeting: Meeting, host: Guest, action: str, **detail: Any) -> None:
    conference = meeting.conference

    def write() -> None:
        with conference.store.write() as connection:
            note(connection, host.person.actor, action, meeting.room.id, **detail)

    await conference.keep(write)


DUTIES: dict[type, Callable[[Meeting, Guest, Any], Awaitable[None]]] = {
    Admit: admit,
    Mute: mute,
    Remove: remove,
    Lock: lock,
    Appoint: appoint,
    Record: record,
    End: end,
}
