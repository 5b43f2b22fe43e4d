"""Whether anything was written to the operations store: a question that costs next to nothing."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from citylib.operations.store import Store, StoreError

VERSION = "pragma data_version"
NEWEST = "select coalesce(max(number), 0) from changes where kind = ?"


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
        self._path = store.url.database if store.url.get_backend_name() == "sqlite" else None
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, ...] = ()
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
        with self._opened() as connection, closing(connection.execute(VERSION)) as found:
            now = (*self._file, found.fetchone()[0])
        moved, self._seen = now != self._seen, now
        return moved

    def newest(self, kind: str) -> int:
        """Number of the newest change of a kind; 0 when there was none.

        The same as the change log says, for a hundredth of the memory: a screen asks nothing else.

        Raises
        ------
        StoreError
            The log is not there or cannot be read.
        """
        if self._path is None:
            change = self._store.changes.last(kind)
            return 0 if change is None else change.number
        with self._opened() as connection, closing(connection.execute(NEWEST, (kind,))) as found:
            return int(found.fetchone()[0])

    def close(self) -> None:
        """Close the connection; the next look opens a new one, and says yes."""
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
        self._connection, self._seen = None, ()

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """The connection, to the file that is there now."""
        path = Path(str(self._path))
        try:
            # A file that was put back from a backup is another one.
            there = os.stat(path)  # noqa: PTH116
            file = there.st_dev, there.st_ino
            if self._connection is not None and file != self._file:
                self.close()
            if self._connection is None:
                address = f"{path.absolute().as_uri()}?mode=ro"
                self._connection = sqlite3.connect(address, uri=True, isolation_level=None)
                self._file = file
            yield self._connection
        except (OSError, sqlite3.Error) as error:
            self.close()
            raise StoreError(
                f"operations store {self._store.describe()} cannot be used: {error}"
            ) from None
