"""What the commands about conferences print and do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import click

from citylib.city.errors import CityError
from citylib.city.settings import Settings
from citylib.conference.rooms.minutes import read_minutes
from citylib.conference.rooms.model import Room
from citylib.conference.rooms.rooms import Rooms
from citylib.operations.store import Store

ALL = 10_000


def run_list(settings: Settings, ended: bool) -> None:
    """Print the rooms, a line each."""
    with _store(settings) as store:
        for room in Rooms(store).of(limit=ALL):
            if ended or not room.ended:
                click.echo(f"{room.id}\t{room.maker}\t{room.title}\t{_state(room)}")


def run_minutes(settings: Settings, room: str, table: bool) -> None:
    """Print the minutes of a room."""
    with _store(settings) as store:
        minutes = read_minutes(store, _room(store, room))
        store.audit.append("platform", "read minutes", room)
    told = minutes.csv() if table else json.dumps(minutes.told(), ensure_ascii=False, indent=1)
    click.echo(told)


def run_end(settings: Settings, room: str) -> None:
    """End a room."""
    with _store(settings) as store:
        Rooms(store).end("platform", _room(store, room))


def _room(store: Store, room: str) -> Room:
    found = Rooms(store).get(room)
    if found is None:
        raise CityError(f"there is no room {room!r}; see citylib conference list --all")
    return found


def _state(room: Room) -> str:
    if room.ended:
        return "over"
    if room.began:
        return "begun"
    return f"begins {room.begins.isoformat(timespec='minutes')}" if room.begins else "open"


@contextmanager
def _store(settings: Settings) -> Iterator[Store]:
    with Store(settings.database) as store:
        store.migrate()
        yield store
