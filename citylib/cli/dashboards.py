"""Commands for dashboards."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterable

    from citylib.operations.dashboards import Version

ROLES = click.option(
    "--roles",
    metavar="ROLE[,ROLE]",
    help="Who may open it: mayor, official, or both.",
)


@click.group()
def dashboard() -> None:
    """Dashboards, which are notebooks that Voila shows."""


@dashboard.command("publish")
@click.argument("notebook", type=click.Path(path_type=Path))
@ROLES
@click.option("--replace", is_flag=True, help="Take the place of somebody else's of that name.")
@click.pass_obj
def dashboard_publish(settings: Any, notebook: Path, roles: str | None, replace: bool) -> None:
    """Show a notebook to the mayor and officials, if it runs from top to bottom.

    Published again, it is the next version; one's own needs no --replace.
    """
    from citylib.panels.dashboards import ROLES
    from citylib.panels.rehearsal import prepared

    here = settings()
    text = prepared(notebook.resolve())
    chosen = ROLES if roles is None else _split(roles)
    _say("published", _desk(here).publish(notebook.name, text, chosen, replace))


@dashboard.command("list")
@click.pass_obj
def dashboard_list(settings: Any) -> None:
    """What is published: version, for whom, since when, by whom."""
    _table(_desk(settings()).newest(), ("name", "version"))


@dashboard.command("history")
@click.argument("name")
@click.pass_obj
def dashboard_history(settings: Any, name: str) -> None:
    """All versions of a dashboard, the newest first."""
    _table(_desk(settings()).history(name), ("version", "action"))


@dashboard.command("restore")
@click.argument("name")
@click.argument("version", type=int)
@ROLES
@click.pass_obj
def dashboard_restore(settings: Any, name: str, version: int, roles: str | None) -> None:
    """Show an earlier version again, to whom it was shown then."""
    chosen = None if roles is None else _split(roles)
    _say("restored", _desk(settings()).restore(name, version, chosen))


@dashboard.command("take-back")
@click.argument("name")
@click.pass_obj
def dashboard_take_back(settings: Any, name: str) -> None:
    """Show a dashboard to nobody any more; its versions stay."""
    done = _desk(settings()).take_back(name)
    last = done.version - 1
    click.echo(
        f"taken back: {done.name}; to show it again: citylib dashboard restore {done.name} {last}"
    )


def _desk(settings: Any) -> Any:
    from citylib.hub.desk import desk

    return desk(settings)


def _split(roles: str) -> list[str]:
    return [role.strip() for role in roles.split(",") if role.strip()]


def _say(done: str, version: Version) -> None:
    who = " and ".join(version.roles)
    click.echo(f"{done}: {version.name}, version {version.version}, for {who}")


def _table(versions: Iterable[Version], first: tuple[str, ...]) -> None:
    for one in versions:
        when = one.time.astimezone().strftime("%Y-%m-%d %H:%M")
        cells = [str(getattr(one, name)) for name in first]
        click.echo("\t".join([*cells, ",".join(one.roles), when, one.actor, one.digest[:12]]))
