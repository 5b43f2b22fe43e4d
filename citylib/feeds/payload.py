"""What a source sent, as rows: decoded, held against what was expected, bounded.

Nothing here asks anybody for anything, so a test can feed it bytes of any kind. Whatever they are,
what comes of them is a sheet or a `FeedFault`; and every row that the bytes hold is in the sheet,
as a row or among the bad ones.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard, cast
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from citylib.feeds.connector import FeedFault
from citylib.lake.sheet import Sheet, sheet_of

DEPTH = 64
"""Values within values, at most."""
CONTAINERS = 1_000_000
"""Objects and lists (in XML, tags) in one answer, at most: in memory each is a hundred times as
large as its two bytes."""
ROWS = 200_000
"""Rows in one answer, at most."""
HEADERS = 2_000
"""Different headers in one answer, at most."""
VALUES = 10_000_000
"""Values in one answer, at most."""
CELLS = 20_000_000
"""Rows times headers of one answer, at most: rows that share no header are mostly empty cells."""

Make = Callable[[dict[str, Any]], "dict[str, Any] | str"]


@dataclass(frozen=True)
class Page:
    """What one answer held.

    Attributes
    ----------
    sheet : Sheet
        Its rows, good and bad.
    rows : list
        The same as they were sent.
    total : int, optional
        How many rows the source says that there are, over all pages.
    link : str, optional
        Where the source says that the next page is.
    """

    sheet: Sheet
    rows: list[Any]
    total: int | None = None
    link: str | None = None


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


def sheet_from(name: str, values: list[Any], make: Make | None = None) -> Sheet:
    """A sheet of what a source sent as its rows.

    Nested values get dotted headers, as `sheet_of` says; lists of lists (the positions of a line
    or an area) stay together as JSON. A row's raw text is what was sent.

    Parameters
    ----------
    name : str
        For reports: the address without key.
    values : list
        What stands where rows should.
    make : callable, optional
        Given a row, gives the row to use in its place, or the reason why it is none.

    Raises
    ------
    FeedFault
        More rows than can be meant, or values within values beyond measure.
    """
    if len(values) > ROWS:
        raise FeedFault(f"{name}: {len(values):,} rows in one answer; ask for less at once")
    good: list[tuple[Any, dict[str, Any]]] = []
    bad: list[tuple[Any, str]] = []
    headers: set[str] = set()
    most = min(HEADERS, CELLS // max(len(values), 1))
    for value in values:
        row = _row(name, value, make)
        if isinstance(row, str):
            bad.append((value, row))
        elif len(headers) + len(row.keys() - headers) > most:
            bad.append((value, f"more than {most:,} different headers on one page"))
        else:
            headers.update(row)
            good.append((value, row))
    try:
        "".join(headers).encode()
        return _sheet(name, good, bad)
    except UnicodeEncodeError:
        whole = [(value, row) for value, row in good if _is_text(row)]
        broken = [(value, "text with half a character") for value, row in good if not _is_text(row)]
        return _sheet(name, whole, bad + broken)


def _sheet(name: str, good: list[tuple[Any, dict[str, Any]]], bad: list[tuple[Any, str]]) -> Sheet:
    sheet = sheet_of(name, [row for _, row in good], [(None, reason) for _, reason in bad])
    sent = [value for value, _ in [*good, *bad]]
    sheet.raw = lambda line: _raw(sent[line - 1])
    return sheet


def _raw(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if _encodes(text) else json.dumps(value)


def _is_text(row: dict[str, Any]) -> bool:
    return all(_encodes(name) and _encodes(str(value)) for name, value in row.items())


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _row(name: str, value: Any, make: Make | None) -> dict[str, Any] | str:
    twice = _checked(name, value)
    if not isinstance(value, dict):
        return f"a row should be an object; this is {what(value)}"
    if twice:
        return "a name stands twice in it, so it is not known which value is meant"
    if not value:
        return "an empty object"
    row = make(value) if make else value
    return row if isinstance(row, str) else _flat(row)


def _checked(name: str, value: Any) -> bool:
    """Whether a name stands twice anywhere in it."""
    twice = False
    todo = [(value, 1)] if isinstance(value, (dict, list)) else []
    while todo:
        item, depth = todo.pop()
        if depth > DEPTH:
            raise FeedFault(f"{name}: values within values beyond {DEPTH}; this is no record")
        twice = twice or isinstance(item, Twice)
        inside = item.values() if isinstance(item, dict) else item
        todo += [(inner, depth + 1) for inner in inside if isinstance(inner, (dict, list))]
    return twice


def _flat(row: dict[str, Any]) -> dict[str, Any] | str:
    if not any(isinstance(item, (dict, list)) for item in row.values()):
        return row
    result: dict[str, Any] = {}
    for name, value in row.items():
        todo = [(name, value)]
        while todo:
            way, item = todo.pop()
            if isinstance(item, list) and item and isinstance(item[0], list):
                item = json.dumps(item)
            if isinstance(item, dict):
                todo += [(f"{way}.{key}", inner) for key, inner in reversed(item.items())]
            elif isinstance(item, list):
                todo += [(f"{way}.{n}", inner) for n, inner in reversed([*enumerate(item)])]
            elif way in result:
                return f"two of its values come to be called {way!r}"
            elif len(result) >= HEADERS:
                return f"more than {HEADERS:,} values in it"
            else:
                result[way] = item
    return result or "an object without values"


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
