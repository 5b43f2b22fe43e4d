"""What the dashboards' service sends before it asks for a kernel: the page as it will look."""

from __future__ import annotations

import logging
from functools import cached_property
from html import escape
from typing import Any

from ipywidgets import Widget

from citylib.city.errors import CityError
from citylib.city.profile import load_city
from citylib.city.settings import Settings
from citylib.feeds.told import place_of
from citylib.indicators.cube import Cube
from citylib.indicators.densities import place_of as place_of_densities
from citylib.indicators.mapped import MappedCube
from citylib.indicators.mapped import place_of as place_of_figures
from citylib.look.fonts import SHEET
from citylib.look.served import beginning
from citylib.look.theme import THEMES
from citylib.look.words import say
from citylib.panels.dashboards import HOME, published
from citylib.panels.layers import density_layers
from citylib.panels.mayor import MayorDashboard
from citylib.panels.model import CityModel, CubeFigures
from citylib.panels.still import READER, still
from citylib.panels.view import restore

MOST = 200
"""Pictures kept, of views that were asked for since the figures changed."""
KEPT = "city-dashboard-"

log = logging.getLogger(__name__)


class Pictures:
    """Pictures of the mayor's dashboard over an installation's newest figures.

    Parameters
    ----------
    settings : Settings
        Where they are.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.city = load_city(settings.profile)
        self._kept: dict[tuple[Any, ...], str] = {}

    @cached_property
    def _figures(self) -> CubeFigures:
        cube = Cube(self.settings.cube)
        return CubeFigures(MappedCube(cube, place_of_figures(self.settings)))

    def picture(self, view: dict[str, str], theme: str) -> str:
        """The dashboard in a view, as `citylib.panels.view` describes it.

        Parameters
        ----------
        view : dict of str to str
            From an address, so anything may be in it.
        theme : {"dark", "light"}
            What is chosen at the moment.

        Raises
        ------
        CityError
            There are no figures.
        """
        if self._figures.stale:
            self._figures.refresh()
            self._kept.clear()
        key = (theme, *sorted(view.items()))
        if key not in self._kept:
            if len(self._kept) >= MOST:
                self._kept.pop(next(iter(self._kept)))
            self._kept[key] = self._draw(view, theme)
        return self._kept[key]

    def _draw(self, view: dict[str, str], theme: str) -> str:
        model = CityModel(self.city, self._figures)
        model.theme = theme
        model.layers = density_layers(place_of_densities(self.settings))
        try:
            dashboard = MayorDashboard(model)
            dashboard.sources.follow(place_of(self.settings))
            restore(model, view)
            return still(dashboard.widget)
        finally:
            # Nobody else in this process has widgets.
            Widget.close_all()


_pictures: Pictures | None = None


def page(asked: Any) -> bytes:
    """The beginning of a dashboard's page.

    Parameters
    ----------
    asked : citylib.serving.first.Asked
        Which page, by whom.
    """
    global _pictures
    if _pictures is None:
        _pictures = Pictures(Settings.load())
    city = _pictures.city
    view = {name: value[:100] for name, value in asked.query.items()}
    lang = view.setdefault("language", asked.cookies.get(f"{KEPT}language", ""))
    if lang not in city.languages:
        lang = view["language"] = city.languages[0]
    theme = view.pop("theme", asked.cookies.get(f"{KEPT}theme", ""))
    picture = ""
    if asked.notebook == HOME:
        title = say(lang, "title", city=city.area_name(city.code, lang))
        try:
            picture = _pictures.picture(view, theme if theme in THEMES else next(iter(THEMES)))
            picture = picture.replace(READER, escape(asked.reader))
        except CityError as error:
            # The page says it itself, with what to do.
            log.info("no first picture: %s", error)
        except Exception:
            log.exception("the first picture could not be drawn")
    else:
        found = (one.title for one in published(_pictures.settings) if one.file == asked.notebook)
        title = next(found, asked.notebook)
    fonts = _fonts(_pictures.settings, asked.base_url)
    return beginning(city, asked.base_url, title, lang, picture, fonts).encode()


def _fonts(settings: Settings, base_url: str) -> str:
    """Where the public site has letters, beside the dashboards' service."""
    if not (settings.public / SHEET).is_file():
        return ""
    return f"{base_url.rstrip('/').rpartition('/')[0]}/public/{SHEET}"
