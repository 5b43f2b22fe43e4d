"""What others may not see: other users of the machine, and parts that have no need of it."""

from __future__ import annotations

import logging
import os
from types import SimpleNamespace

from click.testing import CliRunner
from support.platform import sign_in

from citylib.access.authenticator import without_names
from citylib.city.secrets import keep_from_others
from citylib.cli import main
from citylib.hub.demo import _hub_environment
from citylib.hub.installation import Installation

DATABASE = "postgresql://city:secret@127.0.0.1/city"


def test_the_database_and_the_cluster_are_told_to_whom_they_concern(tmp_path, monkeypatch):
    (tmp_path / "citylib.toml").write_text('profile = "city"\n')
    monkeypatch.setenv("CITYLIB_CONFIG", str(tmp_path / "citylib.toml"))
    monkeypatch.setenv("CITYLIB_DATABASE", DATABASE)
    monkeypatch.setenv("CITYLIB_CUBE", "s3://city/cube")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", "tcp://10.0.0.1:8786")
    monkeypatch.setenv("AIR_KEY", "key-of-the-air")
    monkeypatch.setenv("AIR_KEY_OF_OTHERS", "not-for-feeds")
    monkeypatch.setenv("CITYLIB_PSEUDONYM_KEY", "key-of-pseudonyms")
    city = SimpleNamespace(feeds={"air": SimpleNamespace(key="AIR_KEY")}, languages=["en"])
    monkeypatch.setattr("citylib.hub.installation.load_city", lambda folder: city)
    monkeypatch.setattr("citylib.hub.installation.voila_arguments", lambda city, **_: [])
    one = SimpleNamespace(known={"gate": SimpleNamespace(source="simulated")})
    monkeypatch.setattr("citylib.hub.installation.read_cameras", lambda settings, city: one)
    here = Installation.load()
    dashboards, public, feeds, cameras, simulator, conference = (
        service["environment"] for service in here.services()
    )
    analysts = here.analysts_environment()
    hub = _hub_environment(here)
    for own in (cameras, conference):
        assert own.pop("CITYLIB_DATABASE") == DATABASE
    for environment in (dashboards, public, analysts, cameras, simulator, conference):
        assert "secret" not in str(environment)
        assert "key-of-the-air" not in str(environment)
        assert "key-of-pseudonyms" not in str(environment)
    for environment in (feeds, hub):
        assert environment["AIR_KEY"] == "key-of-the-air"
        assert "not-for-feeds" not in str(environment)
    assert feeds["CITYLIB_PSEUDONYM_KEY"] == "key-of-pseudonyms"
    assert feeds["CITYLIB_DATABASE"] == DATABASE
    assert hub["CITYLIB_DATABASE"] == DATABASE
    assert dashboards["CITYLIB_CUBE"] == analysts["CITYLIB_CUBE"] == "s3://city/cube"
    assert dashboards["AWS_ACCESS_KEY_ID"] == "key"
    assert analysts["DASK_SCHEDULER_ADDRESS"] == "tcp://10.0.0.1:8786"
    assert not [name for name in analysts if name.startswith("AWS_")]
    assert {"AWS_ACCESS_KEY_ID", "DASK_SCHEDULER_ADDRESS"} <= set(hub)


def test_state_is_closed_to_other_users_whatever_the_command(tmp_path):
    (tmp_path / "citylib.toml").write_text('profile = "city"\n')
    before = os.umask(0o022)
    try:
        CliRunner().invoke(main, ["--config", str(tmp_path), "account", "list"])
    finally:
        os.umask(before)
    assert (tmp_path / "var").stat().st_mode & 0o777 == 0o700


def test_state_that_stood_open_is_closed_and_a_group_may_stay(tmp_path):
    for mode, kept in ((0o755, 0o750), (0o777, 0o770), (0o700, 0o700), (0o750, 0o750)):
        tmp_path.chmod(mode)
        keep_from_others(tmp_path)
        assert tmp_path.stat().st_mode & 0o777 == kept


def test_the_log_is_for_its_owner_and_has_nothing_that_was_typed_as_a_name(bare_platform):
    typed = "hunter2-typed-here"
    assert sign_in(bare_platform.client(), typed, "x").status_code == 403
    log = bare_platform.settings.var / "log" / "hub.log"
    assert log.stat().st_mode & 0o777 == 0o600
    assert bare_platform.settings.var.stat().st_mode & 0o007 == 0
    assert "Failed login" in log.read_text()
    assert typed not in log.read_text()


def test_other_lines_of_the_log_stay_as_they_are():
    record = logging.LogRecord("hub", logging.INFO, "", 0, "User logged in: %s", ("kim",), None)
    assert without_names(record)
    assert record.getMessage() == "User logged in: kim"
