"""Bringing the data up to date when something is wrong with them."""

from __future__ import annotations

import subprocess
import sys

import pytest
from support.platform import running
from support.town import build_town

from citylib.hub import data
from citylib.indicators.cube import Cube
from citylib.indicators.refresh import run_compute
from citylib.lake.report import run_load


@pytest.fixture
def town(tmp_path, monkeypatch):
    settings = build_town(tmp_path / "town")
    monkeypatch.setenv("CITYLIB_CONFIG", str(settings.root / "citylib.toml"))
    settings.var.mkdir()
    return settings


def damage(settings):
    file = settings.profile / "records" / "counts" / "1.csv"
    file.write_bytes(b"\xff\xfe\xfa not text")
    return file


def test_a_damaged_file_is_named_and_the_figures_of_before_are_shown(town, capsys):
    assert data.main(town) == 0
    before = Cube(town.cube).read("total").sum().item()
    file = damage(town)
    more = town.profile / "records" / "counts" / "3.csv"
    more.write_text("day,district,n\n2020-01-04,East,5\n")
    assert data.main(town) == data.FIGURES_OF_BEFORE
    assert str(file) in capsys.readouterr().err
    # And what could be read besides is computed.
    assert Cube(town.cube).read("total").sum().item() == before + 10
    assert (town.public / "index.html").is_file()


def test_a_wrong_declaration_is_named_and_the_figures_of_before_are_shown(town, capsys):
    run_load(town, ())
    run_compute(town)
    file = town.profile / "indicators" / "all.toml"
    file.write_text(file.read_text().replace('measure = "n"', 'measure = "m"'))
    assert data.main(town) == data.FIGURES_OF_BEFORE
    assert "'m'" in capsys.readouterr().err
    assert Cube(town.cube).ids() == ["total", "mean"]


def test_without_figures_it_ends_with_an_error(town):
    for name in ("1.csv", "2.csv"):
        (town.profile / "records" / "counts" / name).write_bytes(b"\xff\xfe\xfa")
    command = [sys.executable, "-m", "citylib.cli", "--config", str(town.root), "serve"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 1
    assert "2 files could not be read" in done.stderr
    assert "the data could not be brought up to date; see above" in done.stderr
    assert "Traceback" not in done.stderr
    assert "ready" not in done.stdout


def test_the_platform_starts_with_the_figures_of_before_and_tries_again(town):
    run_load(town, ())
    run_compute(town)
    file = damage(town)
    with running(town, refresh=True) as platform:
        printed = platform.output.read_text()
        assert f"{file}" in printed
        assert "Starting with the figures that are there" in printed
        assert "Total" in platform.client().get("/services/public/").text
    assert not (town.var / "hub" / "data.mark").exists()
