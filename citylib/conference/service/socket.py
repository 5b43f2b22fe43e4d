"""The websocket of a page: what it says is read, paced, and given to whom it concerns."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import time
from contextlib import suppress
from typing import Any

from tornado.iostream import StreamBufferFullError, StreamClosedError
from tornado.web import HTTPError
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from citylib.access.authenticator import client_address
from citylib.access.roles import Role
from citylib.city.errors import CityError
from citylib.conference.protocol import (
    Answer,
    Candidate,
    Enter,
    Hear,
    Leave,
    Look,
    MalformedMessage,
    Material,
    Publish,
    Restart,
    Resume,
    Said,
    Say,
    Signal,
    State,
    Want,
    parse,
)
from citylib.conference.rooms.model import NotIn
from citylib.conference.service import door
from citylib.conference.service.guest import Door, Guest
from citylib.conference.service.handler import Handler
from citylib.conference.service.hosting import DUTIES
from citylib.conference.service.limits import Pace
from citylib.conference.service.meeting import Meeting, described
from citylib.look.words import languages, say

log = logging.getLogger(__name__)

SILENT = 10.0
"""Seconds in which a page must say what it wants."""
AT_THE_DOOR = 1800.0
"""Seconds in which it must go in."""
VANISHED, CUT = 2.3, 10.0
"""Seconds without a sign after which others are told, and after which the page is given up."""
RECHECK = 30.0
"""Seconds between two looks whether who is signed in still is."""
WAITS_FOR = 4 * 1024 * 1024
"""Bytes that wait for a page at most; one that takes nothing is given up."""
MALFORMED_AT_MOST = 20
POLICY_VIOLATION, TRY_LATER = 1008, 1013
MEDIA = (Publish, Answer, Candidate, Restart, Signal, Want)
ARRIVED = b"arrived"
BEAT = json.dumps({"type": "beat"})


class SocketHandler(Handler, WebSocketHandler):
    """A page. Messages of one page are worked on one after the other."""

    lang = "en"
    host = ""
    door: Door | None = None
    guest: Guest | None = None
    meeting: Meeting | None = None
    _address = ""
    _counted = False
    _closing = False
    _malformed = 0

    def check_origin(self, origin: str) -> bool:
        """Only pages of this very address may ask with somebody's cookie."""
        return super().check_origin(origin)

    def get_compression_options(self) -> dict[str, Any]:
        """Offers are long, and shrink to a tenth."""
        return {"compression_level": 6, "mem_level": 6}

    async def get(self, *_: str) -> None:
        """Open the websocket, unless too many are open."""
        self._address = client_address(self.request, set())
        if not self.conference.places.take(self._address):
            raise HTTPError(429, reason="too many connections; try again later")
        self._counted = True
        try:
            await super().get()
        finally:
            if self.ws_connection is None:
                self._give_back()

    def open(self, *_: str) -> None:
        """Wait for what the page wants."""
        self.lang = self.conference.city.languages[0]
        self.host = self.request.host_name
        self._name = secrets.token_hex(6)
        self._pace = Pace()
        self._opened = self._heard = self._asked_at = time.monotonic()
        self._rechecked = self._opened
        self.set_nodelay(True)
        if self.ws_connection is not None:
            connection: Any = self.ws_connection
            connection.stream.max_write_buffer_size = WAITS_FOR
        self.conference.pages.add(self)

    async def prepare(self) -> None:
        """Find out who asks, as it is now: a page may stay for hours."""
        self.account, self.leave = await self.reader(use_cache=False)

    @property
    def gone(self) -> bool:
        """Whether nobody listens any more."""
        return self._closing or self.ws_connection is None

    # Speaking. --------------------------------------------------------------------------------

    def send(self, message: dict[str, Any]) -> None:
        """Say something; never waits, never fails."""
        self.tell(json.dumps(message, ensure_ascii=False))

    def tell(self, text: str) -> None:
        """Say something that is JSON already."""
        try:
            sent = self.write_message(text)
        except (WebSocketClosedError, StreamClosedError):
            return
        except StreamBufferFullError:
            self._cut()
            return
        sent.add_done_callback(_ignore)

    def refuse(self, reason: str) -> None:
        """Say why not, and close."""
        if self._closing:
            return
        self._closing = True
        if reason != "ended" or self.guest is None:
            self.send({"type": "refused", "reason": reason, "text": self._text(reason)})
        self.close(POLICY_VIOLATION, reason)

    def error(self, about: str, reason: str) -> None:
        """Say what could not be done."""
        text = self._text(reason)
        self.send({"type": "error", "about": about, "reason": reason, "text": text})

    def _text(self, reason: str) -> str:
        try:
            return say(self.lang, f"conference.refused_{reason}")
        except CityError:
            return say(self.lang, "conference.refused_failed")

    # Listening. -------------------------------------------------------------------------------

    async def on_message(self, text: str | bytes) -> None:
        """Read a message and do what it says; the next one waits."""
        self._hear()
        if self._closing:
            return
        try:
            message = parse(text)
        except MalformedMessage as fault:
            self._malformed += 1
            if self._malformed > MALFORMED_AT_MOST:
                self.refuse("too_much")
            else:
                self.send({"type": "error", "about": "", "reason": "malformed", "text": str(fault)})
            return
        if not self._pace.allows(message.type):
            if self._pace.spent:
                self.refuse("too_much")
            else:
                self.error(message.type, "too_much")
            return
        try:
            await self._do(message)
        except NotIn as fault:
            self.error(message.type, fault.reason)
        except Exception:
            # One page's fault is not to be another's; what it said stays out of the log.
            log.exception("%s could not be done", message.type)
            self.error(message.type, "failed")

    async def _do(self, message: Said) -> None:
        if isinstance(message, Look | Enter | Resume):
            await self._come(message)
            return
        guest, meeting = self.guest, self.meeting
        if guest is None or meeting is None:
            raise NotIn("outside")
        if isinstance(message, Leave):
            await self._leave(meeting, guest)
        elif meeting.inside.get(guest.id) is not guest:
            raise NotIn("waiting")
        elif isinstance(message, MEDIA):
            await self.conference.carrying.message(meeting, guest, message)
        elif isinstance(message, State):
            meeting.state(guest, message)
        elif isinstance(message, Say):
            await meeting.say(guest, message)
        elif isinstance(message, Material):
            if not guest.may_publish:
                raise NotIn("not_allowed")
            meeting.show_material(guest, message)
        elif isinstance(message, Hear):
            guest.channel = message.channel
            await self.conference.carrying.hear(meeting, guest)
        else:
            await self._host(meeting, guest, message)

    async def _host(self, meeting: Meeting, guest: Guest, message: Any) -> None:
        async with self.conference.changing(meeting.room.id) as now:
            if now is not meeting or guest.person.role != "host":
                raise NotIn("not_allowed")
            if meeting.inside.get(guest.id) is not guest:
                raise NotIn("outside")
            await DUTIES[type(message)](meeting, guest, message)

    async def _come(self, message: Look | Enter | Resume) -> None:
        if self.guest is not None:
            raise NotIn("inside")
        if isinstance(message, Look | Resume):
            self.lang = message.language if message.language in languages() else self.lang
        if isinstance(message, Enter) and self.door is None:
            raise NotIn("outside")
        places = self.conference.places
        if not places.knock(self._address):
            self.refuse("too_much")
            return
        try:
            await self._come_by(message)
        except NotIn as fault:
            if fault.reason not in ("forged", "ticket", "not_allowed"):
                places.was_right(self._address)
            self.refuse(fault.reason)
            return
        places.was_right(self._address)

    async def _come_by(self, message: Look | Enter | Resume) -> None:
        conference = self.conference
        if isinstance(message, Look):
            self.door = await door.look(conference, message, self.account, self.leave)
            self.send(self._told_at_door(self.door))
            return
        if isinstance(message, Enter):
            assert self.door is not None  # noqa: S101
            meeting, guest = await door.enter(conference, self.door, message, self)
        else:
            meeting, guest = await door.resume(conference, message, self, self.hub_away)
        if self.gone:
            async with conference.changing(meeting.room.id):
                meeting.go(guest, "lost")
            if not guest.arrived:
                conference.give_up(guest)
            return
        self.meeting, self.guest = meeting, guest
        with suppress(WebSocketClosedError, StreamClosedError, StreamBufferFullError):
            self.ping(ARRIVED)  # what comes back of it was sent after the ticket came

    def _told_at_door(self, found: Door) -> dict[str, Any]:
        carrying = self.conference.carrying
        return {
            "type": "door",
            "room": described(found.room),
            "role": found.role,
            "carrier": carrying.name,
            "ice": self.conference.ice(self._name, self.host),
            "locked": found.room.locked,
            "waiting_room": found.waits,
            "languages": [*self.conference.city.languages],
            "name": found.name,
            "most": carrying.most,
            "missing": carrying.missing if found.role == "host" else "",
        }

    async def _leave(self, meeting: Meeting, guest: Guest) -> None:
        conference = self.conference
        async with conference.changing(meeting.room.id):
            guest.arrived = True
            await conference.keep(conference.people.leave, guest.person)
            meeting.go(guest, "left")
            await conference.after_going(meeting, guest)
        self._closing = True
        self.close(1000, "left")

    # Being there. -----------------------------------------------------------------------------

    def beat(self, ask: bool, excused: float) -> None:
        """Look whether the page is still there, less seconds that are `excused`; `ask` it."""
        now = time.monotonic()
        self._heard += excused
        silent = now - self._heard
        if silent > CUT:
            self._cut()
            return
        guest, meeting = self.guest, self.meeting
        if guest is None:
            if now - self._opened > (SILENT if self.door is None else AT_THE_DOOR):
                self.refuse("too_slow")
        elif meeting and silent > VANISHED and not guest.lost:
            guest.lost = True
            if meeting.inside.get(guest.id) is guest:
                meeting.show(guest)
        if ask:
            self.tell(BEAT)
            with suppress(WebSocketClosedError, StreamClosedError, StreamBufferFullError):
                self.ping(ARRIVED if guest else b"")
        if self.account and guest and now - self._rechecked > RECHECK:
            self._rechecked = now
            asyncio.get_running_loop().create_task(self._look_again())

    def on_pong(self, data: bytes) -> None:
        """It is."""
        self._hear()
        if data == ARRIVED and self.guest:
            self.guest.arrived = True

    def _hear(self) -> None:
        self._heard = time.monotonic()
        guest, meeting = self.guest, self.meeting
        if guest and meeting and guest.lost:
            guest.lost = False
            if meeting.inside.get(guest.id) is guest:
                meeting.show(guest)

    async def _look_again(self) -> None:
        """Who is signed out at the hub is so here."""
        before = self.account, self.leave
        found: tuple[str | None, Role | None] = await self.reader(use_cache=False)
        if not self.hub_away and found != before and self.guest:
            self.refuse("signed_out")

    def on_close(self) -> None:
        """The page is gone; who was in it may come back."""
        self._give_back()
        self.conference.pages.discard(self)
        guest, meeting = self.guest, self.meeting
        if guest and meeting:
            went = meeting.go(guest, "lost")
            self.conference.drop_if_empty(meeting)
            if went and not guest.arrived:
                self.conference.give_up(guest)

    def _give_back(self) -> None:
        if self._counted:
            self._counted = False
            self.conference.places.give_back(self._address)

    def _cut(self) -> None:
        """End the connection without a word, which would not be heard."""
        self._closing = True
        if self.ws_connection is not None:
            connection: Any = self.ws_connection
            connection.stream.close()


def _ignore(sent: asyncio.Future[None]) -> None:
    """A page that is gone meanwhile is no fault."""
    if not sent.cancelled():
        sent.exception()
