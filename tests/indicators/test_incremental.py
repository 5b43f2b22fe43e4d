"""A refresh gives the figures of a full computation, whatever was delivered, however, and when."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import tempfile
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from support.port import COUNTS, build_port

from citylib.indicators import draft as drafts
from citylib.indicators import incremental, own
from citylib.indicators import partial as kept
from citylib.indicators.check import TOLERANCE
from citylib.indicators.cube import Cube
from citylib.indicators.declaration import Indicator
from citylib.indicators.draft import Draft
from citylib.indicators.refresh import Refresh
from citylib.lake import Delivery, Lake, compact, receive
from citylib.lake.sheet import sheet_of
from tests.lake.test_changes import clean_up

QUICK = (Phase.explicit, Phase.reuse, Phase.generate)
EXACT = ("count", "min", "max", "last", "distinct")
TIMES = [
    "2021-12-31 23:30",
    "2022-03-26 23:30",
    "2022-03-27 01:30",
    "2022-03-27 03:30",
    "2022-03-28 12:00",
    "2022-03-30 12:00",
    "2022-10-30 01:59",
    "2022-10-30 12:00",
]
ROW = st.fixed_dictionaries(
    {
        "when": st.sampled_from(TIMES),
        "district": st.sampled_from(["East"] * 4 + ["West"] * 2 + ["Le Port"]),
        "gate": st.sampled_from(["A", "B", "Ç"]),
        "n": st.sampled_from(["1", "2", "3", "40"]),
        "speed": st.sampled_from(["0.1", "0.7", "1.3", "-"]),
    }
)
DELIVERY = st.lists(st.lists(ROW, max_size=4), min_size=1, max_size=2)
STEP = st.one_of(
    *[DELIVERY] * 6,
    *map(st.just, ["refresh"] * 4),
    *map(
        st.just,
        ["compact", "clean up", "killed before", "killed after", "another process", "declare"],
    ),
)


def declare(name, aggregation, frequency="day", **said):
    return Indicator(
        id=name,
        title={"fr": name, "en": name},
        dataset="counts",
        aggregation=aggregation,
        frequency=frequency,
        **{"units": "1", "domain": "gates", **said},
    )


DECLARED = [
    declare("records", "count", "hour"),
    declare("many", "count", where={"n": {"gt": 2}}),
    declare("n_sum", "sum", measure="n", scale=10),
    declare("speed_mean", "mean", "month", measure="speed"),
    declare("speed_min", "min", "year", measure="speed"),
    declare("speed_max", "max", measure="speed", level="block"),
    declare("speed_std", "std", measure="speed"),
    declare("speed_last", "last", "hour", measure="speed", level="city"),
    declare("n_by_speed", "ratio", "month", measure="n", denominator="speed"),
    declare("gates", "distinct", "month", measure="gate"),
    declare("n_median", "quantile", "month", measure="n", quantile=0.5),
    declare("n_total", "sum", measure="n", derive="running_total"),
    declare("n_more", "sum", measure="n", derive="difference"),
    declare("n_week", "sum", measure="n", rolling={"sum": 3}),
    declare("n_grown", "sum", "month", measure="n", change={"percent": 1}, units="percent"),
    declare("n_per_many", "sum", "hour", measure="n", per="n_sum"),
]
OTHER = {
    "n_sum": declare("n_sum", "sum", measure="n", scale=20),
    "many": declare("many", "count", where={"n": {"gt": 1}}),
    "speed_max": declare("speed_max", "max", measure="speed", level="block", domain="speed"),
    "records": None,
}


class Killed(BaseException):
    """As if the process had been killed."""


def port(folder, **more):
    return build_port(Path(folder) / "profile", {"datasets/counts.toml": COUNTS, **more})


def deliver(lake, number, *sheets):
    reading = lake.city.datasets["counts"].read[0]
    brought = [(sheet_of(f"{number}.json", rows), reading) for rows in sheets]
    return lake.deliver("counts", Delivery(str(number), brought))


def assert_as_computed_at_once(refresh: Refresh, folder: str) -> None:
    """The cube has what a full computation puts into an empty one."""
    uri = tempfile.mkdtemp(dir=folder)
    whole = Refresh(
        Lake(refresh.lake.uri, refresh.city), Cube(uri), refresh.city, refresh.indicators
    )
    whole.run()
    ours, theirs = Cube(refresh.cube.uri), Cube(uri)
    assert ours.ids() == theirs.ids()
    for name, indicator in refresh.indicators.items():
        a, b = ours.read(name).load(), theirs.read(name).load()
        assert_equal(a, b, exact=indicator.aggregation in EXACT and not indicator.derive)


def assert_equal(a: xr.DataArray, b: xr.DataArray, exact: bool) -> None:
    xr.testing.assert_equal(a["time"], b["time"])
    xr.testing.assert_equal(a["area"], b["area"])
    tolerance = 0 if exact else TOLERANCE
    np.testing.assert_allclose(a.values, b.values, rtol=tolerance, atol=0, err_msg=str(a.name))
    said = [{k: v for k, v in one.attrs.items() if k != "computed"} for one in (a, b)]
    assert said[0] == said[1]


@settings(max_examples=15, deadline=None, phases=QUICK)
@given(steps=st.lists(STEP, min_size=4, max_size=10))
def test_a_refresh_equals_a_full_computation(steps):
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(compact, "TARGET", 4)
        patch.setattr(compact, "SMALL", 3)
        patch.setattr(receive, "BATCH", 3)
        patch.setattr(kept, "GROUPS", 100)
        patch.setattr(drafts, "CELLS", 1 << 12)
        patch.setattr(drafts, "BESIDE", 2)
        city = port(folder)
        lake = Lake(f"{folder}/lake", city)
        deliver(
            lake,
            "first",
            [{"when": TIMES[4], "district": "East", "gate": "A", "n": "1", "speed": "-"}],
        )
        indicators = {one.id: one for one in DECLARED}
        refresh = Refresh(lake, Cube(f"{folder}/cube"), city, indicators)
        refresh.run()
        for number, step in enumerate([*steps, "refresh"]):
            if step == "refresh":
                refresh.run()
                assert refresh.run() is None
                assert_as_computed_at_once(refresh, folder)
            elif step == "compact":
                lake.compact("counts")
            elif step == "clean up":
                clean_up(f"{folder}/lake/counts")
            elif step in ("killed before", "killed after"):
                with pytest.MonkeyPatch.context() as kill:
                    commit = Draft.commit

                    def killed(self, message, commit=commit, after=step == "killed after"):
                        if after:
                            commit(self, message)
                        raise Killed

                    kill.setattr(Draft, "commit", killed)
                    with contextlib.suppress(Killed):
                        refresh.run()
            elif step == "another process":
                lake = Lake(f"{folder}/lake", city)
                refresh = Refresh(lake, Cube(f"{folder}/cube"), city, indicators)
            elif step == "declare":
                indicators = {
                    name: OTHER.get(name, one) if indicators.get(name) == one else one
                    for name, one in ((one.id, one) for one in DECLARED)
                }
                indicators = {name: one for name, one in indicators.items() if one is not None}
                refresh = Refresh(lake, Cube(f"{folder}/cube"), city, indicators)
            else:
                deliver(lake, number, *step)


ONE = {"district": "East", "gate": "A", "n": "1", "speed": "0.1"}


def _deliver_and_refresh_for_ever(folder, started):
    city = port(folder)
    lake = Lake(f"{folder}/lake", city)
    refresh = Refresh(lake, Cube(f"{folder}/cube"), city, {one.id: one for one in DECLARED})
    for number in range(10_000):
        when = f"2022-04-{number % 28 + 1:02d} {number // 28 % 24:02d}:00"
        deliver(lake, f"{os.getpid()}-{number}", [{**ONE, "when": when, "n": str(number)}])
        refresh.run()
        started.set()


def test_a_refresh_killed_at_any_moment_is_made_up_for(tmp_path):
    context = multiprocessing.get_context("spawn")
    random = np.random.default_rng(0)
    for _ in range(3):
        started = context.Event()
        arguments = (str(tmp_path), started)
        process = context.Process(target=_deliver_and_refresh_for_ever, args=arguments)
        process.start()
        assert started.wait(100)
        # A round takes some tenths of a second: wherever in it this falls, nothing is lost.
        process.join(random.uniform(0.1, 1.0))
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    city = port(tmp_path)
    lake = Lake(f"{tmp_path}/lake", city)
    indicators = {one.id: one for one in DECLARED}
    refresh = Refresh(lake, Cube(f"{tmp_path}/cube"), city, indicators)
    refresh.run()
    assert_as_computed_at_once(refresh, str(tmp_path))
    records = Cube(refresh.cube.uri).read("records").sel(area=city.code).sum()
    assert int(records) == lake.table("counts").rows


def test_only_what_is_new_is_read(tmp_path, monkeypatch):
    city = port(tmp_path)
    lake = Lake(f"{tmp_path}/lake", city)
    refresh = Refresh(
        lake, Cube(f"{tmp_path}/cube"), city, {"n_sum": declare("n_sum", "sum", measure="n")}
    )
    for day in range(1, 10):
        deliver(lake, day, [{**ONE, "when": f"2022-04-{day:02d} 12:00"}])
    assert refresh.run().computed == ["n_sum"]
    read = []
    partials = incremental.partials

    def noting(indicators, pieces, *more):
        read.extend(piece.rows for some in pieces.values() for piece in some)
        return partials(indicators, pieces, *more)

    monkeypatch.setattr(incremental, "partials", noting)
    deliver(lake, 10, [{**ONE, "when": "2022-04-10 12:00"}])
    assert refresh.run().refreshed == ["n_sum"]
    assert read == [1]
    read.clear()
    lake.compact("counts")
    assert refresh.run().refreshed == []
    assert read == []
    version = Cube(refresh.cube.uri).version
    assert refresh.run() is None
    assert Cube(refresh.cube.uri).version == version
    deliver(lake, 11, [{**ONE, "when": "2022-04-02 12:00", "n": "5"}])
    assert refresh.run().refreshed == ["n_sum"]
    assert Cube(refresh.cube.uri).read("n_sum").sel(time="2022-04-02", area="9").item() == 5


def test_a_function_is_computed_from_all_records_when_there_are_new_ones(tmp_path):
    @own.indicator(
        id="most",
        title={"fr": "x", "en": "x"},
        domain="gates",
        dataset="counts",
        reads=["n"],
        frequency="day",
        units="1",
    )
    def most(records):
        return records.groupby(["period", "area"])["n"].max()

    city = port(tmp_path)
    lake = Lake(f"{tmp_path}/lake", city)
    deliver(lake, 1, [{**ONE, "when": "2022-04-01 12:00"}])
    indicators = {"most": most, "n_sum": declare("n_sum", "sum", measure="n")}
    refresh = Refresh(lake, Cube(f"{tmp_path}/cube"), city, indicators)
    assert refresh.run().computed == ["most", "n_sum"]
    deliver(lake, 2, [{**ONE, "when": "2022-04-01 13:00", "n": "7"}])
    outcome = refresh.run()
    assert (outcome.computed, outcome.refreshed) == (["most"], ["n_sum"])
    assert Cube(refresh.cube.uri).read("most").sel(area="9").values.tolist() == [7.0]
