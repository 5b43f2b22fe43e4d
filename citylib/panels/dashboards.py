"""Dashboards: notebooks in a folder of the state, which Voila shows by name.

Those that come with the installation, in `dashboards/` beside `citylib.toml`, are linked there at
every start; those that analysts publish are files beside them.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import ValidationError
from traitlets.config import Config

from citylib.city.errors import CityError
from citylib.city.settings import Settings
from citylib.operations.store import Store

FOLDER = "dashboards"
NAME = re.compile(r"[a-z0-9][a-z0-9_-]*\.ipynb")
HOME = "mayor.ipynb"
"""The mayor's own; it changes with the platform alone."""
PATIENCE = 300
"""Seconds that a cell of a notebook may take."""
GREETING = 10
"""Seconds that a kernel's greeting is waited for: it is lost at times, and not needed."""
LONGEST_TITLE = 120


class NotPublished(CityError):
    """A notebook was not published; says why."""


@dataclass(frozen=True)
class Dashboard:
    """A dashboard: `file` is its name in the folder, `title` what readers call it."""

    file: str
    title: str


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
    for source in _bundled(settings):
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
    [Dashboard(file='mayor.ipynb', title=''), Dashboard(file='air.ipynb', title='Air quality')]
    """
    found = [
        Dashboard(path.name, _title(path))
        for path in folder(settings).glob("*.ipynb")
        if not path.name.startswith(".") and path.is_file()
    ]
    return sorted(found, key=lambda one: (one.file != HOME, one.title.casefold(), one.file))


def publish(notebook: Path, settings: Settings, replace: bool = False) -> Path:
    """Put a notebook among the dashboards, if it runs from top to bottom.

    It is run in a kernel of its own, and kept without its outputs: whoever opens the dashboard
    gets figures of that moment. The audit log says who published it.

    Parameters
    ----------
    notebook : Path
        The notebook; its name, in small letters, becomes the dashboard's.
    settings : Settings
        The installation.
    replace : bool
        Take the place of a dashboard of the same name.

    Returns
    -------
    Path
        The dashboard's file.

    Raises
    ------
    NotPublished
        It is no notebook, it fails (with the cell and the error), its name does not do, or there
        is a dashboard of that name.

    Examples
    --------
    >>> publish(Path("air.ipynb"), Settings.load())  # doctest: +SKIP
    """
    name = notebook.name.lower()
    if not NAME.fullmatch(name):
        raise NotPublished(
            f"{notebook.name!r} does not do as a dashboard's name: use letters, digits, - and _, "
            "and the ending .ipynb"
        )
    if name in (HOME, *(path.name for path in _bundled(settings))):
        raise NotPublished(f"{name} is the platform's own; give yours another name")
    target = folder(settings) / name
    if target.exists() and not replace:
        raise NotPublished(f"there is a dashboard {name} already; replace it, or rename yours")
    try:
        cells = nbformat.read(notebook, as_version=4)
    except OSError as error:
        raise NotPublished(f"{notebook}: cannot be read: {error.strerror}") from None
    # nbformat walks through what it reads before it validates it.
    except (ValueError, KeyError, TypeError, AttributeError, ValidationError) as error:
        raise NotPublished(f"{notebook}: cannot be read as a notebook: {error}") from None
    _strip(cells)
    _run(cells, notebook)
    _strip(cells)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=target.parent, prefix=".", suffix=".new", delete=False
    ) as new:
        nbformat.write(cells, new)
    Path(new.name).chmod(0o644)
    _record(name, Path(new.name), target, settings)
    Path(new.name).replace(target)
    return target


def _record(name: str, new: Path, target: Path, settings: Settings) -> None:
    """Who published what, and what it took the place of: written before it is shown."""
    digests = {"sha256": _digest(new)}
    if target.exists():
        digests["replaces"] = _digest(target)
    with Store(settings.database) as store:
        store.migrate()
        store.audit.append(getpass.getuser(), "published a dashboard", name, digests)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _bundled(settings: Settings) -> list[Path]:
    return sorted(path for path in (settings.root / FOLDER).glob("*.ipynb") if path.is_file())


def _title(path: Path) -> str:
    """What a notebook is called; a notebook that cannot be read is still listed."""
    name = "" if path.name == HOME else path.stem
    try:
        notebook = json.loads(path.read_text("utf-8"))
        told = notebook["metadata"].get("title")
        if isinstance(told, str) and told.strip():
            return told.strip()[:LONGEST_TITLE]
        for cell in notebook["cells"]:
            heading = re.search(r"^#+ +(.+)$", "".join(cell["source"]), re.M)
            if cell["cell_type"] == "markdown" and heading:
                return heading.group(1).strip()[:LONGEST_TITLE]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return name
    return name


def _strip(notebook: nbformat.NotebookNode) -> None:
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    notebook.metadata.pop("widgets", None)


def _run(cells: nbformat.NotebookNode, notebook: Path) -> None:
    # Imported here: the hub reads titles and runs nothing.
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    # Sockets in a folder of its own, closed to others, in place of ports.
    with tempfile.TemporaryDirectory(prefix="city-") as own:
        sockets = {"transport": "ipc", "connection_file": f"{own}/kernel.json"}
        client = NotebookClient(
            cells,
            timeout=GREETING,
            timeout_func=lambda cell: PATIENCE,
            resources={"metadata": {"path": str(notebook.parent)}},
            config=Config({"KernelManager": sockets}),
        )
        try:
            client.execute(env=dict(os.environ))
        except CellExecutionError as error:
            told = f"{notebook}: {error.ename}: {error.evalue}; mend the cell"
            raise NotPublished(told) from None
        except TimeoutError:
            raise NotPublished(f"{notebook}: a cell runs for more than {PATIENCE} s") from None
