"""Files of a city's records stored in the lake, beside two that store without our checks.

    uv run python benchmarks/ingest.py [--quick] [--scale F] [--only one] [--folder PATH]

Two lakes are filled: 290 datasets with 32 million records together, and one with 300 million. Of
the records 5 % are repeated, 1 % come late and 0.1 % are corrected later, some of both after a
year. Ours reads the files, maps and checks every row, finds what is there already, and commits;
its account must be what was written. DuckDB copies the same files to Parquet; deltalake appends
what pyarrow reads of them. Each runs in a process of its own, one after the other, and each takes
the files as they are when it begins. `--scale 0.1` takes a tenth of the records; the whole needs
20 GB of disk for a while and about half an hour.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from city_records import KINDS, SUBWAY, Shape, Written, write_files, write_profile
from printed import figure

MANY, ONE = 32_000_000, 300_000_000
DATASETS = 290
PART = 3_000_000
"""Records of a file of the large dataset."""


def store(records: Path, target: Path) -> dict[str, int]:
    """Files to tables by citylib; returns its account."""
    from citylib.city.profile import load_city
    from citylib.lake import Lake

    reports = Lake(str(target), load_city(records.parent)).load_all()
    if failures := [sentence for report in reports for sentence in report.failures]:
        raise SystemExit("\n".join(failures))
    names = ("read", "stored", "duplicate", "set_aside")
    return {name: sum(getattr(report, name) for report in reports) for name in names}


def copy_by_duckdb(records: Path, target: Path) -> dict[str, int]:
    """Files to Parquet by DuckDB."""
    import duckdb

    target.mkdir()
    connection = duckdb.connect()
    connection.execute("SET memory_limit = '4GB'")
    for folder in sorted(records.iterdir()):
        files, parquet = f"{folder}/*.csv", f"{target}/{folder.name}.parquet"
        connection.execute(f"COPY (FROM read_csv('{files}')) TO '{parquet}'")
    return {}


def append_by_deltalake(records: Path, target: Path) -> dict[str, int]:
    """Files to a Delta table by pyarrow and deltalake."""
    import pyarrow.csv
    from deltalake import write_deltalake

    for folder in sorted(records.iterdir()):
        for path in sorted(folder.iterdir()):
            rows = pyarrow.csv.open_csv(path)
            write_deltalake(str(target / folder.name), rows, mode="append")
    return {}


SIDES: dict[str, Callable[[Path, Path], dict[str, int]]] = {
    "citylib": store,
    "DuckDB": copy_by_duckdb,
    "deltalake": append_by_deltalake,
}


def run(side: str, records: Path, target: Path) -> dict[str, float]:
    """Run one side in a process of its own: seconds, bytes of memory and of disk, its account."""
    command = [sys.executable, __file__, "--side", side, "--folder", str(records)]
    done = subprocess.run(  # noqa: S603
        [*command, "--target", str(target)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{side}: {done.stderr or done.stdout}")
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    figures["disk"] = sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
    shutil.rmtree(target)
    return figures


def run_here(side: str, records: Path, target: Path) -> None:
    """What the process of one side does."""
    start = time.perf_counter()
    account = SIDES[side](records, target)
    seconds = time.perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(
        json.dumps(
            {
                "seconds": seconds,
                "cpu": used.ru_utime + used.ru_stime,
                "memory": used.ru_maxrss * 1024,
                **account,
            }
        )
    )


def measure(title: str, folder: Path, shapes: dict[str, Shape], records: int, files: int) -> list:
    """Write files of some datasets, run all sides, and print; returns the figures."""
    partition = "month" if len(shapes) == 1 else "year"
    write_profile(folder, shapes, partition)
    made = [
        write_files(folder / "records" / name, shape, records // len(shapes), files, seed)
        for seed, (name, shape) in enumerate(shapes.items())
    ]
    total = Written(
        *(sum(values) for values in zip(*(asdict(m).values() for m in made), strict=True))
    )
    print(
        f"{title}: {total.lines:,} rows in {len(shapes) * files:,} files, "
        f"{total.bytes / total.lines:.0f} bytes each; {total.repeated:,} repeated, "
        f"{total.corrected:,} corrected",
        flush=True,
    )
    sides = {}
    for side in SIDES:
        os.sync()  # what the one before has left to be written is not the next one's burden
        mine = sides[side] = run(side, folder / "records", folder / "target")
        print(
            f"  {side:10s} {total.lines / mine['seconds']:12,.0f} records/s  "
            f"{mine['seconds']:7.1f} s  {mine['cpu']:7.1f} s of processor  "
            f"{mine['memory'] / 2**20:6,.0f} MB  "
            f"{mine['disk'] / total.records:5.1f} bytes/record on disk",
            flush=True,
        )
    ours = sides["citylib"]
    wanted = {
        "read": total.lines,
        "stored": total.records + total.corrected,
        "duplicate": total.repeated,
        "set_aside": 0,
    }
    if wrong := {name: (ours[name], n) for name, n in wanted.items() if ours[name] != n}:
        raise SystemExit(f"{title}: the account is wrong (found, written): {wrong}")
    return [
        *(
            figure(
                f"{title}: stored",
                total.lines / ours["seconds"],
                "records/s",
                peer,
                total.lines / sides[peer]["seconds"],
                goal=total.lines / sides[peer]["seconds"] / 2 if peer == "deltalake" else None,
                better="higher",
            )
            for peer in ("deltalake", "DuckDB")
        ),
        figure(
            f"{title}: peak memory",
            ours["memory"] / 2**20,
            "MB",
            "deltalake",
            sides["deltalake"]["memory"] / 2**20,
            goal=2048,
        ),
        figure(
            f"{title}: on disk",
            ours["disk"] / total.records,
            "bytes/record",
            "deltalake",
            sides["deltalake"]["disk"] / total.records,
        ),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="little of everything, in a minute")
    parser.add_argument("--scale", type=float, default=1.0, help="part of the records (0.1)")
    parser.add_argument("--folder", type=Path, help="where the files are for a while")
    parser.add_argument("--only", choices=("many", "one"), help="one of the two lakes")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--target", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.side:
        run_here(asked.side, asked.folder, asked.target)
        return
    scale = 0.01 if asked.quick else asked.scale
    datasets = 12 if asked.quick else DATASETS
    # A few datasets as large as they all are: of smaller ones the start of a process is the most.
    records = MANY * datasets // DATASETS if asked.quick else round(MANY * scale)
    many = {f"{KINDS[n % 3].name}_{n:03d}": KINDS[n % 3] for n in range(datasets)}
    files = max(round(ONE * scale / PART), 3)
    with tempfile.TemporaryDirectory(dir=asked.folder, prefix="ingest-") as folder:
        figures = []
        if asked.only in (None, "many"):
            figures += measure(f"{datasets} datasets", Path(folder) / "many", many, records, 4)
            shutil.rmtree(Path(folder) / "many")
        if asked.only in (None, "one"):
            one = {"taps": SUBWAY}
            figures += measure("one dataset", Path(folder) / "one", one, round(ONE * scale), files)
    print(json.dumps({"figures": figures}))


if __name__ == "__main__":
    main()
