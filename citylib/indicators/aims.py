"""What a figure is measured by: thresholds that a source has published, and targets by a date."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from citylib.city.model import Plain

Number = Annotated[float, Field(allow_inf_nan=False)]
Words = dict[str, str] | str
Period = Annotated[str, BeforeValidator(str), Field(pattern=r"^\d{4}(-\d{2}(-\d{2})?)?$")]


class Thresholds(Plain):
    """Bounds between classes of figures, as somebody has published them.

    Attributes
    ----------
    at : tuple of float
        The bounds, rising. A figure that equals a bound belongs to the better class.
    alarm : float
        Which of the bounds must not be passed; a figure beyond it comes to the front of the screen.
    source : dict of str to str, or str
        Who has published them, and where; in each language.
    words : tuple of dict of str to str
        What each class is called, from the smallest figures to the largest: one more than there
        are bounds. None: within or beyond.

    Examples
    --------
    >>> Thresholds(at=[15, 35, 75], alarm=35, source="AirKorea").alarm
    35.0
    """

    at: Annotated[tuple[Number, ...], Field(min_length=1)]
    alarm: Number
    source: Words
    words: tuple[dict[str, str], ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _is_a_table(cls, value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            bounds = ", ".join(map(str, value))
            raise ValueError(
                f'write them with their source: {{ at = [{bounds}], alarm = …, source = "…" }}'
            )
        return value

    @model_validator(mode="after")
    def _is_consistent(self) -> Thresholds:
        if list(self.at) != sorted(set(self.at)):
            raise ValueError(f"thresholds must ascend, as in {sorted(set(self.at))}")
        if self.alarm not in self.at:
            raise ValueError(f"alarm must be one of the bounds {list(self.at)}")
        if self.words and len(self.words) != len(self.at) + 1:
            raise ValueError(
                f"{len(self.at)} bounds part {len(self.at) + 1} classes; there are words for "
                f"{len(self.words)}"
            )
        return self


class Start(Plain):
    """Where the way to a target begins: a figure, and the period that it is of."""

    value: Number
    on: Period


class Target(Plain):
    """What somebody has promised that a figure will come to.

    Attributes
    ----------
    value : float
        At most or at least this much, as the indicator's `better` says.
    by : str
        The period that must reach it: `2030`, `2030-06` or `2030-06-30`.
    source : dict of str to str, or str
        Who has promised it, and where; in each language.
    start : Start, optional
        From where, as promised. None: the first figure there is.

    Examples
    --------
    >>> Target(value=13, by="2030", source="…", start={"value": 20, "on": "2021"}).by
    '2030'
    """

    value: Number
    by: Period
    source: Words
    start: Start | None = None

    @model_validator(mode="before")
    @classmethod
    def _is_a_table(cls, value: Any) -> Any:
        if isinstance(value, (int, float)):
            raise ValueError(
                f'say by when and who promised it: {{ value = {value}, by = "2030", source = "…" }}'
            )
        return value

    @model_validator(mode="after")
    def _begins_before_its_end(self) -> Target:
        if self.start and self.start.on[:4] > self.by[:4]:
            raise ValueError(f"start is on {self.start.on}, after {self.by}")
        return self


def _several(value: Any) -> Any:
    return [value] if isinstance(value, (dict, int, float, Target)) else value


Targets = Annotated[tuple[Target, ...], BeforeValidator(_several)]
"""One target, or milestones on the way."""


def aims_attributes(thresholds: Thresholds | None, targets: tuple[Target, ...]) -> dict[str, Any]:
    """Thresholds and targets as attributes of an array: numbers, texts and lists of them.

    `thresholds`, `alarm`, `threshold_words_<language>`, `threshold_source_<language>`; `target`,
    `target_by`, `target_start`, `target_since` (empty: none), `target_source_<language>`.
    """
    said: dict[str, Any] = {}
    if thresholds is not None:
        said |= {"thresholds": list(thresholds.at), "alarm": thresholds.alarm}
        for language in thresholds.words[0] if thresholds.words else ():
            texts = [words.get(language, "") for words in thresholds.words]
            said[f"threshold_words_{language}"] = texts
        said |= _texts("threshold_source", [thresholds.source], one=True)
    if targets:
        starts = [target.start for target in targets]
        said |= {
            "target": [target.value for target in targets],
            "target_by": [target.by for target in targets],
            "target_start": [start.value if start else None for start in starts],
            "target_since": [start.on if start else "" for start in starts],
        }
        said |= _texts("target_source", [target.source for target in targets], one=False)
    return said


def _texts(key: str, texts: list[Words], one: bool) -> dict[str, Any]:
    languages = {name for text in texts if isinstance(text, dict) for name in text}
    said: dict[str, Any] = {}
    for language in ("", *sorted(languages)):
        own = [_in(text, language) for text in texts]
        said[f"{key}_{language}" if language else key] = own[0] if one else own
    return said


def _in(text: Words, language: str) -> str:
    if isinstance(text, str):
        return text
    return text.get(language) or text.get("en") or next(iter(text.values()), "")


def moment(period: str) -> str:
    """First day of a period written as a target has it.

    >>> moment("2030"), moment("2030-06")
    ('2030-01-01', '2030-06-01')
    """
    return "-".join([*re.split("-", period), "01", "01"][:3])
