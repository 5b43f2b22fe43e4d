"""Descriptions and addresses of pages, written anew: only what Janus needs, in the one form.

Janus is written in C and reads whatever it is given; a line that is cut off or out of place has
brought it down. So nothing that a page wrote reaches it as it was written.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable
from typing import Any

from citylib.conference.media.sdp import MalformedDescription, Section, read_sections

_TOKEN = r"[A-Za-z0-9+/]"  # noqa: S105
_NUMBER = r"(?:0|[1-9]\d{0,9})"
_NUMBERS = 2**32
"""A number of a source, and a priority, is less."""
_EXTENSIONS = {
    "urn:ietf:params:rtp-hdrext:sdes:mid",
    "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
    "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
    "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
}
_CODECS = {"audio": {"opus/48000/2"}, "video": {"vp8/90000", "rtx/90000"}}
_TRANSPORT = {
    "ice-ufrag": re.compile(rf"{_TOKEN}{{4,256}}"),
    "ice-pwd": re.compile(rf"{_TOKEN}{{22,256}}"),
    "fingerprint": re.compile(r"sha-(?:1|256|384|512) (?:[0-9A-Fa-f]{2}:){19,63}[0-9A-Fa-f]{2}"),
    "setup": re.compile(r"actpass|active|passive"),
}
"""What may also stand before all media, for each of them."""
_FEEDBACK = re.compile(r"(\d{1,3}) (goog-remb|transport-cc|ccm fir|nack|nack pli)")
_FORMAT = re.compile(r"(\d{1,3}) ([A-Za-z0-9=;.\- ]{1,200})")
_RTPMAP = re.compile(r"(\d{1,3}) ([A-Za-z0-9]{1,10}/\d{4,6}(?:/\d)?)")
_EXTENSION = re.compile(r"([1-9]|1[0-4]) (\S{1,100})")
_RID = re.compile(r"([A-Za-z0-9]{1,8}) send")
_SOURCE = re.compile(rf"({_NUMBER}) cname:([A-Za-z0-9+/{{}}_-]{{1,64}})")
_GROUP = re.compile(rf"(?:FID|SIM)((?: {_NUMBER}){{2,6}})")
_CANDIDATE = re.compile(
    rf"(?:candidate:)?({_TOKEN}{{1,32}}) ([12]) udp ({_NUMBER}) ([0-9A-Fa-f.:]{{2,45}}) "
    r"(\d{1,5}) typ (host|srflx|prflx|relay)(?: .*)?",
    re.IGNORECASE,
)
WHO = tuple(f"a={name}:" for name in _TRANSPORT)
MOST_LINES = 64
"""Of each kind in a medium."""


def rewrite(sdp: str) -> str:
    """A description with the same meaning to Janus.

    Parameters
    ----------
    sdp : str
        What a page wrote.

    Raises
    ------
    MalformedDescription
        It is none, or does not say how it is reached and who it is.
    """
    sections = read_sections(sdp)
    head, *parts = re.split(r"(?m)^(?=m=)", sdp.replace("\r\n", "\n"))
    common = _transport(_attributes(head))
    media = [_medium(*one, common) for one in zip(sections, parts, strict=True)]
    used = [own for _, port, own in media if port]
    if not used or any(sum(line.startswith(WHO) for line in own) < len(WHO) for own in used):
        raise MalformedDescription("it does not say how it is reached")
    bundle = " ".join(mid for mid, port, _ in media if port)
    lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0"]
    lines += [f"a=group:BUNDLE {bundle}"] if bundle else []
    return "".join(f"{line}\r\n" for line in [*lines, *(one for _, _, own in media for one in own)])


def rewrite_candidate(candidate: dict[str, Any] | None) -> dict[str, Any] | None:
    """An address of a page as Janus is told it, or that there are no more.

    None for one that Janus has no use for (a name of the page's own network, TCP): it learns the
    address from what comes from the page.
    """
    text = (candidate or {}).get("candidate") or ""
    if (found := _address(text)) is None:
        return {"completed": True} if not text else None
    # All media go one way, which is that of the first.
    return {"candidate": f"candidate:{found}", "sdpMLineIndex": 0}


def _attributes(part: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in part.split("\n"):
        if line.startswith("a="):
            name, _, value = line[2:].partition(":")
            found.setdefault(name, []).append(value)
    return found


def _transport(attributes: dict[str, list[str]]) -> dict[str, str]:
    return {
        name: attributes[name][0]
        for name, form in _TRANSPORT.items()
        if name in attributes and form.fullmatch(attributes[name][0])
    }


def _medium(section: Section, part: str, common: dict[str, str]) -> tuple[str, bool, list[str]]:
    """Its name, whether it is used, and its lines."""
    attributes = _attributes(part)
    codecs = {} if section.rejected else _codecs(section.kind, attributes)
    first = f"m={section.kind} {9 if codecs else 0} UDP/TLS/RTP/SAVPF "
    lines = [first + (" ".join(codecs) or "0"), "c=IN IP4 0.0.0.0", f"a=mid:{section.mid}"]
    if not codecs:
        return section.mid, False, [*lines, "a=inactive"]
    lines.append(f"a={section.direction}")
    transport = {**common, **_transport(attributes)}
    lines += [f"a={name}:{transport[name]}" for name in _TRANSPORT if name in transport]
    lines += ["a=ice-options:trickle", "a=rtcp-mux"]
    lines += [f"a=rtpmap:{number} {codec}" for number, codec in codecs.items()]
    of_codec = lambda found: found[1] in codecs  # noqa: E731
    lines += _kept("rtcp-fb", attributes, _FEEDBACK, of_codec)
    lines += _kept("fmtp", attributes, _FORMAT, of_codec)
    lines += _kept("extmap", attributes, _EXTENSION, lambda found: found[2] in _EXTENSIONS)
    lines += _layers(attributes)
    small = lambda found: all(int(one) < _NUMBERS for one in found[1].split())  # noqa: E731
    lines += _kept("ssrc-group", attributes, _GROUP, small)
    lines += _kept("ssrc", attributes, _SOURCE, small)
    addresses = (_address(value) for value in attributes.get("candidate", ())[:MOST_LINES])
    lines += [f"a=candidate:{found}" for found in addresses if found]
    return section.mid, True, lines


def _codecs(kind: str, attributes: dict[str, list[str]]) -> dict[str, str]:
    """The numbers of codecs that rooms have; repair data only of such."""
    maps = [_RTPMAP.fullmatch(value) for value in attributes.get("rtpmap", ())]
    known = _CODECS.get(kind, set())
    codecs = {one[1]: one[2] for one in maps if one and one[2].lower() in known}
    plain = {number for number, codec in codecs.items() if not codec.lower().startswith("rtx")}
    formats = (_FORMAT.fullmatch(value) for value in attributes.get("fmtp", ()))
    repairs = {one[1] for one in formats if one and one[2].removeprefix("apt=") in plain}
    return {number: codec for number, codec in codecs.items() if number in plain | repairs}


def _layers(attributes: dict[str, list[str]]) -> list[str]:
    """The sizes of a picture, largest first, if there are several."""
    found = (_RID.fullmatch(value) for value in attributes.get("rid", ()))
    rids = [*dict.fromkeys(one[1] for one in found if one)][:3]
    if len(rids) < 2 or "simulcast" not in attributes:
        return []
    return [*(f"a=rid:{rid} send" for rid in rids), f"a=simulcast:send {';'.join(rids)}"]


def _kept(
    name: str,
    attributes: dict[str, list[str]],
    form: re.Pattern[str],
    fits: Callable[[re.Match[str]], bool] = lambda found: True,
) -> Iterable[str]:
    for value in attributes.get(name, ())[:MOST_LINES]:
        if (found := form.fullmatch(value)) and fits(found):
            yield f"a={name}:{value}"


def _address(text: str) -> str | None:
    found = _CANDIDATE.fullmatch(text)
    if found is None or not 0 < int(found[5]) < 65536 or int(found[3]) >= _NUMBERS:
        return None
    try:
        address = ipaddress.ip_address(found[4])
    except ValueError:
        return None
    # Where it came from in the page's own network is nobody's business.
    origin = "" if found[6].lower() == "host" else " raddr 0.0.0.0 rport 9"
    return (
        f"{found[1]} {found[2]} udp {found[3]} {address} {found[5]} typ {found[6].lower()}{origin}"
    )
