"""Which sources bring new records and which do not, as a mayor can read it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from html import escape

from citylib.city.profile import City
from citylib.feeds.health import GOOD, condition
from citylib.look import figures
from citylib.look.words import say
from citylib.operations.feeds import FeedState

ORDER = ("broken", "failing", "silent", "stale", "new", "current", "off")
"""From what needs attention to what does not."""
MARKS = {"broken": "✕", "failing": "✕", "silent": "✕", "stale": "▲", "new": "○", "off": "–"}


@dataclass(frozen=True)
class Source:
    """A source as it is shown: its name, one of `ORDER`, and what is known of its times."""

    title: str
    condition: str
    newest: datetime | None = None
    succeeded: datetime | None = None
    replayed: bool = False

    @property
    def well(self) -> bool:
        """Whether it needs no attention."""
        return self.condition in GOOD


def sources_of(
    city: City, states: Mapping[str, FeedState], lang: str, now: datetime
) -> list[Source]:
    """Sources of a city, those that need attention first.

    Parameters
    ----------
    states : mapping of str to FeedState
        From `store.feeds.read()`.
    now : datetime
        Aware.
    """
    found = [Source(name, "broken") for name in city.feed_faults]
    for feed in city.feeds.values():
        state = states.get(feed.id) or FeedState(feed.id)
        word = condition(feed, state, now)
        replayed = feed.connector == "replay"
        title = feed.title.get(lang) or feed.title[city.languages[0]]
        found.append(Source(title, word, state.newest, state.succeeded, replayed))
    return sorted(found, key=lambda source: (ORDER.index(source.condition), source.title))


def sources(found: Iterable[Source] | None, lang: str, now: datetime, opened: bool = False) -> str:
    """Picture of the sources: a line that tells whether all is well, which opens to a list.

    Parameters
    ----------
    found : iterable of Source or None
        From `sources_of`; None: nothing is known of them.
    lang : str
        Language.
    now : datetime
        Aware, for the ages.
    opened : bool
        Whether the list is open.

    Returns
    -------
    str
        HTML; empty when the city has no sources.
    """
    if found is None:
        return f'<p class="sources-unknown">{say(lang, "feed.unknown")}</p>'
    rows = list(found)
    asked = [row for row in rows if row.condition != "off"]
    if not asked:
        return ""
    bad = sum(not row.well for row in asked)
    key, kind, mark = ("feed.attention", "bad", "▲") if bad else ("feed.well", "good", "●")
    said = say(lang, key, count=len(asked), bad=bad)
    heads = "".join(
        f'<th scope="col">{say(lang, f"feed.{name}")}</th>'
        for name in ("source", "state", "newest", "answered")
    )
    return (
        f'<details class="sources {kind}"{" open" if opened else ""}>'
        f'<summary class="key" data-press="sources"><span aria-hidden="true">{mark}</span> {said}'
        f'</summary><div class="sources-list"><table><caption>{say(lang, "feed.title")}'
        f"</caption><thead><tr>{heads}</tr></thead>"
        f"<tbody>{''.join(_row(row, lang, now) for row in rows)}</tbody></table></div></details>"
    )


def _row(row: Source, lang: str, now: datetime) -> str:
    word = say(lang, f"feed.{row.condition}")
    mark = MARKS.get(row.condition, "●")
    badge = f' <span class="badge replayed">{say(lang, "replayed")}</span>' if row.replayed else ""
    times = "".join(
        f"<td>{age(moment, now, lang) if moment else say(lang, 'feed.never')}</td>"
        for moment in (row.newest, row.succeeded)
    )
    return (
        f'<tr class="{row.condition} {"well" if row.well else "unwell"}">'
        f'<th scope="row">{escape(row.title)}{badge}</th>'
        f'<td class="state"><span aria-hidden="true">{mark}</span> {word}</td>{times}</tr>'
    )


def age(moment: datetime, now: datetime, lang: str) -> str:
    """How long ago a moment was; minutes within the hour."""
    minutes = int((now - moment).total_seconds() // 60)
    if 1 <= minutes < 60:
        return say(lang, "age.minute" + ("s" if minutes > 1 else ""), count=minutes)
    return figures.age(moment, now, lang)
