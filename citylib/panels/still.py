"""A dashboard as it stands, without a kernel: the HTML and SVG that its widgets would draw.

What appears before the widgets do, in their layout, so that they take its place without a jump.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

import ipyleaflet
from ipywidgets import Box, Widget

from citylib.panels.picture.choropleth import PAD, WIDTH, Projection
from citylib.panels.touch import Account, Areas, Markup, Page, TimeControl

# What the front end's own style sheets say of these.
STYLE = """<style>
.widget-box { box-sizing: border-box; display: flex; margin: 0; }
.leaflet-container { position: relative; height: 100%; overflow: hidden; }
svg.map { height: 100% !important; padding: 4px; box-sizing: border-box; overflow: visible; }
svg.map path { vector-effect: non-scaling-stroke; }
.leaflet-bar { position: absolute; top: 10px; left: 10px; }
.leaflet-bar a { display: block; text-align: center; }
</style>"""
READER = "\ufdd0reader\ufdd1"
"""Where the name of who is signed in belongs: the same picture is for all."""
HATCH = (
    '<svg width="0" height="0" aria-hidden="true"><defs><pattern id="hatch" width="10" height="10"'
    ' patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="hatch-ground"'
    ' width="10" height="10"/><rect class="hatch-line" width="3" height="10"/></pattern></defs>'
    "</svg>"
)


def still(widget: Widget) -> str:
    """HTML of a dashboard.

    Parameters
    ----------
    widget : ipywidgets.Widget
        Boxes, and the widgets of this room. What it does not know is an empty place of its size.

    Returns
    -------
    str
        Looks as the widget does; the style sheets that the dashboard has in it are enough.
        `READER` is in it where the reader's name belongs.

    Examples
    --------
    >>> still(MayorDashboard(model).widget)  # doctest: +SKIP
    '<style>…</style><div class="lm-Widget widget-box jupyter-widgets city-dashboard">…'
    """
    return STYLE + _drawn(widget, ())


def _drawn(widget: Widget, beside: Iterable[Widget]) -> str:
    """HTML of a widget and all in it; `beside` is what shares its box."""
    names = " ".join(["jupyter-widgets", *getattr(widget, "_dom_classes", ())])
    if isinstance(widget, Box):
        inner = "".join(_drawn(child, widget.children) for child in widget.children)
        return f'<div class="lm-Widget widget-box {names}">{inner}</div>'
    if isinstance(widget, Markup):
        return f'<div class="{names} city-markup {escape(widget.name)}">{widget.html}</div>'
    if isinstance(widget, TimeControl):
        return f'<div class="{names} city-time">{_time(widget)}</div>'
    if isinstance(widget, Areas):
        return f'<div class="{names} city-areas">{HATCH}</div>'
    if isinstance(widget, ipyleaflet.Map):
        colours = next((one for one in beside if isinstance(one, Areas)), None)
        inner = f'<div class="leaflet-container">{_map(widget, colours)}</div>'
        return f'<div class="{names} leaflet-widgets">{inner}</div>'
    if isinstance(widget, Account):
        out = escape(str(widget.words.get("sign_out", "")))
        return (
            f'<div class="{names} city-account"><span>{READER}</span><a class="key">{out}</a></div>'
        )
    if isinstance(widget, Page):
        return ""
    return f'<div class="{names}"></div>'


def _time(control: TimeControl) -> str:
    last = max(0, control.length - 1)
    return (
        '<button type="button" class="key play"><svg viewBox="0 0 24 24" aria-hidden="true">'
        '<path d="M6 3v18l15-9z"/></svg></button>'
        '<button type="button" class="key earlier">◀</button>'
        f'<input type="range" min="0" max="{last}" step="1" value="{control.place}">'
        f'<button type="button" class="key later"{" disabled" * (control.place >= last)}>▶</button>'
        f"<output>{escape(control.label)}</output>"
    )


def _map(widget: ipyleaflet.Map, colours: Areas | None) -> str:
    """The map's shapes where leaflet puts them: as large as its element allows, 4 px from it."""
    shapes = [layer for layer in widget.layers if isinstance(layer, ipyleaflet.GeoJSON)]
    if not shapes:
        return ""
    draw = Projection(shapes[0].data)
    zoom = "".join(f"<a>{sign}</a>" for sign in ("+", "−"))
    drawn = "".join(_shapes(layer, draw, colours) for layer in shapes)
    if colours is not None:
        drawn += _edges(shapes[0], draw, colours)
    return (
        f'<svg class="map" viewBox="{PAD} {PAD} {WIDTH - 2 * PAD} {draw.height - 2 * PAD}">'
        f"{drawn}</svg>"
        f'<div class="leaflet-bar">{zoom}</div>'
    )


def _edges(layer: ipyleaflet.GeoJSON, draw: Projection, colours: Areas) -> str:
    """Edges of the areas that stand out and of the chosen one, above their neighbours."""
    rings = {
        str(feature["properties"].get("code")): feature["geometry"]
        for feature in layer.data["features"]
    }
    named = [*((code, "mark") for code in colours.marked), (colours.selected, "edge")]
    return "".join(
        f'<path class="{name}" d="{draw.polygons(rings[code])}"/>'
        for code, name in named
        if code in rings
    )


def _shapes(layer: ipyleaflet.GeoJSON, draw: Projection, colours: Areas | None) -> str:
    paths = []
    for feature in layer.data["features"]:
        properties = feature.get("properties") or {}
        style = {**layer.style, **properties.get("style", {})}
        code = str(properties.get("code", ""))
        kind = ""
        if colours is not None and code in colours.colours:
            chosen = str(code == colours.selected).lower()
            kind = f' data-paint="{colours.colours[code]}" aria-pressed="{chosen}"'
        line = feature["geometry"]["type"].endswith("LineString")
        path = (draw.lines if line else draw.polygons)(feature["geometry"])
        names = escape(str(style.get("className", "")))
        paths.append(f'<path class="{names}"{kind} d="{path}"/>')
    return "".join(paths)
