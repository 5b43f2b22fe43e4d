"""Every way of installing gives the same versions."""

import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(path: str = "requirements.lock") -> dict[str, str]:
    found = re.findall(r"^([\w.-]+)(?:\[.*\])?==([^\s\\;]+)", (ROOT / path).read_text(), re.M)
    return {canonical(name): number for name, number in found}


@pytest.mark.parametrize(
    ("path", "project"), [("environment.yml", "."), ("binder/environment.yml", "..")]
)
def test_conda_installs_what_the_lock_says(path, project):
    environment = yaml.safe_load((ROOT / path).read_text())
    [pip] = [item["pip"] for item in environment["dependencies"] if isinstance(item, dict)]
    assert pip[-1] == f"-e {project}"
    pins = dict(line.split("==") for line in pip[:-1])
    assert {canonical(name): number for name, number in pins.items()} == locked()
    assert "python=3.11" in environment["dependencies"]


def test_the_development_lock_holds_the_runtime_lock():
    assert locked().items() <= locked("requirements-dev.lock").items()


def test_every_dependency_is_locked():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = {canonical(re.split(r"[\[<>=! ]", name)[0]) for name in project["dependencies"]}
    assert named <= locked().keys()


def test_what_runs_here_is_what_is_locked():
    for name in ("jupyterlab", "voila", "jupyterhub", "xarray", "dask", "icechunk", "deltalake"):
        assert version(name) == locked()[name]


def test_no_file_of_the_set_up_names_an_address():
    for name in (
        "requirements.lock",
        "requirements-dev.lock",
        "environment.yml",
        "package-lock.json",
    ):
        text = (ROOT / name).read_text()
        assert not re.search(r"https?://[^\s\"]*(\.whl|\.tgz|\.tar\.gz|/simple)", text), name
