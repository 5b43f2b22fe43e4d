"""Publishing a notebook as a dashboard."""

import getpass

import nbformat
import pytest
from support.town import build_town

from citylib.operations.store import Store
from citylib.panels.dashboards import Dashboard, NotPublished, provide, publish, published


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
    assert target == settings.var / "dashboards" / "air-quality.ipynb"
    [cell] = nbformat.read(target, as_version=4).cells
    assert (cell.outputs, cell.execution_count) == ([], None)
    assert target.stat().st_mode & 0o777 == 0o644
    assert [p.name for p in target.parent.iterdir()] == ["air-quality.ipynb"]


def test_a_notebook_that_fails_is_not_published(settings, tmp_path):
    path = notebook(tmp_path, "1", "1 / 0")
    with pytest.raises(NotPublished, match="ZeroDivisionError: division by zero"):
        publish(path, settings)
    assert not (settings.var / "dashboards").exists()


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


@pytest.mark.parametrize("name", ["Mayor.ipynb", "traffic.ipynb"])
def test_what_comes_with_the_installation_is_not_replaced(settings, tmp_path, name):
    write(settings.root / "dashboards" / "traffic.ipynb")
    with pytest.raises(NotPublished, match="the platform's own"):
        publish(notebook(tmp_path, "1", name=name), settings, replace=True)


def test_a_notebook_that_is_not_there_is_named_once(settings, tmp_path):
    with pytest.raises(NotPublished) as refused:
        publish(tmp_path / "nope.ipynb", settings)
    assert str(refused.value) == f"{tmp_path}/nope.ipynb: cannot be read: No such file or directory"


def test_publishing_prints_nothing_of_its_kernel(settings, tmp_path, capfd):
    publish(notebook(tmp_path, "1"), settings)
    assert capfd.readouterr() == ("", "")


def write(path, *markdown, **metadata):
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = [nbformat.v4.new_markdown_cell(text) for text in markdown]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), path)


def test_what_comes_with_the_installation_is_shown_beside_what_is_published(settings, tmp_path):
    bundled, shown = settings.root / "dashboards", settings.var / "dashboards"
    write(bundled / "mayor.ipynb")
    write(bundled / "traffic.ipynb", "# Traffic")
    publish(notebook(tmp_path, "1"), settings)
    provide(settings)
    assert [one.file for one in published(settings)] == [
        "mayor.ipynb",
        "air-quality.ipynb",
        "traffic.ipynb",
    ]
    # A new release changes one, takes one away, and brings one that is published already.
    write(bundled / "mayor.ipynb", "# New")
    (bundled / "traffic.ipynb").unlink()
    write(bundled / "air-quality.ipynb", "# Other")
    provide(settings)
    assert {path.name for path in shown.iterdir()} == {"mayor.ipynb", "air-quality.ipynb"}
    assert published(settings)[0].title == "New"
    assert published(settings)[1].title == "air-quality"


def test_titles_of_dashboards(settings):
    shown = settings.var / "dashboards"
    write(shown / "mayor.ipynb")
    write(shown / "a.ipynb", "no heading", "some text\n## Zebra crossings\nmore")
    write(shown / "b.ipynb", "# Heading", title=" Buses ")
    write(shown / "c.ipynb", "# " + "x" * 1000)
    write(shown / "d.ipynb")
    (shown / "e.ipynb").write_text('{"cells": 3}')
    (shown / ".f.ipynb").write_text("unfinished")
    (shown / "g.txt").write_text("")
    assert published(settings) == [
        Dashboard("mayor.ipynb", ""),
        Dashboard("b.ipynb", "Buses"),
        Dashboard("d.ipynb", "d"),
        Dashboard("e.ipynb", "e"),
        Dashboard("c.ipynb", "x" * 120),
        Dashboard("a.ipynb", "Zebra crossings"),
    ]


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
