"""Publishing a notebook as a dashboard."""

import getpass

import nbformat
import pytest
from support.town import build_town

from citylib.operations.store import Store
from citylib.panels.dashboards import NotPublished, publish


@pytest.fixture
def settings(tmp_path):
    return build_town(tmp_path / "town")


def notebook(folder, *sources, name="Air-quality.ipynb"):
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    cells[0].outputs = [nbformat.v4.new_output("stream", text="old")]
    path = folder / name
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def test_a_notebook_that_runs_is_published_without_its_outputs(settings, tmp_path):
    (tmp_path / "beside.txt").write_text("found")
    path = notebook(tmp_path, "print(open('beside.txt').read())")
    target = publish(path, settings)
    assert target == settings.root / "dashboards" / "air-quality.ipynb"
    [cell] = nbformat.read(target, as_version=4).cells
    assert (cell.outputs, cell.execution_count) == ([], None)
    assert target.stat().st_mode & 0o777 == 0o644
    assert [p.name for p in target.parent.iterdir()] == ["air-quality.ipynb"]


def test_a_notebook_that_fails_is_not_published(settings, tmp_path):
    path = notebook(tmp_path, "1", "1 / 0")
    with pytest.raises(NotPublished, match="ZeroDivisionError: division by zero"):
        publish(path, settings)
    assert not (settings.root / "dashboards").exists()


def test_a_dashboard_is_replaced_only_on_request(settings, tmp_path):
    publish(notebook(tmp_path, "1"), settings)
    with pytest.raises(NotPublished, match=r"there is a dashboard air-quality\.ipynb already"):
        publish(notebook(tmp_path, "2"), settings)
    target = publish(notebook(tmp_path, "2"), settings, replace=True)
    assert nbformat.read(target, as_version=4).cells[0].source == "2"


@pytest.mark.parametrize("name", ["..ipynb", ".hidden.ipynb", "a b.ipynb", "x.txt", "ä.ipynb"])
def test_a_name_that_does_not_do(settings, tmp_path, name):
    with pytest.raises(NotPublished, match="does not do as a dashboard's name"):
        publish(notebook(tmp_path, "1", name=name), settings)


@pytest.mark.parametrize("text", ["", "{}", "no notebook", '{"cells": 3, "nbformat": 4}'])
def test_what_is_no_notebook(settings, tmp_path, text):
    path = tmp_path / "x.ipynb"
    path.write_text(text)
    with pytest.raises(NotPublished, match="cannot be read as a notebook"):
        publish(path, settings)


def test_the_mayors_dashboard_is_not_replaced(settings, tmp_path):
    with pytest.raises(NotPublished, match="the platform's own"):
        publish(notebook(tmp_path, "1", name="Mayor.ipynb"), settings, replace=True)


def test_the_audit_log_says_who_published_what(settings, tmp_path):
    publish(notebook(tmp_path, "1"), settings)
    publish(notebook(tmp_path, "2"), settings, replace=True)
    with Store(settings.database) as store:
        first, second = sorted(store.audit.read(), key=lambda entry: entry.number)
    assert (first.actor, first.action, first.subject) == (
        getpass.getuser(),
        "published a dashboard",
        "air-quality.ipynb",
    )
    assert second.detail["replaces"] == first.detail["sha256"]
