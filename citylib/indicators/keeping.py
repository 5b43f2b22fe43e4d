"""Figures that follow the records for as long as a process lives."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from citylib.city.profile import load_city
from citylib.city.settings import Settings
from citylib.indicators.cube import Cube
from citylib.indicators.declared import FOLDER, load_indicators
from citylib.indicators.mapped import lay_out, place_of
from citylib.indicators.refresh import Refresh, announce
from citylib.lake import DatasetMissing, Lake
from citylib.operations.store import Store

if TYPE_CHECKING:
    from citylib.indicators.incremental import Outcome

log = logging.getLogger(__name__)

PARTS = ("areas", "datasets", FOLDER)
"""Folders of a profile that say what is computed."""


class Keeper:
    """Brings the figures of an installation up to date, and tells open screens, again and again.

    What it has opened stays open: the first time reads the profile, the next ones what is new.

    Parameters
    ----------
    settings : Settings
        Where profile, lake and cube are.
    store : Store
        Where the change log is.

    Examples
    --------
    >>> keeper = Keeper(settings, store)  # doctest: +SKIP
    >>> keeper.renew()  # doctest: +SKIP
    Outcome(computed=[], refreshed=['pm25_hourly'])
    >>> keeper.renew()  # nothing is new  # doctest: +SKIP
    """

    def __init__(self, settings: Settings, store: Store) -> None:
        self.settings, self.store = settings, store
        self.cube = Cube(settings.cube)
        self.computed: list[str] = []
        """Indicators that can be computed, their tables being there."""
        self._mark = ""
        self._there: set[str] = set()

    def renew(
        self, again: bool = False, progress: Callable[[int, int], None] | None = None
    ) -> Outcome | None:
        """Compute what is new, commit it and write the change log.

        Parameters
        ----------
        again, progress
            As in `Refresh.run`.

        Returns
        -------
        Outcome, optional
            What was computed; None: the figures were up to date.

        Raises
        ------
        CityError
            A declaration is wrong, or a cluster does not answer; nothing was computed.
        DatasetMissing
            No indicator has a table.
        """
        # A process that was killed between a commit and its row left the row to us.
        self._tell()
        self._open()
        outcome = self._refresh.run(again, progress)
        if outcome is not None:
            self._tell()
        return outcome

    def missing(self) -> DatasetMissing | None:
        """What to say of the indicators that were not computed; None: all were."""
        missing = sorted({one.dataset for one in self._declared.values()} - self._there)
        if not missing:
            return None
        left = ", ".join(name for name in self._declared if name not in self.computed)
        return DatasetMissing(
            f"no table of {', '.join(missing)} yet, so these were not computed: {left}; "
            f"run `citylib load {' '.join(missing)}` and compute again"
        )

    def _tell(self) -> None:
        """Lay the newest figures out for screens, then tell those that are open."""
        try:
            if self.cube.newest is not None:
                lay_out(self.cube, place_of(self.settings))
        except OSError as error:
            log.warning("screens read the cube, as figures cannot be laid out: %s", error)
        announce(self.cube, self.store)

    def _open(self) -> None:
        """Read the profile, unless it is as it was and so are the tables that are there."""
        mark = self._state()
        if mark != self._mark:
            self._mark = ""
            self.city = load_city(self.settings.profile)
            self._declared = load_indicators(self.settings.profile / FOLDER, self.city)
            self.lake = Lake(self.settings.lake, self.city)
        elif {one.dataset for one in self._declared.values()} <= self._there:
            return
        there = set(self.lake.datasets())
        if (mark, there) == (self._mark, self._there):
            return
        possible = {name: one for name, one in self._declared.items() if one.dataset in there}
        possible = {n: one for n, one in possible.items() if one.per is None or one.per in possible}
        if not possible and self._declared:
            self.lake.table(next(iter(self._declared.values())).dataset)
        self._refresh = Refresh(self.lake, self.cube, self.city, possible)
        self.computed, self._mark, self._there = [*possible], mark, there

    def _state(self) -> str:
        """What changes when the profile does."""
        profile = self.settings.profile
        files = [path for part in PARTS for path in (profile / part).rglob("*") if path.is_file()]
        known = [(path, path.stat()) for path in sorted([*files, profile / "city.toml"])]
        return "\n".join(f"{path} {of.st_size} {of.st_mtime_ns}" for path, of in known)
