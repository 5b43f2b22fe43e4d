"""From a notebook to a published dashboard."""

from __future__ import annotations

import getpass
import hashlib
import os
import re
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import ValidationError

from citylib.city.errors import CityError
from citylib.city.settings import Settings
from citylib.operations.store import Store

FOLDER = "dashboards"
PROTECTED = ("mayor.ipynb",)
"""Where the mayor and officials arrive; it changes with the platform alone."""
PATIENCE = 300
"""Seconds that a notebook may take from top to bottom."""


class NotPublished(CityError):
    """A notebook was not published; says why."""


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
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*\.ipynb", name):
        raise NotPublished(
            f"{notebook.name!r} does not do as a dashboard's name: use letters, digits, - and _, "
            "and the ending .ipynb"
        )
    if name in PROTECTED:
        raise NotPublished(f"{name} is the platform's own; give yours another name")
    target = settings.root / FOLDER / name
    if target.exists() and not replace:
        raise NotPublished(f"there is a dashboard {name} already; replace it, or rename yours")
    try:
        cells = nbformat.read(notebook, as_version=4)
    # nbformat walks through what it reads before it validates it.
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ValidationError) as error:
        raise NotPublished(f"{notebook}: cannot be read as a notebook: {error}") from None
    _strip(cells)
    _run(cells, notebook)
    _strip(cells)
    target.parent.mkdir(exist_ok=True)
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


def _strip(notebook: nbformat.NotebookNode) -> None:
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    notebook.metadata.pop("widgets", None)


def _run(cells: nbformat.NotebookNode, notebook: Path) -> None:
    client = NotebookClient(
        cells, timeout=PATIENCE, resources={"metadata": {"path": str(notebook.parent)}}
    )
    try:
        client.execute(env=dict(os.environ))
    except CellExecutionError as error:
        raise NotPublished(f"{notebook}: {error.ename}: {error.evalue}; mend the cell") from None
    except TimeoutError:
        raise NotPublished(f"{notebook}: runs for more than {PATIENCE} s") from None
