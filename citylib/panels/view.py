"""What a screen shows, in the words that its address keeps: a reload or a link shows it again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from citylib.panels.model import PAGES, CityModel


def describe(model: CityModel) -> dict[str, str]:
    """The view of a model: `language`, `indicator`, and `page`, `domain`, `layer`, `area`,
    `time` where they are chosen.

    Who looks at the newest period looks at it: its date is not kept, so that the same address
    shows the newest one tomorrow.

    Examples
    --------
    >>> describe(model)  # doctest: +SKIP
    {'language': 'ko', 'indicator': 'pm25', 'area': '11010', 'time': '2022-11-05T00:00'}
    """
    view = {"language": model.language, "indicator": model.indicator}
    if model.page != PAGES[0]:
        view["page"] = model.page
    for key in ("domain", "layer"):
        if getattr(model, key):
            view[key] = getattr(model, key)
    if model.area != model.city.code:
        view["area"] = model.area
    if model.time is not None and not model.at_newest:
        view["time"] = model.time.isoformat(timespec="minutes")
    return view


def restore(model: CityModel, view: Mapping[str, Any]) -> None:
    """Show a view again, as far as there is still something to show.

    Parameters
    ----------
    model : CityModel
        What is shown.
    view : mapping
        As `describe` gives it; it comes from an address, so anything may be in it. What the city
        does not have leaves the model as it is.
    """
    wanted = {key: value for key, value in view.items() if isinstance(value, str)}
    areas = {code for level in model.city.levels.values() for code in level.areas}
    with model.hold_trait_notifications():
        if wanted.get("language") in model.city.languages:
            model.language = wanted["language"]
        if wanted.get("indicator") in model.ids:
            model.show(wanted["indicator"])
        if wanted.get("area") in areas:
            model.area = wanted["area"]
        if wanted.get("page") in PAGES:
            model.page = wanted["page"]
        if wanted.get("domain") in {domain.id for domain in model.domains}:
            model.domain = wanted["domain"]
        if "layer" in wanted and wanted["layer"].replace("-", "_").isidentifier():
            model.layer = wanted["layer"]
        if "time" in wanted:
            _go_to(model, wanted["time"])


def _go_to(model: CityModel, time: str) -> None:
    try:
        moment = np.datetime64(time, "ns")
    except ValueError:
        return
    found = np.flatnonzero(model.times == moment)
    if found.size:
        model.move(int(found[0]))
