"""What can go wrong between a file and a table."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
from deltalake.exceptions import CommitFailedError, DeltaError

from citylib.city.errors import CityError
from citylib.lake.storage import without_secrets


class FileFault(CityError):
    """A whole file cannot be read; the message names the file and what to do."""


class DatasetMissing(CityError):
    """There is no table of this dataset yet, or the profile has no such dataset."""


class LakeBusy(CityError):
    """Others kept writing to the same table."""


class SchemaChanged(CityError):
    """The profile says something else of a table's columns than the table."""


class StorageFault(CityError):
    """The storage of the lake is full, may not be written or read, or does not answer."""


class Overtaken(Exception):
    """Another commit came first; never leaves the lake."""


CONFLICTS = ("oncurrent", "onflict", "changed since last commit")
"""What Delta Lake says when another commit came first: of records, or of the table's making."""
_MENDS = {
    errno.ENOSPC: "there is no space left; make room",
    errno.EDQUOT: "the quota is used up; make room",
    errno.EFBIG: "there is no room for a file of this size; make room",
    errno.EACCES: "it may not be written or read by this user; mend its permissions",
    errno.EPERM: "it may not be written or read by this user; mend its permissions",
    errno.EROFS: "it is mounted for reading only; mount it for writing",
}


_STORES = {
    "NoSuchBucket": "make the bucket, or mend `lake` in citylib.toml",
    "NO_SUCH_BUCKET": "make the bucket, or mend `lake` in citylib.toml",
    "AccessDenied": "these keys may not do it; mend their rights",
    "ACCESS_DENIED": "these keys may not do it; mend their rights",
    "InvalidAccessKeyId": "the store does not know the key; mend AWS_ACCESS_KEY_ID",
    "SignatureDoesNotMatch": "the keys do not match; mend AWS_SECRET_ACCESS_KEY",
}


@contextmanager
def storage(place: str) -> Iterator[None]:
    """Turn what a storage may raise into an error that says what to do.

    Raises
    ------
    Overtaken
        Another commit came first.
    StorageFault
        Anything else. What was committed before is there, and nothing of what was not.
    """
    try:
        yield
    except CommitFailedError as error:
        if any(word in str(error) for word in CONFLICTS):
            raise Overtaken(str(error)) from None
        raise _fault(place, error) from None
    except (OSError, DeltaError, pa.ArrowException) as error:
        raise _fault(place, error) from None


def _fault(place: str, error: Exception) -> StorageFault:
    number = getattr(error, "errno", None)
    text = without_secrets(str(error))
    mend = "see whether it is there and answers"
    for code, advice in _MENDS.items():
        if number == code or f"os error {code})" in text or f"[Errno {code}]" in text:
            mend = advice
    for word, advice in _STORES.items():
        if word in text:
            mend = advice
    first = _plain(text)[-300:] or type(error).__name__  # the cause is at the end
    return StorageFault(
        f"{place}: the storage failed ({first}): {mend}, then run it again. Nothing was left half "
        "written, and what was stored before is still there"
    )


def _plain(text: str) -> str:
    """What a library says in one line, without colours; of a store's answer the code alone."""
    code = re.search(r"<Code>(\w+)</Code>", text)
    text = re.sub(r"\x1b\[[0-9;]*m|↳", "", text.split("<?xml")[0])
    return " ".join([*text.split(), *([code[1]] if code else [])])
