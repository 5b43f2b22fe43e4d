"""All indicators from the tables of records: the engine beside pandas on the same machine.

    uv run python benchmarks/compute.py [--quick]

It reads the tables that `citylib load` made and changes nothing. Both sides read the same columns
of the same Parquet files and group by period and area; a run of each is taken in turn, so that a
machine that slows down slows both.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence

import pandas as pd
from distributed import Client

from citylib.indicators.declaration import Indicator
from citylib.indicators.declared import load_indicators
from citylib.indicators.engine import Areas, compute
from citylib.indicators.workers import connect
from citylib.indicators.workspace import Workspace

PANDAS = {"count": "size", "last": "last"}


def by_pandas(indicators: Sequence[Indicator], city: Workspace) -> int:
    """Figures of areas and city with one table in memory at a time; returns how many."""
    figures = 0
    for dataset in dict.fromkeys(i.dataset for i in indicators):
        mine = [i for i in indicators if i.dataset == dataset]
        columns = sorted({name for i in mine for name in i.columns})
        frame = pd.concat(
            [pd.read_parquet(path, columns=columns) for path in city.lake.table(dataset).files()]
        )
        frame = frame[frame["area"].notna()]
        local = frame["time"].dt.tz_convert(city.city.timezone).dt.tz_localize(None)
        for i in mine:
            place = Areas.of(city.city, i.level).place
            grouped = frame.assign(
                period=local.dt.to_period(
                    {"hour": "h", "day": "D", "month": "M", "year": "Y"}[i.frequency]
                ),
                place=frame["area"].map(place),
            )
            for column, wanted in i.where.items():
                allowed = wanted if isinstance(wanted, list) else [wanted]
                grouped = grouped[grouped[column].isin(allowed)]
            for keys in (["period"], ["period", "place"]):
                groups = grouped.sort_values("time").groupby(keys)
                if i.aggregation == "ratio":
                    sums = groups[[i.measure, i.denominator]].sum()
                    figures += len(sums[i.measure] / sums[i.denominator])
                elif i.aggregation == "count":
                    figures += len(groups.size())
                else:
                    figures += len(groups[i.measure].agg(PANDAS.get(i.aggregation, i.aggregation)))
    return figures


def by_engine(indicators: Sequence[Indicator], city: Workspace, client: Client) -> int:
    """The same by the engine; returns how many figures."""
    arrays = compute(indicators, city.lake, city.city, client)
    return sum(int(array.notnull().sum()) for array in arrays.values())


def seconds(work: Callable[[], int]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer runs, under a minute")
    runs = 2 if parser.parse_args().quick else 7
    city = Workspace.open()
    indicators = list(load_indicators(city.city.folder / "indicators").values())
    records = sum(city.lake.table(name).rows for name in {i.dataset for i in indicators})
    with connect() as client:
        pairs = [
            (
                seconds(lambda: by_engine(indicators, city, client)),
                seconds(lambda: by_pandas(indicators, city)),
            )
            for _ in range(runs)
        ]
    ours, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
    print(f"{len(indicators)} indicators from {records:,} records, median of {runs} runs")
    print(f"engine {ours:.2f} s, pandas {theirs:.2f} s")
    figure = {
        "name": "all indicators",
        "value": round(ours, 3),
        "unit": "s",
        "goal": None,
        "better": "lower",
        "peer": "pandas",
        "peer_value": round(theirs, 3),
    }
    print(json.dumps({"figures": [figure]}))


if __name__ == "__main__":
    main()
