"""Secrets of this installation, and its state: not for other users of the machine."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from threading import get_ident

from citylib.city.errors import CityError


class SecretError(CityError):
    """A secret can be read by others, or not at all."""


def ensure_secret(folder: Path, name: str) -> Path:
    """The file of a secret of 32 random bytes, in hexadecimal; made when it is not there.

    Raises
    ------
    SecretError
        The file can be read by others.

    Examples
    --------
    >>> ensure_secret(Path("var/secrets"), "proxy_token")  # doctest: +SKIP
    PosixPath('var/secrets/proxy_token')
    """
    path = folder / name
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_private(path, secrets.token_hex(32).encode(), keep=True)
    if path.stat().st_mode & 0o077:
        raise SecretError(f"{path} can be read by others: chmod 600 {path}, or delete it")
    return path


def keep_from_others(folder: Path) -> None:
    """Close the folder to all users of the machine but its owner and, if it was so, its group.

    Made when it is not there, for its owner alone. What is in it needs no care of its own then.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    known = folder.stat()
    if known.st_mode & 0o007 and known.st_uid == os.geteuid():
        folder.chmod(known.st_mode & 0o770)


def write_private(path: Path, content: bytes, *, keep: bool = False) -> None:
    """Write a file that only its owner can read, whole or not at all; `keep` one that is there."""
    part = path.with_name(f".{path.name}.{os.getpid()}-{get_ident()}")
    descriptor = os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    try:
        if keep:
            os.link(part, path)
        else:
            part.replace(path)
    except FileExistsError:
        pass
    finally:
        part.unlink(missing_ok=True)
