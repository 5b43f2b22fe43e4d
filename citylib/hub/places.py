"""The folders that the platform writes to, tried before anything is begun."""

from __future__ import annotations

import tempfile
from pathlib import Path

from citylib.city.errors import CityError
from citylib.city.secrets import keep_from_others
from citylib.city.settings import Settings


class NotWritable(CityError):
    """The platform cannot write to one of its folders; names it and what to do."""


def ensure_places(settings: Settings, *keys: str) -> None:
    """Make the folder for state and those that `keys` name, and see that they can be written to.

    Parameters
    ----------
    settings : Settings
        Where they are. What is in object storage is left alone.
    keys : {"lake", "cube", "public"}
        What is to be written besides the state itself.

    Raises
    ------
    NotWritable
        A folder cannot be made or nothing can be written in it.

    Examples
    --------
    >>> ensure_places(Settings.load(), "lake")  # doctest: +SKIP
    """
    try:
        # Records are in it that are not for everybody.
        keep_from_others(settings.var)
    except OSError as error:
        raise _refused(settings.var, "var", error) from None
    _try(settings.var, "var")
    for key in keys:
        place = str(getattr(settings, key))
        if "://" in place:
            continue
        # Pages in the making and the cube's lock are beside the folder. That of the pages is put
        # there whole.
        _try(Path(place).parent, key)
        if key != "public":
            _try(Path(place), key)


def _try(folder: Path, key: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise _refused(folder, key, error) from None


def _refused(folder: Path, key: str, error: OSError) -> NotWritable:
    return NotWritable(
        f"{folder}: cannot be written to ({error.strerror}); let this user write there, or choose "
        f"another folder by `{key}` in citylib.toml or CITYLIB_{key.upper()}"
    )
