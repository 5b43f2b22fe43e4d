"""Declaring an indicator."""

from __future__ import annotations

import hashlib
import inspect
import json
import re
from typing import Annotated, Any, Literal, get_type_hints

import cloudpickle
from pydantic import Field, PlainValidator, PrivateAttr, ValidationError, model_validator

from citylib.city.datasets import Classification
from citylib.city.model import Plain, sentence
from citylib.city.profile import City
from citylib.indicators import fits
from citylib.indicators.aggregations import AGGREGATIONS, Aggregation
from citylib.indicators.aims import Targets, Thresholds
from citylib.indicators.derive import Change, Rolling, reach
from citylib.indicators.fits import DeclarationError, near
from citylib.indicators.sketches import DISTINCT, quantile
from citylib.indicators.where import Condition, checked

__all__ = ["DeclarationError", "Indicator"]

Frequency = Literal["hour", "day", "month", "year"]
Columns = Annotated[Condition, PlainValidator(checked)]
AGGREGATIONS |= {"distinct": DISTINCT, "quantile": quantile(0.5)}
NEEDS = {"weighted_mean": ("weight",), "share": ("condition",), "quantile": ("quantile",)}
"""Keys that a word for `aggregation` needs besides the measure and the denominator."""
BUILT_IN = frozenset(AGGREGATIONS)
PRESENTATION = ("title", "description", "domain", "headline", "better", "target", "thresholds")
"""Keys that no figure depends on."""


class Indicator(Plain):
    """What an indicator means, in a few lines.

    Attributes
    ----------
    id : str
        Short name in lower case; the variable's name in the cube.
    title : dict of str to str
        Name in each language of the city.
    domain : str
        Part of the city's life: `air`, `transport`, `fire`, …
    dataset : str
        Table of records that it is computed from.
    aggregation : str
        What becomes of the values of a group: `count`, `sum`, `mean`, `min`, `max`, `std`, `last`;
        `quantile` (with `quantile`); `distinct`, how many different values; `ratio`, sum of
        `measure` by sum of `denominator`; `weighted_mean` (with `weight`); `share` of the records
        that meet `condition`; or one that was added, see `citylib.indicators.own`.
    measure : str, optional
        Column that is aggregated; not for `count` and `share`.
    denominator : str, optional
        Column that a `ratio` divides by.
    weight : str, optional
        Column with the weights of a `weighted_mean`.
    condition : dict, optional
        Which records a `share` is of, written as `where` is; a record without a value in one of
        the columns counts neither way.
    quantile : float, optional
        From 0 to 1; 0.5 is the median. Exact for groups of up to 1,024 records; otherwise the
        rank is off by at most 0.3 %, see `citylib.indicators.sketches.quantile`.
    frequency : {"hour", "day", "month", "year"}
        Length of a period, in the city's own time.
    level : str
        Area level (`district`, `neighbourhood`), or `city` when records know no smaller area.
    units : str
        Units as CF conventions write them: `ug m-3`, `1`, `s`, `km-2`, `percent`.
    where : dict, optional
        Only records whose column has this value, one of these values, or compares so:
        `{"kind": ["a", "b"], "pm25": {"gt": 35, "le": 75}}`; the words are `gt`, `ge`, `lt`, `le`,
        `eq`, `ne` and `in`. A record without a value in the column is left out.
    per : str, optional
        Another indicator that the figures are divided by, such as `population`: its figure of the
        same area and of the period that holds this one, else of the newest period before it,
        else its first.
    scale : float
        Factor applied to the figure, for example 100 for a percentage, 100000 for a rate.
    derive : {"difference", "running_total"}, optional
        Made from the figures of all periods: the difference to the period before, for sources
        that publish running totals; or the total since the first period.
    rolling : dict or Rolling, optional
        `{"mean": 7}`: the mean of the figures of a period and the six before it; likewise `sum`,
        `min`, `max`, `median`. After `derive`.
    change : dict or Change, optional
        `{"percent": 12}`: change since twelve periods before, in percent; or `difference`. After
        `rolling`.
    classification : {"public", "internal", "personal"}
        Who may see it; never more open than the records that it is computed from.
    better : {"lower", "higher"}, optional
        Which direction is an improvement; none where neither is.
    target : Target or tuple of Target, optional
        What is promised by when and by whom: `{"value": 13, "by": "2030", "source": "…"}`; needs
        `better`. See `citylib.indicators.aims`.
    thresholds : Thresholds, optional
        Bounds of published classes: `{"at": [15, 35, 75], "alarm": 35, "source": "…"}`; needs
        `better`. See `citylib.indicators.aims`.
    headline : bool
        Whether it has a tile on the mayor's screen.
    description : dict of str to str
        Method and limits, in each language.

    Raises
    ------
    DeclarationError
        A key is missing, unknown or wrong; says what to write.

    Examples
    --------
    >>> Indicator(
    ...     id="pm25_bad_days",
    ...     title={"ko": "초미세먼지 나쁨", "en": "Days of bad air"},
    ...     domain="air",
    ...     dataset="air_daily",
    ...     aggregation="share",
    ...     condition={"pm25": {"gt": 35}},
    ...     frequency="month",
    ...     units="percent",
    ...     scale=100,
    ... ).level
    'district'
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: dict[str, str]
    domain: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    dataset: str
    measure: str | None = None
    denominator: str | None = None
    weight: str | None = None
    condition: Columns = Field(default={})
    quantile: float | None = Field(default=None, ge=0, le=1)
    aggregation: str
    frequency: Frequency
    level: str = "district"
    units: str = Field(pattern=r"^[^<>&\"']+$")
    where: Columns = Field(default={})
    per: str | None = None
    scale: float = Field(default=1.0, allow_inf_nan=False)
    derive: Literal["difference", "running_total"] | None = None
    rolling: Rolling | None = None
    change: Change | None = None
    classification: Classification = "public"
    better: Literal["lower", "higher"] | None = None
    target: Targets = ()
    thresholds: Thresholds | None = None
    headline: bool = False
    description: dict[str, str] = Field(default={})
    _own: Aggregation | None = PrivateAttr(default=None)

    def __init__(self, **said: Any) -> None:
        try:
            super().__init__(**said)
        except ValidationError as error:
            faults = {
                sentence(one, type(self)): one["loc"]
                for one in sorted(error.errors(), key=lambda one: one["type"] == "missing")
            }
            suggested = re.findall(r"did you mean '(\w+)'", " ".join(faults))
            faults = {
                what: key
                for what, key in faults.items()
                if not (key and key[-1] in suggested and "is missing" in what)
            }
            raise DeclarationError.of(said.get("id"), faults) from None

    @model_validator(mode="after")
    def _aggregation_has_its_keys(self) -> Indicator:
        if self.aggregation not in AGGREGATIONS:
            raise ValueError(
                f"aggregation {self.aggregation!r} is not known; "
                f"{near(self.aggregation, AGGREGATIONS)}known are {', '.join(AGGREGATIONS)}"
            )
        how, more = AGGREGATIONS[self.aggregation], NEEDS.get(self.aggregation, ())
        for key, needed, what in (
            ("measure", how.needs_measure, "a column"),
            ("denominator", how.needs_denominator, "a column"),
            ("weight", "weight" in more, "a column"),
            ("condition", "condition" in more, "what must hold, as in { pm25 = { gt = 35 } }"),
            ("quantile", "quantile" in more, "a number from 0 to 1"),
        ):
            given = getattr(self, key) not in (None, {})
            if needed and not given:
                raise ValueError(f"aggregation {self.aggregation!r} needs {key}: name {what}")
            if given and not needed:
                raise ValueError(f"aggregation {self.aggregation!r} takes no {key}: remove it")
        if self.aggregation == "last" and self.level != "city":
            raise ValueError('aggregation "last" needs level = "city"; for areas use max or mean')
        return self

    @model_validator(mode="after")
    def _is_consistent(self) -> Indicator:
        if self.per == self.id:
            raise ValueError("per names the indicator itself; name another")
        for key in ("target", "thresholds"):
            if getattr(self, key) not in (None, ()) and self.better is None:
                raise ValueError(f'{key} needs better: write better = "lower" or "higher"')
        if self.change and self.change.percent and self.units != "percent":
            raise ValueError('a change in percent has the units "percent"')
        return self

    @property
    def how(self) -> Aggregation:
        """The aggregation itself."""
        if self.quantile is not None:
            return quantile(self.quantile)
        if self._own is not None:
            return self._own
        return AGGREGATIONS[self.aggregation]

    @property
    def merges(self) -> bool:
        """Whether states of parts merge; figures of a function are computed from all records."""
        return True

    def __getstate__(self) -> dict[Any, Any]:
        state = super().__getstate__()
        if self.aggregation not in BUILT_IN and self.merges:
            # Workers do not know what a notebook or a profile has added, or know an older one.
            state["own"] = cloudpickle.dumps(self.how)
            state["__pydantic_private__"] = {"_own": None}
        return state

    def __setstate__(self, state: dict[Any, Any]) -> None:
        own = state.pop("own", None)
        super().__setstate__(state)
        self._own = cloudpickle.loads(own) if own else None

    @property
    def second(self) -> str | None:
        """The second column of a record that the aggregation needs."""
        return self.denominator or self.weight

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the table that are read, `time` and `area` included."""
        named = ("time", "area", self.measure, self.second, *self.where, *self.condition)
        return tuple(dict.fromkeys(name for name in named if name))

    @property
    def reach(self) -> int | None:
        """How many periods after its own a record bears on; None: on all of them."""
        return reach(self.derive, self.rolling, self.change)

    @property
    def digest(self) -> str:
        """Changes when the declaration does."""
        return _digest(self.model_dump(mode="json"))

    @property
    def meaning(self) -> str:
        """Changes when the figures do; not with titles, targets and what else is shown of it."""
        return _digest(self.model_dump(mode="json", exclude={*PRESENTATION, "id"}))

    def check(self, city: City, others: dict[str, Indicator] | None = None) -> None:
        """Compare the declaration with the city's datasets, levels and languages.

        Parameters
        ----------
        city : City
            Of the profile.
        others : dict of str to Indicator, optional
            The other declarations by id, one of which `per` may name; None: not looked at.

        Raises
        ------
        DeclarationError
            It names a dataset, column, level, language or indicator that the city does not have,
            or shows to more people than its records may be shown to.
        """
        fits.check(self, city, others)

    def to_toml(self) -> str:
        """The declaration as it stands in a file of the profile's folder `indicators/`.

        Examples
        --------
        >>> print(indicator.to_toml())  # doctest: +SKIP
        [no2_peak]
        title = { ko = "이산화질소 최고값", en = "Nitrogen dioxide, worst day" }
        …
        """
        said = self.model_dump(exclude_defaults=True, exclude={"id"})
        lines = [f"{key} = {_toml(value)}" for key, value in said.items()]
        return "\n".join([f"[{self.id}]", *lines, ""])


def _readable() -> inspect.Signature:
    """The signature as a notebook shows it, without how values are checked."""
    kinds = get_type_hints(Indicator)
    said = inspect.signature(Indicator)
    return said.replace(
        parameters=[p.replace(annotation=kinds[p.name]) for p in said.parameters.values()]
    )


Indicator.__signature__ = _readable()


def _digest(said: dict[str, Any]) -> str:
    text = json.dumps(said, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _toml(value: object) -> str:
    if isinstance(value, dict):
        inside = ", ".join(f"{_key(k)} = {_toml(v)}" for k, v in value.items() if v is not None)
        return f"{{ {inside} }}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_toml(one) for one in value)}]"
    return json.dumps(value, ensure_ascii=False)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name, ensure_ascii=False)
