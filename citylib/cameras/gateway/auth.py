"""Signing in at a camera: Basic (RFC 7617) and Digest (RFC 7616), as RTSP and HTTP have them."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Iterable

from citylib.cameras.gateway.faults import Fault
from citylib.cameras.gateway.targets import Target

HASHES = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}


def authorization(target: Target, challenges: Iterable[str], method: str, uri: str) -> str:
    """What to send under `Authorization`; Digest where the camera knows it.

    Raises
    ------
    Fault
        "refused": there are no credentials, or it wants something else.
    """
    if not target.user:
        raise Fault("refused", "it asks for credentials, and none are named")
    basic = False
    for challenge in challenges:
        kind, _, rest = challenge.strip().partition(" ")
        if kind.lower() == "digest":
            said = {k.lower(): a or b for k, a, b in _PAIRS.findall(rest)}
            name = said.get("algorithm", "MD5").upper()
            if name in HASHES:
                return _digest(target, said, name, method, uri)
        basic = basic or kind.lower() == "basic"
    if not basic:
        raise Fault("refused", "it wants a sign-in that is not known here")
    told = f"{target.user}:{target.password}".encode()
    return f"Basic {base64.b64encode(told).decode()}"


_PAIRS = re.compile(r'(\w+)\s*=\s*(?:"([^"]*)"|([^\s,]+))')


def _digest(target: Target, said: dict[str, str], name: str, method: str, uri: str) -> str:
    def of(*parts: str) -> str:
        return HASHES[name](":".join(parts).encode()).hexdigest()

    realm, nonce = said.get("realm", ""), said.get("nonce", "")
    first, second = of(target.user, realm, target.password), of(method, uri)
    fields = {"username": target.user, "realm": realm, "nonce": nonce, "uri": uri}
    plain = {"algorithm": name} if "algorithm" in said else {}
    if "auth" in re.split(r"[\s,]+", said.get("qop", "")):
        client = secrets.token_hex(8)
        fields |= {
            "response": of(first, nonce, "00000001", client, "auth", second),
            "cnonce": client,
        }
        plain |= {"qop": "auth", "nc": "00000001"}
    else:
        fields["response"] = of(first, nonce, second)
    if "opaque" in said:
        fields["opaque"] = said["opaque"]
    quoted = [f'{k}="{v}"' for k, v in fields.items()]
    return "Digest " + ", ".join([*quoted, *(f"{k}={v}" for k, v in plain.items())])
