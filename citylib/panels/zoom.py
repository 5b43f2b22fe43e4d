"""A range of time that follows mouse, finger, wheel and keys."""

from __future__ import annotations

import anywidget
import bqplot
from ipywidgets import widget_serialization
from traitlets import Float, Instance, Int, Unicode

from citylib.panels.touch import script


class Zoom(anywidget.AnyWidget):
    """A surface over a figure whose time scale follows mouse, finger, wheel and keys.

    Times are milliseconds since 1970 in the city's civil time, as bqplot's scales count.
    """

    _esm = script("zoom")

    scale = Instance(bqplot.DateScale).tag(sync=True, **widget_serialization)
    """The time scale that is moved; in the browser alone."""

    figure = Instance(bqplot.Figure).tag(sync=True, **widget_serialization)
    """What lies below; its margins are not part of the range."""

    first = Float().tag(sync=True)
    last = Float().tag(sync=True)
    """Starts of the first and the last period that there are."""

    begin = Float().tag(sync=True)
    end = Float().tag(sync=True)
    """The range that is shown."""

    least = Float(1.0).tag(sync=True)
    """Length of the shortest range."""

    when = Float().tag(sync=True)
    """Start of the chosen period."""

    place = Int().tag(sync=True)
    count = Int().tag(sync=True)
    """The chosen period's index, and how many there are."""

    tip = Unicode().tag(sync=True)
    """The chosen period and its figure in words."""

    name = Unicode().tag(sync=True)
    """What this is, for screen readers."""

    answered = Int().tag(sync=True)
    """Number of the newest wish that has been answered."""
