"""Dashboards: notebooks in a folder of the state, which Voila shows by name.

Those that come with the installation, in `dashboards/` beside `citylib.toml`, are linked there at
every start; those that analysts publish are files beside them, see `citylib.panels.publishing`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from citylib.access.roles import GROUPS, Role
from citylib.city.settings import Settings

FOLDER = "dashboards"
HOME = "mayor.ipynb"
"""The mayor's own; it changes with the platform alone."""
LONGEST_TITLE = 120
ROLES: tuple[Role, ...] = ("mayor", "official")
"""Who may be shown a dashboard: those that have no server of their own."""
READERS = "readers"
"""Key of a shown notebook's metadata: the groups that may open it; without it all readers may."""


@dataclass(frozen=True)
class Dashboard:
    """A dashboard.

    Attributes
    ----------
    file : str
        Its name in the folder.
    title : str
        What readers call it.
    groups : tuple of str
        Groups of the hub that may open it.
    """

    file: str
    title: str
    groups: tuple[str, ...] = tuple(GROUPS[role] for role in ROLES)


def folder(settings: Settings) -> Path:
    """Folder of the dashboards that are shown."""
    return settings.var / FOLDER


def provide(settings: Settings) -> None:
    """Link the dashboards that come with the installation into the folder of those shown.

    What an analyst has published under one of their names stays, except for the mayor's.
    """
    shown = folder(settings)
    shown.mkdir(parents=True, exist_ok=True)
    # Those of the last start: they may be gone, or the checkout was moved.
    for path in shown.iterdir():
        if path.is_symlink() or path.name == HOME:
            path.unlink()
    for source in bundled(settings):
        link = shown / source.name
        if not link.exists():
            link.symlink_to(source.resolve())


def published(settings: Settings) -> list[Dashboard]:
    """The dashboards that are shown: the mayor's first, then by title.

    A title is what the notebook's metadata say (`title`), else its first heading, else its name;
    the mayor's is empty when it has neither.

    Examples
    --------
    >>> published(Settings.load())  # doctest: +SKIP
    [Dashboard(file='mayor.ipynb', title='', groups=('mayors', 'officials')), ...]
    """
    found = [
        Dashboard(path.name, *_said(path))
        for path in folder(settings).glob("*.ipynb")
        if not path.name.startswith(".") and path.is_file()
    ]
    return sorted(found, key=lambda one: (one.file != HOME, one.title.casefold(), one.file))


def bundled(settings: Settings) -> list[Path]:
    """The dashboards that come with the installation; nobody publishes under their names."""
    return sorted(path for path in (settings.root / FOLDER).glob("*.ipynb") if path.is_file())


def _said(path: Path) -> tuple[str, tuple[str, ...]]:
    """Title and readers; a notebook that cannot be read is still listed, for nobody."""
    name = "" if path.name == HOME else path.stem
    try:
        notebook = json.loads(path.read_text("utf-8"))
        groups = tuple(notebook["metadata"].get(READERS, Dashboard.groups))
        return title_of(notebook, name), groups
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return name, ()


def title_of(notebook: Any, name: str) -> str:
    """What a notebook is called: what its metadata say, its first heading, or the name."""
    told = notebook["metadata"].get("title")
    if isinstance(told, str) and told.strip():
        return told.strip()[:LONGEST_TITLE]
    for cell in notebook["cells"]:
        heading = re.search(r"^#+ +(.+)$", "".join(cell["source"]), re.M)
        if cell["cell_type"] == "markdown" and heading:
            return heading.group(1).strip()[:LONGEST_TITLE]
    return name
