"""The dashboards that are shown."""

import nbformat
import pytest
from support.town import build_town

from citylib.panels.dashboards import Dashboard, provide, published
from citylib.panels.publishing import publish


@pytest.fixture
def settings(tmp_path):
    return build_town(tmp_path / "town")


def write(path, *markdown, **metadata):
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = [nbformat.v4.new_markdown_cell(text) for text in markdown]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), path)


def test_what_comes_with_the_installation_is_shown_beside_what_is_published(settings, tmp_path):
    bundled, shown = settings.root / "dashboards", settings.var / "dashboards"
    write(bundled / "mayor.ipynb")
    write(bundled / "traffic.ipynb", "# Traffic")
    text = nbformat.writes(nbformat.v4.new_notebook())
    publish(settings, "Air-quality.ipynb", text, actor="kim")
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
        Dashboard("e.ipynb", "e", ()),
        Dashboard("c.ipynb", "x" * 120),
        Dashboard("a.ipynb", "Zebra crossings"),
    ]


def test_readers_of_dashboards(settings):
    shown = settings.var / "dashboards"
    write(shown / "a.ipynb")
    write(shown / "b.ipynb", readers=["mayors"])
    (shown / "c.ipynb").write_text("{")
    assert [one.groups for one in published(settings)] == [("mayors", "officials"), ("mayors",), ()]
