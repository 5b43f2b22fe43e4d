"""Commands for records: load, lake, datasets, aside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


@click.command()
@click.argument("datasets", nargs=-1)
@click.pass_obj
def load(settings: Any, datasets: tuple[str, ...]) -> None:
    """Load records into tables and account for every row.

    All datasets of the city's profile, or those named. Loading again stores nothing twice.
    """
    from citylib.lake.report import run_load

    run_load(settings("lake"), datasets)


@click.group()
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


@click.command()
@click.pass_obj
def datasets(settings: Any) -> None:
    """The catalogue: what there is, whose it is, how much and how fresh."""
    from citylib.lake.listing import run_datasets

    run_datasets(settings())


@click.group()
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
