"""What the kernels of the dashboards have in common, made before they are forked."""

from __future__ import annotations

from ipywidgets import Widget

from citylib.city.errors import CityError
from citylib.city.kept import kept_city
from citylib.city.settings import Settings
from citylib.indicators.mapped import laid_out, place_of
from citylib.panels.mayor import MayorDashboard
from citylib.panels.model import CityModel


def warm() -> None:
    """Read the city's profile and draw its dashboard once, and throw the dashboard away.

    What is read and found out on the way once for a process (the profile, its boundaries, which
    codecs and zones there are) is in each kernel's memory without being a copy of its own. Where
    there is nothing to draw yet, kernels do it by themselves. No cube is opened: it runs threads.
    """
    try:
        settings = Settings.load()
        city = kept_city(settings.profile)
        if figures := laid_out(place_of(settings)):
            MayorDashboard(CityModel(city, figures))
    except CityError:
        # Who opens a dashboard is told.
        return
    finally:
        Widget.close_all()
