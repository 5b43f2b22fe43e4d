"""What a declaration can't say: an aggregation of one's own, or a function over the records.

In a notebook both are there as soon as their cell has run. Of a city's profile they are in Python
files in `indicators/`, which are read before the declarations.
"""

from __future__ import annotations

import hashlib
import inspect
import re
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
from pydantic import Field, model_validator

from citylib.city.errors import CityError, ProfileError
from citylib.indicators.aggregations import AGGREGATIONS, Aggregation
from citylib.indicators.declaration import BUILT_IN, NEEDS, Indicator
from citylib.indicators.fits import DeclarationError
from citylib.indicators.partial import Partial, merge
from citylib.indicators.rows import Rows

FUNCTION = "function"
SOURCE = "__source__"
"""Name in a profile's Python file of what tells its text from another."""


def add(aggregation: Aggregation) -> Aggregation:
    """Make an aggregation known by its name, so that declarations can use it.

    Parameters
    ----------
    aggregation : Aggregation
        See `citylib.indicators.aggregations.Aggregation`. Tried on a few values: parts of a group,
        merged in either order, must give the figure of the whole.

    Returns
    -------
    Aggregation
        The same.

    Raises
    ------
    DeclarationError
        Its name is taken, or it fails; says how.

    Examples
    --------
    The range of the values:

    >>> import numpy as np
    >>> from citylib.indicators.aggregations import Aggregation
    >>> spread = add(
    ...     Aggregation(
    ...         "spread",
    ...         chunk=lambda rows: (rows.min, rows.max),
    ...         combine=lambda a, b: (np.minimum(a[0], b[0]), np.maximum(a[1], b[1])),
    ...         finalize=lambda states: np.where(
    ...             states[1] >= states[0], states[1] - states[0], np.nan
    ...         ),
    ...         identity=(np.inf, -np.inf),
    ...     )
    ... )
    """
    name = aggregation.name
    if name in BUILT_IN or name == FUNCTION or not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise DeclarationError(
            f"aggregation {name!r}: the platform has one of this name, or it is not in lower case; "
            "give it another"
        )
    try:
        _try_out(aggregation)
    except DeclarationError:
        raise
    except Exception as error:
        raise DeclarationError(
            f"aggregation {name!r} fails on four records of two groups: "
            f"{type(error).__name__}: {error}"
        ) from error
    AGGREGATIONS[name] = aggregation
    return aggregation


def _try_out(aggregation: Aggregation) -> None:
    groups = np.array([0, 1, 0, 1, 0, 0], np.uint32)
    measure, second = np.array([3.0, 1, 4, 1, 5, 9]), np.array([2.0, 7, 1, 8, 2, 8])
    time = np.arange(6) * 1_000_000

    def states(which: slice) -> Partial:
        rows = Rows(groups[which], 2, measure[which], second[which], time[which])
        found = aggregation.chunk(rows)
        if not isinstance(found, tuple) or len(found) != len(aggregation.identity):
            raise DeclarationError(
                f"aggregation {aggregation.name!r}: chunk returns {type(found).__name__}, not a "
                f"tuple of {len(aggregation.identity)} arrays, as many as identity has"
            )
        return Partial(np.arange(2), found)

    def figures(partial: Partial) -> np.ndarray:
        return np.asarray(aggregation.finalize(partial.states), float)

    whole, left, right = states(slice(None)), states(slice(0, 3)), states(slice(3, None))
    expected = figures(whole)
    if expected.shape != (2,):
        raise DeclarationError(
            f"aggregation {aggregation.name!r}: finalize returns the shape {expected.shape} for "
            "two groups; return one number for each"
        )
    nothing = Partial(np.empty(0, np.int64), tuple(state[:0] for state in whole.states))
    for parts, what in (
        ((left, right), "two parts merged"),
        ((right, left), "two parts merged in the other order"),
        ((whole, nothing), "a group merged with nothing (see identity)"),
    ):
        got = figures(merge(aggregation, *parts))
        if not np.allclose(got, expected, equal_nan=True):
            raise DeclarationError(
                f"aggregation {aggregation.name!r}: {what} give {got.tolist()}, but the whole "
                f"gives {expected.tolist()}; correct combine or identity"
            )


class FunctionIndicator(Indicator):
    """An indicator that a Python function computes; made by `indicator`.

    Attributes
    ----------
    reads : tuple of str
        Columns of the table that the function gets, besides `time`, `period` and `area`.
    function : callable
        From records to figures.
    """

    aggregation: str = FUNCTION
    reads: tuple[str, ...] = ()
    function: Callable[..., Any] = Field(exclude=True, repr=False)

    @model_validator(mode="after")
    def _aggregation_has_its_keys(self) -> FunctionIndicator:
        taken = ("measure", "denominator", "weight", "condition", "quantile", "where")
        for key in taken:
            if getattr(self, key) not in (None, {}):
                raise ValueError(f"{key} is not for functions: do it in the function")
        if self.aggregation != FUNCTION:
            raise ValueError("aggregation is not for functions: remove it")
        return self

    @property
    def merges(self) -> bool:
        return False

    @property
    def how(self) -> Aggregation:
        raise CityError(f"indicator {self.id!r} is a function, and has no states to merge")

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(("time", "area", *self.reads)))

    @property
    def digest(self) -> str:
        return self._with_code(super().digest)

    @property
    def meaning(self) -> str:
        return self._with_code(super().meaning)

    def to_toml(self) -> str:
        """Refused: a function stands in a Python file of the profile's folder `indicators/`."""
        raise DeclarationError(
            f"indicator {self.id!r} is a function: copy its cell into a Python file in the "
            "profile's folder indicators/"
        )

    def _with_code(self, digest: str) -> str:
        return hashlib.sha256((digest + code_of(self.function)).encode()).hexdigest()[:16]


def code_of(function: Callable[..., Any]) -> str:
    """Changes when a function does: with the file of a profile that it stands in, as that was when
    it was run; elsewhere with its code and what that refers to.
    """
    file = getattr(function, "__globals__", {}).get(SOURCE)
    if file is not None:
        return str(file)
    try:
        code = cloudpickle.dumps(function)
    except Exception:  # it refers to something that cannot be sent anywhere
        code = function.__code__.co_code + repr(function.__code__.co_consts).encode()
    return hashlib.sha256(code).hexdigest()


def indicator(
    *, reads: tuple[str, ...] | list[str] = (), **said: Any
) -> Callable[[Callable[..., Any]], FunctionIndicator]:
    """Declare an indicator whose figures a Python function computes with Dask.

    Parameters
    ----------
    reads : sequence of str
        Columns of the table that the function needs.
    **said
        As for `Indicator`: `id`, `title`, `domain`, `dataset`, `frequency`, `level`, `units`, …;
        but no aggregation and what belongs to one.

    Returns
    -------
    callable
        Makes an indicator of a function, which is computed like any other. The function gets the
        records as a `dask.dataframe.DataFrame` with the columns `time` (civil time of the city),
        `period` (its beginning), `area` (code of the level's area) and those that it reads. It
        returns a Dask or pandas Series with the index (`period`, `area`). It is called twice:
        with the areas, and once more with all records of the city in one area, the city, so that
        it need not know of either.

    Raises
    ------
    DeclarationError
        A key is missing, unknown or wrong.

    Examples
    --------
    >>> @indicator(
    ...     id="pm25_worst_hour",
    ...     title={"ko": "초미세먼지 최고 시각", "en": "Hour of the worst air"},
    ...     domain="air",
    ...     dataset="air_hourly",
    ...     reads=["pm25"],
    ...     frequency="month",
    ...     level="city",
    ...     units="h",
    ... )
    ... def worst_hour(records):
    ...     records = records.assign(hour=records["time"].dt.hour)
    ...     means = records.groupby(["period", "area", "hour"])["pm25"].mean().compute()
    ...     return means.groupby(["period", "area"]).idxmax().str[-1].astype(float)
    """

    def declared(function: Callable[..., Any]) -> FunctionIndicator:
        return FunctionIndicator(reads=tuple(reads), function=function, **said)

    return declared


def load_own(folder: Path) -> Iterator[tuple[Path, FunctionIndicator]]:
    """Run the Python files of a profile's folder of declarations.

    Yields
    ------
    (Path, FunctionIndicator)
        Indicators that they declare, each with its file.

    Raises
    ------
    DeclarationError
        A declaration or an aggregation in them is wrong.
    ProfileError
        A file fails otherwise.
    """
    for path in sorted(folder.glob("*.py")):
        # Not among the interpreter's modules: so functions are sent to workers, which do not have
        # the file, by what they do and not by where they stand.
        module = types.ModuleType(f"indicators of {folder.parent.name}: {path.stem}")
        module.__file__ = str(path)
        try:
            text = path.read_bytes()
            vars(module)[SOURCE] = hashlib.sha256(text).hexdigest()
            exec(compile(text, path, "exec"), vars(module))  # noqa: S102  the city's own
        except DeclarationError as error:
            raise DeclarationError(f"{path}: {error}") from error
        except Exception as error:
            raise ProfileError(f"{path}: failed: {type(error).__name__}: {error}") from error
        for value in vars(module).values():
            if isinstance(value, FunctionIndicator):
                yield path, value


_OF_INDICATORS = inspect.signature(Indicator).parameters.values()
_NOT_OF_FUNCTIONS = {"measure", "denominator", "aggregation", "where"} | {
    key for keys in NEEDS.values() for key in keys
}
indicator.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
    [
        inspect.Parameter("reads", inspect.Parameter.KEYWORD_ONLY, default=()),
        *(p for p in _OF_INDICATORS if p.name not in _NOT_OF_FUNCTIONS),
    ]
)
