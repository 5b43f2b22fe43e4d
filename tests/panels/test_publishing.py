"""Publishing notebooks to roles, version by version, and taking them back."""

import json
from concurrent.futures import ThreadPoolExecutor

import nbformat
import pytest
from support.town import build_town

from citylib.operations.store import Store
from citylib.panels import publishing
from citylib.panels.dashboards import published
from citylib.panels.publishing import history, newest, publish, put_right, restore, take_back
from citylib.panels.rehearsal import NotPublished, prepared


@pytest.fixture
def settings(tmp_path):
    return build_town(tmp_path / "town")


def notebook(folder, *sources, name="Air-quality.ipynb"):
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    cells[0].outputs = [nbformat.v4.new_output("stream", text="old")]
    path = folder / name
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def text(source, **metadata):
    cells = [nbformat.v4.new_code_cell(source, id="one")]
    return nbformat.writes(nbformat.v4.new_notebook(cells=cells, metadata=metadata))


def shown(settings, name="air.ipynb"):
    """Source and readers of what is shown; None: nothing is."""
    path = settings.var / "dashboards" / name
    if not path.exists():
        return None
    found = nbformat.read(path, as_version=4)
    return found.cells[0].source, list(found.metadata.readers)


def test_a_notebook_that_runs_is_prepared_without_its_outputs(tmp_path):
    (tmp_path / "beside.txt").write_text("found")
    path = notebook(tmp_path, "print(open('beside.txt').read())")
    [cell] = nbformat.reads(prepared(path), as_version=4).cells
    assert (cell.outputs, cell.execution_count) == ([], None)


def test_a_notebook_that_fails_is_not_prepared(tmp_path):
    with pytest.raises(NotPublished, match="ZeroDivisionError: division by zero"):
        prepared(notebook(tmp_path, "1", "1 / 0"))


def test_preparing_prints_nothing_of_its_kernel(tmp_path, capfd):
    prepared(notebook(tmp_path, "1"))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["..ipynb", ".hidden.ipynb", "a b.ipynb", "x.txt", "ä.ipynb"])
def test_a_name_that_does_not_do(settings, tmp_path, name):
    with pytest.raises(NotPublished, match="does not do as a dashboard's name"):
        prepared(notebook(tmp_path, "1", name=name))
    with pytest.raises(NotPublished, match="does not do as a dashboard's name"):
        publish(settings, name, text("1"), actor="kim")


@pytest.mark.parametrize("what", ["", "{}", "no notebook", '{"cells": 3, "nbformat": 4}'])
def test_what_is_no_notebook(settings, tmp_path, what):
    path = tmp_path / "x.ipynb"
    path.write_text(what)
    with pytest.raises(NotPublished, match="cannot be read as a notebook"):
        prepared(path)
    with pytest.raises(NotPublished, match="cannot be read as a notebook"):
        publish(settings, "x.ipynb", what, actor="kim")
    assert newest(settings) == []


def test_a_notebook_that_is_not_there_is_named_once(tmp_path):
    with pytest.raises(NotPublished) as refused:
        prepared(tmp_path / "nope.ipynb")
    assert str(refused.value) == f"{tmp_path}/nope.ipynb: cannot be read: No such file or directory"


def test_it_is_shown_to_its_roles_and_each_version_is_kept(settings):
    publish(settings, "Air.ipynb", text("1"), actor="kim")
    assert shown(settings) == ("1", ["mayors", "officials"])
    path = settings.var / "dashboards" / "air.ipynb"
    assert path.stat().st_mode & 0o777 == 0o644
    publish(settings, "air.ipynb", text("2"), ["mayor"], actor="kim")
    assert shown(settings) == ("2", ["mayors"])
    done = restore(settings, "air", 1, actor="lee")
    assert shown(settings) == ("1", ["mayors", "officials"])
    assert (done.version, done.actor, done.action) == (3, "lee", "restored")
    restore(settings, "air", 2, ["official"], actor="lee")
    assert shown(settings) == ("2", ["officials"])
    take_back(settings, "air", actor="kim")
    assert shown(settings) is None
    assert newest(settings) == []
    told = [(v.version, v.action, v.actor, v.roles) for v in history(settings, "air")]
    assert told == [
        (5, "took back", "kim", ["official"]),
        (4, "restored", "lee", ["official"]),
        (3, "restored", "lee", ["mayor", "official"]),
        (2, "published", "kim", ["mayor"]),
        (1, "published", "kim", ["mayor", "official"]),
    ]
    restore(settings, "air", 5, actor="kim")
    assert shown(settings) == ("2", ["officials"])
    with Store(settings.database) as store:
        entries = store.audit.read()
    assert [(e.action, e.actor, e.subject, e.detail["version"]) for e in entries][:2] == [
        ("restored a dashboard", "kim", "air.ipynb", 6),
        ("took back a dashboard", "kim", "air.ipynb", 5),
    ]


def test_somebody_elses_is_replaced_only_on_request(settings):
    publish(settings, "air.ipynb", text("1"), actor="kim")
    with pytest.raises(NotPublished, match=r"there is a dashboard air\.ipynb of kim already"):
        publish(settings, "air.ipynb", text("2"), actor="lee")
    assert shown(settings)[0] == "1"
    publish(settings, "air.ipynb", text("2"), actor="lee", replace=True)
    take_back(settings, "air", actor="lee")
    publish(settings, "air.ipynb", text("3"), actor="kim")
    assert shown(settings)[0] == "3"


def test_a_file_that_somebody_put_there_is_not_replaced_unasked(settings):
    (settings.var / "dashboards").mkdir(parents=True)
    (settings.var / "dashboards" / "air.ipynb").write_text(text("0"))
    with pytest.raises(NotPublished, match=r"there is a dashboard air\.ipynb already"):
        publish(settings, "air.ipynb", text("1"), actor="kim")
    put_right(settings)
    assert (settings.var / "dashboards" / "air.ipynb").read_text() == text("0")


@pytest.mark.parametrize("name", ["Mayor.ipynb", "traffic.ipynb"])
def test_what_comes_with_the_installation_is_not_replaced(settings, name):
    path = settings.root / "dashboards" / "traffic.ipynb"
    path.parent.mkdir()
    path.write_text(text("1"))
    with pytest.raises(NotPublished, match="the platform's own"):
        publish(settings, name, text("1"), actor="kim", replace=True)


@pytest.mark.parametrize("roles", [[], ["analyst"], ["mayor", "public"], ["mayors"]])
def test_a_role_that_there_is_not(settings, roles):
    with pytest.raises(NotPublished, match="is published to mayor or official"):
        publish(settings, "air.ipynb", text("1"), roles, actor="kim")
    assert shown(settings) is None


def test_who_may_open_it_is_not_said_by_the_notebook_itself(settings):
    publish(settings, "air.ipynb", text("1", readers=["officials"]), ["mayor"], actor="kim")
    assert shown(settings) == ("1", ["mayors"])
    publish(settings, "air.ipynb", text("1", readers=[]), ["mayor"], actor="kim")
    assert len({version.digest for version in history(settings, "air")}) == 1


def test_what_was_never_published_is_named(settings):
    for act in (
        lambda: history(settings, "air"),
        lambda: take_back(settings, "air", actor="kim"),
        lambda: restore(settings, "air", 1, actor="kim"),
    ):
        with pytest.raises(NotPublished, match=r"nobody has published air\.ipynb"):
            act()
    publish(settings, "air.ipynb", text("1"), actor="kim")
    with pytest.raises(NotPublished, match="has no version 7; it has 1"):
        restore(settings, "air", 7, actor="kim")
    take_back(settings, "air", actor="kim")
    with pytest.raises(NotPublished, match="is taken back already"):
        take_back(settings, "air", actor="kim")


def test_a_version_that_was_tampered_with_is_not_shown(settings):
    publish(settings, "air.ipynb", text("1"), actor="kim")
    publish(settings, "air.ipynb", text("2"), actor="kim")
    first = history(settings, "air")[-1]
    path = settings.var / "dashboard-versions" / f"{first.digest}.ipynb"
    path.write_text(path.read_text().replace('"1"', '"other"'))
    with pytest.raises(NotPublished, match="is not as it was published"):
        restore(settings, "air", 1, actor="kim")
    assert shown(settings)[0] == "2"


def test_a_start_shows_what_the_store_says(settings):
    publish(settings, "air.ipynb", text("1"), ["mayor"], actor="kim")
    publish(settings, "bus.ipynb", text("1"), actor="kim")
    take_back(settings, "bus", actor="kim")
    folder = settings.var / "dashboards"
    (folder / "air.ipynb").unlink()
    (folder / "bus.ipynb").write_text(text("1"))
    put_right(settings)
    assert shown(settings) == ("1", ["mayors"])
    assert shown(settings, "bus.ipynb") is None


def test_what_cannot_be_shown_is_not_written_down(settings, monkeypatch):
    publish(settings, "air.ipynb", text("1"), actor="kim")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(publishing, "_show", full)
    with pytest.raises(OSError, match="No space"):
        publish(settings, "air.ipynb", text("2"), actor="kim")
    assert [version.version for version in history(settings, "air")] == [1]


def test_who_publish_at_the_same_time_take_turns(settings):
    with Store(settings.database) as store:
        store.migrate()
    with ThreadPoolExecutor(4) as pool:
        done = [
            pool.submit(publish, settings, "air.ipynb", text(str(n)), actor="kim") for n in range(8)
        ]
        numbers = {one.result().version: n for n, one in enumerate(done)}
    assert sorted(numbers) == list(range(1, 9))
    assert shown(settings)[0] == str(numbers[8])
    assert [one.title for one in published(settings)] == ["air"]
    assert json.loads((settings.var / "dashboards" / "air.ipynb").read_text())
