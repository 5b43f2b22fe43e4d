"""The Dask client: threads of this process by default, a cluster when one is named."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dask
from distributed import Client, LocalCluster
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from citylib.city.errors import CityError

PATIENCE = "20s"


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


@contextmanager
def connect() -> Iterator[Client]:
    """A client for as long as the block lasts.

    With `DASK_SCHEDULER_ADDRESS` set (or `scheduler-address` in Dask's configuration) it is that
    cluster's; otherwise a cluster of threads in this process, one for each processor.

    Raises
    ------
    CityError
        The named scheduler does not answer.

    Examples
    --------
    >>> with connect() as client:  # doctest: +SKIP
    ...     client.submit(sum, [1, 2]).result()
    3
    """
    address = dask.config.get("scheduler-address", None)
    if address:
        try:
            client = Client(address, timeout=PATIENCE)
        except (OSError, TimeoutError, ValueError) as error:
            raise CityError(
                f"no Dask scheduler answers at {address} ({error}); "
                "correct DASK_SCHEDULER_ADDRESS, or unset it to compute on this machine"
            ) from None
        with client:
            yield client
        return
    with (
        LocalCluster(
            processes=False,
            n_workers=1,
            threads_per_worker=os.cpu_count() or 1,
            # Dask serves its status pages on every interface unless told otherwise.
            dashboard_address="127.0.0.1:0",
            worker_dashboard_address="127.0.0.1:0",
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client
