"""What `citylib load` prints."""

from pathlib import Path

import pytest
from support.port import HEADER, build_port, write

from citylib.city.errors import CityError
from citylib.city.settings import Settings
from citylib.lake.report import run_compact, run_load


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    build_port(tmp_path / "port")
    (tmp_path / "citylib.toml").write_text('profile = "port"\n')
    return Settings.load(tmp_path)


def _numbers(out, name):
    (line,) = [line for line in out.splitlines() if line.startswith(f"{name} ")]
    return line.split()[1:-1]


def test_the_account_is_printed_with_reasons(settings, capsys):
    rows = "2022-01-05 07:00,East,A,3,1\n" * 2 + "2022-01-05 08:00,North,A,3,1\n"
    write(settings.profile, {"records/counts/a.csv": HEADER + rows})
    run_load(settings, ())
    out = capsys.readouterr().out
    assert _numbers(out, "counts") == ["1", "3", "1", "1", "1"]
    assert _numbers(out, "total") == ["1", "3", "1", "1", "1"]
    assert "1  no district goes by 'North'  (a.csv:4)" in out
    run_load(settings, ("counts",))
    out = capsys.readouterr().out
    assert _numbers(out, "counts") == ["1", "3", "0", "2", "1"]
    assert "1  no district goes by 'North'  (a.csv:4)" in out


def test_a_file_that_cannot_be_read_ends_the_command_after_the_account(settings, capsys):
    good = HEADER + "2022-01-05 07:00,East,A,3,1\n"
    write(settings.profile, {"records/counts/a.csv": good, "records/counts/b.csv": b"\xff\xfe"})
    with pytest.raises(CityError) as caught:
        run_load(settings, ())
    assert "1 file could not be read" in str(caught.value)
    assert "b.csv" in str(caught.value)
    assert _numbers(capsys.readouterr().out, "counts") == ["1", "1", "1", "0", "0"]


def test_an_unknown_dataset_is_named(settings):
    with pytest.raises(CityError, match=r"'fish'.*counts"):
        run_load(settings, ("fish",))


def test_many_reasons_are_summed_up(settings, capsys):
    rows = "".join(f"2022-01-05 07:00,N{n},A,3,1\n" for n in range(10))
    write(settings.profile, {"records/counts/a.csv": HEADER + rows})
    run_load(settings, ())
    assert "4  4 other reasons" in capsys.readouterr().out


def test_a_dataset_that_fails_keeps_no_other_from_being_loaded_or_compacted(settings, capsys):
    other = (settings.profile / "datasets/counts.toml").read_text()
    write(settings.profile, {"datasets/zeal.toml": other})
    row = HEADER + "2022-01-05 07:00,East,A,3,1\n"
    write(settings.profile, {"records/counts/a.csv": row, "records/zeal/a.csv": row})
    Path(settings.lake).mkdir(parents=True)
    (Path(settings.lake) / "counts").write_text("no folder")
    with pytest.raises(CityError, match=r"counts: .*storage failed"):
        run_load(settings, ())
    assert _numbers(capsys.readouterr().out, "zeal") == ["1", "1", "1", "0", "0"]
    with pytest.raises(CityError, match=r"counts: .*storage failed"):
        run_compact(settings, ("counts", "zeal"))
    assert _numbers(capsys.readouterr().out, "zeal")[:3] == ["0", "1", "1"]
