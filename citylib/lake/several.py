"""Loading several datasets: small ones at the same time, large ones one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from citylib.city.errors import CityError
from citylib.lake.delivery import LoadReport
from citylib.lake.folder import size_of

if TYPE_CHECKING:
    from citylib.lake.lake import Lake

AT_ONCE = 2
"""Small datasets that are loaded at the same time."""
SMALL = 32 << 20
"""Bytes of a small dataset's files."""


def load_each(lake: Lake, datasets: Sequence[str]) -> Iterator[tuple[str, LoadReport | CityError]]:
    """Load datasets: first the small ones, of which one alone would mostly wait for the disk; then
    the others, each of which keeps two processors at work and takes the memory for it.

    Parameters
    ----------
    lake : Lake
    datasets : sequence of str
        Names, each once.

    Yields
    ------
    (str, LoadReport or CityError)
        Dataset, and its report or why it could not be stored: the next one is loaded anyhow.
    """

    def tried(name: str) -> LoadReport | CityError:
        try:
            return lake.load(name)
        except CityError as error:
            return error

    small = [name for name in datasets if size_of(lake.spec(name)) <= SMALL]
    with ThreadPoolExecutor(AT_ONCE, "load") as threads:
        coming = {name: threads.submit(tried, name) for name in small}
        try:
            for name, report in coming.items():
                yield name, report.result()
        finally:  # who goes away does not wait for those that have not begun
            threads.shutdown(cancel_futures=True)
    for name in datasets:
        if name not in coming:
            yield name, tried(name)
