"""The profile of a process that asks for it again and again, or is forked after it has read it."""

from __future__ import annotations

from pathlib import Path

from citylib.city.profile import City, load_city

PARTS = ("areas", "basemap", "datasets", "feeds")
_kept: dict[Path, tuple[str, City]] = {}


def kept_city(folder: Path) -> City:
    """The profile as `load_city` reads it, read anew only when one of its files is another.

    Parameters
    ----------
    folder : Path
        As for `load_city`.

    Raises
    ------
    ProfileError
        As `load_city`.

    Examples
    --------
    >>> kept_city(folder) is kept_city(folder)  # doctest: +SKIP
    True
    """
    folder = Path(folder)
    mark = _mark(folder)
    if folder not in _kept or _kept[folder][0] != mark:
        _kept[folder] = mark, load_city(folder)
    return _kept[folder][1]


def _mark(folder: Path) -> str:
    """What changes when a file does that `load_city` reads, or that it looks for."""
    files = [
        folder / "city.toml",
        *(path for part in PARTS for path in sorted((folder / part).glob("*"))),
    ]
    known = [(path.name, path.stat()) for path in files if path.is_file()]
    return "\n".join(f"{name} {of.st_ino} {of.st_size} {of.st_mtime_ns}" for name, of in known)
