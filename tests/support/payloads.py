"""Hostile payloads: what no source should send, made by hypothesis.

HOSTILE_PAYLOADS says how many for each connector, 300 by default; given, they are new ones each
time, else the same ones always.
"""

from __future__ import annotations

import copy
import json
import os
import random
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

NUMBER = os.environ.get("HOSTILE_PAYLOADS")
hostile_payloads = settings(
    max_examples=int(NUMBER or 300),
    derandomize=NUMBER is None,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
"""Decorates a test of payloads."""

TEXTS = st.sampled_from(
    [
        "",
        " ",
        "\x00",
        "\ud800",
        "\udfff\ud800",
        "\U0001f6b2",
        "é\u0301",
        "\u202e",
        "'; drop table rows; --",
        "<script>",
        "=1+1",
        "NaN",
        "1e999",
        "2026-05-01T00:00:00Z",
        "9999-12-31T23:59:59-23:59",
        "0001-01-01T00:00:00+23:59",
        "a" * 5000,
        "../../etc/passwd",
        "http://169.254.169.254/",
        "id",
        "type",
    ]
) | st.text(st.characters(), max_size=8)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([2**31, 2**63, -(2**63) - 1, 10**40, 10**4000, -1, 0]),
    st.floats(),
    TEXTS,
)
"""Single values, as wrong as they can be."""
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
"""Any value that JSON, and what passes for it, can say."""


@st.composite
def deep(draw: st.DrawFn) -> Any:
    """Values within values."""
    value: Any = draw(LEAVES)
    for level in range(draw(st.sampled_from([3, 40, 63, 64, 65, 66, 200]))):
        value = [value] if level % 2 else {"a": value}
    return value


def written(value: Any) -> bytes:
    """As JSON, with lone surrogates as escapes, NaN and Infinity as they are met."""
    return json.dumps(value).encode()


def _places(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Ways to all values within."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    ways = [way] if way else []
    for key, item in inner:
        more = (*way, key)
        ways += _places(item, more) if isinstance(item, (dict, list)) else [more]
    return ways


def mutated(sample: Any) -> st.SearchStrategy[Any]:
    """A sample in which some values are others, are gone or are there twice."""
    ways = _places(sample)

    @st.composite
    def strategy(draw: st.DrawFn) -> Any:
        value = copy.deepcopy(sample)
        for _ in range(draw(st.integers(1, 3))):
            way = draw(st.sampled_from(ways))
            place = value
            try:
                for key in way[:-1]:
                    place = place[key]
                match draw(st.sampled_from(["other", "other", "gone", "twice", "deep"])):
                    case "other":
                        place[way[-1]] = draw(VALUES)
                    case "gone":
                        del place[way[-1]]
                    case "twice" if isinstance(place, list):
                        place.insert(0, place[way[-1]])
                    case _:
                        place[way[-1]] = draw(deep())
            except (KeyError, IndexError, TypeError):
                continue  # an earlier change took it away
        return value

    return strategy()


PIECES = [b"{", b"}", b"[", b"]", b'"', b",", b"\\u", b"NaN", b"\xff", b"\x00", b"<a>", b"&x;"]
PIECES += [b"<!--", b"[" * 2000, b'{"a":' * 2000, b"9" * 5000]


@st.composite
def broken(draw: st.DrawFn, data: bytes) -> bytes:
    """Bytes of which some are lost, changed or put in."""
    chance = random.Random(draw(st.integers(0, 2**32)))  # noqa: S311
    piece = bytearray(data)
    for _ in range(draw(st.integers(1, 4))):
        at = chance.randrange(len(piece) + 1)
        match draw(st.sampled_from(["cut", "change", "insert", "repeat"])):
            case "cut":
                del piece[at:]
            case "change" if at < len(piece):
                piece[at] = chance.randrange(256)
            case "insert":
                piece[at:at] = chance.choice(PIECES)
            case _:
                piece[at:at] = piece[max(0, at - 40) : at]
    return bytes(piece)


def payloads(
    samples: list[bytes], envelope: Callable[[list[Any]], Any]
) -> st.SearchStrategy[bytes]:
    """Bytes of every hostile kind.

    Parameters
    ----------
    samples : list of bytes
        Good answers of the source.
    envelope : callable
        Makes an answer of rows.
    """
    known = [value for value in map(_loaded, samples) if value is not None]
    kinds = [
        st.binary(max_size=60),
        VALUES.map(written),
        st.lists(VALUES, max_size=6).map(lambda rows: written(envelope(rows))),
        st.lists(deep(), min_size=1, max_size=3).map(lambda rows: written(envelope(rows))),
        st.sampled_from(samples).flatmap(broken),
    ]
    kinds += [mutated(value).map(written) for value in known]
    return st.one_of(kinds)


def _loaded(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return None
