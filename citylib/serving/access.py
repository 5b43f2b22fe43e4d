"""Which readers may open which notebook: as the notebook's own metadata say."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

KEY = "readers"
"""Key of a notebook's metadata: names of the hub's groups that may open it."""


class Access:
    """Readers of the notebooks of a folder.

    A notebook whose metadata name no readers is for all who may use the service. A change counts
    from the next request on.

    Parameters
    ----------
    folder : Path
        Where the notebooks are.

    Examples
    --------
    >>> Access(folder).allows("budget.ipynb", ["officials"])  # doctest: +SKIP
    False
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, tuple[tuple[int, ...], frozenset[str] | None]] = {}

    def allows(self, notebook: str, groups: Collection[str]) -> bool:
        """Whether a member of these groups may open a notebook; no, if it cannot be read."""
        path = self._folder / notebook
        try:
            found = path.stat()
            mark = found.st_ino, found.st_mtime_ns, found.st_size
            if self._known.get(notebook, ((), None))[0] != mark:
                self._known[notebook] = mark, _readers(json.loads(path.read_text("utf-8")))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            self._known.pop(notebook, None)
            return False
        readers = self._known[notebook][1]
        return readers is None or not readers.isdisjoint(groups)


def groups_of(user: Any) -> frozenset[str]:
    """Groups of a user as the hub's sign-in gives it; none when the hub does not tell them."""
    return frozenset(getattr(user, "hub_user", {}).get("groups") or ())


def _readers(notebook: dict[str, Any]) -> frozenset[str] | None:
    metadata = notebook["metadata"]
    if KEY not in metadata:
        return None
    if isinstance(metadata[KEY], str):
        raise TypeError(KEY)
    return frozenset(metadata[KEY])
