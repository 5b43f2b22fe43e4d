"""Bringing the cube up to date: what is new is merged with what is known.

Of each indicator the cube keeps states (`citylib.indicators.states`) and of each table what it was
like. Records that were added since are merged into the states of their periods; periods of records
that were corrected, or came late, are computed again, and they alone; an indicator that is new, or
means something else, is computed from all records. Counts are the same to the last bit as if
everything were computed at once; sums of other numbers are added in another order, which makes a
relative difference of 1e-9 at most (`citylib.indicators.check.TOLERANCE`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from citylib.city.profile import City
from citylib.indicators.areas import Areas
from citylib.indicators.declaration import Indicator
from citylib.indicators.draft import Draft, number
from citylib.indicators.engine import figures, partials
from citylib.indicators.figures import attributes, declarations, labelled, matrix
from citylib.indicators.functions import computed
from citylib.indicators.own import FunctionIndicator
from citylib.indicators.partial import Partial, cut, empty, length, merge, together, without
from citylib.indicators.replayed import ATTRIBUTE, first_replayed, newer_first, replayed_from
from citylib.indicators.spans import Runs, joined, periods_of
from citylib.lake.changes import EVERYTHING, Changes
from citylib.lake.pieces import Piece
from citylib.lake.table import Table

Progress = Callable[[int, int], None]


@dataclass
class Outcome:
    """What was done.

    Attributes
    ----------
    computed, refreshed : list of str
        Indicators that were computed from all records, and from what was new.
    """

    computed: list[str] = field(default_factory=list)
    refreshed: list[str] = field(default_factory=list)


class Update:
    """One run over all indicators of a city.

    Parameters
    ----------
    draft : Draft
        The next version of the cube.
    indicators : mapping of str to Indicator
        All that the cube is to have, by id.
    tables : mapping of str to Table
        Of their datasets.
    city : City
    digests : mapping of str to str
        Of the indicators, see `citylib.indicators.states.digest`.
    client : callable (int or None) -> distributed.Client or None
        Who computes so many records, or a function when none are said, which always needs a
        client; None: this process by itself.
    progress : callable (done, total), optional
        Called whenever a task is done.
    """

    def __init__(
        self,
        draft: Draft,
        indicators: Mapping[str, Indicator],
        tables: Mapping[str, Table],
        city: City,
        digests: Mapping[str, str],
        client: Callable[[int | None], Any],
        progress: Progress | None = None,
    ) -> None:
        self.draft, self.indicators, self.tables, self.city = draft, indicators, tables, city
        self.digests, self.client, self.progress = digests, client, progress
        self.about: dict[str, Any] = draft.about["states"]
        self.areas = {
            level: Areas.of(city, level) for level in {i.level for i in indicators.values()}
        }
        self.outcome = Outcome()
        self._moved: dict[str, Runs | None] = {}  # None: all
        self._blocks: dict[str, dict[int, Partial]] = {}
        self._made: dict[str, xr.DataArray] = {}

    def run(self, again: bool = False) -> Outcome:
        """Bring everything up to date; nothing is committed.

        Parameters
        ----------
        again : bool
            Compute all from all records.
        """
        draft = self.draft
        gone = [name for name in {*draft.groups, *self.about} if name not in self.indicators]
        draft.states.remove(gone)
        for name in gone:
            draft.remove(name)
            self.about.pop(name, None)
        seen = {} if again else draft.states.seen(self.tables)
        changes = {
            name: table.changes(seen[name]) if name in seen else EVERYTHING
            for name, table in self.tables.items()
        }
        self._states(changes)
        for one in sorted(self.indicators.values(), key=lambda one: one.per is not None):
            self._figures(one)
        draft.put(self._made.values())
        self._tell(changes)
        self._made.clear()
        self._blocks.clear()  # so that each can go as soon as it is stored
        for name, table in self.tables.items():
            if name not in seen or seen[name].version != table.version or changes[name].everything:
                draft.states.see(name, table.seen)
        draft.about |= {
            "groups": {name: draft.groups[name] for name in self.indicators},
            "tables": {name: table.version for name, table in self.tables.items()},
            "declarations": declarations(self.indicators, self.tables),
        }
        return self.outcome

    def _states(self, changes: Mapping[str, Changes]) -> None:
        """Bring the states up to date."""
        full, part = [], []
        for name, indicator in self.indicators.items():
            change, known = changes[indicator.dataset], self.about.get(name, {})
            holds = known.get("digest") == self.digests[name] and name in self.draft.groups
            if change.everything or not holds or not (indicator.merges or change.nothing):
                full.append(indicator)
            elif not change.nothing:
                part.append(indicator)
        self.outcome.computed = [indicator.id for indicator in full]
        self.outcome.refreshed = [indicator.id for indicator in part]
        self._compute(full)
        if part:
            self._merge_all(part, changes)

    def _compute(self, indicators: Sequence[Indicator]) -> None:
        """States from all records."""
        merging = [one for one in indicators if one.merges]
        pieces = {one.dataset: self.tables[one.dataset].pieces() for one in merging}
        found = self._partials(merging, pieces)
        for one in indicators:
            self._moved[one.id] = None
            self.about[one.id] = {"digest": self.digests[one.id], "periods": [0, 0]}
        for one in merging:
            width = self._width(one)
            self._blocks[one.id] = cut(found[one.id], width)
            if len(period := found[one.id].keys // width):
                self.about[one.id]["periods"] = [int(period[0]), int(period[-1]) + 1]
        self.draft.states.remove([one.id for one in indicators])
        self.draft.states.write({one.id: self._blocks[one.id] for one in merging})
        self.draft.states.begin()

    def _merge_all(self, indicators: Sequence[Indicator], changes: Mapping[str, Changes]) -> None:
        """Merge what is new into the states that are kept."""
        names = {one.dataset for one in indicators}
        added = {name: self.tables[name].added(changes[name].added) for name in names}
        new = self._partials(indicators, added)
        for frequency in dict.fromkeys(one.frequency for one in indicators):
            mine = [one for one in indicators if one.frequency == frequency]
            touched, pieces, times = {}, {}, {}
            for name in {one.dataset for one in mine}:
                spans = changes[name].touched
                touched[name], spans = periods_of(spans, self.city.timezone, frequency)
                if len(spans):
                    pieces[name] = self.tables[name].pieces(spans - [0, 1])
                    times[name] = [(first, end) for first, end in spans.tolist()]
            again = self._partials([one for one in mine if one.dataset in pieces], pieces, times)
            self._merge(mine, touched, new, again)

    def _merge(
        self,
        indicators: Sequence[Indicator],
        touched: Mapping[str, np.ndarray],
        new: Mapping[str, Partial],
        again: Mapping[str, Partial],
    ) -> None:
        """Merge new records into states, and replace those of touched periods by dataset."""
        changed = {}
        for one in indicators:
            periods, width, nothing = touched[one.dataset], self._width(one), empty(one.how)
            news = cut(without(new[one.id], periods, width), width)
            agains = cut(again.get(one.id, nothing), width)
            numbers = {*news, *agains, *(periods // length(width)).tolist()}
            changed[one.id] = {n: (news.get(n, nothing), agains.get(n, nothing)) for n in numbers}
        old = self.draft.states.read(changed)
        for one in indicators:
            periods, width, nothing = touched[one.dataset], self._width(one), empty(one.how)
            blocks = {
                n: merge(
                    one.how,
                    without(old[one.id].get(n, nothing), periods, width),
                    *changed[one.id][n],
                )
                for n in sorted(changed[one.id])
            }
            size = length(width)
            self._blocks[one.id] = blocks
            self._moved[one.id] = joined([(n * size, (n + 1) * size) for n in blocks])
            ends = [part.keys[[0, -1]] // width for part in blocks.values() if len(part.keys)]
            known = self.about[one.id]
            if known["periods"][1] > known["periods"][0]:
                ends.append(np.array(known["periods"]) - [0, 1])
            if ends:
                known["periods"] = [int(np.min(ends)), int(np.max(ends)) + 1]
        self.draft.states.write({one.id: self._blocks[one.id] for one in indicators})
        self.draft.states.begin()

    def _figures(self, indicator: Indicator) -> None:
        """Make those figures of an indicator anew that are other ones now."""
        name, table = indicator.id, self.tables[indicator.dataset]
        known = self.about[name]
        if known.get("meaning") != indicator.meaning or indicator.per in self._moved:
            self._moved[name] = None
        known["meaning"] = indicator.meaning
        runs = self._moved.get(name, [])
        if runs is None:
            if isinstance(indicator, FunctionIndicator):
                client = self.client(None)
                head = self._head(indicator)
                self._made[name] = computed(indicator, table, self.city, client, head)
            else:
                self._made[name] = self._from_states(indicator, tuple(known["periods"]))
            return
        reach = indicator.reach
        if reach is None and runs:
            runs = [(runs[0][0], max(runs[-1][1], known["periods"][1]))]
        elif reach:
            runs = joined([(first, end + reach) for first, end in runs])
        for first, end in runs:
            begin = known["periods"][0] if reach is None else first - reach
            start, found = self._values(indicator, (min(begin, first), end))
            values = np.full((end - first, found.shape[1]), np.nan)
            low, high = max(start, first), min(start + len(found), end)
            if high > low:
                values[low - first : high - first] = found[low - start : high - start]
            self.draft.patch(name, first, values)

    def _values(self, indicator: Indicator, periods: tuple[int, int]) -> tuple[int, np.ndarray]:
        """Figures from the states of some periods, and the number of the first one's period."""
        if indicator.reach == 0 and indicator.per is None:  # without labels, which take as long
            return matrix(indicator, self._kept(indicator, periods), self._width(indicator))
        array = self._from_states(indicator, periods)
        return number(array), array.values

    def _from_states(self, indicator: Indicator, periods: tuple[int, int]) -> xr.DataArray:
        """Figures from the states of some periods, and of those beside them."""
        metadata = self.tables[indicator.dataset].metadata
        part = self._kept(indicator, periods)
        return figures(indicator, part, self.city, metadata, self._head(indicator))

    def _kept(self, indicator: Indicator, periods: tuple[int, int]) -> Partial:
        """States of some periods, and of those beside them."""
        name, size = indicator.id, length(self._width(indicator))
        low, high = self.about[name]["periods"]
        first, end = max(periods[0], low), min(periods[1], high)
        numbers = range(first // size, -(-end // size)) if end > first else range(0)
        blocks = self._blocks.get(name, {})
        missing = [block for block in numbers if block not in blocks]
        blocks = blocks | self.draft.states.read({name: missing})[name]
        parts = [blocks[block] for block in numbers if block in blocks]
        return together(parts, indicator.how)

    def _head(self, indicator: Indicator) -> xr.DataArray | None:
        """Figures of the indicator that this one is per."""
        if indicator.per is None:
            return None
        if indicator.per in self._made:
            return self._made[indicator.per]
        other = self.indicators[indicator.per]
        start, end = self.draft.about["spans"][other.id]
        values, areas = self.draft.read(other.id, (start, end)), self.areas[other.level]
        return labelled(other, start, values, areas, self.city, self.tables[other.dataset].metadata)

    def _tell(self, changes: Mapping[str, Changes]) -> None:
        """Note what is said of each indicator."""
        replayed = self.draft.about.get("replayed", {})
        first = {
            name: newer_first(table, changes[name], replayed.get(name))
            if name in replayed
            else first_replayed(table.pieces())
            for name, table in self.tables.items()
        }
        self.draft.about["replayed"] = first
        for name, one in self.indicators.items():
            span = self.draft.about["spans"][name]
            said = replayed_from(first[one.dataset], self.city.timezone, one.frequency, span)
            attrs = {**attributes(one, self.tables[one.dataset].metadata), ATTRIBUTE: said}
            mark = hashlib.sha256(json.dumps(attrs).encode()).hexdigest()[:16]
            if name in self._made or self.about[name].get("said") != mark:
                self.draft.describe(name, attrs)
                self.about[name]["said"] = mark

    def _partials(
        self,
        indicators: Sequence[Indicator],
        pieces: Mapping[str, Sequence[Piece]],
        times: Mapping[str, list[tuple[int, int]]] | None = None,
    ) -> dict[str, Partial]:
        rows = sum(piece.rows for some in pieces.values() for piece in some)
        if not rows:
            return {one.id: empty(one.how) for one in indicators}
        return partials(indicators, pieces, self.city, self.client(rows), self.progress, times)

    def _width(self, indicator: Indicator) -> int:
        return len(self.areas[indicator.level].codes)
