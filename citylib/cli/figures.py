"""Commands for figures: compute, check, publish."""

from __future__ import annotations

import sys
from typing import Any

import click


@click.command()
@click.option("--again", is_flag=True, help="Compute even if nothing has changed.")
@click.pass_obj
def compute(settings: Any, again: bool) -> None:
    """Compute every indicator and commit the cube.

    On this machine's processors, or on the Dask cluster that DASK_SCHEDULER_ADDRESS names.
    """
    from citylib.indicators.refresh import run_compute

    run_compute(settings("cube"), again)


@click.command()
@click.pass_obj
def check(settings: Any) -> None:
    """Recompute every indicator by an independent route and compare.

    Published figures are compared at the precision at which they were printed. The exit status is
    1 if anything differs.
    """
    from citylib.indicators.check import run_check

    sys.exit(0 if run_check(settings()) else 1)


@click.command()
@click.pass_obj
def publish(settings: Any) -> None:
    """Write the public pages from what is public in the cube."""
    from citylib.publish.site import build

    click.echo(f"published in {build(settings('public'))}")
