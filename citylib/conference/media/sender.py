"""What a participant sends, as Janus has it."""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Callable
from typing import Any

from citylib.conference.media.canonical import rewrite, rewrite_candidate
from citylib.conference.media.carrier import Refused
from citylib.conference.media.janus_client import Event, Handle, JanusClient, JanusError
from citylib.conference.media.sdp import (
    MalformedDescription,
    Section,
    read_sections,
    with_silence_suppressed,
)
from citylib.conference.media.wanted import SOUND, Sent
from citylib.conference.protocol import Publish, Source
from citylib.conference.settings import Media

log = logging.getLogger(__name__)

SPEECH: frozenset[Source] = frozenset({"microphone", "interpretation"})
MOST_SECTIONS = 24
"""Media of an offer; six are sent at most, others are left over from what was sent before."""


class Sender:
    """The publishing side of a participant.

    Parameters
    ----------
    who : str
        The participant.
    room, pin : str
        The room in Janus, and what is needed to be in it.
    media : Media
        Bit rates.
    changed : callable
        Called when something else than before is sent.

    Attributes
    ----------
    feed : str
        Janus's name for what they send; another for each connection.
    """

    def __init__(
        self, who: str, room: str, pin: str, media: Media, changed: Callable[[Sender], None]
    ) -> None:
        self.who, self.feed = who, ""
        self._room, self._pin = room, pin
        self._media, self._changed = media, changed
        self._fingerprint = ""
        self._media_before: list[tuple[str, str]] = []
        self._handle: Handle | None = None
        self._up = False
        self._mids: dict[Source, str] = {}
        self._layered: set[str] = set()

    @property
    def sent(self) -> list[Sent]:
        """What can be received of it."""
        if not self._up:
            return []
        return [
            Sent(self.who, source, self.feed, mid, mid in self._layered)
            for source, mid in self._mids.items()
        ]

    def mid_of(self, source: Source) -> str | None:
        """Where a source is in the connection, if it is sent."""
        return self._mids.get(source)

    async def begin(self, client: JanusClient) -> None:
        """Be in the room, without sending yet."""
        self._client, self._media_before = client, []
        self.feed = f"{self.who}.{secrets.token_hex(4)}"
        self._handle = await client.attach(self._on_event)
        join = {"request": "join", "ptype": "publisher", "room": self._room, "pin": self._pin}
        await self._handle.ask({**join, "id": self.feed})

    async def publish(self, message: Publish) -> str:
        """Send what the page offers, or change what it sends; returns the answer.

        Raises
        ------
        Refused
            The offer makes no sense.
        """
        offer, mids, media = _checked(message)
        if self._handle is None:
            raise Refused("conference.refused_media")
        await self._begin_again_if_new(offer)
        if media[: len(self._media_before)] != self._media_before:
            # What was once offered keeps its place.
            raise Refused("conference.refused_description")
        self._media_before = media
        body = {"request": "configure", "bitrate": self._bitrate(mids)}
        try:
            reply = await self._handle.ask(body, {"type": "offer", "sdp": offer})
        except JanusError as error:
            log.info("an offer was refused: %s", error)
            raise Refused(
                "conference.refused_description" if error.code else "conference.refused_media"
            ) from None
        self._mids = mids
        streams = reply["data"].get("streams", ())
        self._layered = {stream["mid"] for stream in streams if stream.get("simulcast")}
        if self._up:
            self._changed(self)
        return str((reply["jsep"] or {}).get("sdp", ""))

    async def trickle(self, candidate: dict[str, Any] | None) -> None:
        """An address of the page."""
        if self._handle is not None and (known := rewrite_candidate(candidate)):
            await self._handle.trickle(known)

    async def withdraw(self) -> None:
        """Send nothing any more."""
        sending, self._mids = bool(self._mids), {}
        if self._handle is not None and sending:
            try:
                await self._handle.ask({"request": "unpublish"})
            except JanusError as error:
                log.debug("nothing to withdraw: %s", error)

    async def end(self) -> None:
        """Leave the room."""
        if self._handle is not None:
            await self._handle.detach()

    def stop(self) -> None:
        """What is sent is offered to nobody from now on."""
        self._up, self._mids = False, {}

    async def _begin_again_if_new(self, offer: str) -> None:
        """A new connection of the page, which Janus would take for the one before."""
        found = re.search(r"(?m)^a=fingerprint:(\S+ \S+)", offer)
        before, self._fingerprint = self._fingerprint, found[1] if found else ""
        if before and before != self._fingerprint and self._handle is not None:
            old, self._handle = self._handle, None
            self.stop()
            self._changed(self)
            old.on_event = lambda event: None
            await old.detach()
            await self.begin(self._client)

    def _bitrate(self, mids: dict[Source, str]) -> int:
        """Of all pictures together, in bits a second: Janus limits the connection."""
        kbit = self._media.camera_kbit if "camera" in mids else 0
        kbit += self._media.screen_kbit * sum(one in mids for one in ("screen", "city-camera"))
        return 1000 * (kbit or self._media.camera_kbit)

    def _on_event(self, event: Event) -> None:
        kind = event.get("janus")
        if kind == "webrtcup" and not self._up:
            self._up = True
            self._changed(self)
        elif kind == "hangup" and self._up:
            self.stop()
            self._changed(self)


def _checked(message: Publish) -> tuple[str, dict[Source, str], list[tuple[str, str]]]:
    """The offer as it goes to Janus, where each source is in it, and its media."""
    mids = {track.source: track.mid for track in message.tracks}
    speech = {mid for source, mid in mids.items() if source in SPEECH}
    try:
        sections = read_sections(message.offer)
        offer = with_silence_suppressed(rewrite(message.offer), speech)
    except MalformedDescription as fault:
        log.info("an offer was refused: %s", fault)
        raise Refused("conference.refused_description") from None
    by_mid = {section.mid: section for section in sections}
    fits = (
        len(sections) <= MOST_SECTIONS
        and len(mids) == len(set(mids.values())) == len(message.tracks)
        and all(_fits(by_mid.get(mid), source) for source, mid in mids.items())
        and all(section.mid in mids.values() for section in sections if section.sends)
        and not any(section.kind == "application" for section in sections)
    )
    if not fits:
        raise Refused("conference.refused_description")
    return offer, mids, [(section.mid, section.kind) for section in sections]


def _fits(section: Section | None, source: Source) -> bool:
    kind = "audio" if source in SOUND else "video"
    return section is not None and section.sends and section.kind == kind
