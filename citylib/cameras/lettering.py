"""Letters for what is written into pictures."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from PIL import ImageFont

FONTS = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/noto/NotoSans-Regular.ttf",
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
)
"""Fonts with more letters than the one that Pillow brings, where Debian puts them."""


@cache
def font(size: int) -> tuple[Any, bool]:
    """A font, and whether it has letters of all languages."""
    for path in FONTS:
        if Path(path).is_file():
            return ImageFont.truetype(path, size), "CJK" in path
    return ImageFont.load_default(size), False


def writable(names: list[str], size: int, otherwise: str) -> str:
    """The first of some names that the font has letters for."""
    every = font(size)[1]
    return next((one for one in names if every or one.isascii()), otherwise)
