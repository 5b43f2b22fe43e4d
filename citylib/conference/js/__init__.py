"""Modules of pages as one script, for what takes one: a widget, or a page that asks once."""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).parent
_IMPORT = re.compile(r'^import \{([^}]*)\} from "([^"]+)";$', re.M)
_EXPORT = re.compile(r"^export ((?:async )?function\*?|class|const|let) (\w+)", re.M)


def together(path: Path) -> str:
    """A module with all that it imports, each in a scope of its own, in one text.

    Imports have the form `import { a, b } from "./file.js";`, exports `export function`, `class`,
    `const` or `let`; the module itself may have `export default`.

    >>> "function openRoom(" in together(FOLDER / "room.js")
    True
    """
    done: dict[Path, str] = {}
    own = _linked(path.resolve(), done, ())
    return "\n".join([*done.values(), _EXPORT.sub(r"\1 \2", own)])


def _linked(path: Path, done: dict[Path, str], above: tuple[Path, ...]) -> str:
    """Its text, with names taken from the modules that it imports; those are put into `done`."""
    if path in above:
        raise ValueError(f"{path.name} imports itself by way of {above[-1].name}")

    def link(found: re.Match[str]) -> str:
        other = (path.parent / found[2]).resolve()
        if other not in done:
            done[other] = _closed(other, _linked(other, done, (*above, path)))
        return f"const {{{found[1]}}} = {_name(other)};"

    return _IMPORT.sub(link, path.read_text("utf-8"))


def _closed(path: Path, text: str) -> str:
    given = ", ".join(found[2] for found in _EXPORT.finditer(text))
    inner = _EXPORT.sub(r"\1 \2", text)
    if left := re.search(r"^(import|export)\b.*", inner, re.M):
        raise ValueError(f"{path.name} has {left[0]!r}, which is not understood here")
    return f"const {_name(path)} = (() => {{\n{inner}\nreturn {{ {given} }};\n}})();"


def _name(path: Path) -> str:
    return f"${path.parent.name}_{path.stem}".replace("-", "_")
