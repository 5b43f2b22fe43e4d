"""The conference on the dashboard: beside the map or over it, made when it is asked for."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from ipywidgets import Box

from citylib.look.words import say
from citylib.panels.model import CityModel
from citylib.panels.touch import Markup

if TYPE_CHECKING:
    from citylib.conference.widget import ConferencePanel

PARTS = {
    ".city-map": "show_map",
    ".city-aside": "show_history",
    ".city-domains": "show_indicators",
    ".city-page .bqplot": "show_chart",
}
"""Parts of the dashboard that can be shown to all, and the words that name them."""


class ConferenceBox(Box):
    """The rooms, the wall, and keys to make it large and to leave.

    Nothing of it is loaded before it is opened: a page without a conference costs nothing.

    Parameters
    ----------
    model : CityModel
        Says the language.
    """

    def __init__(self, model: CityModel) -> None:
        super().__init__()
        self._model = model
        self._panel: ConferencePanel | None = None
        self._wide = False
        self._keys = Markup(name="city-conference-keys")
        self._keys.on_press(self.press)
        self.add_class("city-conference")
        self.add_class("away")
        model.observe(lambda _: self._say(), ["language"])

    def press(self, what: str) -> None:
        """`open`, `close`, or `wide`: over the map, or beside it again."""
        if what == "open" and self._panel is None:
            from citylib.conference.widget import ConferencePanel

            self._panel = ConferencePanel(language=self._model.language)
            self._say()
            self.children = [self._keys, self._panel]
            self.remove_class("away")
        elif what == "close" and self._panel is not None:
            panel, self._panel = self._panel, None
            self.children = []
            panel.close()
            self._widen(False)
            self.add_class("away")
        elif what == "wide" and self._panel is not None:
            self._widen(not self._wide)

    def _widen(self, wide: bool) -> None:
        self._wide = wide
        (self.add_class if wide else self.remove_class)("wide")
        self._say()

    def _say(self) -> None:
        if self._panel is None:
            return
        lang = self._model.language
        words = {selector: say(lang, f"conference_panel.{key}") for selector, key in PARTS.items()}
        self._panel.language, self._panel.parts = lang, words
        pressed = str(self._wide).lower()
        wide, close = (say(lang, f"conference_panel.{key}") for key in ("wide", "close"))
        self._keys.html = (
            f'<button type="button" class="key" data-press="wide" aria-pressed="{pressed}">'
            f"{escape(wide)}</button>"
            f'<button type="button" class="key" data-press="close">{escape(close)}</button>'
        )
