"""What this machine has of the parts that the platform can do without."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

# What is missing, for what it is wanted, and which Debian package has it.
PARTS: tuple[tuple[str, Callable[[], bool], str, str], ...] = (
    (
        "Chromium",
        lambda: bool(shutil.which("chromium") or shutil.which("google-chrome")),
        "browser tests and screenshots",
        "chromium",
    ),
    (
        "PostgreSQL",
        lambda: any(Path("/usr/lib/postgresql").glob("*/bin/postgres")),
        "an operations store for many writers; without it SQLite",
        "postgresql",
    ),
    (
        "Noto CJK",
        lambda: any(Path("/usr/share/fonts").rglob("NotoSansCJK*")),
        "Korean on this machine's own screen and in screenshots",
        "fonts-noto-cjk",
    ),
    (
        "iproute2",
        lambda: bool(shutil.which("ip", path="/usr/sbin:/usr/bin:/sbin:/bin")),
        "the test that reaches the platform from another network",
        "iproute2",
    ),
)


def missing() -> list[str]:
    """One line for each optional part that is not there: what, for what, which package.

    Examples
    --------
    >>> missing()  # doctest: +SKIP
    ['PostgreSQL (an operations store for many writers; …): Debian package postgresql']
    """
    return [
        f"{name} ({purpose}): Debian package {package}"
        for name, there, purpose, package in PARTS
        if not there()
    ]
