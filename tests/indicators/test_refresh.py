"""From records to the cube and the change log, whatever happens in between."""

import shutil
from contextlib import contextmanager

import pytest
from support.town import build_town

from citylib.city.errors import CityError
from citylib.city.profile import load_city
from citylib.indicators import keeping, refresh
from citylib.indicators.check import run_check
from citylib.indicators.cube import Cube
from citylib.indicators.published import as_printed
from citylib.lake import DatasetMissing, Lake
from citylib.lake.report import run_load
from citylib.operations.store import Store


@pytest.fixture
def town(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    settings = build_town(tmp_path)
    run_load(settings, ())
    return settings


def announced(settings):
    with Store(settings.database) as store:
        return [change.subject for change in store.changes.since(0) if change.kind == "cube"]


def add(settings, row):
    path = settings.profile / "records" / "counts" / f"{row}.csv"
    path.write_text(f"day,district,n\n{row}\n")
    run_load(settings, ())


def test_a_commit_is_announced_once(town):
    assert refresh.run_compute(town)
    version = Cube(town.cube).version
    assert announced(town) == [version]
    assert not refresh.run_compute(town)
    assert announced(town) == [version]
    assert float(Cube(town.cube).read("total").sum()) == 20  # each record in its area and the city


def test_new_records_make_a_new_version(town):
    refresh.run_compute(town)
    add(town, "2020-01-04,West,5")
    assert refresh.run_compute(town)
    assert announced(town) == Cube(town.cube).history()[::-1]
    assert len(announced(town)) == 2


def test_a_missing_table_keeps_only_its_own_indicators_from_being_computed(town):
    datasets, indicators = town.profile / "datasets", town.profile / "indicators"
    (datasets / "more.toml").write_text((datasets / "counts.toml").read_text())
    text = (indicators / "all.toml").read_text().split("[mean]")[0]
    (indicators / "more.toml").write_text(
        text.replace("[total]", "[other]").replace('"counts"', '"more"')
    )
    for _ in range(2):
        with pytest.raises(DatasetMissing, match=r"no table of more yet.*: other; run"):
            refresh.run_compute(town)
        assert set(Cube(town.cube).ids()) == {"total", "mean"}
    assert len(announced(town)) == 1
    records = town.profile / "records"
    shutil.copytree(records / "counts", records / "more")
    run_load(town, ())
    assert refresh.run_compute(town)
    assert float(Cube(town.cube).read("other").sum()) == 20


def test_a_changed_declaration_makes_a_new_version(town):
    refresh.run_compute(town)
    path = town.profile / "indicators" / "all.toml"
    path.write_text(path.read_text().replace('"mean"\nfrequency', '"max"\nfrequency'))
    assert refresh.run_compute(town)
    assert float(Cube(town.cube).read("mean").max()) == 7


def test_killed_between_commit_and_announcement_is_put_right(town, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(keeping, "announce", lambda *_: patch.setattr(keeping, "announce", killed))
        with pytest.raises(KeyboardInterrupt):
            refresh.run_compute(town)
    version = Cube(town.cube).version
    assert announced(town) == []
    assert not refresh.run_compute(town)
    assert announced(town) == [version]


def test_a_changed_licence_is_told(town):
    refresh.run_compute(town)
    path = town.profile / "datasets" / "counts.toml"
    path.write_text(path.read_text().replace('licence = "open"', 'licence = "CC BY 4.0"'))
    assert refresh.run_compute(town)
    assert Cube(town.cube).read("total").attrs["licence"] == "CC BY 4.0"
    assert not refresh.run_compute(town)


def test_who_waited_for_another_does_not_put_older_figures_back(town, monkeypatch):
    refresh.run_compute(town)
    add(town, "2020-01-04,West,5")
    draft, waited = Cube.draft, []

    @contextmanager
    def after_another(self):
        if not waited:
            waited.append(True)
            add(town, "2020-01-05,West,6")
            refresh.run_compute(town)
        with draft(self) as given:
            yield given

    monkeypatch.setattr(Cube, "draft", after_another)
    assert not refresh.run_compute(town)
    assert len(Cube(town.cube).history()) == 2
    assert float(Cube(town.cube).read("total").sel(area="1").sum()) == 21


def test_a_profile_without_indicators_is_up_to_date_too(town):
    (town.profile / "indicators" / "all.toml").unlink()
    refresh.run_compute(town)
    assert not refresh.run_compute(town)


def test_without_records_it_says_what_to_run(tmp_path):
    with pytest.raises(CityError, match="citylib load"):
        refresh.run_compute(build_town(tmp_path))


def test_check_agrees_and_says_so(town, capsys):
    refresh.run_compute(town)
    assert run_check(town)
    out = capsys.readouterr().out
    assert "2 indicators, 8 figures by two routes, 1 published figures: all equal" in out


def test_check_finds_a_wrong_figure(town, capsys):
    lake, city = Lake(town.lake, load_city(town.profile)), load_city(town.profile)
    assert lake.table("counts").rows == 3
    assert city.id == "town"
    refresh.run_compute(town)
    cube = Cube(town.cube)
    figures = {name: cube.read(name).load() for name in cube.ids()}
    figures["total"][2, 0] += 1e-6
    cube.write(figures, {})
    assert not run_check(town)
    assert "1 differ: total" in capsys.readouterr().out


def test_check_finds_a_missing_figure_and_a_wrong_publication(town, capsys):
    refresh.run_compute(town)
    path = town.profile / "figures.toml"
    path.write_text(path.read_text().replace('"10"', '"10.0001"'))
    cube = Cube(town.cube)
    figures = {name: cube.read(name).load() for name in cube.ids()}
    figures["mean"][0, 1] = float("nan")
    cube.write(figures, {})
    assert not run_check(town)
    assert "2 differ: mean, All of January" in capsys.readouterr().out


def test_check_is_not_fooled_by_an_empty_folder(town):
    refresh.run_compute(town)
    (town.profile / "indicators" / "all.toml").unlink()
    with pytest.raises(CityError, match="no indicator to check"):
        run_check(town)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("raise KeyError('x')", r"check\.py: failed: KeyError: 'x'"),
        ("return {'total': pd.DataFrame({'time': [1, 1], 'area': ['1', '1'], 'value': [1, 2]})}",
         "two figures for"),
    ],
)  # fmt: skip
def test_a_fault_in_the_citys_check_is_named(town, line, message):
    refresh.run_compute(town)
    (town.profile / "check.py").write_text(
        f"import pandas as pd\ndef figures(profile):\n    {line}\n"
    )
    with pytest.raises(CityError, match=message):
        run_check(town)


def test_a_period_that_is_no_date_is_named(town):
    refresh.run_compute(town)
    path = town.profile / "figures.toml"
    path.write_text(path.read_text().replace('"2020-01"', '"2020-13"'))
    with pytest.raises(CityError, match=r"figures\.toml: .*period '2020-13' is no date"):
        run_check(town)


def test_figures_are_rounded_as_they_were_printed():
    for value, like, printed in [(-0.4, "0", "0"), (2.5, "3", "3"), (5881.0, "1,0", "5,881")]:
        assert as_printed(value, like) == printed
