"""What a participant receives, as Janus has it: a connection whose slots follow what is wanted."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import Callable
from typing import Any

from citylib.conference.media.canonical import rewrite, rewrite_candidate
from citylib.conference.media.carrier import Refused, Send
from citylib.conference.media.janus_client import Event, Handle, JanusClient, JanusError
from citylib.conference.media.sdp import MalformedDescription, read_sections
from citylib.conference.media.slots import KINDS, LAYER_WITHIN, Slots, stream_of
from citylib.conference.media.wanted import LARGE, Sent

log = logging.getLogger(__name__)

SPARE = 2
"""Slots that are offered beyond those needed, so that the next who come need no new offer."""
TOGETHER = 0.1
"""Seconds in which changes are put together, once there was one."""
AGAIN = 0.2
"""Seconds until a change that Janus refused is tried again."""
FORGOTTEN = (458, 459)
"""Janus's codes for a session and a connection that it does not know."""
MOST_TRIES = 20
_numbers = itertools.count(1)
"""Of offers. When Janus was started again, the answer to an offer of before may come as the answer
to the first one after it."""
ANSWERED_WITHIN = 15.0
"""Seconds that a page has to answer an offer, until it gets another connection."""


class Viewer:
    """The receiving side of a participant.

    Parameters
    ----------
    room, pin, dummy : str
        The room in Janus, what is needed to be in it, and the feed of its dummy.
    send : Send
        To the participant's page.
    choose : callable
        What it is to receive now, with layers.
    """

    def __init__(
        self, room: str, pin: str, dummy: str, send: Send, choose: Callable[[], dict[Sent, int]]
    ) -> None:
        self._room, self._pin, self._dummy = room, pin, dummy
        self._send, self._choose = send, choose
        self._handle: Handle | None = None
        self._slots = Slots(dummy)
        self._told: list[dict[str, str]] = []
        self._offered_at: float | None = None
        self._number = 0
        self._wake = asyncio.Event()
        self._broken = False
        self._worker: asyncio.Task[None] | None = None

    def begin(self, client: JanusClient) -> None:
        """Offer the page what there is, and go on with what changes."""
        self._client = client
        self._worker = asyncio.create_task(self._work())
        self._wake.set()

    async def end(self) -> None:
        """Receive nothing any more."""
        if self._worker is not None:
            self._worker.cancel()
        if self._handle is not None:
            await self._handle.detach()

    def look(self) -> None:
        """Something that is to be received may have changed."""
        self._wake.set()

    async def answer(self, sdp: str, number: int | None = None) -> None:
        """The page's answer to the offer of a number; one that comes too late is not looked at.

        Raises
        ------
        Refused
            It makes no sense, or there was no offer.
        """
        if number is not None and number != self._number:
            return
        if self._handle is None or self._offered_at is None:
            raise Refused("conference.refused_description")
        try:
            sections, answer = read_sections(sdp), rewrite(sdp)
        except MalformedDescription:
            raise Refused("conference.refused_description") from None
        media = [(section.mid, section.kind) for section in sections]
        if media != self._slots.media or any(section.sends for section in sections):
            raise Refused("conference.refused_description")
        self._offered_at = None
        try:
            await self._handle.ask({"request": "start"}, {"type": "answer", "sdp": answer})
        except JanusError as error:
            log.info("an answer was refused: %s", error)
            self._broken = True
        self._wake.set()

    async def trickle(self, candidate: dict[str, Any] | None) -> None:
        """An address of the page."""
        if self._handle is not None and (known := rewrite_candidate(candidate)):
            await self._handle.trickle(known)

    async def restart(self) -> None:
        """What is received stands still: new paths, or a new connection where that cannot be."""
        if self._handle is None or self._offered_at is not None or self._broken:
            self._broken = True
        else:
            try:
                self._take(await self._ask({"request": "configure", "restart": True}))
            except JanusError:
                self._broken = True
        self._wake.set()

    async def _work(self) -> None:
        looked, tries = 0.0, 0
        while True:
            patience = None if self._offered_at is None else ANSWERED_WITHIN
            try:
                await asyncio.wait_for(self._wake.wait(), patience)
            except TimeoutError:
                self._broken = True
            await asyncio.sleep(max(0.0, looked + TOGETHER - time.monotonic()))
            looked = time.monotonic()
            self._wake.clear()
            try:
                await self._follow()
                tries = 0
            except JanusError as error:
                tries += 1
                # Janus knows the connection no more, or not the session: asking again is in vain.
                self._broken = self._broken or error.code in FORGOTTEN
                log.info("what somebody receives could not be changed: %s", error)
                if tries < MOST_TRIES and not self._client.lost.is_set():
                    await asyncio.sleep(AGAIN)
                    self._wake.set()

    async def _follow(self) -> None:
        if self._broken:
            await self._forget()
        wanted = self._choose()
        plan = self._slots.plan(wanted)
        if self._handle is None:
            await self._join(wanted)
            return
        if plan.moves:
            switched = [
                {"feed": feed, "mid": mid, "sub_mid": slot.mid} for slot, (feed, mid) in plan.moves
            ]
            self._take(await self._ask({"request": "switch", "streams": switched}))
            for slot, _ in plan.moves:
                # A source that is new in a slot comes in its largest layer.
                slot.ask_for(LARGE)
        if plan.left and self._offered_at is None:
            kinds = [kind for kind in KINDS if any(one.kind == kind for one in plan.left)]
            streams = [stream_of(one, wanted[one]) for one in plan.left]
            streams += self._slots.spares(kinds, SPARE)
            self._take(await self._ask({"request": "subscribe", "streams": streams}))
            self._slots.note_subscribed()
        layers, waiting = self._slots.layers()
        if layers:
            await self._ask({"request": "configure", "streams": layers})
        if waiting:
            self._look_later()
        self._tell()

    async def _join(self, wanted: dict[Sent, int]) -> None:
        self._handle = await self._client.attach(self._on_event)
        streams = [stream_of(one, layer) for one, layer in wanted.items()]
        body = {
            "request": "join",
            "ptype": "subscriber",
            "room": self._room,
            "pin": self._pin,
            "autoupdate": False,
            "streams": streams + self._slots.spares(KINDS, SPARE),
        }
        try:
            reply = await self._ask(body)
        except JanusError:
            await self._forget()
            raise
        self._take(reply, anew=True)
        self._slots.note_subscribed()
        self._look_later()

    async def _ask(self, body: dict[str, Any]) -> Event:
        if self._handle is None:
            raise JanusError(0, "there is no connection")
        return await self._handle.ask(body)

    def _take(self, reply: Event, anew: bool = False) -> None:
        """Note what Janus says of the slots, and hand an offer to the page."""
        self._slots.take(reply["data"].get("streams", ()))
        if reply.get("jsep"):
            self._offered_at = time.monotonic()
            self._told = self._slots.tracks()
            # Janus begins the encryption, since it is the last to know that the path is there: what
            # a page said before would be said in vain, and again only after a while.
            offer = reply["jsep"]["sdp"].replace("a=setup:actpass", "a=setup:active")
            self._number = next(_numbers)
            told = {"type": "subscribe", "offer": offer, "tracks": self._told}
            self._send({**told, "anew": anew, "number": self._number})

    def _tell(self) -> None:
        if (tracks := self._slots.tracks()) != self._told:
            self._told = tracks
            self._send({"type": "tracks", "tracks": tracks})

    def _look_later(self) -> None:
        asyncio.get_running_loop().call_later(1.1 * LAYER_WITHIN, self._wake.set)

    def _on_event(self, event: Event) -> None:
        data = event.get("plugindata", {}).get("data", {})
        if event.get("janus") == "hangup":
            # The page sees it too, and asks for a new connection if it is still there.
            self._broken = True
        elif "substream" in data:
            self._slots.take_layer(data.get("mid", ""), data["substream"])
        elif "streams" in data:
            self._take({"data": data, "jsep": event.get("jsep")})
            self._tell()

    async def _forget(self) -> None:
        handle, self._handle = self._handle, None
        self._broken, self._offered_at, self._number = False, None, 0
        self._slots, self._told = Slots(self._dummy), []
        if handle is not None:
            await handle.detach()
