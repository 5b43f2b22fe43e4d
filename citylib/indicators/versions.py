"""Versions of the cube: where they are kept, which one is meant, and when they go."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import icechunk

from citylib.city.errors import CityError

KEEP = timedelta(days=3)
"""How long a version can be read after it has been replaced."""
MOST = 10_000
"""No more versions than these are kept: where records never stop coming, those of some hours."""
EVERY = timedelta(hours=6)
"""How often old versions are removed."""
UNFINISHED = timedelta(hours=6)
"""No commit takes longer; what nothing refers to after that was never finished."""
BRANCH = "main"

# It warns at each opening that a folder has no guard against two writers; the cube's lock is one.
icechunk.set_logs_filter("error")


def storage(uri: str) -> Any:
    """Where a cube is, for icechunk.

    Raises
    ------
    CityError
        The address is of a kind that is not known.
    """
    if "://" not in uri:
        return icechunk.local_filesystem_storage(uri)
    scheme, _, rest = uri.partition("://")
    bucket, _, prefix = rest.partition("/")
    if scheme != "s3":
        raise CityError(f"cube {uri!r}: only folders and s3://bucket/prefix are known")
    return icechunk.s3_storage(bucket=bucket, prefix=prefix, from_env=True)


def moment_of(as_of: datetime | str) -> datetime | None:
    """The moment that is meant; None: it is the identifier of a version."""
    if isinstance(as_of, str):
        try:
            as_of = datetime.fromisoformat(as_of)
        except ValueError:
            return None
    return as_of if as_of.tzinfo else as_of.replace(tzinfo=UTC)


def expire(repo: Any, keep: timedelta, most: int = MOST) -> int:
    """Remove versions that were replaced longer ago or are too many, and what is left of
    unfinished ones.

    A version's age counts from when the next one took its place: who opened it just before that
    can go on reading it.

    Returns
    -------
    int
        Number of versions that are gone.
    """
    now = datetime.now(UTC)
    replaced, last = now, None
    for place, snapshot in enumerate(repo.ancestry(branch=BRANCH)):
        old = replaced < now - keep or place >= most
        if old and snapshot.parent_id is not None:
            last = snapshot.written_at
            break
        replaced = snapshot.written_at
    gone = 0
    if last is not None:
        gone = len(repo.expire_snapshots(older_than=last + timedelta(microseconds=1)))
    repo.garbage_collect(now - UNFINISHED)
    return gone
