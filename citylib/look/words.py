"""What the platform says, in each language: `words/<language>.toml`, one sentence for each key."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from citylib.city.errors import CityError

FOLDER = Path(__file__).parent / "words"
FALLBACK = "en"


class WordMissing(CityError):
    """A key that no language has."""


@cache
def words(lang: str) -> dict[str, str]:
    """All sentences of a language by key; those of a table `[a]` have keys `a.…`.

    A language that has no file speaks English.
    """
    path = FOLDER / f"{lang}.toml"
    path = path if path.is_file() else FOLDER / f"{FALLBACK}.toml"
    values = tomllib.loads(path.read_text("utf-8"))
    result: dict[str, str] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            result |= {f"{key}.{name}": str(text) for name, text in value.items()}
        else:
            result[key] = str(value)
    return result


def languages() -> list[str]:
    """Languages that have a file, by code."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def own_name(lang: str) -> str:
    """What a language calls itself; its code if it has no file."""
    return words(lang)["own_name"] if lang in languages() else lang


def say(lang: str, key: str, default: str | None = None, **values: Any) -> str:
    """A sentence in a language, its places filled in.

    Raises
    ------
    WordMissing
        No such key and no default.

    Examples
    --------
    >>> say("en", "age.days", count=3)
    '3 days ago'
    """
    text = words(lang).get(key, default)
    if text is None:
        raise WordMissing(f"citylib/look/words/{lang}.toml has no key {key!r}; add it")
    return text.format(**values) if values else text
