"""The cube's newest figures as files that all processes of a machine map, and share in memory.

Reading an indicator from the cube gives each reader a copy of its own. A screen needs all of them,
and there are many screens: whoever commits figures lays them out once more, as they are in memory,
and every screen maps those. The cube stays what is true: files of another version than its newest
are not used, and without them a reader reads the cube.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import xarray as xr

from citylib.city.settings import Settings
from citylib.indicators.cube import Cube
from citylib.indicators.periods import UNIT
from citylib.indicators.stored import Stored

ABOUT = "about.json"
DIMS = ("time", "area")
ATTEMPTS = 3
"""A file may go between reading its name and mapping it; then there is a newer version."""


def place_of(settings: Settings) -> Path:
    """Folder of the files."""
    return settings.var / "figures"


def lay_out(cube: Cube, place: Path) -> None:
    """Lay out the newest figures where `MappedCube` finds them; what has not changed stays.

    Who has mapped earlier files goes on reading them, though they are gone.

    Parameters
    ----------
    cube : Cube
        Whose figures; it shows the newest version afterwards.
    place : Path
        Folder of the files, made if need be. Whoever may read it may read all figures.

    Raises
    ------
    OSError
        They cannot be written. Readers read the cube.
    """
    place.mkdir(parents=True, exist_ok=True, mode=0o750)
    with (place / ".lock").open("w") as lock:
        # Who comes second must not lay out what is older.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if cube.stale:
            cube.refresh()
        before = _told(place) or {}
        if before.get("version") == cube.version or "axes" not in cube.attrs:
            return  # the second: made by an earlier version of the program, which counted otherwise
        about = _laid_out(cube, place, before)
        _write(place / ABOUT, json.dumps(about, ensure_ascii=False).encode())
        # Readers that have just read the names before may still be about to map those.
        needed = {name for one in (before, about) for name in _files(one)}
        for path in place.glob("*.figures"):
            if path.name not in needed:
                path.unlink(missing_ok=True)


class MappedCube:
    """A cube at its newest version, its figures mapped where they are laid out.

    Figures that are mapped cost a process no memory of its own and are read when they are touched;
    nobody can write to them. They stay as they are until `refresh`.

    Parameters
    ----------
    cube : Cube
        What is read where nothing is laid out.
    place : Path
        As for `lay_out`.

    Examples
    --------
    >>> figures = MappedCube(Cube(settings.cube), place_of(settings))  # doctest: +SKIP
    >>> figures.read("pm25")  # doctest: +SKIP
    """

    def __init__(self, cube: Cube, place: Path) -> None:
        self._cube, self._place = cube, place
        # What this process, or the one that it was forked from, has mapped already.
        self._before, self._arrays = _mapped_before.get(place, ({}, {}))
        self._about: dict[str, Any] = {}
        self._map()

    @property
    def mapped(self) -> bool:
        """Whether the figures are mapped, and not read from the cube."""
        return bool(self._about)

    @property
    def empty(self) -> bool:
        """Whether there are no figures yet."""
        return not self._about and self._cube.empty

    @property
    def version(self) -> str:
        """Identifier of the version that is shown."""
        return str(self._about["version"]) if self._about else self._cube.version

    @property
    def stale(self) -> bool:
        """Whether there is a newer version than the one that is shown."""
        newest = self._cube.newest
        return newest is not None and newest != self.version

    @property
    def attrs(self) -> dict[str, Any]:
        """What was said at the commit; `computed` at least."""
        return {"computed": self._about["computed"]} if self._about else self._cube.attrs

    def refresh(self) -> None:
        """Show the newest version from now on."""
        self._before = self._about
        self._cube.refresh()
        self._map()

    def changed_since(self, version: str) -> set[str]:
        """Indicators that are not what they were at an earlier version, by id."""
        if not self._about or self._before.get("version") != version:
            return self._cube.changed_since(version)
        then, now = self._before["indicators"], self._about["indicators"]
        return {name for name in now if then.get(name) != now[name]}

    def ids(self) -> list[str]:
        """Indicators that there are, in the order of their declaration."""
        return list(self._about["indicators"]) if self._about else self._cube.ids()

    def read(self, indicator: str) -> xr.DataArray:
        """Figures of an indicator, as `Cube.read` gives them, but without indexes of the axes."""
        return self._arrays[indicator] if self._about else self._cube.read(indicator)

    def _map(self) -> None:
        """Map what is laid out, if it is of the newest version."""
        known, self._about, arrays = self._arrays, {}, {}
        for _ in range(ATTEMPTS):
            about = _told(self._place)
            if about is None or about["version"] != self._cube.newest:
                break
            with suppress(OSError, ValueError, KeyError):
                arrays = _mapped(about, self._place, self._before, known)
                self._about = about
                break
        self._arrays = arrays


_mapped_before: dict[Path, tuple[dict[str, Any], dict[str, xr.DataArray]]] = {}


def laid_out(place: Path) -> dict[str, xr.DataArray]:
    """What is laid out, by id, whichever version of the cube it is; empty: nothing.

    Each `MappedCube` that this process or a fork of it makes afterwards takes over what is still
    the same. No thread is started.
    """
    about = _told(place)
    try:
        arrays = _mapped(about, place) if about else {}
    except (OSError, ValueError, KeyError):
        return {}
    if about:
        _mapped_before[place] = about, arrays
    return arrays


def _mapped(
    about: Mapping[str, Any],
    place: Path,
    before: Mapping[str, Any] = MappingProxyType({}),
    known: Mapping[str, xr.DataArray] = MappingProxyType({}),
) -> dict[str, xr.DataArray]:
    """Map the figures; what is as it was before is taken over from what is known."""
    then = before.get("indicators", {})
    axes: dict[tuple[str, int], xr.Coordinates] = {}
    found = {}
    for name, one in about["indicators"].items():
        if name in known and then.get(name) == one:
            found[name] = known[name]
            if before["computed"] != about["computed"]:
                found[name] = known[name].assign_attrs(computed=about["computed"])
            continue
        group, times = about["groups"][one["group"]], one["times"]
        if (times, one["group"]) not in axes:
            axes[times, one["group"]] = _axes(place / times, one["shape"][0], group)
        values = _opened(place / one["file"], "float64", one["shape"])
        attrs = one["attrs"] | {"computed": about["computed"]}
        found[name] = xr.DataArray(
            xr.Variable(DIMS, values, attrs, fastpath=True), axes[times, one["group"]], name=name
        )
    return found


def _axes(path: Path, count: int, group: Mapping[str, Any]) -> xr.Coordinates:
    """Time and area, without the indexes that pandas would make of them in each process."""
    starts = _opened(path, "datetime64[ns]", [count])
    codes = np.array(group["areas"], dtype=object)
    axes = zip(DIMS, (starts, codes), strict=True)
    return xr.Coordinates(
        {dim: xr.Variable((dim,), axis, group[dim], fastpath=True) for dim, axis in axes},
        indexes={},
    )


def _opened(path: Path, kind: str, shape: Sequence[int]) -> np.ndarray:
    if 0 in shape:
        return np.empty(shape, kind)
    return np.asarray(np.memmap(path, kind, "r", shape=tuple(shape)))


def _laid_out(cube: Cube, place: Path, before: dict[str, Any]) -> dict[str, Any]:
    """Write what is not there yet; what `about.json` is to say."""
    known, there = before.get("indicators", {}), {path.name for path in place.glob("*.figures")}
    touched = cube.touched_since(before["version"]) if before else None
    about = cube.attrs

    def said(name: str) -> list[Any]:
        return [about.get(key, {}).get(name) for key in ("groups", "spans", "declarations")]

    def same(name: str) -> bool:
        one = known.get(name)
        return (
            (one is not None and touched is not None)
            and one["said"] == said(name)
            and not touched & {f"/{one['group']}/{name}", f"/{one['group']}/area"}
            and {one["file"], one["times"]} <= there
        )

    indicators: dict[str, Any] = {name: known[name] if same(name) else {} for name in cube.ids()}
    new = [name for name, one in indicators.items() if not one]
    groups = {
        group: axes
        for group, axes in before.get("groups", {}).items()
        if touched is not None and f"/{group}/area" not in touched
    }
    for name, stored in cube.stored(new).items():
        group = about["groups"][name]
        if group not in groups:
            array = cube.read(name)
            groups[group] = {
                "areas": [str(code) for code in array["area"].values],
                "area": dict(array["area"].attrs),
                "time": dict(array["time"].attrs),
            }
        indicators[name] = {"said": said(name), "group": group, "attrs": stored.attrs} | _save(
            name, stored, group.rpartition("/")[2], cube.version, place, there
        )
    return {
        "version": cube.version,
        "computed": about.get("computed", ""),
        "groups": {one["group"]: groups[one["group"]] for one in indicators.values()},
        "indicators": indicators,
    }


def _save(
    name: str, stored: Stored, frequency: str, version: str, place: Path, there: set[str]
) -> dict[str, Any]:
    """Write an indicator's figures, and its periods if they are not there."""
    count = len(stored.values)
    times, file = f"time-{frequency}-{stored.first}-{count}.figures", f"{name}-{version}.figures"
    periods = np.arange(stored.first, stored.first + count)
    starts = periods.astype(f"datetime64[{UNIT[frequency]}]").astype("datetime64[ns]")
    for path, values in ((times, starts), (file, stored.values)):
        if path not in there:
            _write(place / path, values.tobytes())
            there.add(path)
    return {"file": file, "times": times, "shape": list(stored.values.shape)}


def _told(place: Path) -> dict[str, Any] | None:
    """What is laid out; None: nothing, or it may not be read."""
    try:
        about = json.loads((place / ABOUT).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return about if isinstance(about, dict) and about.get("indicators") else None


def _files(about: dict[str, Any]) -> list[str]:
    return [one[key] for one in about.get("indicators", {}).values() for key in ("file", "times")]


def _write(path: Path, content: bytes) -> None:
    """Write a file that is there in whole or not at all."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        part.write_bytes(content)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
