"""Which of all that is sent in a room one participant receives, and how large."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from citylib.conference.protocol import Source, Want

MOST_RECENT = 9
"""Speakers whose pictures and sound everybody receives."""
MOST_SHOWN = 4
"""Of what is shown to all (screens, city cameras), at most."""
FEW = 4
"""So few pictures are shown in the middle size."""
SMALL, MIDDLE, LARGE = 0, 1, 2
SOUND: frozenset[Source] = frozenset({"microphone", "screen-sound", "interpretation"})


@dataclass(frozen=True)
class Sent:
    """One source of a participant, as it is in Janus.

    Attributes
    ----------
    who : str
        The participant.
    source : Source
        What it shows.
    feed, mid : str
        Janus's names for it.
    layered : bool
        Whether it is sent in several sizes.
    """

    who: str
    source: Source
    feed: str
    mid: str
    layered: bool = False

    @property
    def kind(self) -> str:
        """ "audio" or "video"."""
        return "audio" if self.source in SOUND else "video"


def choose(
    me: str,
    sent: Iterable[Sent],
    seen: list[str],
    heard: list[str],
    want: Want,
    interpreter: str | None,
) -> dict[Sent, int]:
    """What somebody receives, with the layer of each picture.

    Parameters
    ----------
    me : str
        The participant, who does not receive what is their own.
    sent : iterable of Sent
        Everything that is sent in the room.
    seen, heard : list of str
        The others in the order in which their pictures and their sound are preferred.
    want : Want
        What the page asked for.
    interpreter : str, optional
        Whose `interpretation` is listened to.
    """
    by_source: dict[Source, dict[str, Sent]] = {}
    for one in sent:
        if one.who != me:
            by_source.setdefault(one.source, {})[one.who] = one
    most = None if want.videos == "all" else MOST_RECENT
    chosen = _first(heard, by_source.get("microphone"), most)
    chosen += _first(heard, by_source.get("screen-sound"), MOST_SHOWN)
    chosen += _first([interpreter] if interpreter else [], by_source.get("interpretation"), 1)
    layers = dict.fromkeys(chosen, LARGE)
    if want.videos == "none":
        return layers
    for source in ("screen", "city-camera"):
        layers |= dict.fromkeys(_first(seen, by_source.get(source), MOST_SHOWN), LARGE)
    order = [want.large, *seen] if want.large else seen
    cameras = _first(order, by_source.get("camera"), most)
    usual = MIDDLE if len(cameras) <= FEW and not want.small else SMALL
    layers |= dict.fromkeys(cameras, usual)
    large = want.large or (seen[0] if want.videos == "recent" and seen else None)
    if large and not want.small:
        layers |= {camera: LARGE for camera in cameras if camera.who == large}
    return layers


def _first(order: list[str], sent: dict[str, Sent] | None, most: int | None) -> list[Sent]:
    found = [sent[who] for who in dict.fromkeys(order) if who in sent] if sent else []
    return found[:most]
