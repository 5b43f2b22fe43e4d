"""The sources on a dashboard: kept up to date while somebody looks."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from citylib.city.errors import CityError
from citylib.feeds.told import told
from citylib.panels.model import CityModel
from citylib.panels.picture.sources import sources, sources_of
from citylib.panels.touch import Markup

PAUSE = 10.0
"""Seconds between two looks at how the feeds are doing."""


class SourcesPanel(Markup):
    """Which sources are stale or failing: a line that opens to a list when it is touched.

    Parameters
    ----------
    model : CityModel
        City and language.

    Examples
    --------
    >>> panel = SourcesPanel(model)  # doctest: +SKIP
    >>> panel.follow(place_of(settings))  # doctest: +SKIP
    """

    def __init__(self, model: CityModel) -> None:
        super().__init__(name="city-sources")
        self._model = model
        self._place: Path | None = None
        self._opened = False
        self.on_press(self._pressed)
        model.observe(lambda _: self.draw(), ["language"])

    def follow(self, place: Path) -> None:
        """Show how the feeds are doing, and go on doing so where there is a kernel.

        Parameters
        ----------
        place : Path
            File in which the feeds' service tells it.
        """
        self._place = place
        self.draw()
        try:
            self._following = asyncio.get_running_loop().create_task(self._draw_often())
        except RuntimeError:  # no kernel, so nobody looks at it
            return

    def draw(self) -> None:
        """Draw what is known now."""
        city, lang, now = self._model.city, self._model.language, datetime.now(UTC)
        if self._place is None or not (city.feeds or city.feed_faults):
            return
        try:
            found = sources_of(city, told(self._place), lang, now)
        except CityError:  # it may not be read by whoever shows the screen
            found = None
        self.html = sources(found, lang, now, self._opened)

    def _pressed(self, what: str) -> None:
        if what == "sources":
            self._opened = not self._opened
            self.draw()

    async def _draw_often(self) -> None:
        while True:
            await asyncio.sleep(PAUSE)
            self.draw()
