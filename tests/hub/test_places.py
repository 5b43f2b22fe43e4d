"""Folders that cannot be written to are named before anything is begun."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from support.town import build_town

from citylib.cli import main

COMMANDS = ["load", "compute", "check", "publish", "serve", "account list", "account add a mayor"]


@pytest.fixture
def town(tmp_path, monkeypatch):
    for name in ("CONFIG", "VAR", "LAKE", "CUBE", "PUBLIC", "DATABASE"):
        monkeypatch.delenv(f"CITYLIB_{name}", raising=False)
    return build_town(tmp_path / "town").root


def run(town, command):
    return CliRunner().invoke(main, ["--config", str(town), *command.split()])


def assert_names(done, folder, key):
    assert done.exit_code == 1
    assert done.output.startswith(f"citylib: {folder}: cannot be written to")
    assert f"`{key}` in citylib.toml or CITYLIB_{key.upper()}" in done.output
    assert done.output.count("\n") == 1


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("place", ["/proc/x", "/proc/self"])
def test_a_folder_for_state_that_cannot_be_written_to(town, monkeypatch, command, place):
    monkeypatch.setenv("CITYLIB_VAR", place)
    assert_names(run(town, command), place, "var")


def test_a_file_where_the_folder_for_state_should_be(town):
    (town / "var").write_text("")
    assert_names(run(town, "load"), town / "var", "var")


@pytest.mark.parametrize(
    ("command", "key"),
    [
        ("load", "lake"),
        ("compute", "cube"),
        ("publish", "public"),
        ("serve", "lake"),
        ("serve", "cube"),
        ("serve", "public"),
    ],
)
def test_a_folder_of_its_own_that_cannot_be_written_to(town, monkeypatch, command, key):
    monkeypatch.setenv(f"CITYLIB_{key.upper()}", "/proc/x/y")
    assert_names(run(town, command), "/proc/x", key)


def test_what_is_in_object_storage_is_left_alone(town, monkeypatch):
    monkeypatch.setenv("CITYLIB_CUBE", "gs://bucket/cube")
    done = run(town, "compute")
    assert "cannot be written to" not in done.output


def test_folders_that_are_not_there_are_made(town):
    assert run(town, "load").exit_code == 0
    assert (town / "var" / "lake").is_dir()
    assert (town / "var").stat().st_mode & 0o777 == 0o700
