"""The cube: every indicator over time and area, in transactional Zarr.

The cube is an Icechunk repository (https://icechunk.io). Indicators of the same area level and
frequency share a Zarr group, `district/day` for example, which is an `xarray.Dataset` with dims
`(time, area)`. All groups change in one commit: a reader sees one version or the next, never half.
"""

from __future__ import annotations

import fcntl
import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import icechunk
import numpy as np
import xarray as xr

from citylib.city.errors import CityError

BRANCH = "main"

# It warns at each opening that a folder has no guard against two writers; `_only_writer` is one.
icechunk.set_logs_filter("error")


class CubeMissing(CityError):
    """There is no cube yet, or it has no such indicator."""


class Cube:
    """Figures of all indicators at one version.

    A cube keeps showing the version it was opened at; `refresh` moves it to the newest.

    Parameters
    ----------
    uri : str
        Folder, or object storage as `s3://bucket/prefix` with credentials from the environment.

    Examples
    --------
    >>> cube = Cube("var/cube")  # doctest: +SKIP
    >>> cube.read("pm25").sel(time="2020-01-01", area="11")  # doctest: +SKIP
    """

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self._opened: dict[str | None, xr.Dataset] = {}

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
            Nothing has been committed yet.
        """
        return str(self._session.snapshot_id)

    @property
    def stale(self) -> bool:
        """Whether there is a newer version than the one that is shown."""
        repo = self._repo()
        return repo is not None and str(repo.lookup_branch(BRANCH)) != self.version

    def refresh(self) -> None:
        """Show the newest version from now on."""
        for name in ("_session", "_groups"):
            self.__dict__.pop(name, None)
        self._opened.clear()

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
            `classification`, `domain`, `frequency`, `aggregation`, `headline`, `better`,
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
        array = self._open(self._groups[indicator])[indicator]
        periods = np.flatnonzero(array.notnull().any("area"))
        if not len(periods):
            return array.isel(time=slice(0))
        first, last = periods[[0, -1]]
        return array.isel(time=slice(int(first), int(last) + 1))

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
        """
        groups: dict[str, list[xr.DataArray]] = {}
        for array in figures.values():
            level, frequency = array["area"].attrs["level"], array.attrs["frequency"]
            groups.setdefault(f"{level}/{frequency}", []).append(array)
        names = {array.name: group for group, arrays in groups.items() for array in arrays}
        computed = datetime.now(UTC).isoformat(timespec="seconds")
        about = {
            **attrs,
            "groups": {name: names[name] for name in figures},
            "computed": computed,
            "Conventions": "CF-1.12",
        }
        with self._only_writer():
            repo = self._repo(create=True)
            session = repo.writable_session(BRANCH)
            with _quiet():
                root = xr.Dataset(attrs={"about": json.dumps(about, ensure_ascii=False)})
                root.to_zarr(session.store, mode="w", consolidated=False)
                for group, arrays in groups.items():
                    merged = xr.merge(arrays, join="outer", combine_attrs="drop_conflicts")
                    merged = merged.assign_attrs(Conventions="CF-1.12", computed=computed)
                    for name in merged.data_vars:
                        merged[name].attrs["computed"] = computed
                    merged.to_zarr(
                        session.store, group=group, mode="w", consolidated=False, zarr_format=3
                    )
            version = session.commit(f"{len(figures)} indicators", metadata={"computed": computed})
        self.refresh()
        return str(version)

    def history(self) -> list[str]:
        """Versions from the newest to the oldest with figures."""
        repo = self._repo()
        if repo is None:
            return []
        *versions, _initial = [snapshot.id for snapshot in repo.ancestry(branch=BRANCH)]
        return [str(version) for version in versions]

    @cached_property
    def _session(self) -> Any:
        repo = self._repo()
        if repo is None:
            raise CubeMissing(f"there is no cube at {self.uri} yet; run: citylib compute")
        return repo.readonly_session(BRANCH)

    @cached_property
    def _groups(self) -> dict[str, str]:
        return dict(self._root.get("groups", {}))

    @property
    def _root(self) -> dict[str, Any]:
        try:
            return json.loads(self._open(None).attrs["about"])
        except (FileNotFoundError, KeyError):
            return {}

    def _open(self, group: str | None) -> xr.Dataset:
        if group not in self._opened:
            self._opened[group] = self._open_group(group)
        return self._opened[group]

    def _open_group(self, group: str | None) -> xr.Dataset:
        with _quiet():
            dataset = xr.open_zarr(
                self._session.store, group=group, consolidated=False, chunks=None
            )
        if "area" not in dataset.coords:
            return dataset
        # Zarr's strings have a type of numpy's of which much of xarray and pandas knows nothing.
        area = dataset["area"]
        return dataset.assign_coords(area=("area", area.values.astype(object), area.attrs))

    def _repo(self, create: bool = False) -> Any:
        storage = _storage(self.uri)
        if create:
            return icechunk.Repository.open_or_create(storage)
        if not icechunk.Repository.exists(storage):
            return None
        return icechunk.Repository.open(storage)

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


def _storage(uri: str) -> Any:
    if "://" not in uri:
        return icechunk.local_filesystem_storage(uri)
    scheme, _, rest = uri.partition("://")
    bucket, _, prefix = rest.partition("/")
    if scheme != "s3":
        raise CityError(f"cube {uri!r}: only folders and s3://bucket/prefix are known")
    return icechunk.s3_storage(bucket=bucket, prefix=prefix, from_env=True)


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave out what the storage libraries tell their own developers."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*Zarr (V3|format 3) specification.*")
        warnings.filterwarnings("ignore", message=".*does not have a Zarr V3.*")
        yield
