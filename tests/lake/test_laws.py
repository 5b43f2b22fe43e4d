"""Whatever is delivered, in whatever order and however often: the table equals a simple model."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from support.port import COUNTS, build_port

from citylib.lake import Delivery, Lake, compact, receive
from citylib.lake.sheet import sheet_of

KEYED = COUNTS.replace('key = ["time", "gate"]', 'key = ["gate"]')
KINDS = {
    "checked against everything": COUNTS,
    "by day": 'partition = "day"\n' + COUNTS,
    "within a day": 'window = "P1D"\npartition = "month"\n' + COUNTS,
    "within an hour": 'window = "PT1H"\n' + COUNTS,
    "told apart without time": KEYED,
}
TIMES = ["2022-01-01 07:00", "2021-12-31 07:30", "2022-01-01 07:30"]
ROW = st.fixed_dictionaries(
    {
        "when": st.sampled_from(TIMES),
        "district": st.sampled_from(["East"] * 8 + ["West", "North"]),
        "gate": st.sampled_from(["A"] * 4 + ["Ç"] * 4 + [""]),
        "n": st.sampled_from(["1"] * 4 + ["2"] * 4 + ["-1"]),
        "speed": st.sampled_from(["1"] * 8 + ["-"]),
    }
)
DELIVERY = st.lists(st.lists(ROW, max_size=3), min_size=1, max_size=3)
STEP = st.one_of(
    *[DELIVERY] * 5,
    st.integers(0, 2).map(lambda number: ("again", number)),
    st.just("compact"),
    st.just("another process"),
)
QUICK = (Phase.explicit, Phase.reuse, Phase.generate)
"""Without shrinking, which takes minutes: each example makes a lake."""


class Model:
    """What the table should hold, by key: of a delivery the first record, of several the last."""

    def __init__(self, key):
        self.key, self.records, self.seen = key, {}, set()

    def deliver(self, number, rows):
        if number in self.seen:
            return
        self.seen.add(number)
        fresh = {}
        for row in rows:
            if row["district"] == "North" or not row["gate"] or row["n"] == "-1":
                continue
            record = (row["when"], row["district"], row["gate"], row["n"], row["speed"])
            fresh.setdefault(tuple(row[name] for name in self.key), record)
        self.records.update(fresh)


def contents(table):
    rows = table.read(["time", "area", "gate", "n", "speed"])
    times = rows["time"].to_pandas().dt.tz_convert("Europe/Paris").dt.strftime("%Y-%m-%d %H:%M")
    district = {"9e": "East", "9w": "West"}
    return sorted(
        (
            time,
            district[row["area"]],
            row["gate"],
            str(row["n"]),
            "-" if row["speed"] is None else "1",
        )
        for time, row in zip(times, rows.to_pylist(), strict=True)
    )


def by_pieces(table):
    names = ["time", "gate", "n"]
    read = [row for piece in table.pieces() for row in piece.read(names).to_pylist()]
    return sorted(map(str, read)), sorted(map(str, table.read(names).to_pylist()))


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=50, deadline=None, phases=QUICK)
@given(steps=st.lists(STEP, min_size=4, max_size=8))
def test_the_table_equals_the_model(kind, steps):
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(compact, "TARGET", 4)
        patch.setattr(compact, "SMALL", 3)
        patch.setattr(receive, "BATCH", 3)
        city = build_port(Path(folder) / "profile", {"datasets/counts.toml": KINDS[kind]})
        lake = Lake(f"{folder}/lake", city)
        reading = city.datasets["counts"].read[0]
        model = Model(["gate"] if kind == "told apart without time" else ["when", "gate"])
        deliveries = []
        for step in steps:
            if step == "compact":
                lake.compact("counts")
                if deliveries:
                    assert lake.table("counts").late == 0
            elif step == "another process":
                lake = Lake(f"{folder}/lake", city)
            else:
                if isinstance(step, tuple):
                    if step[1] >= len(deliveries):
                        continue
                    number = step[1]
                else:
                    number = len(deliveries)
                    deliveries.append(step)
                sheets = [
                    (sheet_of(f"{number}.json", rows), reading) for rows in deliveries[number]
                ]
                rows = [row for sheet in deliveries[number] for row in sheet]
                report = lake.deliver("counts", Delivery(str(number), sheets))
                assert report.read == report.stored + report.duplicate + report.set_aside
                assert report.read == len(rows)
                model.deliver(number, rows)
            if deliveries:
                table = lake.table("counts")
                assert contents(table) == sorted(model.records.values())
                assert table.rows == len(model.records)
                pieces, whole = by_pieces(table)
                assert pieces == whole
        if deliveries:
            aside = lake.set_aside("counts")["records"].to_pylist()
            assert sum(aside) == sum(
                _aside(itertools.chain(*sheets), model.key) for sheets in deliveries
            )


def _aside(rows, key):
    """Rows of a delivery that must be set aside: they do not fit, or contradict the first."""
    count, first = 0, {}
    for row in rows:
        if row["district"] == "North" or not row["gate"] or row["n"] == "-1":
            count += 1
            continue
        says = (row["when"], row["district"], row["gate"], row["n"], row["speed"])
        count += first.setdefault(tuple(row[name] for name in key), says) != says
    return count
