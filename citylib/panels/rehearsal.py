"""A notebook made ready to be published: it is run once, and kept without what it showed."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

import nbformat
from nbformat import NotebookNode, ValidationError
from traitlets.config import Config

from citylib.city.errors import CityError

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,100}\.ipynb")
PATIENCE = 300
"""Seconds that a cell of a notebook may take."""
GREETING = 10
"""Seconds that a kernel's greeting is waited for: it is lost at times, and not needed."""


class NotPublished(CityError):
    """A dashboard was not published, restored or taken back; says why."""


def prepared(notebook: Path) -> str:
    """A notebook as it can be published: it runs from top to bottom, and is without its outputs.

    It is run in a kernel of its own, beside the files that it is beside. Outputs are left out:
    whoever opens the dashboard gets figures of that moment.

    Raises
    ------
    NotPublished
        It is no notebook, its name does not do, or it fails (with the cell's error).

    Examples
    --------
    >>> prepared(Path("air.ipynb"))  # doctest: +SKIP
    """
    name_of(notebook.name)
    try:
        text = notebook.read_text("utf-8")
    except OSError as error:
        raise NotPublished(f"{notebook}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise NotPublished(f"{notebook}: cannot be read as a notebook: {error}") from None
    cells = read(text, str(notebook))
    strip(cells)
    _run(cells, notebook)
    strip(cells)
    return str(nbformat.writes(cells))


def name_of(name: str) -> str:
    """The name of a dashboard, from that of a notebook with or without its ending.

    Raises
    ------
    NotPublished
        It does not do.

    Examples
    --------
    >>> name_of("Air")
    'air.ipynb'
    """
    found = name.lower().removesuffix(".ipynb") + ".ipynb"
    if not NAME.fullmatch(found):
        raise NotPublished(
            f"{name!r} does not do as a dashboard's name: use letters, digits, - and _, "
            "and the ending .ipynb"
        )
    return found


def read(text: str, where: str) -> NotebookNode:
    """The notebook that is written in a text.

    Raises
    ------
    NotPublished
        It is none; `where` says in the message which text it is.
    """
    try:
        return nbformat.reads(text, as_version=4)
    # nbformat walks through what it reads before it validates it.
    except (ValueError, KeyError, TypeError, AttributeError, ValidationError) as error:
        raise NotPublished(f"{where}: cannot be read as a notebook: {error}") from None


def strip(notebook: NotebookNode) -> None:
    """Take out what a notebook showed when it was run."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    notebook.metadata.pop("widgets", None)


def _run(cells: NotebookNode, notebook: Path) -> None:
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
