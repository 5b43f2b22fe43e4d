"""What a source sent: decoded, held against what was expected, bounded.

Nothing here asks anybody for anything, so a test can feed it bytes of any kind.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard, cast
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from citylib.feeds.connector import FeedFault

CONTAINERS = 1_000_000
"""Objects and lists (in XML, tags) in one answer, at most: in memory each is a hundred times as
large as its two bytes."""
VALUES = 10_000_000
"""Values in one answer, at most."""


class Twice(dict[str, Any]):
    """An object in which a name stands twice, so that it is not known which value is meant."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.pairs = pairs

    def items(self) -> Any:
        """All that was sent: this is what the object is written from."""
        return self.pairs


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    return value if len(value) == len(pairs) else Twice(pairs)


def _integer(text: str) -> int | str:
    return int(text) if len(text) < 30 else text


def _decimal(text: str) -> float | str:
    value = float(text)
    return value if math.isfinite(value) else text


# NaN and Infinity are not JSON but are met; as text they are set aside unless the mapping names
# them as marks for "no value".
_DECODER = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_int=_integer,
    parse_float=_decimal,
    parse_constant=lambda name: name,
)


def json_of(url: str, data: bytes, encodings: Sequence[str] = ("utf-8-sig",)) -> Any:
    """Read an answer as JSON.

    Numbers too large for a float, NaN and Infinity come as the text that was sent.

    Parameters
    ----------
    url : str
        Where it came from, for messages.
    data : bytes
        The answer.
    encodings : sequence of str
        Tried in this order.

    Raises
    ------
    FeedFault
        It is in another encoding, is no JSON, or holds more than can be meant.
    """
    if data.count(b"{") + data.count(b"[") > CONTAINERS:
        raise FeedFault(f"{url}: more than {CONTAINERS:,} objects and lists; ask for less at once")
    if data.count(b",") > VALUES:
        raise FeedFault(f"{url}: more than {VALUES:,} values; ask for less at once")
    text = _decoded(url, data, encodings)
    try:
        return _DECODER.decode(text)
    except RecursionError:
        raise FeedFault(f"{url}: values within values beyond measure; this is no record") from None
    except ValueError as error:
        begin = what(text) if text.strip() else "nothing at all"
        raise FeedFault(f"{url}: expected JSON, but {error}; what came is {begin}") from None


def _decoded(url: str, data: bytes, encodings: Sequence[str]) -> str:
    places = []
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError as error:
            places.append(f"{encoding} fails at byte {error.start}")
    raise FeedFault(
        f"{url}: the text is not in the encoding declared ({'; '.join(places)}); "
        "name its encoding in `encodings`"
    )


def xml_of(url: str, data: bytes) -> Element:
    """Read an answer as XML; entities and document types of its own are refused.

    Raises
    ------
    FeedFault
        It is no XML, or has such.
    """
    if data.count(b"<") > CONTAINERS:
        raise FeedFault(f"{url}: more than {CONTAINERS:,} tags; ask for less at once")
    try:
        return cast(Element, fromstring(data, forbid_dtd=True))
    except DefusedXmlException:
        raise FeedFault(f"{url}: the XML brings a document type of its own; refused") from None
    except (ParseError, ValueError, LookupError) as error:
        begin = what(data[:200].decode("utf-8", "replace")) if data.strip() else "nothing at all"
        raise FeedFault(f"{url}: expected XML, but {error}; what came is {begin}") from None


def what(value: object) -> str:
    """What a value is, in a few words that can be printed anywhere."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"the text {_short(value)}"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        names = ", ".join(_short(name) for name in list(value)[:6])
        return f"an object with {names}" if names else "an empty object"
    return f"the number {value}"


def _short(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:80] + "…")


def unlike(url: str, expected: str, came: object) -> FeedFault:
    """The fault of an answer that is not what the standard says."""
    return FeedFault(f"{url}: expected {expected}; what came is {what(came)}")


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether it is an object of which each name stands once."""
    return isinstance(value, dict) and not isinstance(value, Twice)


def member(url: str, value: object, name: str, kind: type, expected: str) -> Any:
    """A member of an object, which must be there and of a kind.

    Raises
    ------
    FeedFault
        It is not, or stands there twice.
    """
    if not is_object(value):
        raise unlike(url, expected, value)
    found = value.get(name)
    if not isinstance(found, kind) or (kind is int and isinstance(found, bool)):
        raise unlike(f"{url}: {name}", expected, found)
    return found


def positive(value: object) -> int | None:
    """A count, if it is one: a number not below zero, also when it was sent as text."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**15:
        return value
    return None


def texts(value: Mapping[str, Any], *names: str) -> str:
    """What an error object says of itself, in those of its members that are there."""
    said = [str(value[name])[:200] for name in names if isinstance(value.get(name), (str, int))]
    return ": ".join(repr(text)[1:-1] for text in said)
