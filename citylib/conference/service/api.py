"""What officials ask for about rooms: make, change, end, invite, withdraw, minutes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tornado.web import HTTPError

from citylib.conference.rooms.calendar import entry
from citylib.conference.rooms.minutes import read_minutes
from citylib.conference.rooms.model import Invitation, Room
from citylib.conference.rooms.noted import note
from citylib.conference.service.forms import ChangedRoom, Guest, NewRoom
from citylib.conference.service.handler import Handler

MOST_INVITATIONS = 2000
"""Of a room."""
MOST_USES = 200
"""Of an invitation that names nobody and says nothing of it."""


class RoomApi(Handler):
    """What the addresses about rooms have in common."""

    def link(self, path: str) -> str:
        """A path as people outside open it."""
        told = self.request.headers.get("X-Forwarded-Proto", "").split(",")[-1].strip()
        scheme = told if told in ("http", "https") else self.request.protocol
        return f"{scheme}://{self.request.host}{path}"

    def told_room(self, room: Room) -> dict[str, Any]:
        """A room as its host sees it."""
        meeting = self.conference.meetings.get(room.id)
        return {
            "id": room.id,
            "title": room.title,
            "agenda": room.agenda,
            "host": room.maker,
            "made": _time(room.made),
            "begins": _time(room.begins),
            "ends": _time(room.ends),
            "waiting_room": room.waiting_room,
            "voice_only": room.voice_only,
            "locked": room.locked,
            "began": _time(room.began),
            "ended": _time(room.ended),
            "inside": len(meeting.inside) if meeting else 0,
            "waiting": len(meeting.waiting) if meeting else 0,
        }

    def told_invitation(self, one: Invitation) -> dict[str, Any]:
        """An invitation as the host sees it, with its link."""
        token = self.conference.invitations.token(one)
        return {
            "id": one.id,
            "role": one.role,
            "name": one.name,
            "email": one.email,
            "timezone": one.timezone,
            "language": one.language,
            "expires": _time(one.expires),
            "most_uses": one.most_uses,
            "uses": one.uses,
            "withdrawn": _time(one.withdrawn),
            "link": self.link(f"{self.conference.prefix}join/#{token}"),
            "ics": f"{self.conference.prefix}rooms/{one.room}/invitations/{one.id}/ics",
        }

    async def invite(self, room: Room, guest: Guest) -> Invitation:
        """Make an invitation; what it does not say is as it usually is."""
        conference, city = self.conference, self.conference.city
        now = datetime.now(UTC)
        usual = max(now, room.ends or room.begins or now)
        usual += timedelta(days=conference.rules.invitation_days)
        expires = guest.expires or usual
        if expires <= now:
            raise HTTPError(400, reason="expires: it is over already")
        return await conference.keep(
            conference.invitations.make,
            self.official(),
            room,
            guest.role,
            expires,
            guest.most_uses or (1 if guest.name else MOST_USES),
            name=guest.name,
            email=guest.email,
            timezone=guest.timezone or city.timezone,
            language=guest.language or city.languages[0],
        )


class RoomsHandler(RoomApi):
    """All rooms of who asks."""

    async def get(self) -> None:
        """The mayor's are all, an official's those that they made."""
        account = self.official()
        conference = self.conference
        mine = None if self.leave == "mayor" else account
        rooms = await conference.keep(conference.rooms.of, mine)
        carrying, relay = conference.carrying, conference.relay
        self.write(
            {
                "rooms": [self.told_room(room) for room in rooms],
                "carrier": carrying.name,
                "most": carrying.most,
                "missing": [*filter(None, (carrying.missing, relay.missing if relay else ""))],
            }
        )

    async def post(self) -> None:
        """Make one, and invite."""
        account = self.official()
        form: NewRoom = self.body(NewRoom)
        conference = self.conference
        if await conference.keep(conference.rooms.count_open) >= conference.rules.most_rooms:
            raise HTTPError(409, reason="too many rooms are open; end one first")
        values = form.model_dump(exclude={"invited"})
        room = await conference.keep(conference.rooms.make, account, **values)
        invited = [await self.invite(room, guest) for guest in form.invited]
        self.set_status(201)
        self.write(
            {
                "room": self.told_room(room),
                "invitations": [self.told_invitation(one) for one in invited],
            }
        )


class RoomHandler(RoomApi):
    """One room."""

    async def get(self, name: str) -> None:
        """As it is now."""
        self.write({"room": self.told_room(await self.room(name))})

    async def patch(self, name: str) -> None:
        """Change it; pages in it are told."""
        room = await self.room(name)
        form: ChangedRoom = self.body(ChangedRoom)
        # A moment can be taken back, other things cannot be nothing.
        values = {
            key: value
            for key, value in form.model_dump(exclude_unset=True).items()
            if value is not None or key in ("begins", "ends")
        }
        begins, ends = values.get("begins", room.begins), values.get("ends", room.ends)
        if ends and (not begins or ends <= begins):
            raise HTTPError(400, reason="ends must be after begins")
        if room.ended:
            raise HTTPError(409, reason="this room is over")
        conference = self.conference
        if values:
            room = await conference.keep(conference.rooms.change, self.official(), room, **values)
            if meeting := conference.meetings.get(name):
                meeting.change(**values)
        self.write({"room": self.told_room(room)})

    async def delete(self, name: str) -> None:
        """It is over for all."""
        room = await self.room(name)
        async with self.conference.changing(name):
            await self.conference.end(self.official(), room)
        self.set_status(204)


class InvitationsHandler(RoomApi):
    """Invitations of a room."""

    async def get(self, name: str) -> None:
        """All of them, with their links."""
        room = await self.room(name)
        found = await self.conference.keep(self.conference.invitations.of, room.id)
        self.write({"invitations": [self.told_invitation(one) for one in found]})

    async def post(self, name: str) -> None:
        """Invite."""
        room = await self.room(name)
        form: Guest = self.body(Guest)
        if room.ended:
            raise HTTPError(409, reason="this room is over")
        found = await self.conference.keep(self.conference.invitations.of, room.id)
        if len(found) >= MOST_INVITATIONS:
            raise HTTPError(409, reason="this room has too many invitations")
        self.set_status(201)
        self.write({"invitation": self.told_invitation(await self.invite(room, form))})


class InvitationHandler(RoomApi):
    """One invitation."""

    async def invitation(self, name: str, invitation: str) -> tuple[Room, Invitation]:
        """The room and its invitation."""
        room = await self.room(name)
        found = await self.conference.keep(self.conference.invitations.get, invitation)
        if found is None or found.room != room.id:
            raise HTTPError(404, reason="no such invitation")
        return room, found

    async def delete(self, name: str, invitation: str) -> None:
        """Withdraw it: who waits by it has to go, who is in stays."""
        _, found = await self.invitation(name, invitation)
        conference = self.conference
        async with conference.changing(name) as meeting:
            await conference.keep(conference.invitations.withdraw, self.official(), found)
            for guest in [*meeting.waiting.values()]:
                if guest.person.invitation == found.id:
                    actor = self.official()
                    await conference.keep(conference.people.turn_away, actor, guest.person)
                    guest.page.refuse("withdrawn")
                    meeting.go(guest, "withdrawn")
        self.set_status(204)


class CalendarHandler(InvitationHandler):
    """One invitation for a calendar."""

    async def get(self, name: str, invitation: str) -> None:
        """Send the file."""
        room, found = await self.invitation(name, invitation)
        link = self.told_invitation(found)["link"]
        self.set_header("Content-Type", "text/calendar; charset=utf-8")
        self.set_header("Content-Disposition", 'attachment; filename="conference.ics"')
        self.finish(entry(self.conference.city, room, found, link))


class MinutesHandler(RoomApi):
    """Who was there, what was said, what was done."""

    async def get(self, name: str) -> None:
        """As JSON, or `?as=csv`."""
        room = await self.room(name)
        conference, account = self.conference, self.official()

        def read() -> Any:
            with conference.store.write() as connection:
                note(connection, account, "read minutes", room.id)
            return read_minutes(conference.store, room)

        minutes = await conference.keep(read)
        if self.get_query_argument("as", "json") == "csv":
            self.set_header("Content-Type", "text/csv; charset=utf-8")
            self.set_header("Content-Disposition", f'attachment; filename="minutes-{room.id}.csv"')
            self.finish(minutes.csv())
        else:
            self.write(minutes.told())


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None
