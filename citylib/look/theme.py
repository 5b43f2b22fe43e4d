"""Colours of the two themes: dark for a wall in a dim room, light for an office.

Everything drawn takes its colours from CSS custom properties made here (`--ink`, `--panel`, …),
so that a page changes its theme without being drawn again. Contrasts follow WCAG 2.2 AA.
"""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent
DEFAULT = "dark"

THEMES: dict[str, dict[str, str]] = {
    "dark": {
        "ground": "#0a101c",
        "panel": "#121b2c",
        "raised": "#1c2940",
        "line": "#64789a",
        "quiet": "#26334a",
        "ink": "#f3f6fb",
        "muted": "#b7c3d6",
        "accent": "#7cc7ff",
        "on-accent": "#06121f",
        "good": "#5ad6c4",
        "bad": "#ff9d8f",
        "stale": "#ffd873",
        "first": "#ffd166",
        "second": "#7cc7ff",
        "third": "#f2a6d4",
        "water": "#17385c",
        "rail": "#93a2b8",
        "edge": "#0a101c",
        "missing": "#59657a",
    },
    "light": {
        "ground": "#eef2f7",
        "panel": "#ffffff",
        "raised": "#e4ebf4",
        "line": "#71809a",
        "quiet": "#d3dce8",
        "ink": "#0f1828",
        "muted": "#46536a",
        "accent": "#0b5cab",
        "on-accent": "#ffffff",
        "good": "#00635a",
        "bad": "#b3261e",
        "stale": "#6f4a00",
        "first": "#a8006a",
        "second": "#0b5cab",
        "third": "#5c6400",
        "water": "#c3dbf0",
        "rail": "#6d7b92",
        "edge": "#ffffff",
        "missing": "#9aa5b5",
    },
}

# Even steps of lightness in OKLab (Ottosson, 2020) from indigo over teal to mint: told apart by
# colour-blind readers and in print, and clear of the amber of what is chosen or past a threshold.
# More stands out from the ground: lighter in the dark, darker in the light.
CLASSES: dict[str, tuple[str, ...]] = {
    "dark": ("#3c3379", "#395c9f", "#3288b4", "#43b2be", "#69dbc3", "#c5f9b9"),
    "light": ("#c6eabe", "#78cdb7", "#40a8b3", "#267faa", "#2f5398", "#352777"),
}

# Text and graphics that stand on a colour, with the contrast that each pair needs.
TEXT = ("ink", "muted", "accent", "good", "bad", "stale", "first", "second", "third")
GROUNDS = ("ground", "panel", "raised")
PAIRS = [(text, ground, 4.5) for text in TEXT for ground in GROUNDS]
PAIRS += [("on-accent", "accent", 4.5), ("line", "panel", 3.0), ("line", "ground", 3.0)]


def luminance(colour: str) -> float:
    """Relative luminance of `#rrggbb` after WCAG 2, from 0 (black) to 1 (white)."""
    parts = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours after WCAG 2, from 1 to 21.

    >>> round(contrast("#000000", "#ffffff"))
    21
    """
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def variables(theme: str) -> str:
    """CSS declarations of a theme: one custom property for each colour."""
    colours = dict(THEMES[theme])
    colours |= {f"class-{place}": colour for place, colour in enumerate(CLASSES[theme])}
    return "".join(f"--{name}:{colour};" for name, colour in colours.items())


def sheet(default: str = DEFAULT) -> str:
    """CSS of both themes.

    Parameters
    ----------
    default : {"dark", "light"}
        Theme of a page that asks for none; `<html data-theme="…">` asks.
    """
    rules = [f":root{{color-scheme:{default};{variables(default)}}}"]
    rules += [
        f':root[data-theme="{theme}"]{{color-scheme:{theme};{variables(theme)}}}'
        for theme in THEMES
    ]
    return "\n".join(rules) + "\n"


def css(*parts: str, default: str = DEFAULT) -> str:
    """A whole style sheet: the themes, then files of `css/` by name without ending, in order."""
    files = [(FOLDER / "css" / f"{part}.css").read_text("utf-8") for part in parts]
    return "\n".join([sheet(default), *files])


if __name__ == "__main__":
    # Templates can't compute: they include this file, and a test compares it.
    (FOLDER / "css" / "theme.css").write_text(sheet(), "utf-8")
