"""The pages of a dashboard: one is shown, those seen before wait behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ipywidgets import Box, Widget

from citylib.panels.district import DistrictPage
from citylib.panels.glance import Glance
from citylib.panels.indicator import IndicatorPage
from citylib.panels.model import PAGES, CityModel
from citylib.panels.pledges import PledgesPage

Factory = Callable[[CityModel], Widget]

FACTORIES: dict[str, Factory] = {
    "glance": Glance,
    "district": DistrictPage,
    "indicator": IndicatorPage,
    "pledges": PledgesPage,
}
"""What makes each page, by its name in the address."""


class Pages(Box):
    """Shows the page that the model says.

    A page is made when it is first asked for, so that the first one is there at once. It stays in
    the browser behind the others: what was scrolled and zoomed is as it was when it comes back.

    Parameters
    ----------
    model : CityModel
        Says which page is shown.
    factories : mapping of str to callable (CityModel) -> Widget
        By name of the page.

    Attributes
    ----------
    made : dict of str to Widget
        Pages seen so far.
    """

    def __init__(self, model: CityModel, factories: Mapping[str, Factory] = FACTORIES) -> None:
        super().__init__()
        self._model = model
        self._factories = factories
        self.made: dict[str, Widget] = {}
        self.add_class("city-pages")
        model.observe(self._show, ["page"])
        self._show()

    def _show(self, _change: Any = None) -> None:
        wanted = self._model.page if self._model.page in self._factories else PAGES[0]
        if wanted not in self.made:
            self.made[wanted] = self._factories[wanted](self._model)
            self.made[wanted].add_class("city-page")
            self.made[wanted].add_class(f"page-{wanted}")
        for name, page in self.made.items():
            if name == wanted:
                page.remove_class("away")
            else:
                page.add_class("away")
        self.children = tuple(self.made.values())
