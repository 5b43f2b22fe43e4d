"""Signed links: what a stranger brings back was made here, and says until when it holds."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

from itsdangerous import BadSignature, Signer

from citylib.city.secrets import ensure_secret


class ForgedLink(ValueError):
    """The link was not made here, or was changed."""


class ExpiredLink(ValueError):
    """The link was made here, and its time is over."""


class Links:
    """Signs names, each until a moment; a key of the installation holds for one purpose.

    What is signed can be read by everybody: put a name into it, and no secret.

    Parameters
    ----------
    secrets : Path
        Folder of the installation's secrets; the key is made there when there is none.
    purpose : str
        A link that was made for one purpose is forged for another.

    Examples
    --------
    >>> links = Links(Path("var/secrets"), "invitation")  # doctest: +SKIP
    >>> links.read(links.sign("7f3a", expires))  # doctest: +SKIP
    '7f3a'
    """

    def __init__(self, secrets: Path, purpose: str) -> None:
        key = ensure_secret(secrets, "links_key").read_bytes()
        self._signer = Signer(
            key, salt=f"citylib {purpose}", key_derivation="hmac", digest_method=hashlib.sha256
        )

    def sign(self, name: str, expires: datetime) -> str:
        """The link's token; the same each time, so that it need not be kept.

        Parameters
        ----------
        name : str
            What it stands for, without dots.
        expires : datetime
            Aware; counted in whole seconds.
        """
        return self._signer.sign(f"{name}.{int(expires.timestamp())}").decode()

    def read(self, token: str) -> str:
        """The name that was signed.

        Raises
        ------
        ForgedLink
            Not made here for this purpose.
        ExpiredLink
            Its time is over.
        """
        try:
            name, _, until = self._signer.unsign(token).decode().rpartition(".")
        except (BadSignature, UnicodeError):
            raise ForgedLink("not made here") from None
        if datetime.now(UTC).timestamp() >= int(until):
            raise ExpiredLink(name)
        return name
