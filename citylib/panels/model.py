"""What a dashboard shows: the state that its panels share. No widgets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from traitlets import Enum, HasTraits, Int, Unicode

from citylib.city.errors import CityError
from citylib.city.profile import City
from citylib.panels.domains import Domain, domains_of
from citylib.panels.picture import reading as read

if TYPE_CHECKING:
    import xarray as xr


PAGES = ("glance", "district", "indicator", "pledges")
"""What a dashboard can show: the whole city, an area, an indicator, targets. The first at first."""


class NoFigures(CityError):
    """There is nothing to show yet."""


class CubeFigures(Mapping[str, Any]):
    """The cube's indicators by id, each read once, when it is first asked for."""

    def __init__(self, cube: Any) -> None:
        self._cube = cube
        self._ids = cube.ids()
        self._read: dict[str, Any] = {}

    @property
    def stale(self) -> bool:
        """Whether the cube has a newer version than the one shown."""
        return bool(self._cube.stale)

    def refresh(self) -> None:
        """Show the cube's newest version from now on."""
        before = self._cube.version
        self._cube.refresh()
        changed = self._cube.changed_since(before)
        self._ids = self._cube.ids()
        computed = self._cube.attrs.get("computed", "")
        self._read = {
            name: array.assign_attrs(computed=computed)
            for name, array in self._read.items()
            if name in self._ids and name not in changed
        }

    def __getitem__(self, name: str) -> Any:
        if name not in self._ids:
            raise KeyError(name)
        if name not in self._read:
            self._read[name] = self._cube.read(name).load()
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __len__(self) -> int:
        return len(self._ids)


class CityModel(HasTraits):
    """The chosen page, indicator, period, area and language of one open screen.

    Parameters
    ----------
    city : City
        Profile.
    figures : mapping of str to xarray.DataArray
        Indicators by id, dims `(time, area)`, as the cube gives them.
    indicator : str, optional
        What is shown first; by default the first that is known by area.

    Attributes
    ----------
    layers : tuple of citylib.panels.layers.Layer
        What a map can show beside the indicators.

    Examples
    --------
    >>> model = CityModel(city, {"pm25": array})  # doctest: +SKIP
    >>> model.show("pm25")  # doctest: +SKIP
    """

    page = Enum(PAGES, PAGES[0])
    """Which of the pages is shown."""
    language = Unicode()
    theme = Unicode("dark")
    indicator = Unicode()
    place = Int()
    area = Unicode()
    domain = Unicode()
    """Whose indicators stand beside the map; empty: a headline figure for each."""
    layer = Unicode()
    """What the map shows; empty: the indicator."""
    rem = Int(16)
    """Size of type on the screen, in pixels."""
    version = Int()
    """Rises when the figures have been renewed."""

    def __init__(
        self, city: City, figures: Mapping[str, xr.DataArray], indicator: str | None = None
    ) -> None:
        super().__init__(language=city.languages[0], area=city.code)
        self.city = city
        self.figures = figures
        self.layers: tuple[Any, ...] = ()
        self._times: dict[str, np.ndarray] = {}
        self._domains: tuple[tuple[str, int], list[Domain]] | None = None
        self.show(indicator or self._first())

    @cached_property
    def ids(self) -> list[str]:
        """Indicators that have a figure, in the cube's order."""
        return [name for name in self.figures if self.times_of(name).size]

    @property
    def domains(self) -> list[Domain]:
        """What there is, by domain, with what is past its threshold first."""
        key = (self.language, self.version)
        if self._domains is None or self._domains[0] != key:
            found = domains_of(self.city, self.figures, self.ids, self.language)
            self._domains = (key, found)
        return self._domains[1]

    @property
    def seen(self) -> tuple[object, ...]:
        """What a picture depends on. Traits that change together tell one after the other, so a
        panel that is told of several draws once: while this is what it drew last, it has drawn."""
        names = ("indicator", "place", "area", "domain", "layer", "language", "version")
        return tuple(getattr(self, name) for name in names)

    @property
    def array(self) -> xr.DataArray:
        """Figures of the chosen indicator."""
        return self.figures[self.indicator]

    @property
    def times(self) -> np.ndarray:
        """Starts of the chosen indicator's periods, datetime64[ns]."""
        return self.times_of(self.indicator)

    @property
    def time(self) -> datetime | None:
        """Start of the chosen period."""
        return read.as_datetime(self.times[self.place]) if self.times.size else None

    @property
    def at_newest(self) -> bool:
        """Whether the chosen period is the one that `show` chooses by itself."""
        return self.place == self._newest(self.indicator)

    @property
    def known(self) -> bool:
        """Whether the indicator knows areas within the city."""
        return bool(read.districts(self.array, self.city.code))

    def times_of(self, indicator: str) -> np.ndarray:
        """Starts of the periods of an indicator that have a figure somewhere."""
        if indicator not in self._times:
            self._times[indicator] = read.times_of(self.figures[indicator])
        return self._times[indicator]

    def reading(self, area: str | None = None) -> read.Reading:
        """Figure of an area (by default the whole city) in the chosen period."""
        return read.reading(self.array, area or self.city.code, self.language, self.time)

    def show(self, indicator: str) -> None:
        """Choose an indicator, at its newest period with a figure for the city.

        The chosen area gives way to the one around it that the indicator knows.
        """
        if indicator not in self.figures:
            return
        known = read.areas_of(self.figures[indicator])
        with self.hold_trait_notifications():
            self.indicator = indicator
            if len(known) > 1 and self.area not in known:
                above = self.city.ancestors(self.area)
                self.area = next((code for code in above if code in known), self.city.code)
            self.place = self._end = self._newest(indicator)

    def renew(self) -> None:
        """Show figures that have changed underneath.

        Indicator and area stay as they are. Who looks at the newest period moves on to what is
        the newest now; who looks at an earlier one stays there.
        """
        time, at_end = self.time, self.place == self._end
        self._times.clear()
        self._domains = None
        self.__dict__.pop("ids", None)
        with self.hold_trait_notifications():
            if self.indicator not in self.ids:
                self.show(self._first())
            elif at_end or time is None:
                self.show(self.indicator)
            else:
                self.move(int(np.searchsorted(self.times, np.datetime64(time, "ns"))))
            self.version += 1

    def move(self, place: int) -> None:
        """Choose a period by its index; beyond the ends is the end."""
        self.place = min(max(place, 0), max(0, self.times.size - 1))

    def touch(self, area: str) -> None:
        """Choose an area; the chosen one again: back to the whole city."""
        self.area = self.city.code if area == self.area else area

    def _newest(self, indicator: str) -> int:
        """Index of the newest period with a figure for the city, or with any."""
        newest = read.reading(self.figures[indicator], self.city.code, self.language).time
        times = self.times_of(indicator)
        if newest is None:
            return max(0, times.size - 1)
        return int(np.searchsorted(times, np.datetime64(newest, "ns")))

    def _first(self) -> str:
        if not self.ids:
            raise NoFigures("no indicator has a figure yet; run: citylib load, citylib compute")
        members = [one.id for domain in self.domains for one in domain.members]
        by_area = [name for name in members if read.districts(self.figures[name], self.city.code)]
        return [*by_area, *members][0]
