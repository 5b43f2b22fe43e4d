"""`citylib dashboard …` at the installation itself."""

from __future__ import annotations

import re

import nbformat
import pytest
from click.testing import CliRunner
from support.town import build_town

from citylib.cli import main


@pytest.fixture
def said(tmp_path, monkeypatch):
    """Runs a command; gives its exit status and what it says."""
    monkeypatch.setenv("CITYLIB_CONFIG", "")
    # Where these are, a hub does it.
    for key in ("URL", "TOKEN"):
        monkeypatch.delenv(f"JUPYTERHUB_API_{key}", raising=False)
    build_town(tmp_path / "town")
    cells = [nbformat.v4.new_markdown_cell("# Air"), nbformat.v4.new_code_cell("6 * 7")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "air.ipynb")

    def run(*command):
        done = CliRunner().invoke(
            main, ["--config", str(tmp_path / "town"), "dashboard", *map(str, command)]
        )
        return done.exit_code, done.output

    return run


def test_a_dashboard_from_its_first_version_to_the_last(said, tmp_path):
    notebook = tmp_path / "air.ipynb"
    assert said("publish", notebook) == (
        0,
        "published: air.ipynb, version 1, for mayor and official\n",
    )
    assert said("publish", notebook, "--roles", "mayor")[1].endswith("version 2, for mayor\n")
    listed = said("list")[1]
    row = r"air\.ipynb\t2\tmayor\t\d{4}-\d\d-\d\d \d\d:\d\d\t\S+\t[0-9a-f]{12}\n"
    assert re.fullmatch(row, listed), listed
    assert said("restore", "air", 1)[1].endswith("version 3, for mayor and official\n")
    assert said("restore", "air", 1, "--roles", "official,mayor")[0] == 0
    code, text = said("take-back", "air")
    assert (code, text.split("; to show")[0]) == (0, "taken back: air.ipynb")
    assert said("list") == (0, "")
    rows = [line.split("\t")[:2] for line in said("history", "air")[1].splitlines()]
    assert rows == [
        ["5", "took back"],
        ["4", "restored"],
        ["3", "restored"],
        ["2", "published"],
        ["1", "published"],
    ]
    assert said(*text.split("citylib dashboard ")[1].split())[0] == 0


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("publish", "none.ipynb"), "cannot be read"),
        (("publish", "air.ipynb", "--roles", "public"), "is published to mayor or official"),
        (("restore", "air", "1"), "nobody has published air.ipynb"),
        (("take-back", "air"), "nobody has published air.ipynb"),
        (("history", "a/b"), "does not do as a dashboard's name"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(said, tmp_path, monkeypatch, command, words):
    monkeypatch.chdir(tmp_path)
    code, text = said(*command)
    assert code == 1
    assert text.startswith("citylib: ")
    assert words in text
    assert "Traceback" not in text
