"""Where a touch on a picture leads: `page:district`, `area:11010`, `indicator:pm25`."""

from __future__ import annotations

from citylib.panels.model import PAGES, CityModel


def go(model: CityModel, what: str) -> None:
    """Show what was touched.

    Parameters
    ----------
    model : CityModel
        What is shown.
    what : str
        Value of `data-press`: `page:` and a page; `area:` and a code; `indicator:` and an id,
        which opens the indicator's page with the chosen area; `district:` and a code, which opens
        the area's page; `place:` and the index of a period. It comes from a browser: what the
        city does not have changes nothing.
    """
    kind, _, value = what.partition(":")
    with model.hold_trait_notifications():
        if kind == "page" and value in PAGES:
            model.page = value
        elif kind == "indicator" and value in model.ids:
            model.show(value)
            model.page = "indicator"
        elif kind in ("area", "district") and _known(model, value):
            model.area = value
            if kind == "district":
                model.page = "district"
        elif kind == "layer" and value in {layer.name for layer in model.layers}:
            model.layer, model.page = value, PAGES[0]
        elif kind == "place" and value.isdigit():
            model.move(int(value))


def _known(model: CityModel, code: str) -> bool:
    city = model.city
    return code == city.code or any(code in level.areas for level in city.levels.values())
