"""What officials send about rooms and invitations."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from citylib.conference.rooms.model import Role
from citylib.conference.rooms.names import LONGEST, clean, legible
from citylib.look.words import languages


def _zone(value: str) -> str:
    if value not in available_timezones():
        raise ValueError("no time zone of this name; write it like Europe/Berlin")
    ZoneInfo(value)
    return value


def _language(value: str) -> str:
    if value not in languages():
        raise ValueError(f"known languages are {', '.join(languages())}")
    return value


def _moment(value: datetime) -> datetime:
    # What is far away cannot be told in every time zone.
    if not 2000 <= value.year <= 2200:
        raise ValueError("a year between 2000 and 2200")
    return value.astimezone(UTC)


def _title(value: str) -> str:
    if not (found := " ".join(legible(value).split())):
        raise ValueError("write a title")
    return found


Title = Annotated[str, StringConstraints(max_length=200), AfterValidator(_title)]
Agenda = Annotated[str, StringConstraints(max_length=10_000), AfterValidator(legible)]
Moment = Annotated[AwareDatetime, AfterValidator(_moment)]


class Form(BaseModel):
    """Base of all: unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Guest(Form):
    """Somebody to invite."""

    role: Role = "speaker"
    name: Annotated[str, StringConstraints(max_length=LONGEST), AfterValidator(clean)] = ""
    email: Annotated[
        str, StringConstraints(max_length=254, pattern=r"^([^\s@<>,;:\"]+@[^\s@<>,;:\"]+)?$")
    ] = ""
    timezone: Annotated[str, StringConstraints(max_length=64), AfterValidator(_zone)] | None = None
    language: Annotated[str, StringConstraints(max_length=35), AfterValidator(_language)] | None = (
        None
    )
    expires: Moment | None = None
    most_uses: Annotated[int, Field(ge=1, le=1000)] | None = None


class NewRoom(Form):
    """A room to be made; without `begins` an instant one."""

    title: Title
    agenda: Agenda = ""
    begins: Moment | None = None
    ends: Moment | None = None
    waiting_room: bool = True
    voice_only: bool = False
    invited: Annotated[tuple[Guest, ...], Field(max_length=200)] = ()

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> NewRoom:
        if self.ends and (not self.begins or self.ends <= self.begins):
            raise ValueError("`ends` must be after `begins`")
        return self


class ChangedRoom(Form):
    """What is to be another way; what is left out stays."""

    title: Title | None = None
    agenda: Agenda | None = None
    begins: Moment | None = None
    ends: Moment | None = None
    waiting_room: bool | None = None
    voice_only: bool | None = None
    locked: bool | None = None
