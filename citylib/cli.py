"""The command `citylib`: thin; each command calls its room."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from citylib import __version__
from citylib.city.errors import CityError
from citylib.city.settings import Settings


class Group(click.Group):
    """Commands in the order in which they are used; our own errors end in one plain message."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except CityError as error:
            click.echo(f"citylib: {error}", err=True)
            sys.exit(1)


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="Folder of citylib.toml; otherwise the working folder and those above it.",
)
@click.pass_context
def main(ctx: click.Context, config: Path | None) -> None:
    """A city's platform for its mayor: records, indicators, dashboards."""
    # Made on first use, so that --help works without a configuration.
    ctx.obj = lambda *written: _installation(config, *written)


def _installation(config: Path | None, *written: str) -> Settings:
    from citylib.hub.places import ensure_places

    settings = Settings.load(config)
    ensure_places(settings, *written)
    return settings


@main.command()
@click.argument("datasets", nargs=-1)
@click.pass_obj
def load(settings: Any, datasets: tuple[str, ...]) -> None:
    """Load records into tables and account for every row.

    All datasets of the city's profile, or those named. Loading again stores nothing twice.
    """
    from citylib.lake.report import run_load

    run_load(settings("lake"), datasets)


@main.group()
def lake() -> None:
    """Tables of records."""


@lake.command("compact")
@click.argument("datasets", nargs=-1)
@click.pass_obj
def lake_compact(settings: Any, datasets: tuple[str, ...]) -> None:
    """Put corrections in their place, make large files of small ones, remove old ones.

    All tables, or those named. Others may read and write meanwhile; old files are kept for a day
    for those who still read them.
    """
    from citylib.lake.report import run_compact

    run_compact(settings(), datasets)


@main.command()
@click.pass_obj
def datasets(settings: Any) -> None:
    """The catalogue: what there is, whose it is, how much and how fresh."""
    from citylib.lake.listing import run_datasets

    run_datasets(settings())


@main.group()
def aside() -> None:
    """Rows that did not fit: seen, mended, and taken in again."""


@aside.command("list")
@click.argument("dataset", default="")
@click.pass_obj
def aside_list(settings: Any, dataset: str) -> None:
    """How many there are, by dataset, reason and feed."""
    from citylib.lake.listing import run_aside_list

    run_aside_list(settings(), dataset)


@aside.command("show")
@click.argument("dataset")
@click.option("--reason", default="", help="Only rows whose reason has these words.")
@click.option("--feed", default="", help="Only rows that this feed brought.")
@click.option("--limit", default=20, show_default=True, help="How many.")
@click.pass_obj
def aside_show(settings: Any, dataset: str, reason: str, feed: str, limit: int) -> None:
    """Rows of a dataset as their source has them."""
    from citylib.lake.listing import run_aside_show

    run_aside_show(settings(), dataset, reason, feed, limit)


@aside.command("export")
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("datasets", nargs=-1)
@click.option("--reason", default="", help="Only rows whose reason has these words.")
@click.option("--feed", default="", help="Only rows that this feed brought.")
@click.pass_obj
def aside_export(
    settings: Any, file: Path, datasets: tuple[str, ...], reason: str, feed: str
) -> None:
    """Write them into a CSV file, to be mended in its column `raw`."""
    from citylib.lake.listing import run_aside_export

    run_aside_export(settings(), file, datasets, reason, feed)


@aside.command("load")
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_obj
def aside_load(settings: Any, file: Path) -> None:
    """Store the mended rows of such a file. What still does not fit is set aside anew."""
    from citylib.lake.listing import run_aside_load

    run_aside_load(settings(), file)


@main.command()
@click.option("--again", is_flag=True, help="Compute even if nothing has changed.")
@click.pass_obj
def compute(settings: Any, again: bool) -> None:
    """Compute every indicator and commit the cube.

    On this machine's processors, or on the Dask cluster that DASK_SCHEDULER_ADDRESS names.
    """
    from citylib.indicators.refresh import run_compute

    run_compute(settings("cube"), again)


@main.command()
@click.pass_obj
def check(settings: Any) -> None:
    """Recompute every indicator by an independent route and compare.

    Published figures are compared at the precision at which they were printed. The exit status is
    1 if anything differs.
    """
    from citylib.indicators.check import run_check

    sys.exit(0 if run_check(settings()) else 1)


@main.command()
@click.pass_obj
def publish(settings: Any) -> None:
    """Write the public pages from what is public in the cube."""
    from citylib.publish.site import build

    click.echo(f"published in {build(settings('public'))}")


@main.command()
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


@main.group()
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


@main.group()
def dashboard() -> None:
    """Dashboards, which are notebooks that Voila shows."""


@dashboard.command("publish")
@click.argument("notebook", type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help="Take the place of one of the same name.")
@click.pass_obj
def dashboard_publish(settings: Any, notebook: Path, replace: bool) -> None:
    """Put a notebook among the dashboards, if it runs from top to bottom."""
    from citylib.panels.dashboards import publish

    click.echo(f"published: {publish(notebook.resolve(), settings(), replace)}")


@main.group()
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


@main.group()
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
    from citylib.feeds.run import run_service
    from citylib.feeds.service import Chores

    renew = [sys.executable, "-m", "citylib.hub.data", "renew"]
    compact = [sys.executable, "-m", "citylib.cli", "lake", "compact"]
    run_service(settings(), Chores(renew=renew, compact=compact))


@contextmanager
def _accounts(settings: Settings) -> Iterator[Any]:
    from citylib.access.accounts import Accounts
    from citylib.operations.store import Store

    with Store(settings.database) as store:
        store.migrate()
        yield Accounts(store)


if __name__ == "__main__":
    main()
