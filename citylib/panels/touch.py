"""Widgets of our own: HTML with places to touch, tiles, areas, time, the page around them.

What they show is what the kernel said last: a touch is a wish until the kernel answers, so that
no name ever stands over another one's figure.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import ipyleaflet
from ipywidgets import widget_serialization
from traitlets import Dict, Instance, Int, List, Unicode

JS = Path(__file__).parent / "js"


def script(name: str) -> str:
    return (JS / f"{name}.js").read_text("utf-8")


def _on(widget: anywidget.AnyWidget, key: str, kind: type, callback: Callable[[Any], None]) -> None:
    """Call with what the browser says under a key, when it is of this kind."""

    def told(_widget: Any, content: dict[str, Any], _buffers: Any) -> None:
        if isinstance(content.get(key), kind):
            callback(content[key])

    widget.on_msg(told)


class Markup(anywidget.AnyWidget):
    """HTML made by a picture; its elements with `data-press` can be touched.

    The HTML must come from the platform's own pictures, which escape what they show.
    """

    _esm = script("markup")

    html = Unicode().tag(sync=True)
    """What is shown."""

    name = Unicode().tag(sync=True)
    """CSS class of the element."""

    def on_press(self, callback: Callable[[str], None]) -> None:
        """Call with the value of `data-press`, or of a chosen `<option>`, when it is touched."""
        _on(self, "press", str, callback)


class Page(anywidget.AnyWidget):
    """The page around the panels: the browser's wishes come in, theme and title go out."""

    _esm = script("page")

    theme = Unicode("dark").tag(sync=True)
    """"dark" or "light"; first what the address (`?theme=`) or an earlier visit says."""

    language = Unicode("en").tag(sync=True)
    """As `theme`, by `?language=`."""

    languages = List(Unicode()).tag(sync=True)
    """Languages that there are."""

    title = Unicode().tag(sync=True)
    """Title of the window."""

    timezone = Unicode("UTC").tag(sync=True)
    """IANA name of the city's; the clock on the page goes by it."""

    rem = Int(16).tag(sync=True)
    """Size of type in pixels, as the browser says."""

    view: Dict = Dict().tag(sync=True)
    """What is shown, as the address keeps it: names and short texts."""

    def on_wish(self, callback: Callable[[dict[str, Any]], None]) -> None:
        """Call with the view that the address asks for; the page waits until it is shown."""

        def told(wish: dict[str, Any]) -> None:
            try:
                callback(wish)
            finally:
                self.send({"shown": True})

        _on(self, "wish", dict, told)


class Account(anywidget.AnyWidget):
    """Who is signed in, and the way out; nothing where nobody is, as in a notebook.

    A kernel does not know whose it is: the browser asks the service.
    """

    _esm = script("account")

    words = Dict().tag(sync=True)
    """`account`, `sign_out` in the reader's language."""


class Areas(anywidget.AnyWidget):
    """Colours, words and touch of the areas that a leaflet map beside it draws.

    A path with the CSS classes `area area-<code>` is an area.
    """

    _esm = script("areas")

    map = Instance(ipyleaflet.Map).tag(sync=True, **widget_serialization)
    """The map; it is fitted to `bounds` whenever its size changes."""

    bounds: List = List().tag(sync=True)
    """[[south, west], [north, east]] in degrees."""

    colours = Dict().tag(sync=True)
    """Code to name of the colour, `class-0` … or `missing`."""

    labels = Dict().tag(sync=True)
    """Code to what the area says."""

    marked = List(Unicode()).tag(sync=True)
    """Codes of areas that stand out, past a threshold."""

    selected = Unicode().tag(sync=True)
    """Code of the chosen area."""

    def on_touch(self, callback: Callable[[str], None]) -> None:
        """Call with the code of the area that was touched."""
        _on(self, "touch", str, callback)


class TimeControl(anywidget.AnyWidget):
    """Slider over the periods of an indicator, with play."""

    _esm = script("time")

    place = Int().tag(sync=True)
    """Index of the shown period; the control moves to it together with `label`."""

    wish = Int().tag(sync=True)
    """Index of the period that the reader asks for."""

    length = Int().tag(sync=True)
    """How many periods there are."""

    step = Int(1).tag(sync=True)
    """By how many periods play moves on: same hours and weekdays stay comparable."""

    restart = Int().tag(sync=True)
    """Where play begins when it stands at the end."""

    label = Unicode().tag(sync=True)
    """The chosen period in words."""

    indicator = Unicode().tag(sync=True)
    """Of what; a change stops play."""

    words = Dict().tag(sync=True)
    """`time`, `play`, `pause`, `earlier`, `later` in the reader's language."""
