"""Temporary folders of the tests, in memory where there is room.

Thousands of small tables and databases are written and thrown away. A disk would be asked each
time to keep them safe; what a crashed process leaves behind is the same in memory.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108
NEEDED = 6 << 30


def use_memory() -> None:
    """Let temporary files of this process, and of those it starts, be in memory.

    A TMPDIR that somebody has set is left alone.
    """
    if "TMPDIR" not in os.environ and _has_room():
        os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)


def _has_room() -> bool:
    try:
        # Programs of the tests' own are in temporary folders as well.
        runs = not os.statvfs(MEMORY).f_flag & os.ST_NOEXEC
        room = shutil.disk_usage(MEMORY).free
        told = Path("/proc/meminfo").read_text("ascii").split("MemAvailable:")[1]
    except (OSError, IndexError):
        return False
    return runs and min(room, int(told.split()[0]) << 10) > NEEDED
