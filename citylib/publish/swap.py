"""One folder in the place of another, at once."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

AT_FDCWD = -100
EXCHANGE = 2


def swap(new: Path, old: Path) -> None:
    """Put `new` where `old` is; what was there, if anything, is at `new` afterwards.

    On Linux the two change places in one step (renameat2). Where the file system can't, there
    are two renames, and for an instant nothing is there.

    Parameters
    ----------
    new, old : Path
        Folders in the same file system; `old` need not be there.
    """
    if not old.exists():
        new.rename(old)
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if hasattr(libc, "renameat2"):
        names = os.fsencode(new), os.fsencode(old)
        if libc.renameat2(AT_FDCWD, names[0], AT_FDCWD, names[1], EXCHANGE) == 0:
            return
    aside = new.with_name(new.name + ".old")
    old.rename(aside)
    new.rename(old)
    aside.rename(new)
