"""All cameras on a leaflet map."""

from __future__ import annotations

from typing import Any

import anywidget
import ipyleaflet
from ipywidgets import widget_serialization
from traitlets import Bool, Dict, Instance, List, Unicode, observe

from citylib.cameras.widget.parts import GATEWAY, script, sheet, words


class CameraLayer(anywidget.AnyWidget):
    """Points for all cameras that the reader may see, a search, and a wall beside the map.

    A touch opens cameras in the browser alone; the kernel is told which.

    Parameters
    ----------
    map : ipyleaflet.Map
        The map; it must be shown beside this widget, in one box.

    Attributes
    ----------
    shown : bool
        Whether it can be seen.
    near : list of float
        Longitude and latitude around which the nearest cameras are to open; empty: none.
    opened : list of str
        Cameras whose pictures are seen.

    Examples
    --------
    >>> Box([map, CameraLayer(map=map)])  # doctest: +SKIP
    """

    _esm = script("gateway", "player", "tile", "wall", "points", "search", "layer")
    _css = sheet()

    map = Instance(ipyleaflet.Map).tag(sync=True, **widget_serialization)
    shown = Bool(True).tag(sync=True)
    near: List = List().tag(sync=True)
    opened: List = List(Unicode()).tag(sync=True)
    language = Unicode("en").tag(sync=True)
    gateway = Unicode(GATEWAY).tag(sync=True)
    words = Dict().tag(sync=True)

    def __init__(self, **more: Any) -> None:
        super().__init__(words=words(more.get("language", "en")), **more)

    @observe("language")
    def _say(self, change: Any) -> None:
        self.words = words(change.new)
