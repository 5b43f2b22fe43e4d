"""Cells of a density map, and areas that add up from fine to coarse."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from citylib.city.profile import load_city
from citylib.indicators.declaration import DeclarationError, Indicator
from citylib.indicators.engine import figures, partials
from citylib.indicators.grid import DEGREE, Grid, density
from citylib.indicators.workers import connect
from citylib.lake import Piece

CITIES = Path(__file__).parents[2] / "cities"
WEST, SOUTH, EAST, NORTH = BOUNDS = (126.76, 37.42, 127.19, 37.71)


@pytest.fixture(scope="module")
def client():
    with connect() as client:
        yield client


def test_a_grid_covers_its_bounds_with_cells_of_the_size_asked_for():
    grid = Grid.over(BOUNDS, 500)
    assert WEST + grid.dlon * grid.columns >= EAST > WEST + grid.dlon * (grid.columns - 1)
    assert SOUTH + grid.dlat * grid.rows >= NORTH > SOUTH + grid.dlat * (grid.rows - 1)
    middle = np.cos(np.radians((SOUTH + NORTH) / 2))
    assert grid.dlat * DEGREE == pytest.approx(500)
    assert grid.dlon * DEGREE * middle == pytest.approx(500)


def test_too_many_cells_are_refused():
    with pytest.raises(DeclarationError, match=r"cells of 1 m are .* take larger ones"):
        Grid.over(BOUNDS, 1)


@given(
    st.lists(
        st.tuples(st.floats(WEST - 0.2, EAST + 0.2) | st.just(np.nan), st.floats(37.3, 37.8)),
        min_size=1,
    )
)
def test_a_position_is_in_the_cell_whose_middle_is_nearest(positions):
    grid = Grid.over(BOUNDS, 2000)
    lon, lat = np.array(positions).T
    for number, (x, y) in zip(grid.cells(lon, lat), positions, strict=True):
        if number < 0:
            assert not (WEST <= x < EAST and SOUTH <= y < NORTH)
            continue
        row, column = divmod(int(number), grid.columns)
        assert abs(x - (grid.west + grid.dlon * (column + 0.5))) <= grid.dlon * 0.5000001
        assert abs(y - (grid.south + grid.dlat * (row + 0.5))) <= grid.dlat * 0.5000001


def table_of(folder, columns, files=3):
    table = pa.table(columns)
    for number in range(files):
        part = table.slice(number * len(table) // files, len(table) // files)
        pq.write_table(part, folder / f"{number}.parquet", row_group_size=40)
    rows = len(table) // files
    return SimpleNamespace(
        schema=table.schema,
        metadata={"publisher": "the town", "licence": "open"},
        pieces=lambda: [
            Piece(f"{n}.parquet", str(folder), table.schema, ("time",), (), rows)
            for n in range(files)
        ],
    )


def test_every_record_is_in_one_cell_or_outside(tmp_path, client):
    random = np.random.default_rng(0)
    lon, lat = random.uniform(126.7, 127.2, 600), random.uniform(37.4, 37.75, 600)
    lon[:30] = np.nan
    kind = np.where(np.arange(600) % 2, "a", "b")
    schema = pa.schema(
        [
            pa.field("lon", pa.float64(), metadata={"classification": "internal"}),
            pa.field("lat", pa.float64()),
            pa.field("kind", pa.string()),
        ]
    )
    columns = pa.table([pa.array(lon, from_pandas=True), lat, kind], schema=schema)
    table = table_of(tmp_path, columns)
    city = SimpleNamespace(bounds=BOUNDS)
    for where, meant in (({}, np.ones(600, bool)), ({"kind": "a"}, kind == "a")):
        got = density(table, city, client, 1500, where)
        edges = [
            np.append(got[name].values - step / 2, got[name].values[-1] + step / 2)
            for name, step in (("lat", np.diff(got["lat"])[0]), ("lon", np.diff(got["lon"])[0]))
        ]
        known = meant & ~np.isnan(lon)
        want, _, _ = np.histogram2d(lat[known], lon[known], bins=edges)
        np.testing.assert_array_equal(got, want)
        every = 600 if not where else int(meant.sum())
        assert int(got.sum()) + got.attrs["outside"] == every
        assert got.attrs["classification"] == "internal"
    with pytest.raises(DeclarationError, match="no column 'knd'; did you mean 'kind'"):
        density(table, city, client, where={"knd": "a"})


@pytest.mark.parametrize("name", ["seoul", "new_york"])
def test_areas_add_up_from_the_finest_to_the_city(name, tmp_path, client):
    """What is counted in fine areas is counted in those that hold them, and in the city."""
    city = load_city(CITIES / name)
    random = np.random.default_rng(1)
    codes = [code for level in city.levels.values() for code in level.areas]
    area = random.choice([*codes, city.code], 3000)
    time = np.sort(random.integers(0, 100 * 86_400_000_000, 3000))
    columns = {"time": pa.array(time, pa.timestamp("us", "UTC")), "area": area, "n": np.ones(3000)}
    table = table_of(tmp_path, columns)
    said = {"title": {}, "domain": "a", "dataset": "d", "frequency": "month", "units": "1"}
    declared = [
        Indicator(id=f"{how}_{level}", aggregation=how, measure=measure, level=level, **said)
        for level in ("city", *city.levels)
        for how, measure in (("count", None), ("sum", "n"), ("mean", "n"))
    ]
    parts = partials(declared, {"d": table.pieces()}, city, client)
    made = {i.id: figures(i, parts[i.id], city, table.metadata).fillna(0) for i in declared}
    for how in ("count", "sum"):
        for level in city.levels:
            fine = made[f"{how}_{level}"]
            np.testing.assert_array_equal(fine[:, 0], made[f"{how}_city"][:, 0])
            for coarse in city.levels:
                for code in city.levels[coarse].areas:
                    inside = [c for c in city.levels[level].areas if code in city.ancestors(c)]
                    if not inside:
                        continue
                    at_it = np.isin(area, [code, *_between(city, code, level)])
                    own = np.bincount(_month(time, city)[at_it], minlength=fine.sizes["time"])
                    held = made[f"{how}_{coarse}"].sel(area=code).values
                    np.testing.assert_array_equal(fine.sel(area=inside).sum("area") + own, held)
    assert float(made["mean_city"].max()) == 1.0


def _month(time, city):
    import pandas as pd

    local = pd.DatetimeIndex(time.astype("M8[us]"), tz="UTC").tz_convert(city.timezone)
    months = local.tz_localize(None).to_numpy().astype("M8[M]").astype(int)
    return months - months.min()


def _between(city, code, level):
    """Areas in an area that are of another level than the fine one and in none of its areas."""
    fine = city.levels[level].areas
    return [
        c
        for other in city.levels.values()
        for c in other.areas
        if code in city.ancestors(c)
        and c not in fine
        and not any(above in fine for above in city.ancestors(c))
    ]
