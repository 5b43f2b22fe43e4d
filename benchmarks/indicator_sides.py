"""What each side of benchmarks/indicators.py does."""

from __future__ import annotations

import logging
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from indicator_records import Delivered, write_deliveries

from citylib.city.profile import City

AGGREGATES = ("count", "sum", "mean", "min", "max", "std", "many", "few")
MANY, FEW = 900, 100
KEY = ["time", "line", "station"]
HOUR = 3_600_000_000
Result = tuple[np.ndarray | None, float, float]


class Timed:
    """Seconds, and seconds of all processors, since it was made."""

    def __init__(self) -> None:
        self.start, self.cpu = time.perf_counter(), time.process_time()

    def __call__(self) -> tuple[float, float]:
        return time.perf_counter() - self.start, time.process_time() - self.cpu


def files(folder: Path, table: str) -> tuple[list[str], list[str]]:
    """Files of a table: those of the partitions, and those of late records."""
    every = sorted(map(str, (folder / "lake" / table).glob("partition=*/*.parquet")))
    return [f for f in every if "=late/" not in f], [f for f in every if "=late/" in f]


def floor(folder: Path, city: City, table: str) -> Result:
    """Reading the columns alone."""
    import pyarrow.parquet as pq

    main, late = files(folder, table)
    columns = ["time", "area", "boardings", *(KEY[1:] if late else [])]

    def read(job: tuple[str, int]) -> None:
        path, group = job
        file = pq.ParquetFile(path, read_dictionary=["area", "line", "station"])
        file.read_row_group(group, columns=columns, use_threads=False)

    timed = Timed()
    jobs = [
        (path, group)
        for path in [*main, *late]
        for group in range(pq.ParquetFile(path).num_row_groups)
    ]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(read, jobs))
    return None, *timed()


def declared(table: str, sketches: bool = False) -> dict[str, Any]:
    """The aggregates as indicators."""
    from citylib.indicators.declaration import Indicator

    same = {
        "title": {"en": "made up"},
        "domain": "transport",
        "dataset": table,
        "frequency": "hour",
        "units": "1",
        "classification": "internal",
    }
    own: dict[str, dict[str, Any]] = {
        "count": {"aggregation": "count"},
        **{
            how: {"aggregation": how, "measure": "boardings"}
            for how in ("sum", "mean", "min", "max", "std")
        },
        "many": {"aggregation": "count", "where": {"boardings": {"gt": MANY}}},
        "few": {"aggregation": "count", "where": {"boardings": {"lt": FEW}}},
    }
    if sketches:
        own |= {
            "p95": {"aggregation": "quantile", "measure": "boardings", "quantile": 0.95},
            "different": {"aggregation": "distinct", "measure": "station"},
        }
    return {name: Indicator(id=name, **same, **more) for name, more in own.items()}


def citylib(folder: Path, city: City, table: str, sketches: bool = False) -> Result:
    """Indicators from all records into a new cube."""
    import dask.array  # noqa: F401  loading libraries and compiled code is no part of `seconds`

    from citylib.indicators import incremental, kernels  # noqa: F401
    from citylib.indicators.cube import Cube
    from citylib.indicators.refresh import Refresh
    from citylib.lake import Lake

    kernels.extents(np.zeros(1, np.int64))
    indicators = declared(table, sketches)
    with tempfile.TemporaryDirectory() as target:
        cube = Cube(f"{target}/cube")
        timed = Timed()
        Refresh(Lake(f"{folder}/lake", city), cube, city, indicators).run()
        took = timed()
        arrays = [cube.read(name).values[:, 1:] for name in AGGREGATES]
    return np.stack(arrays, axis=-1), *took


def current(table: str, main: Sequence[str], late: Sequence[str]) -> str:
    """SQL for the records that count."""
    if not late:
        return f"SELECT time, area, station, boardings FROM read_parquet({main!r})"  # noqa: S608
    return f"""
        WITH late AS (
            SELECT * FROM read_parquet({late!r})
            QUALIFY row_number() OVER (PARTITION BY time, line, station ORDER BY sequence DESC) = 1
        )
        SELECT time, area, station, boardings FROM read_parquet({main!r})
        ANTI JOIN late USING (time, line, station)
        UNION ALL SELECT time, area, station, boardings FROM late"""  # noqa: S608


SQL = f"""SELECT epoch_us(time) // {HOUR} AS hour, area, count(*) AS count,
    sum(boardings) AS sum, avg(boardings) AS mean, min(boardings) AS min, max(boardings) AS max,
    stddev_pop(boardings) AS std, count(*) FILTER (boardings > {MANY}) AS many,
    count(*) FILTER (boardings < {FEW}) AS few"""


def duckdb(folder: Path, city: City, table: str, more: str = "") -> Result:
    """One statement of SQL."""
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET memory_limit = '6GB'; SET temp_directory = ''")
    source = current(table, *files(folder, table))
    timed = Timed()
    found = connection.execute(f"{SQL}{more} FROM ({source}) GROUP BY ALL").to_arrow_table()
    return cells(found.to_pandas()), *timed()


def duckdb_sketches(folder: Path, city: City, table: str) -> Result:
    """With approximate quantiles and distinct counts."""
    more = ", approx_quantile(boardings, 0.95), approx_count_distinct(station)"
    return duckdb(folder, city, table, more)


def duckdb_exact(folder: Path, city: City, table: str) -> Result:
    """With exact quantiles and distinct counts."""
    more = ", quantile_cont(boardings, 0.95), count(DISTINCT station)"
    return duckdb(folder, city, table, more)


def polars(folder: Path, city: City, table: str) -> Result:
    """A lazy query by the streaming engine."""
    import polars as pl

    main, late = files(folder, table)
    value = pl.col("boardings")
    timed = Timed()
    rows = pl.scan_parquet(main, hive_partitioning=False)
    columns = ["time", "area", "boardings"]
    if late:
        newest = (
            pl.scan_parquet(late, hive_partitioning=False)
            .sort("sequence")
            .unique(KEY, keep="last", maintain_order=True)
        )
        rows = rows.join(newest.select(KEY), on=KEY, how="anti").select(columns)
        rows = pl.concat([rows, newest.select(columns)])
    hour = (pl.col("time").to_physical() // HOUR).alias("hour")
    found = (
        rows.group_by(hour, "area")
        .agg(
            count=pl.len(),
            sum=value.sum(),
            mean=value.mean(),
            min=value.min(),
            max=value.max(),
            std=value.std(ddof=0),
            many=(value > MANY).sum(),
            few=(value < FEW).sum(),
        )
        .collect(engine="streaming")
    )
    return cells(found.to_pandas()), *timed()


def dask_dataframe(folder: Path, city: City, table: str) -> Result:
    """groupby of dask.dataframe by threads; late records are joined piece by piece."""
    import dask.dataframe as dd
    import pandas as pd

    main, late = files(folder, table)
    columns = ["time", "area", "boardings"]
    timed = Timed()
    frame = dd.read_parquet(main, columns=[*columns, *(KEY[1:] if late else [])])
    if late:
        newest = pd.concat(pd.read_parquet(path) for path in late).sort_values("sequence")
        newest = newest.drop_duplicates(KEY, keep="last")
        keys = newest[KEY]

        def uncorrected(part: pd.DataFrame) -> pd.DataFrame:
            joined = part.merge(keys, on=KEY, how="left", indicator=True)
            return joined.loc[joined["_merge"] == "left_only", columns]

        frame = dd.concat([frame.map_partitions(uncorrected), dd.from_pandas(newest[columns])])
    frame = frame.assign(
        hour=frame["time"].astype("int64") // HOUR,
        many=frame["boardings"] > MANY,
        few=frame["boardings"] < FEW,
    )
    found = (
        frame.groupby(["hour", "area"])
        .agg(
            {
                "boardings": ["count", "sum", "mean", "min", "max", "var"],
                "many": "sum",
                "few": "sum",
            }
        )
        .compute(scheduler="threads")
        .reset_index()
    )
    found.columns = ["hour", "area", "count", "sum", "mean", "min", "max", "std", "many", "few"]
    found["std"] = np.sqrt(found["std"] * (found["count"] - 1) / found["count"])
    return cells(found), *timed()


def cells(frame: Any) -> np.ndarray:
    """A table of groups as an array of periods, districts and aggregates."""
    hour, area = frame["hour"].to_numpy(), frame["area"].astype(int).to_numpy()
    result = np.full((int(hour.max() - hour.min()) + 1, 25, len(AGGREGATES)), np.nan)
    for place, name in enumerate(AGGREGATES):
        result[hour - hour.min(), area, place] = frame[name].astype(float)
    return result


SIDES: dict[str, Callable[[Path, City, str], Result]] = {
    "floor": floor,
    "citylib": citylib,
    "DuckDB": duckdb,
    "Polars": polars,
    "dask.dataframe": dask_dataframe,
    "citylib sketches": lambda folder, city, table: citylib(folder, city, table, True),
    "DuckDB approximate": duckdb_sketches,
    "DuckDB exact": duckdb_exact,
}


def sketched() -> tuple[str, ...]:
    """Sides that also make quantiles and distinct counts."""
    return "citylib sketches", "DuckDB approximate", "DuckDB exact"


def workers(folder: Path, city: City, counts: Sequence[int] = (1, 2, 4)) -> Iterator[tuple]:
    """Seconds by processes of one thread each, and whether the figures are those of threads."""
    from distributed import Client, LocalCluster

    from citylib.indicators.engine import compute
    from citylib.indicators.workers import connect
    from citylib.lake import Lake

    indicators = list(declared("tidy").values())
    lake = Lake(f"{folder}/lake", city)
    with connect() as client:
        here = compute(indicators, lake, city, client)
    for count in counts:
        with (
            LocalCluster(
                count, threads_per_worker=1, dashboard_address=None, silence_logs=logging.CRITICAL
            ) as cluster,
            Client(cluster) as client,
        ):
            compute(indicators, lake, city, client)  # once without the clock: workers start
            timed = Timed()
            there = compute(indicators, lake, city, client)
            seconds = timed()[0]
        yield count, seconds, all(array.identical(there[name]) for name, array in here.items())


def refreshes(folder: Path, city: City, rows: int) -> tuple[float, float]:
    """Seconds of a full computation, and of a refresh after 100,000 new records: the middle of 5.

    The table is the same files under other names, so that it stays as it is.
    """
    from citylib.indicators import incremental, kernels  # noqa: F401
    from citylib.indicators.cube import Cube
    from citylib.indicators.refresh import Refresh
    from citylib.lake import Lake

    kernels.extents(np.zeros(1, np.int64))
    with tempfile.TemporaryDirectory(dir=folder) as target:
        shutil.copytree(folder / "lake" / "taps", f"{target}/lake/taps", copy_function=os.link)
        cube = Cube(f"{target}/cube")
        refresh = Refresh(Lake(f"{target}/lake", city), cube, city, declared("taps"))
        timed = Timed()
        refresh.run()
        full, took = timed()[0], []
        for delivery in range(5):
            number = np.arange(rows + delivery * 100_000, rows + (delivery + 1) * 100_000)
            new = Delivered(number, np.zeros(len(number), np.int64))
            write_deliveries(f"{target}/lake/taps", city, "taps", [new])
            timed = Timed()
            refresh.run()
            took.append(timed()[0])
    return full, statistics.median(took)
