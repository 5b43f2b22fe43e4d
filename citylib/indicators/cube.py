"""The cube: every indicator over time and area, in transactional Zarr.

The cube is an Icechunk repository (https://icechunk.io). Indicators of the same area level and
frequency share a Zarr group, `district/day` for example, which is an `xarray.Dataset` with dims
`(time, area)`. All groups change in one commit: a reader sees one version or the next, never half.
A version that has been replaced stays readable for `KEEP`.
"""

from __future__ import annotations

import fcntl
import json
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import icechunk
import xarray as xr
import zarr

from citylib.city.errors import CityError
from citylib.indicators.draft import Draft
from citylib.indicators.stored import Stored, read_stored
from citylib.indicators.versions import BRANCH, KEEP, MOST, expire, moment_of, storage


class CubeMissing(CityError):
    """There is no cube yet, or it has no such indicator."""


class Cube:
    """Figures of all indicators at one version.

    A cube keeps showing the version it was opened at; `refresh` moves it to the newest.

    Parameters
    ----------
    uri : str
        Folder, or object storage as `s3://bucket/prefix` with credentials from the environment.
    as_of : datetime or str, optional
        Show the version that was the newest at a moment, or a version by its identifier; a moment
        as text is ISO 8601, in UTC unless it says another offset. It stays shown.

    Examples
    --------
    >>> cube = Cube("var/cube")  # doctest: +SKIP
    >>> cube.read("pm25").sel(time="2020-01-01", area="11")  # doctest: +SKIP
    >>> Cube("var/cube", as_of="2026-11-20T08:00").read("pm25")  # doctest: +SKIP
    """

    def __init__(self, uri: str, as_of: datetime | str | None = None) -> None:
        self.uri = uri
        self._as_of = as_of
        self._opened: dict[str, xr.Dataset] = {}
        self._found: Any = None

    @property
    def empty(self) -> bool:
        """Whether nothing has been committed yet."""
        return self._repo() is None or not self._groups

    @property
    def version(self) -> str:
        """Identifier of the version that is shown.

        Raises
        ------
        CubeMissing
            Nothing has been committed yet, or there is no such version.
        """
        return str(self._session.snapshot_id)

    @property
    def newest(self) -> str | None:
        """Identifier of the newest version, whichever is shown; None: there is no cube yet."""
        repo = self._repo()
        return None if repo is None else str(repo.lookup_branch(BRANCH))

    @property
    def stale(self) -> bool:
        """Whether there is a newer version than the one that is shown."""
        newest = self.newest
        return newest is not None and self._as_of is None and newest != self.version

    def refresh(self) -> None:
        """Show the newest version from now on, or the one that `as_of` says."""
        for name in ("_session", "_root", "_groups"):
            self.__dict__.pop(name, None)
        self._opened.clear()

    def changed_since(self, version: str) -> set[str]:
        """Indicators that are not what they were at an earlier version, by id.

        Parameters
        ----------
        version : str
            One that was shown before; when it is gone, all indicators count as changed.
        """
        if version == self.version:
            return set()
        touched = self.touched_since(version)
        if touched is None:
            return set(self._groups)
        before = _about(self._repo().readonly_session(snapshot_id=version).store)

        def same(name: str) -> bool:
            return all(
                before.get(key, {}).get(name) == self._root.get(key, {}).get(name)
                for key in ("groups", "spans", "declarations")
            )

        return {
            name
            for name, group in self._groups.items()
            if not same(name) or touched & {f"/{group}/{name}", f"/{group}/area"}
        }

    def touched_since(self, version: str) -> set[str] | None:
        """Paths of the arrays that were written since an earlier version, such as
        `/district/day/pm25`; None: that version is gone.
        """
        try:
            difference = self._repo().diff(from_snapshot_id=version, to_snapshot_id=self.version)
        except (icechunk.IcechunkError, ValueError):
            return None
        return {
            *difference.updated_chunks,
            *difference.updated_arrays,
            *difference.new_arrays,
            *difference.deleted_arrays,
        }

    def stored(self, indicators: Iterable[str]) -> dict[str, Stored]:
        """Figures of indicators as they are stored, by id; read all at a time."""
        return read_stored(self._session.store, self._root, indicators)

    def ids(self) -> list[str]:
        """Indicators in the cube, in the order of their declaration."""
        return list(self._groups)

    def read(self, indicator: str) -> xr.DataArray:
        """Figures of an indicator; values are read when they are needed.

        Parameters
        ----------
        indicator : str
            Its id.

        Returns
        -------
        xarray.DataArray
            Dims `(time, area)`. `time`: start of each period in the city's civil time
            (`time.attrs["time_zone"]`), without gaps. `area`: the city's code first, then the
            areas of the level; the city alone where records know nothing smaller. NaN: missing.
            Attributes: `long_name` and `long_name_<language>`, `units`, `source` and `licence`
            (with `_<language>` where the profile says them in several),
            `classification`, `domain`, `frequency`, `aggregation`, `per`, `headline`, `better`,
            `computed`, `replayed_from` (see `citylib.indicators.replayed`).

        Raises
        ------
        CubeMissing
            There is no such indicator in the cube.
        """
        if indicator not in self._groups:
            known = ", ".join(self._groups) or "none"
            raise CubeMissing(
                f"the cube has no indicator {indicator!r} (it has: {known}); "
                "declare it in the city's profile and run: citylib compute"
            )
        group = self._groups[indicator]
        array = self._open(group)[indicator].assign_attrs(computed=self._root.get("computed", ""))
        axis = self._root.get("axes", {}).get(group, 0)
        first, last = self._root.get("spans", {}).get(indicator, (axis, axis + array.sizes["time"]))
        return array.isel(time=slice(first - axis, last - axis))

    def dataset(self, frequency: str, level: str = "district") -> xr.Dataset:
        """All indicators of a frequency and area level.

        Parameters
        ----------
        frequency : {"hour", "day", "month", "year"}
            Length of a period.
        level : str
            Area level, or `city`.

        Returns
        -------
        xarray.Dataset
            Dims `(time, area)`, attributes after the CF conventions.

        Raises
        ------
        CubeMissing
            The cube has no indicator of that kind.
        """
        group = f"{level}/{frequency}"
        if group not in self._groups.values():
            have = ", ".join(sorted(set(self._groups.values())))
            raise CubeMissing(f"the cube has nothing for {group}; it has: {have}")
        return self._open(group)

    @property
    def attrs(self) -> dict[str, Any]:
        """What was said at the commit: `tables` (version of each), `declarations`, `computed`."""
        return dict(self._root)

    def tree(self) -> xr.DataTree:
        """All indicators: a node for each area level and frequency, see `dataset`.

        Examples
        --------
        >>> cube.tree()["district/day"]["pm25"]  # doctest: +SKIP
        """
        groups = dict.fromkeys(self._groups.values())
        return xr.DataTree.from_dict({group: self._open(group) for group in groups})

    def write(self, figures: Mapping[str, xr.DataArray], attrs: Mapping[str, Any]) -> str:
        """Replace the cube's contents in one commit.

        Parameters
        ----------
        figures : mapping of str to xarray.DataArray
            From `citylib.indicators.engine.compute`.
        attrs : mapping
            What the figures were made from; JSON.

        Returns
        -------
        str
            The new version.

        Raises
        ------
        CubeBusy
            Another version came first; nothing was changed.
        """
        with self.draft() as draft:
            draft.clear()
            draft.about.update(attrs)
            draft.put(figures.values())
            draft.about["groups"] = {name: draft.groups[name] for name in figures}
            return draft.commit(f"{len(figures)} indicators")

    @contextmanager
    def draft(self) -> Iterator[Draft]:
        """The next version, to be written and committed in the block that follows.

        Nobody else writes to the cube meanwhile, if it is a folder; in object storage who commits
        second fails. Afterwards the cube shows the newest version.
        """
        with self._only_writer():
            repo = self._repo(create=True)
            session = repo.writable_session(BRANCH)
            with _quiet():
                yield Draft(session, _about(session.store))
        self.refresh()

    def history(self) -> list[str]:
        """Versions from the newest to the oldest with figures that is kept."""
        return [version for version, _ in self.versions()]

    def versions(self) -> Iterator[tuple[str, datetime]]:
        """The same one by one, with the time of each commit."""
        repo = self._repo()
        if repo is not None:
            for snapshot in repo.ancestry(branch=BRANCH):
                if snapshot.parent_id is not None:
                    yield str(snapshot.id), snapshot.written_at

    def expire(self, keep: timedelta = KEEP, most: int = MOST) -> int:
        """Remove versions that were replaced longer ago or are too many, and what is left of
        unfinished ones.

        Parameters
        ----------
        keep : timedelta
            Who has opened a version can go on reading it for so long after it was replaced.
        most : int
            So many of the newest are kept; none before them is, however young.

        Returns
        -------
        int
            Number of versions that are gone.
        """
        repo = self._repo()
        if repo is None:
            return 0
        with self._only_writer():
            return expire(repo, keep, most)

    @cached_property
    def _session(self) -> Any:
        repo = self._repo()
        if repo is None:
            raise CubeMissing(f"there is no cube at {self.uri} yet; run: citylib compute")
        if self._as_of is None:
            return repo.readonly_session(BRANCH)
        moment = moment_of(self._as_of)
        try:
            if moment is None:
                session = repo.readonly_session(snapshot_id=str(self._as_of))
            else:
                session = repo.readonly_session(BRANCH, as_of=moment)
            if _about(session.store):  # the repository begins with a version of nothing
                return session
        except (icechunk.IcechunkError, ValueError):
            pass
        oldest = min((time for _, time in self.versions()), default=None)
        said = f"the oldest is of {oldest:%Y-%m-%d %H:%M} UTC" if oldest else "there is none"
        raise CubeMissing(
            f"{self.uri}: there is no version {self._as_of} of the cube (any more); {said}"
        )

    @cached_property
    def _groups(self) -> dict[str, str]:
        return dict(self._root.get("groups", {}))

    @cached_property
    def _root(self) -> dict[str, Any]:
        return _about(self._session.store)

    def _open(self, group: str) -> xr.Dataset:
        if group not in self._opened:
            self._opened[group] = self._open_group(group)
        return self._opened[group]

    def _open_group(self, group: str) -> xr.Dataset:
        with _quiet():
            dataset = xr.open_zarr(
                self._session.store, group=group, consolidated=False, chunks=None
            )
        # Zarr's strings have a type of numpy's of which much of xarray and pandas knows nothing.
        area = dataset["area"]
        names = ("area", area.values.astype(object), area.attrs)
        return dataset.assign_coords(area=names).assign_attrs(
            computed=self._root.get("computed", "")
        )

    def _repo(self, create: bool = False) -> Any:
        if self._found is None:
            place = storage(self.uri)
            if create:
                self._found = icechunk.Repository.open_or_create(place)
            elif icechunk.Repository.exists(place):
                self._found = icechunk.Repository.open(place)
        return self._found

    @contextmanager
    def _only_writer(self) -> Iterator[None]:
        """One writer at a time: a folder, unlike object storage, cannot refuse the second."""
        if "://" in self.uri:
            yield
            return
        Path(self.uri).mkdir(parents=True, exist_ok=True)
        with (Path(self.uri).parent / f".{Path(self.uri).name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave out what the storage libraries tell their own developers."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*Zarr (V3|format 3) specification.*")
        warnings.filterwarnings("ignore", message=".*does not have a Zarr V3.*")
        yield


def _about(store: Any) -> dict[str, Any]:
    """What a version says of itself."""
    try:
        return json.loads(str(zarr.open_group(store, mode="r", zarr_format=3).attrs["about"]))
    except (FileNotFoundError, KeyError):
        return {}
