"""What the widgets of cameras share: script, look, and the words of their keys."""

from __future__ import annotations

from pathlib import Path

from citylib.look.words import say

FOLDER = Path(__file__).parent
GATEWAY = "/services/cameras/"
"""Path of the gateway on the platform; other gateways are found by way of it."""
KEYS = (
    *("connecting", "lost", "not_allowed", "too_much", "unsupported", "simulated"),
    *("pin", "show", "shot", "full", "close", "kept", "not_kept", "no_picture"),
    *("wall", "size", "tiles", "tour", "tour_key", "close_all"),
    *("search", "count", "none", "not_found", "loading", "unreachable"),
)


def script(*names: str) -> str:
    """Files of `js/` as one module; the last of them says what the widget does."""
    return "\n".join((FOLDER / "js" / f"{name}.js").read_text("utf-8") for name in names)


def sheet() -> str:
    """The look of all of them."""
    return (FOLDER / "cameras.css").read_text("utf-8")


def words(lang: str) -> dict[str, str]:
    """What the widgets say, by key.

    >>> words("en")["simulated"]
    'SIMULATED'
    """
    return {key: say(lang, f"cameras.{key}") for key in KEYS}
