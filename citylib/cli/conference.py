"""Commands for conferences."""

from __future__ import annotations

from typing import Any

import click


@click.group()
def conference() -> None:
    """Conferences: the rooms there are, and the service that holds them."""


@conference.command("list")
@click.option("--all", "ended", is_flag=True, help="Also rooms that are over.")
@click.pass_obj
def conference_list(settings: Any, ended: bool) -> None:
    """The rooms: id, host, title, state."""
    from citylib.conference.rooms.report import run_list

    run_list(settings(), ended)


@conference.command("minutes")
@click.argument("room")
@click.option("--csv", "table", is_flag=True, help="As one table instead of JSON.")
@click.pass_obj
def conference_minutes(settings: Any, room: str, table: bool) -> None:
    """Attendance, chat and events of a room."""
    from citylib.conference.rooms.report import run_minutes

    run_minutes(settings(), room, table)


@conference.command("end")
@click.argument("room")
@click.pass_obj
def conference_end(settings: Any, room: str) -> None:
    """Let nobody into a room any more; pages that are in it are told within a minute."""
    from citylib.conference.rooms.report import run_end

    run_end(settings(), room)


@conference.command("run")
@click.pass_obj
def conference_run(settings: Any) -> None:
    """The service, until Ctrl-C. The hub starts it by itself."""
    from citylib.conference.service.run import run_conference

    run_conference(settings())
