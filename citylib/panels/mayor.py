"""The mayor's dashboard: its pages, and what is around them."""

from __future__ import annotations

import asyncio
from html import escape
from typing import Any

from ipywidgets import Box

from citylib.city.errors import CityError
from citylib.city.kept import kept_city
from citylib.city.profile import City
from citylib.city.settings import Settings
from citylib.feeds.told import place_of
from citylib.indicators.densities import place_of as place_of_densities
from citylib.look import theme
from citylib.look.words import languages, own_name, say
from citylib.operations.store import Store
from citylib.panels.cameras import camera_layers
from citylib.panels.conference import ConferenceBox
from citylib.panels.follow import follow, newest
from citylib.panels.layers import density_layers
from citylib.panels.model import PAGES, CityModel, CubeFigures
from citylib.panels.pages import Pages
from citylib.panels.sources import SourcesPanel
from citylib.panels.touch import Account, Markup, Page
from citylib.panels.view import describe, restore

COMMANDS = ("citylib load", "citylib compute")
SHEETS = (
    *("picture", "page", "dashboard", "sources", "glance", "map", "charts"),
    *("indicator", "district", "pledges", "conference"),
)
KEPT = ["page", "domain", "layer", "indicator", "place", "area", "language", "version"]
_CURRENT = ' aria-current="page"'


class MayorDashboard:
    """The pages over one model; above them name, sources, choices, account, below them terms.

    Parameters
    ----------
    model : CityModel
        City and figures.

    Attributes
    ----------
    widget : ipywidgets.Box
        All of it.

    Examples
    --------
    >>> MayorDashboard.open()  # doctest: +SKIP
    """

    def __init__(self, model: CityModel) -> None:
        self.model = model
        city = model.city
        self.page = Page(
            language=model.language,
            languages=list(city.languages),
            theme=model.theme,
            timezone=city.timezone,
        )
        self.header = Markup(name="city-header")
        self.header.on_press(self._pressed)
        self.account = Account()
        self.sources = SourcesPanel(model)
        self.pages = Pages(model)
        self.glance = self.pages.made["glance"]
        self.footer = Markup(name="city-footer")
        style = Markup(
            name="hidden",
            html=f"<style>{theme.css(*SHEETS)}</style>",
        )
        top = Box([self.header, self.sources, self.account])
        top.add_class("city-top")
        self.conference = ConferenceBox(model)
        self.widget = Box([style, self.page, top, self.pages, self.conference, self.footer])
        self.widget.add_class("city-dashboard")
        self._follow()

    @classmethod
    def open(cls, settings: Settings | None = None) -> Box:
        """The dashboard over this installation's cube, or what to do when there is none.

        Parameters
        ----------
        settings : Settings, optional
            By default those that `Settings.load` finds.
        """
        city = None
        try:
            from citylib.indicators.cube import Cube
            from citylib.indicators.mapped import MappedCube
            from citylib.indicators.mapped import place_of as place_of_figures

            settings = settings or Settings.load()
            city = kept_city(settings.profile)
            store = Store(settings.database)
            seen = newest(store)
            cube = MappedCube(Cube(settings.cube), place_of_figures(settings))
            if cube.empty:
                return notice(city, None)
            model = CityModel(city, CubeFigures(cube))
            densities = density_layers(place_of_densities(settings))
            model.layers = (*densities, *camera_layers(settings, city))
            dashboard = cls(model)
        except CityError as error:
            return notice(city, error)
        dashboard.follow(store, seen)
        dashboard.sources.follow(place_of(settings))
        return dashboard.widget

    def follow(self, store: Store, seen: int) -> None:
        """Show new figures as soon as the change log tells of them.

        Parameters
        ----------
        store : Store
            Where the change log is.
        seen : int
            Number of the last change that is shown already.
        """
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # no kernel, so nobody looks at it
            return
        self._following = loop.create_task(follow(store, seen, self._renew, self._stale))

    def _stale(self) -> bool:
        figures = self.model.figures
        return isinstance(figures, CubeFigures) and figures.stale

    def _renew(self) -> None:
        if isinstance(self.model.figures, CubeFigures):
            self.model.figures.refresh()
        self.model.renew()

    def _follow(self) -> None:
        model, page = self.model, self.page
        self._say()
        model.observe(lambda _: self._say(), ["language", "theme", "version", "page"])
        page.observe(lambda change: setattr(model, "rem", change.new), ["rem"])
        page.observe(lambda change: setattr(model, "theme", change.new), ["theme"])
        page.observe(lambda change: setattr(model, "language", change.new), ["language"])
        page.on_wish(lambda wish: restore(model, wish))
        model.observe(self._keep, KEPT)
        self._keep()

    def _keep(self, _change: Any = None) -> None:
        self.page.view = describe(self.model)

    def _pressed(self, what: str) -> None:
        kind, _, value = what.partition(":")
        if kind == "language" and value in self.model.city.languages:
            self.model.language = value
        elif kind == "theme" and value in theme.THEMES:
            self.model.theme = value
        elif kind == "conference":
            self.conference.press(value)
        elif kind == "page" and value in PAGES:
            self.model.page = value

    def _say(self) -> None:
        model, lang = self.model, self.model.language
        title = say(lang, "title", city=model.city.area_name(model.city.code, lang))
        self.page.title, self.page.language, self.page.theme = title, lang, model.theme
        self.header.html = header(model, title)
        self.account.words = {key: say(lang, key) for key in ("account", "sign_out")}
        self.footer.html = (
            f"<p>{say(lang, 'measured')} {escape(model.city.attribution.get(lang, ''))}</p>"
        )


def header(model: CityModel, title: str) -> str:
    """Name of the page, the way to the other pages, and the choice of language and theme."""
    lang, spoken = model.language, model.city.languages
    pages = "".join(
        f'<button type="button" class="key" data-press="page:{page}"'
        f"{_CURRENT if page == model.page else ''}>{say(lang, f'nav_{page}')}</button>"
        for page in (("glance", "pledges") if any_target(model) else ())
    )
    choices = "".join(
        f'<button type="button" class="key" lang="{code}" data-press="language:{code}" '
        f'aria-pressed="{str(code == lang).lower()}">{own_name(code)}</button>'
        for code in (spoken if len(spoken) > 1 else ())
    )
    other = "light" if model.theme == "dark" else "dark"
    return (
        f"<h1>{escape(title)}</h1>"
        f'<nav class="pages" aria-label="{say(lang, "pages")}">{pages}</nav>'
        f'<time class="city-clock" aria-hidden="true"></time>'
        f'<div class="choices"><button type="button" class="key" data-press="conference:open">'
        f"{say(lang, 'conference_panel.conference')}</button>{choices}"
        f'<button type="button" class="key" data-press="theme:{other}">'
        f"{say(lang, f'theme_{other}')}</button></div>"
    )


def any_target(model: CityModel) -> bool:
    """Whether there is something to show on the page of targets."""
    return any("target" in model.figures[name].attrs for name in model.ids)


def notice(city: City | None, error: CityError | None) -> Box:
    """A friendly page for when there is nothing to show: what is missing, and what to run."""
    parts = []
    for lang in city.languages if city else languages():
        if error is None:
            detail = f"<p>{say(lang, 'no_cube_detail')}</p>" + "".join(
                f"<p><code>{command}</code></p>" for command in COMMANDS
            )
            parts.append(f'<div lang="{lang}"><h2>{say(lang, "no_cube")}</h2>{detail}</div>')
        else:
            parts.append(f'<div lang="{lang}"><h2>{say(lang, "failed")}</h2></div>')
    if error is not None:
        parts.append(f"<pre>{escape(str(error))}</pre>")
    name = " · ".join(city.name.values()) if city else ""
    style = f"<style>{theme.css('picture', 'page', 'dashboard')}</style>"
    box = Box([Markup(name="city-notice", html=f"{style}<h1>{escape(name)}</h1>{''.join(parts)}")])
    box.add_class("city-dashboard")
    box.add_class("empty")
    return box
