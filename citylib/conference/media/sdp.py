"""What a session description of a browser says, as far as the service must know it (RFC 8866)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

MOST_SECTIONS = 128
_LINE = re.compile(r"^[a-z]=[\x20-\x7e\x80-\U0010ffff]{0,4000}$")
_MEDIA = re.compile(r"^m=(audio|video|application) (\d{1,5}) [A-Z/]{3,24}( [A-Za-z0-9-]+)+$")
_MID = re.compile(r"^[A-Za-z0-9_-]{1,16}$")
_CANDIDATE = {"candidate": str, "sdpMid": str, "usernameFragment": str, "sdpMLineIndex": int}
_DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")


class MalformedDescription(ValueError):
    """It is no session description; the text says which line, and nothing of what is in it."""


@dataclass(frozen=True)
class Section:
    """One medium of a description.

    Attributes
    ----------
    kind : {"audio", "video", "application"}
    mid : str
        Its name in the connection.
    direction : {"sendrecv", "sendonly", "recvonly", "inactive"}
    rejected : bool
        It is there to keep the others in their places.
    """

    kind: str
    mid: str = ""
    direction: str = ""
    rejected: bool = False

    @property
    def sends(self) -> bool:
        """Whether who wrote the description means to send something."""
        return not self.rejected and self.direction in ("sendrecv", "sendonly")


def read_sections(sdp: str) -> list[Section]:
    """The media of a description, in their order.

    Raises
    ------
    MalformedDescription
        A line is none, a medium is unknown or has no name, or there are too many.

    Examples
    --------
    >>> lines = ["v=0", "m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=mid:0", "a=sendonly", ""]
    >>> read_sections("\\r\\n".join(lines))
    [Section(kind='audio', mid='0', direction='sendonly', rejected=False)]
    """
    lines = sdp.split("\n")
    if not sdp.startswith("v=0") or lines[-1]:
        raise MalformedDescription("it does not begin with v=0, or its last line is cut off")
    general = "sendrecv"
    sections: list[Section] = []
    for number, line in enumerate((line.removesuffix("\r") for line in lines[:-1]), 1):
        if not _LINE.match(line):
            raise MalformedDescription(f"line {number} is no line of a description")
        if line.startswith("m="):
            found = _MEDIA.match(line)
            if not found or len(sections) == MOST_SECTIONS:
                raise MalformedDescription(f"line {number}: unknown medium, or too many")
            # A port of 0 is also that of a medium which goes where the first goes.
            sections.append(Section(found[1], rejected=found[2] == "0"))
        elif line.startswith("a="):
            name, _, value = line[2:].partition(":")
            if name in _DIRECTIONS and not sections:
                general = name
            elif name in _DIRECTIONS:
                sections[-1] = replace(sections[-1], direction=name)
            elif name == "mid" and sections:
                if not _MID.match(value):
                    raise MalformedDescription(f"line {number}: no name of a medium")
                sections[-1] = replace(sections[-1], mid=value)
            elif name == "bundle-only" and sections:
                sections[-1] = replace(sections[-1], rejected=False)
    sections = [replace(one, direction=one.direction or general) for one in sections]
    names = [section.mid for section in sections]
    if not all(names) or len(set(names)) < len(names):
        raise MalformedDescription("a medium has no name of its own")
    return sections


def is_candidate(candidate: dict[str, Any]) -> bool:
    """Whether it is what a browser makes of an address, and no longer than can be meant."""
    return all(
        key in _CANDIDATE
        and (value is None or type(value) is _CANDIDATE[key])
        and len(str(value)) <= 1000
        for key, value in candidate.items()
    )


def with_silence_suppressed(sdp: str, mids: set[str]) -> str:
    """The description, with Opus asked to send next to nothing while nobody speaks (DTX).

    Parameters
    ----------
    sdp : str
        One that `read_sections` takes.
    mids : set of str
        The media that carry speech; music would suffer.
    """
    head, *parts = re.split(r"(?m)^(?=m=)", sdp)
    return head + "".join(
        _suppress(part) if (_mid_of(part) in mids and part.startswith("m=audio")) else part
        for part in parts
    )


def _mid_of(part: str) -> str:
    found = re.search(r"(?m)^a=mid:(\S+)", part)
    return found[1] if found else ""


def _suppress(part: str) -> str:
    for number in re.findall(r"(?mi)^a=rtpmap:(\d+) opus/", part):
        part = re.sub(
            rf"(?m)^(a=fmtp:{number} (?!.*usedtx)[^\r\n]*)", r"\1;usedtx=1", part, count=1
        )
    return part
