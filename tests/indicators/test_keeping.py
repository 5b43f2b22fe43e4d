"""A process that stays keeps the figures up to date, whatever changes around it."""

import os

import pytest
from support.town import build_town

from citylib.city.errors import CityError
from citylib.hub import data
from citylib.indicators import keeping
from citylib.indicators.cube import Cube
from citylib.indicators.keeping import Keeper
from citylib.lake import DatasetMissing
from citylib.lake.report import run_load
from citylib.operations.store import Store


@pytest.fixture
def town(tmp_path):
    return build_town(tmp_path)


@pytest.fixture
def keeper(town):
    with Store(town.database) as store:
        store.migrate()
        yield Keeper(town, store)


def add(town, row, name="3.csv"):
    path = town.profile / "records" / "counts" / name
    path.write_text(f"day,district,n\n{row}\n")
    run_load(town, ())


def announced(keeper):
    return [change.subject for change in keeper.store.changes.since(0)]


def test_it_reads_the_profile_once_and_then_what_is_new(town, keeper, monkeypatch):
    read = []
    load = keeping.load_city
    monkeypatch.setattr(keeping, "load_city", lambda path: read.append(path) or load(path))
    run_load(town, ())
    assert sorted(keeper.renew().computed) == ["mean", "total"]
    assert keeper.renew() is None
    add(town, "2020-01-04,West,5")
    assert sorted(keeper.renew().refreshed) == ["mean", "total"]
    assert Cube(town.cube).read("total").sel(time="2020-01-04", area="1w").item() == 5
    assert len(read) == 1
    assert announced(keeper) == Cube(town.cube).history()[::-1]


def test_it_takes_up_what_changes_in_the_profile(town, keeper):
    run_load(town, ())
    keeper.renew()
    path = town.profile / "indicators" / "all.toml"
    path.write_text(path.read_text().replace("[mean]", "[average]"))
    assert keeper.renew().computed == ["average"]
    assert Cube(town.cube).ids() == ["total", "average"]
    path.write_text("[total")
    with pytest.raises(CityError, match=r"all\.toml"):
        keeper.renew()
    path.write_text("")
    os.utime(path, (1, 1))
    assert keeper.renew() is not None
    assert Cube(town.cube).empty


def test_it_computes_what_there_is_and_the_rest_when_its_records_come(town, keeper):
    with pytest.raises(DatasetMissing):
        keeper.renew()
    other = (town.profile / "datasets" / "counts.toml").read_text()
    (town.profile / "datasets" / "more.toml").write_text(other)
    path = town.profile / "indicators" / "all.toml"
    path.write_text(path.read_text().replace('"counts"', '"more"', 1))
    run_load(town, ("counts",))
    assert keeper.renew().computed == ["mean"]
    assert "so these were not computed: total" in str(keeper.missing())
    assert keeper.renew() is None
    folder = town.profile / "records" / "more"
    folder.mkdir()
    (folder / "1.csv").write_text("day,district,n\n2020-01-01,East,1\n")
    run_load(town, ("more",))
    assert keeper.renew().computed == ["total"]
    assert keeper.missing() is None


def test_the_program_answers_each_line_and_survives_what_is_wrong(town):
    said = []

    def lines():
        yield "\n"  # nothing is loaded yet
        assert said.pop() not in (data.DONE, data.SAME)
        run_load(town, ())
        yield "\n"
        yield "\n"
        assert [said.pop(), said.pop()] == [data.SAME, data.DONE]
        path = town.profile / "indicators" / "all.toml"
        right = path.read_text()
        path.write_text(right.replace('measure = "n"', 'measure = "m"'))
        yield "\n"
        assert "'m'" in said[-1]
        assert "\n" not in said.pop()
        path.write_text(right)
        add(town, "2020-01-04,West,5")
        yield "\n"

    data.keep_up(town, lines(), said.append)
    assert said == [data.DONE]


def test_a_reader_is_told_which_indicators_are_others(town, keeper):
    path = town.profile / "indicators" / "all.toml"
    path.write_text(
        path.read_text() + '\n[east]\ntitle = { en = "East" }\ndomain = "air"\n'
        'dataset = "counts"\nmeasure = "n"\naggregation = "max"\nfrequency = "year"\nunits = "1"\n'
    )
    run_load(town, ())
    keeper.renew()
    cube = Cube(town.cube)
    first = cube.version
    assert cube.changed_since(first) == set()
    add(town, "2020-01-04,West,5")  # no new maximum
    keeper.renew()
    cube.refresh()
    second = cube.version
    assert cube.changed_since(first) >= {"total", "mean"}
    path.write_text(path.read_text().replace('"Total"', '"Sum"'))
    keeper.renew()
    cube.refresh()
    assert "total" in cube.changed_since(second)
    assert "east" not in cube.changed_since(second)
    assert cube.changed_since("nonsense") == {"total", "mean", "east"}
    path.write_text(path.read_text().split("[mean]")[0])
    keeper.renew()
    cube.refresh()
    assert cube.changed_since(first) == {"total"}
