"""Compare the cube with figures that others have published, at the precision they printed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from pathlib import Path
from typing import Literal

import numpy as np
import xarray as xr
from pydantic import Field, model_validator

from citylib.city.errors import ProfileError
from citylib.city.model import Plain, parse, read_toml
from citylib.indicators.cube import Cube, CubeMissing
from citylib.indicators.replayed import real


class Published(Plain):
    """A figure that somebody has published.

    Attributes
    ----------
    title : str
        What was published.
    indicator : str
        Id of the indicator that it is compared with.
    area : str
        Code of the area; the city's own for the whole city.
    period : str
        `2020`, `2020-06`, `2020-06-30`, or an interval `2018/2022` with both ends in it.
    over_time : {"mean", "sum", "last", "argmax"}
        How the indicator's periods become the figure; `argmax` is the date of the largest.
    value : str
        As printed, so that its precision is known; a date for `argmax`.
    published_by : str
        Who and when.
    note : str
        What else a reader should know.
    """

    title: str
    indicator: str
    area: str
    period: str = Field(pattern=r"^\d{4}(-\d\d){0,2}(/\d{4}(-\d\d){0,2})?$")
    over_time: Literal["mean", "sum", "last", "argmax"]
    value: str
    published_by: str
    note: str = ""

    @model_validator(mode="after")
    def _is_a_number(self) -> Published:
        for end in self.period.split("/"):
            try:
                np.datetime64(end)
            except ValueError:
                raise ValueError(f"period {end!r} is no date") from None
        if self.over_time != "argmax":
            try:
                Decimal(self.value.replace(",", ""))
            except InvalidOperation:
                raise ValueError(
                    f"value {self.value!r} is no number; write it as printed"
                ) from None
        return self


class _File(Plain):
    figure: tuple[Published, ...] = ()


@dataclass(frozen=True)
class Comparison:
    """A published figure and ours at its precision."""

    title: str
    published_by: str
    published: str
    ours: str
    agrees: bool


def compare_published(path: Path, cube: Cube) -> list[Comparison]:
    """Compare each figure of a `figures.toml` with the cube.

    Parameters
    ----------
    path : Path
        The file; a city without one has nothing to compare.
    cube : Cube
        Where our figures are.

    Raises
    ------
    ProfileError
        The file has a mistake, or names an indicator or area that the cube does not have.
    """
    if not path.is_file():
        return []
    return [_compare(figure, path, cube) for figure in parse(_File, read_toml(path), path).figure]


def _compare(figure: Published, path: Path, cube: Cube) -> Comparison:
    try:
        array = real(cube.read(figure.indicator))
    except CubeMissing as error:
        raise ProfileError(f"{path}: figure {figure.title!r}: {error}") from None
    if figure.area not in array["area"].values:
        raise ProfileError(f"{path}: figure {figure.title!r}: no area {figure.area!r} in the cube")
    start, _, end = figure.period.partition("/")
    series = array.sel(area=figure.area).sel(time=slice(start, end or start)).dropna("time")
    ours = _reduced(series, figure)
    return Comparison(figure.title, figure.published_by, figure.value, ours, ours == figure.value)


def _reduced(series: xr.DataArray, figure: Published) -> str:
    if series.size == 0:
        return "missing"
    if figure.over_time == "argmax":
        return str(np.datetime_as_string(series["time"].values[np.argmax(series.values)], unit="D"))
    reduce: dict[str, Callable[[], xr.DataArray]] = {
        "mean": series.mean,
        "sum": series.sum,
        "last": lambda: series[-1],
    }
    return as_printed(float(reduce[figure.over_time]()), figure.value)


def as_printed(value: float, like: str) -> str:
    """A number with the decimals, and the grouping, of a printed one.

    >>> as_printed(20.7, "21"), as_printed(5881.0, "5,881"), as_printed(18.334, "18.3")
    ('21', '5,881', '18.3')
    """
    step = Decimal(1).scaleb(-len(like.partition(".")[2]))
    rounded = Decimal(repr(value)).quantize(step, rounding=ROUND_HALF_UP)
    rounded = abs(rounded) if rounded == 0 else rounded
    return f"{rounded:,}" if "," in like else str(rounded)
