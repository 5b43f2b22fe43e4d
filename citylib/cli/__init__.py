"""The command `citylib`: thin; each command calls its room, a file here for each few of them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

import citylib
from citylib.city.errors import CityError
from citylib.city.settings import Settings
from citylib.cli import cameras, conference, dashboards, feeds, figures, records, service


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
@click.version_option(citylib.__version__)
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


for command in (
    *(records.load, records.lake, records.datasets, records.aside),
    *(figures.compute, figures.check, figures.publish),
    *(service.serve, service.city, dashboards.dashboard, service.account),
    feeds.feed,
    cameras.camera,
    conference.conference,
):
    main.add_command(command)
