"""One camera, and a wall of cameras, as widgets."""

from __future__ import annotations

from typing import Any

import anywidget
from ipywebrtc import MediaStream
from ipywidgets import widget_serialization
from traitlets import Bool, CInt, Dict, Enum, Instance, List, Unicode, observe

from citylib.cameras.widget.parts import GATEWAY, script, sheet, words

SIZES = (1, 4, 9, 16)
PLAYER = ("gateway", "player", "tile")


class CameraView(anywidget.AnyWidget):
    """The pictures of one camera, live.

    Pictures go from the gateway to the browser; none pass through the kernel. Who looks must be
    signed in to the platform and allowed to see the camera.

    Parameters
    ----------
    camera : str
        Its id, as `citylib camera list` has it.
    language : str
        Of what the widget says.

    Attributes
    ----------
    stream : ipywebrtc.MediaStream
        The same pictures for the widgets of ipywebrtc: recorders, rooms.
    state : str
        What the browser says: "connecting", "waiting", "live", "fault", "lost" (the gateway does
        not answer), "refused" (this camera is not for the reader).

    Examples
    --------
    >>> view = CameraView(camera="ST-4")
    >>> ipywebrtc.ImageRecorder(stream=view.stream)  # doctest: +SKIP
    """

    _esm = script(*PLAYER, "view")
    _css = sheet()

    camera = Unicode().tag(sync=True)
    language = Unicode("en").tag(sync=True)
    gateway = Unicode(GATEWAY).tag(sync=True)
    stream = Instance(MediaStream).tag(sync=True, **widget_serialization)
    state = Unicode().tag(sync=True)
    words = Dict().tag(sync=True)

    def __init__(self, camera: str = "", **more: Any) -> None:
        lang = more.get("language", "en")
        super().__init__(camera=camera, stream=MediaStream(), words=words(lang), **more)

    @observe("language")
    def _say(self, change: Any) -> None:
        self.words = words(change.new)


class CameraWall(anywidget.AnyWidget):
    """Up to 16 cameras beside each other.

    Parameters
    ----------
    cameras : list of str
        Ids; more than have a place are seen in turn on a tour. Empty: all that the reader may see.
    size : {1, 4, 9, 16}
        Places.
    pinned : list of str
        Cameras that stay where they are during a tour.
    touring : bool
        Whether the others change by themselves, every `seconds`.
    language : str
        Of what the widget says.

    Attributes
    ----------
    shown : list of str
        Cameras that the browser shows at the moment, in the order of their places.
    streams : list of ipywebrtc.MediaStream
        The pictures of each place, for the widgets of ipywebrtc.

    Examples
    --------
    >>> wall = CameraWall(["ST-4", "ST-5", "ST-6", "ST-7", "ST-10"], touring=True, seconds=20)
    >>> wall.size
    4
    """

    _esm = script(*PLAYER, "wall", "wall_view")
    _css = sheet()

    cameras: List = List(Unicode()).tag(sync=True)
    size = Enum(SIZES, 4).tag(sync=True)
    pinned: List = List(Unicode()).tag(sync=True)
    touring = Bool().tag(sync=True)
    seconds = CInt(10, min=3).tag(sync=True)
    language = Unicode("en").tag(sync=True)
    gateway = Unicode(GATEWAY).tag(sync=True)
    shown: List = List(Unicode()).tag(sync=True)
    streams: List = List(Instance(MediaStream)).tag(sync=True, **widget_serialization)
    words = Dict().tag(sync=True)

    def __init__(self, cameras: list[str] | tuple[str, ...] = (), **more: Any) -> None:
        streams = [MediaStream() for _ in range(max(SIZES))]
        said = words(more.get("language", "en"))
        super().__init__(cameras=list(cameras), streams=streams, words=said, **more)

    @observe("language")
    def _say(self, change: Any) -> None:
        self.words = words(change.new)
