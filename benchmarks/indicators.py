"""Eight aggregates by hour and district: the engine beside DuckDB, Polars and dask.dataframe.

    uv run python benchmarks/indicators.py [--quick] [--rows N] [--data FOLDER]

Two tables as the lake writes them: `taps`, of whose records 1 % came late and 0.1 % were corrected
later, so that every side has to leave out what was corrected; and `tidy`, in the order of time.
Each side runs in a process of its own, one after the other, on the same files. Ours ends with the
figures, and the states that the next refresh needs, committed to a cube; the others end with a
table in memory. The floor is reading the columns alone, texts as dictionaries, by as many threads
as there are processors; where records were corrected, those of the key are among them. Then
quantiles and distinct counts; processes of a cluster; and refreshes after new records. `--data`
keeps the tables for the next time.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from indicator_records import make
from indicator_sides import AGGREGATES, SIDES, refreshes, sketched, workers
from printed import figure

ROWS = 30_000_000
PEERS = ("DuckDB", "Polars", "dask.dataframe")
LIMIT = 1800
"""Seconds after which a side is given up."""


def run(side: str, folder: Path, rows: int, table: str) -> dict[str, float]:
    """Run one side in a process of its own; empty if it failed, for want of memory above all."""
    command = [sys.executable, __file__, "--side", side, "--rows", str(rows), "--table", table]
    start = time.perf_counter()
    try:
        done = subprocess.run(  # noqa: S603
            [*command, "--data", str(folder)], capture_output=True, text=True, timeout=LIMIT
        )
    except subprocess.TimeoutExpired:
        print(f"  {side:22s} not done after {LIMIT} s", flush=True)
        return {}
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["ended by the system"])[-1]
        print(f"  {side:22s} failed: {last[:120]}", flush=True)
        return {}
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    figures["process"] = time.perf_counter() - start
    print(
        f"  {side:22s} {figures['seconds']:8.2f} s  {figures['cpu']:8.2f} s of processor  "
        f"{figures['process']:8.2f} s with start  {figures['memory'] / 2**20:6,.0f} MB",
        flush=True,
    )
    return figures


def run_here(side: str, folder: Path, rows: int, table: str) -> None:
    """What the process of one side does."""
    city = make(folder, rows)
    work = SIDES[side]
    result, seconds, cpu = work(folder, city, table)
    if result is not None:
        np.save(folder / f"result-{side}-{table}.npy", result)
    status = Path("/proc/self/status").read_text()  # getrusage counts the parent's memory, too
    memory = int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) * 1024
    print(json.dumps({"seconds": seconds, "cpu": cpu, "memory": memory}))


def equal(folder: Path, table: str, side: str) -> bool:
    """Whether a side's results are ours: shape (periods, districts, aggregates)."""
    ours = np.load(folder / f"result-citylib-{table}.npy")
    theirs = np.load(folder / f"result-{side}-{table}.npy")
    return ours.shape == theirs.shape and bool(
        (ours[..., :1] == theirs[..., :1]).all()
        and np.allclose(ours, theirs, rtol=1e-9, atol=0, equal_nan=True)
    )


def case(folder: Path, rows: int, table: str) -> list[dict[str, object]]:
    """All sides on one table; returns the figures."""
    print(f"{table}, {rows:,} records, {len(AGGREGATES)} aggregates", flush=True)
    run("floor", folder, rows, table)  # the files are in memory after that
    sides = {side: run(side, folder, rows, table) for side in ("floor", "citylib", *PEERS)}
    same = {s: equal(folder, table, s) for s in PEERS if sides[s]}
    print(f"  equal to ours: {', '.join(f'{s} {v}' for s, v in same.items())}", flush=True)
    ours, title = sides["citylib"]["seconds"], f"{rows:,} {table}"
    figures = [
        figure(
            f"{title}: by the floor",
            ours / sides["floor"]["seconds"],
            "times",
            goal=1.5,
        ),
        figure(f"{title}: peak memory", sides["citylib"]["memory"] / 2**20, "MB", goal=1024),
    ]
    for peer in PEERS:
        if sides[peer]:
            seconds = sides[peer]["seconds"]
            goal = seconds / 2 if peer == "DuckDB" else None
            figures.append(figure(title, ours, "s", peer, seconds, goal))
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="3 million records")
    parser.add_argument("--rows", type=float, default=ROWS, help="records of each table (300e6)")
    parser.add_argument("--data", type=Path, help="where the tables are, and stay")
    parser.add_argument(
        "--only", choices=("taps", "tidy", "sketches", "workers", "refresh"), help="one part"
    )
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--table", default="taps", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    rows = 3_000_000 if asked.quick else int(asked.rows)
    if asked.side:
        run_here(asked.side, asked.data, rows, asked.table)
        return
    with tempfile.TemporaryDirectory(prefix="indicators-") as temporary:
        folder = asked.data or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        city = make(folder, rows)
        figures = []
        for part in [asked.only] if asked.only else ["tidy", "taps"]:
            if part in ("taps", "tidy"):
                figures += case(folder, rows, part)
        if asked.only in (None, "sketches"):
            print(f"with quantiles and distinct counts, {rows:,} records", flush=True)
            for side in sketched():
                if mine := run(side, folder, rows, "tidy"):
                    figures.append(figure(f"{rows:,} sketches: {side}", mine["seconds"], "s"))
        if asked.only in (None, "workers"):
            for count, seconds, same in workers(folder, city):
                print(f"  {count} processes: {seconds:.2f} s, equal {same}", flush=True)
                figures.append(figure(f"{rows:,} by {count} processes", seconds, "s"))
        if asked.only in (None, "refresh"):
            full, refresh = refreshes(folder, city, rows)
            print(f"  full {full:.2f} s, refresh after 100,000 records {refresh:.3f} s", flush=True)
            goal = min(1.0, full / 100)
            figures.append(figure(f"{rows:,}: refresh", refresh, "s", "full", full, goal))
    print(json.dumps({"figures": figures}))


if __name__ == "__main__":
    main()
