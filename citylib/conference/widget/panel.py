"""A conference as a widget: all participants, and each as a stream of ipywebrtc."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import anywidget
from ipywebrtc import MediaStream
from ipywidgets import widget_serialization
from traitlets import Dict, Enum, Instance, List, Unicode, observe

from citylib.conference.js import FOLDER as CLIENT
from citylib.conference.js import together
from citylib.look.theme import variables
from citylib.look.words import languages, own_name
from citylib.look.words import words as all_words

FOLDER = Path(__file__).parent
SERVICE = "/services/conference/"
"""Path of the conference service on the platform."""
TABLES = ("conference", "conference_page", "conference_panel")


class ConferencePanel(anywidget.AnyWidget):
    """A room of the conference service.

    Pictures and sound go from browser to browser, or by way of Janus; none pass through the kernel.
    The browser enters as who is signed in to the platform, or by an invitation. When nothing shows
    the widget any more, and when the kernel ends, the browser leaves the room.

    Parameters
    ----------
    room : str
        Id of the room, as `citylib conference list` has it; for the mayor and for the official who
        made it. Without room and invitation the panel lets them choose a room, or begin one.
    invitation : str
        What a link of invitation has behind the `#`; instead of `room`, for everybody else.
    language : str
        Of what the widget says.
    stream : ipywebrtc.MediaStream, optional
        What this participant sends: a `CameraStream`, `VideoStream`, `AudioStream`, `WidgetStream`,
        the stream of a `CameraView`. Its picture and its sound are sent, and nothing else is asked
        for. Without it the browser asks for camera and microphone.
    shown : ipywebrtc.MediaStream, optional
        What this participant shows to all; None: nothing.
    view : {"all", "speaker"}
        All at the same size, or who speaks large.
    parts : dict of str to str
        Parts of the page that can be shown to all: CSS selector and name. Without any, maps and
        charts of the page.

    Attributes
    ----------
    state : str
        What the browser says: "connecting", "door", "waiting", "in", "lost" (coming back by
        itself), "refused", "ended"; empty while nothing shows the widget.
    participants : list of dict
        Who is in the room: `id`, `name`, `role`, `microphone`, `camera`, `hand`. Each keeps its
        place; a place that became free is an empty dict.
    slots : list of ipywebrtc.MediaStream
        Picture and sound of the participant in each place, for the recorders of ipywebrtc.

    Examples
    --------
    >>> panel = ConferencePanel(room="f3a9")
    >>> panel.view = "speaker"
    >>> ImageRecorder(stream=panel.slots[0])  # doctest: +SKIP
    """

    _esm = together(FOLDER / "js" / "panel.js")

    room = Unicode().tag(sync=True)
    invitation = Unicode().tag(sync=True)
    language = Unicode("en").tag(sync=True)
    service = Unicode(SERVICE).tag(sync=True)
    stream = Instance(MediaStream, allow_none=True).tag(sync=True, **widget_serialization)
    shown = Instance(MediaStream, allow_none=True).tag(sync=True, **widget_serialization)
    view = Enum(("all", "speaker"), "all").tag(sync=True)
    parts: Dict = Dict(value_trait=Unicode(), key_trait=Unicode()).tag(sync=True)
    state = Unicode().tag(sync=True)
    participants: List = List(Dict()).tag(sync=True)
    slots: List = List(Instance(MediaStream)).tag(sync=True, **widget_serialization)
    words = Dict().tag(sync=True)

    def __init__(self, room: str = "", **more: Any) -> None:
        super().__init__(room=room, words=words(more.get("language", "en")), **more)

    @property
    def _css(self) -> str:
        return sheet()

    @observe("language")
    def _say(self, change: Any) -> None:
        self.words = words(change.new)

    @observe("participants")
    def _place(self, change: Any) -> None:
        # A stream costs the kernel something: there are as many as are needed.
        missing = len(change.new) - len(self.slots)
        if missing > 0:
            self.slots = [*self.slots, *(MediaStream() for _ in range(missing))]


@cache
def sheet() -> str:
    """The look of the panel, with colours of its own where the page has none."""
    alone = "".join(
        f":where({where}) .conference-panel.alone{{color-scheme:{theme};{variables(theme)}}}"
        for theme, where in (("dark", ":root"), ("light", 'body[data-jp-theme-light="true"]'))
    )
    files = (CLIENT / "tiles.css", CLIENT / "meeting.css", FOLDER / "panel.css")
    return "\n".join([alone, *(path.read_text("utf-8") for path in files)])


@cache
def words(lang: str) -> dict[str, str]:
    """What the panel says, by key.

    >>> words("en")["participants"]
    'Participants'
    """
    found = all_words(lang)
    said = {"lang": lang, "own_name": own_name(lang) if lang in languages() else lang}
    for table in TABLES:
        own = f"{table}."
        said |= {key.removeprefix(own): text for key, text in found.items() if key.startswith(own)}
    return said
