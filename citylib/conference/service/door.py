"""Who comes in: by an invitation, by their sign-in, or again by their ticket."""

from __future__ import annotations

from typing import TYPE_CHECKING

from citylib.access.roles import Role as Leave
from citylib.conference.protocol import Enter, Look, Resume
from citylib.conference.rooms.model import NotIn, Room
from citylib.conference.rooms.names import clean, key
from citylib.conference.service.guest import Door, Guest, Page

if TYPE_CHECKING:
    from citylib.conference.service.meeting import Meeting
    from citylib.conference.service.service import Conference


def may_host(room: Room, account: str | None, leave: Leave | None) -> bool:
    """Whether somebody signed in is a room's host: the mayor of every one, officials of theirs."""
    return leave == "mayor" or (leave == "official" and room.maker == account)


async def look(
    conference: Conference, message: Look, account: str | None, leave: Leave | None
) -> Door:
    """What is behind an invitation, or behind a room for who is signed in.

    Raises
    ------
    NotIn
        Nothing, for them.
    """
    invitation = None
    if message.invitation is not None:
        invitation = await conference.keep(
            conference.invitations.read, message.invitation, message.room
        )
    room_id = invitation.room if invitation else message.room
    room = await conference.keep(conference.rooms.get, room_id) if room_id else None
    if room is None or not (invitation or may_host(room, account, leave)):
        raise NotIn("not_allowed")
    if room.ended:
        raise NotIn("ended")
    if meeting := conference.meetings.get(room.id):
        room = meeting.room
    if may_host(room, account, leave):
        return Door(room, "host", None, account)
    assert invitation is not None  # noqa: S101
    return Door(room, invitation.role, invitation, account)


async def enter(
    conference: Conference, door: Door, message: Enter, page: Page
) -> tuple[Meeting, Guest]:
    """Go in under a name, or wait.

    Raises
    ------
    NotIn
        Locked, full, ended; the name is somebody else's; the invitation does not hold any more.
    """
    name = clean(door.name or message.name)
    if not name:
        raise NotIn("name")
    async with conference.changing(door.room.id) as meeting:
        if meeting.room.ended:
            raise NotIn("ended")
        if meeting.room.locked and door.role != "host":
            raise NotIn("locked")
        if meeting.is_full():
            raise NotIn("full")
        await _forget_unarrived(meeting, door, name)
        person, ticket = await conference.keep(
            conference.people.ask,
            meeting.room,
            name,
            door.role,
            invitation=door.invitation,
            account=door.account,
            waits=door.waits,
        )
        guest = Guest(person, page, ticket)
        await _place(meeting, guest)
    return meeting, guest


async def resume(
    conference: Conference, message: Resume, page: Page, hub_away: bool
) -> tuple[Meeting, Guest]:
    """Come back as who one was.

    `hub_away`: nobody can say who is signed in at the moment; the ticket alone has to do.

    Raises
    ------
    NotIn
        The ticket is none, or not any more.
    """
    person = await conference.keep(conference.people.by_ticket, message.ticket)
    if person is None:
        raise NotIn("ticket")
    async with conference.changing(person.room) as meeting:
        # Once more: a host may have acted meanwhile.
        person = await conference.keep(conference.people.by_ticket, message.ticket)
        if person is not None and person.state in ("removed", "turned_away"):
            raise NotIn(person.state)
        if meeting.room.ended:
            raise NotIn("ended")
        if person is None or person.state not in ("waiting", "in"):
            raise NotIn("ticket")
        if person.account and person.account != page.account and not hub_away:
            raise NotIn("ticket")
        guest = Guest(person, page, message.ticket, arrived=True)
        await _place(meeting, guest)
    return meeting, guest


async def _forget_unarrived(meeting: Meeting, door: Door, name: str) -> None:
    """Whose connection broke just as they came in comes in again, and is not in their own way."""
    mine = door.invitation.id if door.invitation else None
    for guest in [*meeting.inside.values(), *meeting.waiting.values()]:
        person = guest.person
        if guest.arrived or person.invitation != mine or key(person.name) != key(name):
            continue
        guest.arrived = True  # so that its end does not give it up once more
        meeting.go(guest, "lost")
        guest.page.refuse("elsewhere")
        await meeting.conference.keep(meeting.conference.people.give_up, person)


async def _place(meeting: Meeting, guest: Guest) -> None:
    if guest.person.state == "waiting":
        meeting.wait(guest)
    else:
        await meeting.come_in(guest)
