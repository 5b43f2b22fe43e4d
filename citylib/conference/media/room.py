"""A room in Janus, and who is in it."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Coroutine
from typing import Any

from citylib.conference.media.carrier import MediaMessage, Refused, Send
from citylib.conference.media.janus_client import Event, Handle, JanusClient, JanusError
from citylib.conference.media.sdp import is_candidate
from citylib.conference.media.sender import Sender
from citylib.conference.media.speakers import Speakers
from citylib.conference.media.viewer import Viewer
from citylib.conference.media.wanted import Sent, choose
from citylib.conference.protocol import Answer, Candidate, Publish, Restart, Source, Want
from citylib.conference.settings import Media

log = logging.getLogger(__name__)

GRACE = 0.5
"""Seconds in which the others turn away from who leaves, so that none of them needs an offer."""
LEVELS = {"audio_active_packets": 8, "audio_level_average": 45}
"""Speaking is told after 160 ms, louder than -45 dB; 127 is silence."""


class Person:
    """A participant of a room."""

    def __init__(self, send: Send, may_publish: bool) -> None:
        self.send, self.may_publish = send, may_publish
        self.want = Want(type="want", videos="recent")
        self.interpreter: str | None = None
        self.silenced: set[Source] = set()
        self.sender: Sender | None = None
        self.viewer: Viewer | None = None
        # What a page asks is done in the order in which it asked.
        self.turn = asyncio.Lock()


class Room:
    """A room in Janus.

    Parameters
    ----------
    name : str
        The room. In Janus it is called otherwise each time, so that one which is begun again is
        not hindered by the end of the one before.
    media : Media
        Bit rates.
    speaking : callable
        Gets who speaks, and who spoke last.
    """

    def __init__(
        self, name: str, media: Media, speaking: Callable[[str, list[str], list[str]], None]
    ) -> None:
        self.name, self._in_janus = name, f"{name}.{secrets.token_hex(4)}"
        self._media, self._speaking = media, speaking
        self._secret, self._pin = secrets.token_hex(16), secrets.token_hex(16)
        self._people: dict[str, Person] = {}
        self._speakers = Speakers(self._spoken)
        self._client: JanusClient | None = None
        self._keeper: Handle | None = None
        self._dummy = ""
        self._sent: list[Sent] | None = None
        self._order: tuple[list[str], list[str]] = ([], [])
        self._tasks: set[asyncio.Task[None]] = set()
        self._opening = asyncio.Lock()

    @property
    def empty(self) -> bool:
        """Whether nobody is in it."""
        return not self._people

    async def begin(self, client: JanusClient, key: str) -> None:
        """Make the room in Janus, and bring in who is there already.

        Raises
        ------
        JanusError
            Janus refused.
        """
        async with self._opening:
            keeper = await client.attach(self._on_event)
            create = {
                **{"request": "create", "room": self._in_janus, "admin_key": key},
                **{"secret": self._secret, "pin": self._pin, "is_private": True},
                **{"publishers": 60, "bitrate": 0, "fir_freq": 0},
                **{"audiocodec": "opus", "videocodec": "vp8"},
                **{"opus_fec": True, "opus_dtx": True},
                **{"audiolevel_ext": True, "audiolevel_event": True, **LEVELS},
                # Slots must be alike whoever fills them: pictures are turned by who sends them.
                **{"videoorient_ext": False, "playoutdelay_ext": False},
                **{"dummy_publisher": True, "dummy_streams": DUMMY},
            }
            await keeper.ask(create)
            join = {
                "request": "join",
                "ptype": "publisher",
                "room": self._in_janus,
                "pin": self._pin,
            }
            joined = await keeper.ask({**join, "id": f"keeper-{secrets.token_hex(4)}"})
            feeds = joined["data"]["publishers"]
            self._dummy = next(feed["id"] for feed in feeds if feed.get("dummy"))
            self._keeper, self._client = keeper, client
            for who in [*self._people]:
                await self._bring_in(who)

    def lose(self) -> None:
        """Janus is gone, and with it all that was there of the room."""
        self._client = self._keeper = None
        for who, person in self._people.items():
            self._speakers.forget(who)
            if person.viewer is not None:
                self._later(person.viewer.end())
            person.sender = person.viewer = None

    async def end(self) -> None:
        """Everybody goes, and the room too."""
        for who in [*self._people]:
            await self.leave(who)
        if self._keeper is not None:
            keeper, self._keeper = self._keeper, None
            try:
                await keeper.ask(
                    {"request": "destroy", "room": self._in_janus, "secret": self._secret}
                )
                await keeper.detach()
            except JanusError as error:
                log.info("a room could not be ended: %s", error)

    async def enter(self, who: str, send: Send, may_publish: bool) -> None:
        """Somebody comes, perhaps again."""
        await self.leave(who)
        self._people[who] = Person(send, may_publish)
        # While the room is being made.
        async with self._opening:
            if who in self._people:
                await self._bring_in(who)

    async def leave(self, who: str) -> None:
        """Somebody goes."""
        person = self._people.pop(who, None)
        if person is not None:
            self._speakers.forget(who)
            self._later(self._take_out(person))
            self._look()

    async def message(self, who: str, message: MediaMessage) -> None:
        """Something that a page says.

        Raises
        ------
        Refused
            Not allowed, or not possible.
        """
        person = self._people.get(who)
        if person is None:
            raise Refused("conference.refused_not_allowed")
        if isinstance(message, Want):
            person.want = message
            if person.viewer:
                person.viewer.look()
            return
        async with person.turn:
            if person.sender is None or person.viewer is None:
                raise Refused("conference.refused_media")
            try:
                await self._media_message(person, person.sender, person.viewer, message)
            except JanusError as error:
                log.info("a message could not be handed on: %s", error)
                raise Refused("conference.refused_media") from None

    async def _media_message(
        self, person: Person, sender: Sender, viewer: Viewer, message: MediaMessage
    ) -> None:
        if isinstance(message, Publish):
            if not person.may_publish:
                raise Refused("conference.refused_not_allowed")
            answer = await sender.publish(message)
            for source in person.silenced:
                await self._moderate(sender, source, True)
            person.send({"type": "published", "answer": answer})
        elif isinstance(message, Answer):
            await viewer.answer(message.answer, message.number)
        elif isinstance(message, Candidate):
            if message.candidate is not None and not is_candidate(message.candidate):
                raise Refused("conference.refused_description")
            side = sender if message.at == "publish" else viewer
            await side.trickle(message.candidate)
        elif isinstance(message, Restart):
            await viewer.restart()

    async def allow(self, who: str, may_publish: bool) -> None:
        """Somebody may publish, or may not any more."""
        person = self._people.get(who)
        if person is None:
            return
        person.may_publish = may_publish
        if not may_publish and person.sender is not None:
            await person.sender.withdraw()
            self._changed(person.sender)

    async def hear(self, who: str, interpreter: str | None) -> None:
        """Somebody listens to an interpreter, or to none."""
        if person := self._people.get(who):
            person.interpreter = interpreter
            if person.viewer:
                person.viewer.look()

    async def silence(self, who: str, source: Source, silent: bool) -> None:
        """Hand on nothing of a source, or again."""
        person = self._people.get(who)
        if person is None:
            return
        (person.silenced.add if silent else person.silenced.discard)(source)
        if silent and source == "microphone":
            self._speakers.sound(who, False)
        if person.sender is not None:
            await self._moderate(person.sender, source, silent)

    async def _moderate(self, sender: Sender, source: Source, silent: bool) -> None:
        mid = sender.mid_of(source)
        if mid is None or self._keeper is None:
            return
        body = {"request": "moderate", "room": self._in_janus, "secret": self._secret}
        await self._keeper.ask({**body, "id": sender.feed, "mid": mid, "mute": silent})

    async def _bring_in(self, who: str) -> None:
        person = self._people[who]
        async with person.turn:
            if self._client is None or person.viewer is not None:
                return
            sender = Sender(who, self._in_janus, self._pin, self._media, self._changed)
            person.viewer = Viewer(
                self._in_janus,
                self._pin,
                self._dummy,
                person.send,
                lambda: self._chosen(who, person),
            )
            person.viewer.begin(self._client)
            await sender.begin(self._client)
            person.sender = sender

    async def _take_out(self, person: Person) -> None:
        if person.viewer is not None:
            await person.viewer.end()
        if person.sender is not None:
            person.sender.stop()
            await asyncio.sleep(GRACE)
            await person.sender.end()

    def _chosen(self, who: str, person: Person) -> dict[Sent, int]:
        if self._sent is None:
            self._sent = [
                one
                for other in self._people.values()
                if other.sender is not None and other.may_publish
                for one in other.sender.sent
            ]
        others = [other for other in self._people if other != who]
        seen = [*(other for other in self._speakers.recent if other != who), *others]
        heard = [*(other for other in self._speakers.heard if other != who), *others]
        return choose(who, self._sent, seen, heard, person.want, person.interpreter)

    def _on_event(self, event: Event) -> None:
        """What the keeper hears of the room."""
        data = event.get("plugindata", {}).get("data", {})
        if data.get("videoroom") not in ("talking", "stopped-talking"):
            return
        for who, person in self._people.items():
            if person.sender is not None and person.sender.feed == data.get("id"):
                if data.get("mid") == person.sender.mid_of("microphone"):
                    self._speakers.sound(who, data["videoroom"] == "talking")
                return

    def _spoken(self) -> None:
        self._speaking(self.name, self._speakers.now, [*self._speakers.recent])
        order = ([*self._speakers.recent], [*self._speakers.heard])
        if order != self._order:
            self._order = order
            self._look()

    def _changed(self, sender: Sender) -> None:
        if sender.mid_of("microphone") is None:
            self._speakers.forget(sender.who)
        self._look()

    def _look(self) -> None:
        """Somebody sends something else, or the order is another: let all follow."""
        self._sent = None
        for person in self._people.values():
            if person.viewer is not None:
                person.viewer.look()

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


DUMMY = [{"codec": "opus", "fmtp": "useinbandfec=1;usedtx=1"}, {"codec": "vp8"}]
"""What the dummy of a room could send."""
