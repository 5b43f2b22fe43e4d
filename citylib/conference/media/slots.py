"""The media of a receiving connection: each a slot whose source can be switched.

An empty slot is fed by the room's dummy, which sends nothing. A new offer is needed only when there
are too few slots, and after somebody's connection broke while they were in a slot.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from citylib.conference.media.wanted import LARGE, Sent

LAYER_WITHIN = 1.0
"""Seconds until a layer that did not come is asked for again: the request for a key picture may
have been lost, or overheard so soon after another."""
MOST_ASKED = 4
DUMMY_MIDS = {"audio": "0", "video": "1"}
KINDS = ("audio", "video")


@dataclass
class Slot:
    """A medium of the connection.

    Attributes
    ----------
    mid, kind : str
        Its name in the connection, and "audio" or "video".
    source : tuple of str
        Feed and mid of what fills it; the dummy's when nothing does.
    active : bool
        Whether anything fills it; if not, filling it needs an offer.
    layer, got : int
        Of its picture: as last asked for, and as Janus said that it comes; -1: it said nothing.
    asked, asked_at : int, float
        How often it was asked for, and when last.
    """

    mid: str
    kind: str
    source: tuple[str, str] = ("", "")
    active: bool = True
    layer: int = LARGE
    got: int = -1
    asked: int = 0
    asked_at: float = 0.0

    def ask_for(self, layer: int) -> None:
        """Note that a layer is asked for."""
        self.asked = self.asked + 1 if layer == self.layer else 1
        self.layer, self.asked_at = layer, time.monotonic()

    def lacks(self, layer: int) -> bool:
        """Whether a layer is to be waited for, since it was not asked for too often."""
        return self.layer != layer or (self.got != layer and self.asked < MOST_ASKED)

    def is_late(self, layer: int) -> bool:
        """Whether a layer is to be asked for now."""
        late = time.monotonic() - self.asked_at > LAYER_WITHIN
        return self.layer != layer or (late and self.lacks(layer))


@dataclass(frozen=True)
class Plan:
    """What is to be asked of Janus.

    Attributes
    ----------
    moves : list
        Slots that get another source, without an offer.
    left : list of Sent
        For whom there is no slot.
    """

    moves: list[tuple[Slot, tuple[str, str]]]
    left: list[Sent]


class Slots:
    """The slots of a connection.

    Parameters
    ----------
    dummy : str
        The feed of the room's dummy.
    """

    def __init__(self, dummy: str) -> None:
        self._dummy = dummy
        self._slots: dict[str, Slot] = {}
        self._known: dict[tuple[str, str], tuple[Sent, int]] = {}

    def __len__(self) -> int:
        return len(self._slots)

    @property
    def media(self) -> list[tuple[str, str]]:
        """Name and kind of each, in the order of the connection."""
        return [(slot.mid, slot.kind) for slot in self._slots.values()]

    def plan(self, wanted: dict[Sent, int]) -> Plan:
        """How to come from what is there to what is wanted; who has a slot keeps it."""
        self._known = {(one.feed, one.mid): (one, layer) for one, layer in wanted.items()}
        slots = self._slots.values()
        held = {slot.source for slot in slots if slot.active}
        # Empty ones first: in one that changes hands the picture before is still seen for a moment.
        free = {
            kind: sorted(
                (s for s in slots if s.kind == kind and s.source not in self._known),
                key=lambda slot: (not slot.active, slot.source[0] != self._dummy, int(slot.mid)),
            )
            for kind in KINDS
        }
        moves: list[tuple[Slot, tuple[str, str]]] = []
        left = []
        for source, (one, _) in self._known.items():
            if source not in held and free[one.kind]:
                moves.append((free[one.kind].pop(0), source))
            elif source not in held:
                left.append(one)
        for slot in (slot for kind in KINDS for slot in free[kind]):
            if slot.active and slot.source[0] != self._dummy:
                moves.append((slot, (self._dummy, DUMMY_MIDS[slot.kind])))
        return Plan(moves, left)

    def take(self, streams: Iterable[dict[str, Any]]) -> None:
        """What Janus says of them."""
        for stream in streams:
            slot = self._slots.setdefault(stream["mid"], Slot(stream["mid"], stream["type"]))
            slot.active = bool(stream.get("active"))
            source = (stream.get("feed_id", ""), stream.get("feed_mid", ""))
            if slot.source != source:
                slot.source, slot.got, slot.asked = source, -1, 0

    def take_layer(self, mid: str, layer: int) -> None:
        """Which layer of a picture comes now, as Janus says."""
        if slot := self._slots.get(mid):
            slot.got = layer

    def note_subscribed(self) -> None:
        """What was subscribed to was asked for with its layer."""
        for slot in self._slots.values():
            if slot.asked == 0 and (known := self._known.get(slot.source)):
                slot.ask_for(known[1])

    def layers(self) -> tuple[list[dict[str, Any]], bool]:
        """The layers that are to be asked for now, and whether some are still waited for."""
        streams, waiting = [], False
        for slot in self._slots.values():
            one, layer = self._known.get(slot.source, (None, 0))
            if one is None or not one.layered:
                continue
            if slot.is_late(layer):
                slot.ask_for(layer)
                streams.append({"mid": slot.mid, "substream": layer})
            waiting |= slot.lacks(layer)
        return streams, waiting

    def tracks(self) -> list[dict[str, str]]:
        """Who fills which, as a page is told."""
        found = ((slot, self._known.get(slot.source)) for slot in self._slots.values())
        return [
            {"mid": slot.mid, "who": known[0].who, "source": known[0].source}
            for slot, known in found
            if known is not None and slot.active
        ]

    def spares(self, kinds: Iterable[str], count: int) -> list[dict[str, Any]]:
        """So many empty slots of each kind, to be subscribed to."""
        return [
            {"feed": self._dummy, "mid": DUMMY_MIDS[kind]} for kind in kinds for _ in range(count)
        ]


def stream_of(one: Sent, layer: int) -> dict[str, Any]:
    """A source to be subscribed to."""
    told: dict[str, Any] = {"feed": one.feed, "mid": one.mid}
    return {**told, "substream": layer} if one.kind == "video" else told
