"""Hold the cube against an independent computation and against what has been published.

A city's profile may bring `check.py` with a function `figures(profile) -> dict`, which computes
the indicators from the publishers' files in its own way, sharing no code with the platform: for
each indicator a table with the columns `time` (start of the period), `area` (code) and `value`.
`figures.toml` lists figures that others have published. Periods that rest on replayed records are
left out of both.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from rich import box
from rich.console import Console
from rich.table import Table

from citylib.city.errors import CityError
from citylib.city.profile import City, load_city
from citylib.city.settings import Settings
from citylib.indicators.cube import Cube
from citylib.indicators.declared import FOLDER, load_indicators
from citylib.indicators.published import Comparison, compare_published
from citylib.indicators.replayed import real

TOLERANCE = 1e-9
"""Relative; two ways of adding the same numbers may round differently."""


PIPE_WIDTH = 140
"""Columns of output that goes to a file or another program."""


@dataclass(frozen=True)
class Agreement:
    """How an indicator's figures compare with the independent ones.

    Attributes
    ----------
    indicator : str
        Its id.
    figures : int
        Periods and areas for which either route has a figure.
    differing : int
        Of these, how many differ or are missing on one side.
    ours, theirs : float
        Newest figure of the city by either route, as an example; where figures differ, the first
        of those.
    where : str
        Period and area of the example.
    """

    indicator: str
    figures: int
    differing: int
    ours: float
    theirs: float
    where: str


def compare(array: xr.DataArray, independent: pd.DataFrame) -> Agreement:
    """Compare one indicator figure by figure.

    Parameters
    ----------
    array : xarray.DataArray
        From the cube; dims `(time, area)`.
    independent : pandas.DataFrame
        Columns `time`, `area`, `value`.
    """
    theirs = independent.set_index(["time", "area"])["value"].astype(float).dropna()
    if theirs.index.has_duplicates:
        twice = theirs.index[theirs.index.duplicated()][0]
        raise CityError(f"check.py: indicator {array.name!r} has two figures for {twice}")
    ours = array.to_series().dropna()
    both = pd.DataFrame({"ours": ours, "theirs": theirs}).sort_index()
    equal = np.isclose(both["ours"], both["theirs"], rtol=TOLERANCE, atol=0)
    differing = both[~equal]
    city = str(array["area"].values[0])
    shown = (
        differing if len(differing) else both[both.index.get_level_values("area") == city].tail(1)
    )
    where, ours_shown, theirs_shown = "nowhere", np.nan, np.nan
    if len(shown):
        (time, area), row = shown.index[0], shown.iloc[0]
        where, ours_shown, theirs_shown = f"{time:%Y-%m-%d} {area}", row["ours"], row["theirs"]
    return Agreement(
        indicator=str(array.name),
        figures=len(both),
        differing=len(differing),
        ours=float(ours_shown),
        theirs=float(theirs_shown),
        where=where,
    )


def run_check(settings: Settings) -> bool:
    """Print both comparisons.

    Parameters
    ----------
    settings : Settings
        Where profile and cube are.

    Returns
    -------
    bool
        Whether every indicator was computed by both routes and every figure agrees.

    Raises
    ------
    CityError
        There is no cube, or the profile has no independent computation.
    """
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = PIPE_WIDTH
    city = load_city(settings.profile)
    declared = load_indicators(settings.profile / FOLDER)
    if not declared:
        raise CityError(f"{settings.profile / FOLDER}: there is no indicator to check")
    cube = Cube(settings.cube)
    independent = _independent(settings.profile)
    arrays = {name: cube.read(name) for name in declared}
    agreements = [
        compare(real(array), independent.get(name, _none())) for name, array in arrays.items()
    ]
    console.print(_agreement_table(agreements))
    published = compare_published(settings.profile / "figures.toml", cube)
    console.print(_published_table(published, city))
    wrong = [a.indicator for a in agreements if a.differing or not a.figures]
    wrong += [c.title for c in published if not c.agrees]
    figures = sum(a.figures for a in agreements)
    console.print(
        f"{len(agreements)} indicators, {figures:,} figures by two routes, "
        f"{len(published)} published figures: "
        + (f"[bold red]{len(wrong)} differ: {', '.join(wrong)}" if wrong else "all equal")
    )
    replayed = {
        name: array.sizes["time"] - real(array).sizes["time"] for name, array in arrays.items()
    }
    if any(replayed.values()):
        told = ", ".join(f"{name} {count:,}" for name, count in replayed.items() if count)
        console.print(f"left out, for they rest on replayed records: periods of {told}")
    return not wrong


def _none() -> pd.DataFrame:
    empty = pd.DataFrame({"time": [], "area": [], "value": []})
    return empty.astype({"time": "datetime64[ns]", "area": object, "value": float})


def _independent(profile: Path) -> dict[str, pd.DataFrame]:
    path = profile / "check.py"
    if not path.is_file():
        raise CityError(f"{path}: there is no independent computation; write figures(profile)")
    spec = importlib.util.spec_from_file_location("city_check", path)
    assert spec is not None  # noqa: S101
    assert spec.loader is not None  # noqa: S101
    module: Any = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        return module.figures(profile)
    except Exception as error:
        raise CityError(f"{path}: failed: {type(error).__name__}: {error}") from error


def _number(value: float) -> str:
    return "missing" if np.isnan(value) else f"{value:,.10g}"


def _verdict(agrees: bool) -> str:
    return "equal" if agrees else "[bold red]differs"


def _agreement_table(agreements: list[Agreement]) -> Table:
    table = Table(title="Every indicator by an independent route", box=box.SIMPLE_HEAD)
    for heading in ("indicator", "figures", "of which", "cube", "independent", "verdict"):
        table.add_column(
            heading, justify="left" if heading == "indicator" else "right", no_wrap=True
        )
    for a in agreements:
        agrees = bool(a.figures) and not a.differing
        verdict = _verdict(agrees) + (f" ({a.differing:,})" if a.differing else "")
        table.add_row(
            a.indicator, f"{a.figures:,}", a.where, _number(a.ours), _number(a.theirs), verdict
        )
    return table


def _published_table(published: list[Comparison], city: City) -> Table:
    table = Table(title=f"Published figures of {city.name[city.languages[0]]}", box=box.SIMPLE_HEAD)
    for heading in ("figure", "by", "published", "cube", "verdict"):
        table.add_column(heading, justify="left" if heading in ("figure", "by") else "right")
    for c in published:
        table.add_row(c.title, c.published_by, c.published, c.ours, _verdict(c.agrees))
    return table
