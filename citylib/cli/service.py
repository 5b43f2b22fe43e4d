"""Commands for the platform itself: serve, cities, accounts."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from citylib.city.errors import CityError
from citylib.city.settings import Settings


@click.command()
@click.option("--https", is_flag=True, help="Speak HTTPS on every interface of this machine.")
@click.option("--host", "hosts", multiple=True, help="Another name or address of this machine.")
@click.option("--port", type=int, help="Port; otherwise 8000, or the next that is free.")
@click.option("--no-refresh", is_flag=True, help="Start without loading and computing first.")
@click.option("--no-feeds", is_flag=True, help="Leave the city's feeds alone.")
@click.pass_obj
def serve(
    settings: Any,
    https: bool,
    hosts: tuple[str, ...],
    port: int | None,
    no_refresh: bool,
    no_feeds: bool,
) -> None:
    """Start the platform and print its address; Ctrl-C stops all of it.

    HTTPS uses the certificate that CITYLIB_TLS_CERT and CITYLIB_TLS_KEY name, or one made for this
    machine. Browsers give camera and microphone only to localhost and to HTTPS.
    """
    from citylib.hub import demo

    here = settings("lake", "cube", "public")
    refresh, feeds = not no_refresh, not no_feeds
    sys.exit(demo.main(here, https=https, hosts=hosts, port=port, refresh=refresh, feeds=feeds))


@click.group()
def city() -> None:
    """Cities, each a folder of files."""


@city.command("new")
@click.argument("name")
@click.option(
    "--boundaries",
    type=click.Path(path_type=Path),
    required=True,
    help="GeoJSON file of the city's areas, in degrees (WGS 84).",
)
@click.option("--language", default="en", show_default=True, help="The city's own language.")
@click.option("--code-property", "code", help="Property that holds an area's code.")
@click.option("--name-property", "title", help="Property that holds an area's name.")
@click.pass_obj
def city_new(
    settings: Any, name: str, boundaries: Path, language: str, code: str | None, title: str | None
) -> None:
    """Begin the profile cities/NAME from a file of boundaries, and say what to fill in."""
    from citylib.city.skeleton import new_city

    cities = settings().root / "cities"
    left = new_city(cities, name, boundaries, language, code, title)
    click.echo(f"made {cities / name}; to fill in:")
    for task in left:
        click.echo(f"- {task}")
    click.echo(f"then: make demo CITY={name}")


@click.group()
def account() -> None:
    """Accounts that sign in with a password."""


@account.command("list")
@click.pass_obj
def account_list(settings: Any) -> None:
    """Names and roles."""
    with _accounts(settings()) as accounts:
        for one in accounts.all():
            click.echo(f"{one.name}\t{one.role}")


@account.command("add")
@click.argument("name")
@click.argument("role", type=click.Choice(["analyst", "official", "mayor"]))
@click.pass_obj
def account_add(settings: Any, name: str, role: str) -> None:
    """Make an account and print its password, once."""
    with _accounts(settings()) as accounts:
        password = accounts.ensure(name, role)
    if password is None:
        raise CityError(f"there is an account {name!r} already; see citylib account reset")
    click.echo(password)


@account.command("reset")
@click.argument("name")
@click.pass_obj
def account_reset(settings: Any, name: str) -> None:
    """Give an account a new password and print it, once."""
    with _accounts(settings()) as accounts:
        click.echo(accounts.reset_password(name))


@account.command("remove")
@click.argument("name")
@click.pass_obj
def account_remove(settings: Any, name: str) -> None:
    """Remove an account; whoever is signed in with it is signed out."""
    with _accounts(settings()) as accounts:
        accounts.remove(name)


@contextmanager
def _accounts(settings: Settings) -> Iterator[Any]:
    from citylib.access.accounts import Accounts
    from citylib.operations.store import Store

    with Store(settings.database) as store:
        store.migrate()
        yield Accounts(store)
