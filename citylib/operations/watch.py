"""Whether anything was written to the operations store: a question that costs next to nothing."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from citylib.operations.store import Store, StoreError


class Watch:
    """Looks whether a store was written to since the last look.

    On SQLite a look takes some millionths of a second and no lock that a writer waits for. Of
    PostgreSQL nothing is asked: every look says yes.

    Keeps a connection of its own, for the thread and the process in which `moved` is called.

    Parameters
    ----------
    store : Store
        The store.

    Examples
    --------
    >>> watch = Watch(store)  # doctest: +SKIP
    >>> watch.moved()  # the first look always says yes  # doctest: +SKIP
    True
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._path = store.url.database if store.engine.dialect.name == "sqlite" else None
        self._connection: sqlite3.Connection | None = None
        self._seen: tuple[int, ...] = ()

    @property
    def cheap(self) -> bool:
        """Whether looks may follow each other closely."""
        return self._path is not None

    def moved(self) -> bool:
        """Whether something was written since the last look.

        Raises
        ------
        StoreError
            The file is not there or cannot be read.
        """
        if self._path is None:
            return True
        try:
            now = self._look(Path(self._path))
        except (OSError, sqlite3.Error) as error:
            self.close()
            raise StoreError(
                f"operations store {self._store.describe()} cannot be used: {error}"
            ) from None
        moved, self._seen = now != self._seen, now
        return moved

    def close(self) -> None:
        """Close the connection; the next look opens a new one, and says yes."""
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
        self._connection, self._seen = None, ()

    def _look(self, path: Path) -> tuple[int, ...]:
        # A file that was put back from a backup is another one.
        there = os.stat(path)  # noqa: PTH116
        file = there.st_dev, there.st_ino
        if self._connection is not None and file != self._seen[:2]:
            self.close()
        if self._connection is None:
            address = f"{path.absolute().as_uri()}?mode=ro"
            self._connection = sqlite3.connect(address, uri=True, isolation_level=None)
        with closing(self._connection.execute("pragma data_version")) as found:
            return (*file, found.fetchone()[0])
