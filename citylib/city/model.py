"""Checking what comes from outside: TOML into models, with errors that name file, key and mend."""

from __future__ import annotations

import difflib
import ipaddress
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from citylib.city.errors import ProfileError


class Plain(BaseModel):
    """Base of everything read from a profile: unknown keys are mistakes, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


Model = TypeVar("Model", bound=Plain)


def _networks(value: tuple[str, ...]) -> tuple[str, ...]:
    for text in value:
        try:
            ipaddress.ip_network(text)
        except ValueError as error:
            raise ValueError(f"{error}; write it like 10.20.0.0/16") from None
    return value


Networks = Annotated[tuple[str, ...], AfterValidator(_networks)]
"""Networks by address and length, in the form 10.20.0.0/16."""


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file of a profile.

    Raises
    ------
    ProfileError
        The file is missing, is not UTF-8, or is not TOML (the message gives line and column).
    """
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ProfileError(f"{path}: there is no such file; a profile needs it") from None
    except UnicodeDecodeError as error:
        raise ProfileError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from None
    except (tomllib.TOMLDecodeError, OSError) as error:
        raise ProfileError(f"{path}: not readable as TOML: {error}") from None


def parse(model: type[Model], values: dict[str, Any], path: Path) -> Model:
    """Make a model of values read from `path`.

    Raises
    ------
    ProfileError
        One line for each mistake: file, key, what is wrong and how to mend it.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        lines = [f"{path}: {sentence(fault, model)}" for fault in error.errors()]
        raise ProfileError("\n".join(dict.fromkeys(lines))) from None


def sentence(fault: Any, model: type[BaseModel]) -> str:
    """What one of pydantic's errors says, with its key and the mend."""
    key = ".".join(str(part) for part in fault["loc"] if not str(part).startswith("function-"))
    last = str(fault["loc"][-1]) if fault["loc"] else ""
    if fault["type"] == "extra_forbidden":
        near = difflib.get_close_matches(last, sorted(_names(model)), 1)
        mend = f"did you mean {near[0]!r}?" if near else "remove it or correct its spelling"
        return f"key {key!r} is not known here; {mend}"
    if fault["type"] == "missing":
        return f"key {key!r} is missing; add it"
    what = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "literal_error":
        words = re.findall(r"'(.*?)'", fault["ctx"]["expected"])
        near = difflib.get_close_matches(str(fault["input"]), words, 1)
        what = f"did you mean {near[0]!r}? {what}" if near else what
    got = "" if isinstance(fault["input"], (dict, list)) else f" (it is {fault['input']!r})"
    return f"key {key!r}: {what}{got}" if key else what


def _names(model: type[BaseModel], seen: set[type] | None = None) -> set[str]:
    """Names of all keys that a model and the models in it know."""
    seen = set() if seen is None else seen
    seen.add(model)
    names = set(model.model_fields)
    todo = [field.annotation for field in model.model_fields.values()]
    while todo:
        kind = todo.pop()
        todo.extend(getattr(kind, "__args__", ()))
        if isinstance(kind, type) and issubclass(kind, BaseModel) and kind not in seen:
            names |= _names(kind, seen)
    return names
