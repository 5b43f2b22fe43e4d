"""The Dask client: threads of this process by default, a cluster when one is named."""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import dask
from distributed import Client, LocalCluster

from citylib.city.errors import CityError

PATIENCE = "20s"


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
    with ExitStack() as stack:
        yield _client(stack)


_SHARED: dict[int, Client] = {}


def shared() -> Client:
    """The client of a notebook's kernel: made at its first use, and open until the kernel ends.

    In a notebook it shows itself with the address of Dask's dashboard, which leads through the
    analyst's own server: what tasks run, how long they take, what memory they need.

    Raises
    ------
    CityError
        The named scheduler does not answer.
    """
    own = os.getpid()  # a forked process must not use its parent's
    if own not in _SHARED or _SHARED[own].status != "running":
        stack = ExitStack()
        _SHARED[own] = _client(stack)
        atexit.register(stack.close)
    return _SHARED[own]


def _client(stack: ExitStack) -> Client:
    address = dask.config.get("scheduler-address", None)
    if address:
        try:
            return stack.enter_context(Client(address, timeout=PATIENCE))
        except (OSError, TimeoutError, ValueError) as error:
            raise CityError(
                f"no Dask scheduler answers at {address} ({error}); "
                "correct DASK_SCHEDULER_ADDRESS, or unset it to compute on this machine"
            ) from None
    # The dashboard is for this machine alone. The hub asks who comes to an analyst's server, and
    # that server passes them on.
    prefix = os.environ.get("JUPYTERHUB_SERVICE_PREFIX")
    link = f"{prefix}proxy/{{port}}/status" if prefix else "http://127.0.0.1:{port}/status"
    stack.enter_context(dask.config.set({"distributed.dashboard.link": link}))
    cluster = stack.enter_context(
        LocalCluster(
            processes=False,
            n_workers=1,
            threads_per_worker=os.cpu_count() or 1,
            # Dask serves its status pages on every interface unless told otherwise.
            dashboard_address="127.0.0.1:0",
            worker_dashboard_address="127.0.0.1:0",
        )
    )
    return stack.enter_context(Client(cluster))
