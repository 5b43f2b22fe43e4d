"""Panels in a cell of a notebook, as they look on the dashboard."""

from __future__ import annotations

from ipywidgets import Box, Widget

from citylib.look import theme
from citylib.panels.charts import ChartPanel
from citylib.panels.indicator import IndicatorPage
from citylib.panels.model import CityModel
from citylib.panels.touch import Markup

SHEETS = ("picture", "dashboard", "map", "charts", "glance", "indicator", "district", "notebook")
REM = 16
"""Size of type in JupyterLab, in pixels."""


def in_notebook(model: CityModel, *panels: Widget) -> Box:
    """Show panels of one model beside each other.

    Parameters
    ----------
    model : CityModel
        What the panels show; they follow it, and each other through it.
    *panels : Widget
        `MapPanel(model)`, `ChartPanel(model)`, `IndicatorPage(model)`, `DistrictPage(model)`, …

    Returns
    -------
    Box
        To be the last line of a cell.

    Examples
    --------
    >>> model = CityModel(city, {"pm25": cube.read("pm25")})  # doctest: +SKIP
    >>> in_notebook(model, MapPanel(model), ChartPanel(model))  # doctest: +SKIP
    """
    look = theme.css(*SHEETS, default=model.theme)
    box = Box([Markup(name="hidden", html=f"<style>{look}</style>"), *panels])
    box.add_class("city-dashboard")
    box.add_class("city-notebook")
    for panel in panels:
        if isinstance(panel, ChartPanel | IndicatorPage):
            panel.fit(REM)
    return box
