"""Parquet files of a table, written beside the others and not seen before they are committed."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.fs as pafs
import pyarrow.parquet as pq
from deltalake.transaction import AddAction

LATE = "late"
"""The partition of corrections and of records that came after the window of correction."""
ROW_GROUP = 1 << 20
SAMPLE = 4096

Period = Literal["year", "month", "day"]
_UNIT = {"year": "Y", "month": "M", "day": "D"}


def by_period(table: pa.Table, period: Period) -> Iterator[tuple[str, pa.Table]]:
    """Cut records, which are in the order of their time, into those of each period in UTC.

    Yields
    ------
    (str, pa.Table)
        Name of the period, such as "2022-01", and its records.
    """
    times = table["time"].cast(pa.int64()).to_numpy()
    begin = 0
    while begin < len(times):
        start = times[begin].astype("datetime64[us]").astype(f"datetime64[{_UNIT[period]}]")
        limit = (start + 1).astype("datetime64[us]").astype(np.int64)
        end = int(np.searchsorted(times, limit))
        yield str(start), table.slice(begin, end - begin)
        begin = end


def write_file(
    system: pafs.FileSystem, root: str, partition: str, table: pa.Table, number: int
) -> AddAction:
    """Write records into a new file.

    Parameters
    ----------
    system, root : pyarrow.fs.FileSystem, str
        Where the table is.
    partition : str
        Which of its partitions.
    table : pa.Table
        At least one record.
    number : int
        Number of the commit: names of files rise with it.

    Returns
    -------
    AddAction
        What adds it to the table.
    """
    path = f"partition={partition}/{number:010d}-{uuid.uuid4().hex}.parquet"
    whole = f"{root}/{path}"
    if isinstance(system, pafs.LocalFileSystem):  # object storage has no folders
        system.create_dir(f"{root}/partition={partition}", recursive=True)
    try:
        with system.open_output_stream(whole) as sink:
            pq.write_table(
                _required(table),
                sink,
                row_group_size=ROW_GROUP,
                store_schema=False,
                **_encodings(table),
            )
        size = system.get_file_info(whole).size
    except BaseException:
        remove(system, [whole])
        raise
    limits = pc.min_max(table["time"].cast(pa.int64())).as_py()
    stats = {
        "numRecords": table.num_rows,
        "minValues": {"time": _moment(limits["min"])},
        "maxValues": {"time": _moment(limits["max"])},
        "nullCount": {"time": 0},
    }
    now = int(time.time() * 1000)
    return AddAction(path, size, {"partition": partition}, now, True, json.dumps(stats))


def remove(system: pafs.FileSystem, paths: list[str]) -> None:
    """Remove files that were never committed, as far as the storage lets us: `vacuum` finds the
    rest.
    """
    for path in paths:
        try:
            system.delete_file(path)
        except OSError:
            continue


def _moment(microseconds: int) -> str:
    seconds, rest = divmod(microseconds, 1_000_000)
    start = datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
    return f"{start.isoformat()}.{rest:06d}Z"


def _required(table: pa.Table) -> pa.Table:
    """The same, whose columns without gaps say so: they are read in two thirds of the time."""
    fields = [
        field.with_nullable(any(_gaps(chunk) for chunk in table[field.name].chunks))
        for field in table.schema
    ]
    return pa.Table.from_arrays(table.columns, schema=pa.schema(fields))


def _gaps(column: pa.Array) -> bool:
    words = pa.types.is_dictionary(column.type) and column.dictionary.null_count > 0
    return bool(column.null_count or words)


def _encodings(table: pa.Table) -> dict[str, object]:
    """How columns are written: numbers that hardly recur without a dictionary, times as steps."""
    plain: dict[str, str] = {}
    for field in table.schema:
        if field.name == "time":
            plain[field.name] = "DELTA_BINARY_PACKED"
        elif pa.types.is_int64(field.type) or pa.types.is_float64(field.type):
            step = max(table.num_rows // SAMPLE, 1)
            some = table[field.name].take(pa.array(np.arange(0, table.num_rows, step)))
            if pc.count_distinct(some).as_py() > len(some) // 4:
                steps = pa.types.is_integer(field.type)
                plain[field.name] = "DELTA_BINARY_PACKED" if steps else "BYTE_STREAM_SPLIT"
    return {
        "compression": "zstd",
        "compression_level": 1,
        "use_dictionary": [name for name in table.column_names if name not in plain],
        "column_encoding": plain,
        "write_statistics": ["time", "replayed"],  # those of texts take long, and nobody looks
    }
