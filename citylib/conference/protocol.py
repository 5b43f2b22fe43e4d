"""What a participant's page says to the service, and what is refused before anybody looks at it.

One websocket, JSON texts, each an object with a `type`. A page looks at the door first (`Look`),
then enters (`Enter`), and comes back after a cut connection with its ticket (`Resume`). What the
service says is in `docs/conference.md`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

LONGEST = 512 * 1024
"""Bytes of a message; offers of 45 pictures and a material are the longest."""

Source = Literal["microphone", "camera", "screen", "screen-sound", "city-camera", "interpretation"]
"""What a track shows; a participant sends each at most once. `city-camera` and `screen` are what is
shown to all, `interpretation` is the sound of an interpreter's channel."""
Side = Literal["publish", "subscribe"]
"""The two connections of a participant: what is sent, what is received."""
Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Lang = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35)]
Sdp = Annotated[str, Field(min_length=1, max_length=400_000)]
Mid = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,16}$")]


class Message(BaseModel):
    """Something that a page says."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Track(Message):
    """Which part of an offer has which source."""

    mid: Mid
    source: Source


class Look(Message):
    """Before everything: what room is behind this invitation, or this room for who is signed in."""

    type: Literal["look"]
    invitation: Annotated[str, Field(max_length=500)] | None = None
    room: Id | None = None
    language: Lang = "en"


class Enter(Message):
    """Go in, under a name; or wait until a host opens."""

    type: Literal["enter"]
    name: Annotated[str, Field(min_length=1, max_length=80)]


class Resume(Message):
    """Come back as who one was, after a cut connection, a reload, or a restart of the service."""

    type: Literal["resume"]
    ticket: Annotated[str, Field(max_length=200)]
    language: Lang = "en"


class Leave(Message):
    """Go, for good."""

    type: Literal["leave"]


class Publish(Message):
    """Offer of what is sent from now on, the first time and each time that it changes."""

    type: Literal["publish"]
    offer: Sdp
    tracks: Annotated[tuple[Track, ...], Field(max_length=6, strict=False)]


class Answer(Message):
    """Answer to the service's `subscribe` of this number."""

    type: Literal["answer"]
    answer: Sdp
    number: Annotated[int, Field(ge=0, lt=2**53)] | None = None


class Candidate(Message):
    """An address of the page, for one of its connections; null: there are no more."""

    type: Literal["candidate"]
    at: Side
    candidate: dict[str, Any] | None


class Restart(Message):
    """What is received stands still: offer it anew, over new paths."""

    type: Literal["restart"]


class Signal(Message):
    """Where there is no Janus: something for one other participant, handed on as it is."""

    type: Literal["signal"]
    to: Id
    description: dict[str, str] | None = None
    candidate: dict[str, Any] | None = None


class Want(Message):
    """Which pictures a page shows: all (small, a wall), the most recent speakers', none (sound
    alone); and whose it shows large. `small`: nobody's, the line carries no more."""

    type: Literal["want"]
    videos: Literal["all", "recent", "none"]
    large: Id | None = None
    small: bool = False


class State(Message):
    """What others see of a participant; `quality` from 0 (lost) to 4 (good), as measured there."""

    type: Literal["state"]
    microphone: bool | None = None
    camera: bool | None = None
    hand: bool | None = None
    quality: Annotated[int, Field(ge=0, le=4)] | None = None


class Say(Message):
    """A line of chat, to all or to one."""

    type: Literal["say"]
    text: Annotated[str, Field(min_length=1, max_length=2000)]
    to: Id | None = None


class Hear(Message):
    """The interpreter's channel that is listened to; null: the floor."""

    type: Literal["hear"]
    channel: Lang | None


class Material(Message):
    """A picture that is shown to all, drawn sharply by each page; null: no more.

    SVG; pages show it as an image, so that nothing in it runs or loads anything.
    """

    type: Literal["material"]
    title: Annotated[str, Field(max_length=200)] = ""
    picture: Annotated[str, Field(max_length=400_000)] | None


class Admit(Message):
    """Host: let somebody in who waits; `welcome` false: turn away."""

    type: Literal["admit"]
    who: Id
    welcome: bool = True


class Mute(Message):
    """Host: silence one, or all but hosts (`who` null). They can speak again by themselves."""

    type: Literal["mute"]
    who: Id | None = None


class Remove(Message):
    """Host: put somebody out; the ticket and this use of the invitation end with it."""

    type: Literal["remove"]
    who: Id


class Lock(Message):
    """Host: let nobody in any more, or again."""

    type: Literal["lock"]
    locked: bool


class Appoint(Message):
    """Host: give somebody a role; `language` for an interpreter."""

    type: Literal["appoint"]
    who: Id
    role: Literal["host", "speaker", "listener", "interpreter"]
    language: Lang | None = None


class Record(Message):
    """Host: begin or end the recording; every page says so."""

    type: Literal["record"]
    recording: bool


class End(Message):
    """Host: end the conference for all."""

    type: Literal["end"]


Said = (
    Look | Enter | Resume | Leave | Publish | Answer | Candidate | Restart | Signal | Want | State
    | Say | Hear | Material | Admit | Mute | Remove | Lock | Appoint | Record | End
)  # fmt: skip
_known: TypeAdapter[Said] = TypeAdapter(Annotated[Said, Field(discriminator="type")])


class MalformedMessage(ValueError):
    """What came is none of the messages; the text says where, and nothing of what was in it."""


def parse(text: str | bytes) -> Said:
    """Read a message.

    Raises
    ------
    MalformedMessage
        It is too long, no JSON, or none of the messages.

    Examples
    --------
    >>> parse('{"type": "lock", "locked": true}').locked
    True
    >>> parse('{"type": "lock", "locked": "yes"}')
    Traceback (most recent call last):
    citylib.conference.protocol.MalformedMessage: lock.locked: Input should be a valid boolean
    """
    if len(text) > LONGEST:
        raise MalformedMessage(f"longer than {LONGEST} bytes")
    try:
        return _known.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])[:100]
        raise MalformedMessage(
            f"{where}: {first['msg'][:200]}" if where else "no message"
        ) from None
    except RecursionError:
        raise MalformedMessage("nested too deeply") from None
