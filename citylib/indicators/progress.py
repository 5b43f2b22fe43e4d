"""How far a computation is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


@contextmanager
def progress_bar(console: Console | None = None) -> Iterator[Callable[[int, int], None]]:
    """A bar of how many tasks are done, in a terminal or beneath a notebook's cell.

    Yields
    ------
    callable (done, total)
        To be told whenever a task is done.
    """
    columns = (TextColumn("computing"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("computing", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
        if bar.tasks[task].total is None:  # nobody could tell how much there was to do
            bar.update(task, completed=1, total=1)
