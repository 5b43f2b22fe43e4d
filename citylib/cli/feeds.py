"""Commands for feeds."""

from __future__ import annotations

import sys
from typing import Any

import click


@click.group()
def feed() -> None:
    """Feeds: sources that are asked again and again."""


@feed.command("list")
@click.pass_obj
def feed_list(settings: Any) -> None:
    """Feeds of the city's profile. The exit status is 1 if a feed's file is wrong."""
    from citylib.feeds.report import run_list

    sys.exit(0 if run_list(settings()) else 1)


@feed.command("status")
@click.pass_obj
def feed_status(settings: Any) -> None:
    """How each feed is doing. The exit status is 1 if one fails or its records are old."""
    from citylib.feeds.report import run_status

    sys.exit(0 if run_status(settings()) else 1)


@feed.command("try")
@click.argument("name")
@click.pass_obj
def feed_try(settings: Any, name: str) -> None:
    """Ask a feed once and show what would be stored and set aside, and why.

    Nothing is stored. The exit status is 1 if the source fails or no record fits.
    """
    from citylib.feeds.report import run_try

    sys.exit(0 if run_try(settings(), name) else 1)


@feed.command("run")
@click.pass_obj
def feed_run(settings: Any) -> None:
    """Ask all feeds on their intervals, until Ctrl-C. The platform does it by itself."""
    from citylib.feeds.chores import Chores
    from citylib.feeds.run import run_service

    data = [sys.executable, "-m", "citylib.hub.data"]
    compact = [sys.executable, "-m", "citylib.cli", "lake", "compact"]
    run_service(settings(), Chores([*data, "figures"], [*data, "pages"], compact=compact))
