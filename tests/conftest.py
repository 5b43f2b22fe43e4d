"""Fixtures that more than one room's tests use."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from support import postgres
from support.memory import use_memory
from support.platform import CHECKOUT, Platform, make_root, running

from citylib.city.settings import Settings
from citylib.indicators.refresh import run_compute
from citylib.lake.report import run_load
from citylib.publish.site import build


def pytest_configure() -> None:
    use_memory()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Files by what they need, where `--dist loadfile` is asked for."""
    from support.order import ByWhatIsNeeded

    return ByWhatIsNeeded(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of a PostgreSQL server that runs for the whole session."""
    # Not tmp_path: its parents are closed to the user that PostgreSQL runs as.
    with postgres.server(Path(tempfile.mkdtemp(prefix="pg-"))) as url:
        yield url


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """URL of a new, empty database."""
    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"create database {name}")
    return postgres_server.rsplit("/", 1)[0] + f"/{name}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of a new, empty database, once for each database system."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'operations.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture(scope="session")
def seoul(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """An installation of its own with all of Seoul's records loaded and computed."""
    return _computed("seoul", tmp_path_factory)


@pytest.fixture(scope="session")
def new_york(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """As `seoul`, of New York."""
    return _computed("new_york", tmp_path_factory)


def _computed(city: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Loaded and computed by the first worker that wants it; each has a copy for itself."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / f"{city}-computed"
    profile = Path(__file__).parents[1] / "cities" / city
    with Path(f"{shared}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not shared.is_dir():
            making = Path(f"{shared}.making")
            making.mkdir()
            (making / "citylib.toml").write_text(f'profile = "{profile}"\n', "utf-8")
            settings = Settings.load(making)
            run_load(settings, ())
            run_compute(settings)
            making.rename(shared)
    root = tmp_path_factory.mktemp(city)
    shutil.copytree(shared, root, dirs_exist_ok=True)
    return Settings.load(root)


@pytest.fixture(scope="session")
def bare_platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The running platform without data: a dashboard that only says hello, no public pages."""
    with running(make_root(tmp_path_factory.mktemp("bare"), cameras=True)) as platform:
        yield platform


@pytest.fixture(scope="session")
def platform(seoul: Settings) -> Iterator[Platform]:
    """The running platform with all of Seoul's records, the real dashboards and public pages."""
    for folder in ("dashboards", "notebooks"):
        shutil.copytree(CHECKOUT / folder, seoul.root / folder)
    build(seoul)
    with running(seoul) as platform:
        yield platform
