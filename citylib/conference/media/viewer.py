"""What a participant receives, as Janus has it.

Everything comes in slots: media of one connection whose source Janus switches without a new offer.
An empty slot is fed by the room's dummy, which sends nothing. A new offer is needed only when there
are too few slots, and after somebody's connection broke while they were in a slot.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from citylib.conference.media.carrier import Refused, Send
from citylib.conference.media.janus_client import Event, Handle, JanusClient, JanusError
from citylib.conference.media.sdp import MalformedDescription, read_sections
from citylib.conference.media.wanted import LARGE, SMALL, Sent

log = logging.getLogger(__name__)

SPARE = {"audio": 2, "video": 2}
"""Slots that are offered beyond those needed, so that the next who come need no new offer."""
TOGETHER = 0.1
"""Seconds in which changes are put together, once there was one."""
AGAIN = 0.2
"""Seconds until a change that Janus refused is tried again."""
MOST_TRIES = 20
LAYER_WITHIN = 1.0
"""Seconds until a layer that did not come is asked for again: the request for a key picture may
have been lost, or overheard so soon after another."""
MOST_ASKED = 4
ANSWERED_WITHIN = 15.0
"""Seconds that a page has to answer an offer, until it gets another connection."""
DUMMY_MIDS = {"audio": "0", "video": "1"}


@dataclass
class Slot:
    """A medium of the connection.

    Attributes
    ----------
    mid, kind : str
        Its name in the connection, and "audio" or "video".
    source : tuple of str
        Feed and mid of what fills it; the dummy's when nothing does.
    active : bool
        Whether anything fills it; if not, filling it needs an offer.
    layer, got : int
        Of its picture: as last asked for, and as Janus said that it comes; -1: it said nothing.
    asked, asked_at : int, float
        How often it was asked for, and when last.
    """

    mid: str
    kind: str
    source: tuple[str, str] = ("", "")
    active: bool = True
    layer: int = LARGE
    got: int = -1
    asked: int = 0
    asked_at: float = 0.0

    def ask_for(self, layer: int) -> None:
        """Note that a layer is asked for."""
        self.asked = self.asked + 1 if layer == self.layer else 1
        self.layer, self.asked_at = layer, time.monotonic()


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
        self._slots: dict[str, Slot] = {}
        self._known: dict[tuple[str, str], Sent] = {}
        self._told: list[dict[str, str]] = []
        self._offered_at: float | None = None
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

    async def answer(self, sdp: str) -> None:
        """The page's answer to the last offer.

        Raises
        ------
        Refused
            It makes no sense, or there was no offer.
        """
        if self._handle is None or self._offered_at is None:
            raise Refused("conference.refused_description")
        try:
            sections = read_sections(sdp)
        except MalformedDescription:
            raise Refused("conference.refused_description") from None
        if len(sections) != len(self._slots) or any(section.sends for section in sections):
            raise Refused("conference.refused_description")
        self._offered_at = None
        try:
            await self._handle.ask({"request": "start"}, {"type": "answer", "sdp": sdp})
        except JanusError as error:
            log.info("an answer was refused: %s", error)
            self._broken = True
        self._wake.set()

    async def trickle(self, candidate: dict[str, Any] | None) -> None:
        """An address of the page."""
        if self._handle is not None:
            await self._handle.trickle(candidate)

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
                log.info("what somebody receives could not be changed: %s", error)
                if tries < MOST_TRIES and not self._client.lost.is_set():
                    await asyncio.sleep(AGAIN)
                    self._wake.set()

    async def _follow(self) -> None:
        if self._broken:
            await self._forget()
        wanted = self._choose()
        self._known = {(one.feed, one.mid): one for one in wanted}
        if self._handle is None:
            await self._join(wanted)
            return
        slots = self._slots.values()
        held = {slot.source for slot in slots if slot.active}
        missing = [one for one in wanted if (one.feed, one.mid) not in held]
        # Empty ones first: in one that changes hands the picture before is still seen for a moment.
        free = {
            kind: sorted(
                (s for s in slots if s.kind == kind and s.source not in self._known),
                key=lambda slot: (not slot.active, slot.source[0] != self._dummy, int(slot.mid)),
            )
            for kind in SPARE
        }
        moves: list[tuple[Slot, tuple[str, str], int]] = []
        left = []
        for one in missing:
            if free[one.kind]:
                moves.append((free[one.kind].pop(0), (one.feed, one.mid), wanted[one]))
            else:
                left.append(one)
        for slot in (slot for kind in SPARE for slot in free[kind]):
            if slot.active and slot.source[0] != self._dummy:
                moves.append((slot, (self._dummy, DUMMY_MIDS[slot.kind]), SMALL))
        await self._switch(moves)
        await self._set_layers(wanted)
        if left and self._offered_at is None:
            spare = [kind for kind in SPARE if any(one.kind == kind for one in left)]
            streams = [_stream(one, wanted[one]) for one in left] + self._spares(spare)
            self._take(await self._ask({"request": "subscribe", "streams": streams}))
            self._note_layers(wanted)
        self._tell()

    async def _join(self, wanted: dict[Sent, int]) -> None:
        self._handle = await self._client.attach(self._on_event)
        streams = [_stream(one, layer) for one, layer in wanted.items()] + self._spares([*SPARE])
        body = {
            "request": "join",
            "ptype": "subscriber",
            "room": self._room,
            "pin": self._pin,
            "autoupdate": False,
            "streams": streams,
        }
        try:
            reply = await self._ask(body)
        except JanusError:
            await self._forget()
            raise
        self._take(reply, anew=True)
        self._note_layers(wanted)

    async def _switch(self, moves: list[tuple[Slot, tuple[str, str], int]]) -> None:
        if not moves:
            return
        streams = [
            {"feed": feed, "mid": mid, "sub_mid": slot.mid} for slot, (feed, mid), _ in moves
        ]
        self._take(await self._ask({"request": "switch", "streams": streams}))
        for slot, _, _ in moves:
            # A source that is new in a slot comes in its largest layer, if nothing else is said.
            slot.ask_for(LARGE)

    def _note_layers(self, wanted: dict[Sent, int]) -> None:
        """What was subscribed to was asked for with its layer."""
        for slot in self._slots.values():
            if slot.asked == 0 and (one := self._known.get(slot.source)) is not None:
                slot.ask_for(wanted[one])
        asyncio.get_running_loop().call_later(1.1 * LAYER_WITHIN, self._wake.set)

    async def _set_layers(self, wanted: dict[Sent, int]) -> None:
        streams, waiting = [], False
        for slot in self._slots.values():
            one = self._known.get(slot.source)
            if one is None or not one.layered:
                continue
            late = time.monotonic() - slot.asked_at > LAYER_WITHIN
            missing = slot.got != wanted[one] and slot.asked < MOST_ASKED
            if slot.layer != wanted[one] or (missing and late):
                slot.ask_for(wanted[one])
                streams.append({"mid": slot.mid, "substream": slot.layer})
            waiting |= slot.got != slot.layer and slot.asked < MOST_ASKED
        if streams:
            await self._ask({"request": "configure", "streams": streams})
        if waiting:
            asyncio.get_running_loop().call_later(1.1 * LAYER_WITHIN, self._wake.set)

    async def _ask(self, body: dict[str, Any]) -> Event:
        if self._handle is None:
            raise JanusError(0, "there is no connection")
        return await self._handle.ask(body)

    def _spares(self, kinds: list[str]) -> list[dict[str, Any]]:
        return [
            {"feed": self._dummy, "mid": DUMMY_MIDS[kind]}
            for kind in kinds
            for _ in range(SPARE[kind])
        ]

    def _take(self, reply: Event, anew: bool = False) -> None:
        """Note what Janus says of the slots, and hand an offer to the page."""
        for stream in reply["data"].get("streams", ()):
            slot = self._slots.setdefault(stream["mid"], Slot(stream["mid"], stream["type"]))
            slot.active = bool(stream.get("active"))
            source = (stream.get("feed_id", ""), stream.get("feed_mid", ""))
            if slot.source != source:
                slot.source, slot.got, slot.asked = source, -1, 0
        if reply.get("jsep"):
            self._offered_at = time.monotonic()
            self._told = self._tracks()
            # Janus begins the encryption, since it is the last to know that the path is there: what
            # a page said before would be said in vain, and again only after a while.
            offer = reply["jsep"]["sdp"].replace("a=setup:actpass", "a=setup:active")
            told = {"type": "subscribe", "offer": offer, "tracks": self._told}
            self._send({**told, "anew": anew})

    def _tell(self) -> None:
        if (tracks := self._tracks()) != self._told:
            self._told = tracks
            self._send({"type": "tracks", "tracks": tracks})

    def _tracks(self) -> list[dict[str, str]]:
        found = ((slot, self._known.get(slot.source)) for slot in self._slots.values())
        return [
            {"mid": slot.mid, "who": one.who, "source": one.source}
            for slot, one in found
            if one is not None and slot.active
        ]

    def _on_event(self, event: Event) -> None:
        kind = event.get("janus")
        data = event.get("plugindata", {}).get("data", {})
        if kind == "hangup":
            # The page sees it too, and asks for a new connection if it is still there.
            self._broken = True
        elif "substream" in data and data.get("mid") in self._slots:
            self._slots[data["mid"]].got = data["substream"]
        elif "streams" in data:
            self._take({"data": data, "jsep": event.get("jsep")})
            self._tell()

    async def _forget(self) -> None:
        handle, self._handle = self._handle, None
        self._broken, self._offered_at = False, None
        self._slots, self._told = {}, []
        if handle is not None:
            await handle.detach()


def _stream(one: Sent, layer: int) -> dict[str, Any]:
    told: dict[str, Any] = {"feed": one.feed, "mid": one.mid}
    return {**told, "substream": layer} if one.kind == "video" else told
