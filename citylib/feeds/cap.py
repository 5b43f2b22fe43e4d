"""What CAP 1.1 and 1.2 alerts say, and the indexes (Atom, RSS) that lead to them.

An alert is one row for each area of each of its infos. Values stand as sent; what occurs several
times is one text. Signatures are not verified.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from xml.etree.ElementTree import Element

from citylib.feeds.connector import FeedFault
from citylib.feeds.payload import xml_of
from citylib.feeds.rows import Page, sheet_from

NAMESPACES = ("urn:oasis:names:tc:emergency:cap:1.1", "urn:oasis:names:tc:emergency:cap:1.2")
TEXT = 64 * 2**20
"""Characters of the rows of one answer, at most: an info is repeated for each of its areas."""

ONCE = {
    "alert": "identifier sender sent status msgType source scope restriction addresses note "
    "references incidents",
    "info": "language event urgency severity certainty audience effective onset expires senderName "
    "headline description instruction web contact",
    "area": "areaDesc altitude ceiling",
}
"""Elements that occur once in each part; the header is their name, `area_desc` for areaDesc."""
SEVERAL = {"alert": "code", "info": "category responseType", "area": "polygon circle"}
NAMED = {"alert": "", "info": "eventCode parameter", "area": "geocode"}
"""Pairs of a name and a value: the header is such as `geocode.FIPS6`."""
BELOW = {"alert": "info", "info": "area", "area": ""}

WORDS = {
    "status": {"Actual", "Exercise", "System", "Test", "Draft"},
    "msgType": {"Alert", "Update", "Cancel", "Ack", "Error"},
    "scope": {"Public", "Restricted", "Private"},
    "urgency": {"Immediate", "Expected", "Future", "Past", "Unknown"},
    "severity": {"Extreme", "Severe", "Moderate", "Minor", "Unknown"},
    "certainty": {"Observed", "Likely", "Possible", "Unlikely", "Unknown"},
}
CATEGORIES = {"Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport"}
CATEGORIES |= {"Infra", "CBRNE", "Other"}
NUMBER = r"[+-]?\d{1,3}(?:\.\d{1,20})?"
POSITION = re.compile(rf"({NUMBER}),({NUMBER})", re.ASCII)
CIRCLE = re.compile(rf"({NUMBER}),({NUMBER}) +\d{{1,6}}(?:\.\d{{1,20}})?", re.ASCII)
NOT_IN_NAME = re.compile(r"[\s,<&]")


@dataclass(frozen=True)
class Link:
    """Where an index says that an alert is.

    Attributes
    ----------
    address : str
        As sent.
    updated : str
        When the alert was changed, as sent; empty if the index does not say.
    """

    address: str
    updated: str


@dataclass(frozen=True)
class Answer:
    """What an answer holds: alerts, ways to alerts, or both.

    Attributes
    ----------
    page : Page
        Rows of the alerts in it, and entries that lead to none as bad ones.
    links : list of Link
        What is still to be asked for.
    """

    page: Page
    links: list[Link]


def read_answer(url: str, data: bytes) -> Answer:
    """Read an alert, several of them in whatever holds them (such as EDXL-DE), or an index.

    Raises
    ------
    FeedFault
        It is no XML, has a document type of its own, or neither alerts nor an index.
    """
    root = xml_of(url, data)
    entries = _entries(root)
    rows: list[Any] = []
    links: list[Link] = []
    if entries is None:
        alerts = [element for element in root.iter() if _name(element) == "alert"]
        if not alerts and _name(root) != "EDXLDistribution":
            raise FeedFault(
                f"{url}: expected CAP alerts, or an index of them in Atom or RSS; what came is "
                f"<{_name(root)[:80]!r}>"
            )
        rows += _rows(url, alerts)
    else:
        inside: list[Element] = []
        for entry in entries:
            alerts = [element for element in entry.iter() if _name(element) == "alert"]
            inside += alerts
            link = None if alerts else _link(entry)
            if link:
                links.append(link)
            elif not alerts:
                said = {_name(child): _text(child) for child in entry}
                rows.append({**said, "@fault": "the entry has neither an alert nor a link to one"})
        rows += _rows(url, inside)
    return Answer(Page(sheet_from(url, rows, _checked), rows), links)


def _name(element: Element) -> str:
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _text(element: Element) -> str:
    return (element.text or "").strip()


def _entries(root: Element) -> list[Element] | None:
    """What an index lists; None if it is no index."""
    wanted = {"feed": "entry", "rss": "item", "RDF": "item"}.get(_name(root))
    if wanted is None:
        return None
    return [element for element in root.iter() if _name(element) == wanted]


def _link(entry: Element) -> Link | None:
    """The way to the alert itself, before ways to pages for people."""
    ways: list[tuple[int, str]] = []
    updated = ""
    for child in entry:
        name = _name(child)
        if name in ("updated", "pubDate", "date"):
            updated = _text(child)
        if name == "enclosure" or (name == "link" and child.get("href")):
            kind, relation = child.get("type", ""), child.get("rel", "alternate")
            address = child.get("href") or child.get("url") or ""
            rank = 0 if "cap+xml" in kind else 1 if relation == "alternate" else 2
            if kind != "text/html" and relation != "self":
                ways.append((rank, address.strip()))
        elif name == "link":
            ways.append((1, _text(child)))
    ways = [way for way in ways if way[1]]
    return Link(min(ways, key=lambda way: way[0])[1], updated) if ways else None


@dataclass(frozen=True)
class _Part:
    """An alert, info or area: its values by header, the parts below, what is wrong with it."""

    values: dict[str, Any]
    below: list[Element]
    fault: str

    @property
    def size(self) -> int:
        return len(repr(self.values))


def _rows(url: str, alerts: Iterable[Element]) -> list[dict[str, Any]]:
    """Rows of alerts as they are; what is wrong is told under "@fault"."""
    rows: list[dict[str, Any]] = []
    size = 0
    for alert in alerts:
        head = _part(alert, "alert")
        namespace = str(alert.tag).rpartition("}")[0].lstrip("{")
        other = f"not CAP 1.1 or 1.2: its namespace is {namespace[:80]!r}"
        fault = head.fault if namespace in NAMESPACES else other
        for info_number, info in enumerate(head.below or [None]):
            body = _part(info, "info")
            shared = head.size + body.size
            for area_number, area in enumerate(body.below or [None]):
                place = _part(area, "area")
                size += shared + place.size
                if size > TEXT:
                    raise FeedFault(f"{url}: alerts of more than {TEXT:,} characters; refused")
                row = {**head.values, **body.values, **place.values}
                row |= {"info": info_number, "area": area_number}
                wrong = fault or body.fault or place.fault
                rows.append(row | {"@fault": wrong} if wrong else row)
    return rows


def _part(element: Element | None, kind: str) -> _Part:
    values: dict[str, Any] = {}
    below: list[Element] = []
    fault = ""
    if element is None:
        return _Part(values, below, fault)
    once, several, named = (what[kind].split() for what in (ONCE, SEVERAL, NAMED))
    lists: dict[str, list[str]] = {}
    pairs: dict[str, dict[str, list[str]]] = {}
    for child in element:
        name, text = _name(child), _text(child)
        if name == BELOW[kind]:
            below.append(child)
        elif name in once:
            header = "area_desc" if name == "areaDesc" else name
            if header in values:
                fault = fault or f"{name} stands twice in its {kind}"
            values[header] = text
        elif name in several and text:
            lists.setdefault(name, []).append(text)
        elif name in named:
            inside = {_name(part): _text(part) for part in child}
            pairs.setdefault(name, {}).setdefault(inside.get("valueName", ""), []).append(
                inside.get("value", "")
            )
    for name, texts in lists.items():
        values[name] = ("; " if name in ("polygon", "circle") else " ").join(texts)
    for name, group in pairs.items():
        joined = {key: " ".join(filter(None, texts)) for key, texts in group.items()}
        values[name] = joined
        if name == "geocode":
            values["geocodes"] = "; ".join(f"{key}={text}" for key, text in joined.items())
    return _Part(values, below, fault or _wrong(kind, values))


def _wrong(kind: str, values: dict[str, Any]) -> str:
    """What the standard does not allow; empty if nothing."""
    needed = {
        "alert": ("identifier", "sender", "sent", "status", "msgType", "scope"),
        "info": ("category", "event", "urgency", "severity", "certainty"),
        "area": ("area_desc",),
    }
    for name in needed[kind]:
        if not values.get(name):
            return f"no {name}, which every {kind} must have"
    for name, words in WORDS.items():
        if values.get(name, "") not in words | {""}:
            return f"{name} is {values[name][:80]!r}, not one of {', '.join(sorted(words))}"
    for name in ("sent", "effective", "onset", "expires"):
        if values.get(name) and not _is_time(values[name]):
            return f"{name} is {values[name][:80]!r}, no time with its distance from UTC"
    for name in ("identifier", "sender"):
        if NOT_IN_NAME.search(values.get(name, "")):
            return f"{name} has a space, comma, < or & in it"
    if (
        kind == "alert"
        and values["msgType"] in ("Update", "Cancel")
        and not values.get("references")
    ):
        return f"{values['msgType']} without references: it is not known what it is of"
    for item in values.get("references", "").split() if kind == "alert" else ():
        if item.count(",") != 2 or not _is_time(item.rpartition(",")[2]):
            return f"references has {item[:80]!r}, which is not sender,identifier,sent"
    for word in values.get("category", "").split():
        if word not in CATEGORIES:
            return f"category is {word[:80]!r}, not one of {', '.join(sorted(CATEGORIES))}"
    return _wrong_place(values)


def _is_time(text: str) -> bool:
    try:
        return "T" in text and datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _wrong_place(values: dict[str, Any]) -> str:
    for polygon in filter(None, values.get("polygon", "").split("; ")):
        corners = polygon.split()
        if not all(_is_position(POSITION.fullmatch(corner)) for corner in corners):
            return "polygon has a corner that is no latitude,longitude in degrees"
        if len(corners) < 4 or corners[0] != corners[-1]:
            return "polygon does not end where it begins, or has fewer than four positions"
    for circle in filter(None, values.get("circle", "").split("; ")):
        if not _is_position(CIRCLE.fullmatch(circle)):
            return "circle is no latitude,longitude in degrees with a radius in km"
    return ""


def _is_position(match: re.Match[str] | None) -> bool:
    return match is not None and abs(float(match[1])) <= 90 and abs(float(match[2])) <= 180


def _checked(row: dict[str, Any]) -> dict[str, Any] | str:
    """A row, or what was found wrong in it."""
    return str(row["@fault"]) if "@fault" in row else row
