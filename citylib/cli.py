"""The command `citylib`: thin; each command calls its room."""

from __future__ import annotations

import sys
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
    ctx.obj = lambda: Settings.load(config)


@main.command()
@click.argument("datasets", nargs=-1)
@click.pass_obj
def load(settings: Any, datasets: tuple[str, ...]) -> None:
    """Load records into tables and account for every row.

    All datasets of the city's profile, or those named. Loading again stores nothing twice.
    """
    from citylib.lake.report import run_load

    run_load(settings(), datasets)


@main.command()
@click.option("--again", is_flag=True, help="Compute even if nothing has changed.")
@click.pass_obj
def compute(settings: Any, again: bool) -> None:
    """Compute every indicator and commit the cube.

    On this machine's processors, or on the Dask cluster that DASK_SCHEDULER_ADDRESS names.
    """
    from citylib.indicators.refresh import run_compute

    run_compute(settings(), again)


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

    click.echo(f"published in {build(settings())}")


if __name__ == "__main__":
    main()
