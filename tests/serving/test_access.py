"""Who may open a notebook is read from it, anew when it changes."""

import json

import pytest

from citylib.serving.access import Access


def write(path, metadata):
    path.with_suffix(".new").write_text(json.dumps({"metadata": metadata, "cells": []}))
    path.with_suffix(".new").replace(path)


def test_readers_are_groups_that_the_notebook_names(tmp_path):
    path, access = tmp_path / "air.ipynb", Access(tmp_path)
    assert not access.allows("air.ipynb", ["mayors"])
    write(path, {"readers": ["mayors"]})
    assert access.allows("air.ipynb", ["others", "mayors"])
    assert not access.allows("air.ipynb", ["officials"])
    assert not access.allows("air.ipynb", [])
    write(path, {"readers": ["officials"]})
    assert access.allows("air.ipynb", ["officials"])
    assert not access.allows("air.ipynb", ["mayors"])
    write(path, {"readers": []})
    assert not access.allows("air.ipynb", ["officials"])
    write(path, {})
    assert access.allows("air.ipynb", [])
    path.unlink()
    assert not access.allows("air.ipynb", ["officials"])


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "\xff", '{"metadata": null}', '{"metadata": {"readers": "mayors"}}'),
        *('{"metadata": {"readers": 3}}', '{"metadata": {"readers": [["mayors"]]}}'),
    ],
)
def test_what_cannot_be_read_is_for_nobody(tmp_path, text):
    (tmp_path / "air.ipynb").write_text(text, "latin-1")
    assert not Access(tmp_path).allows("air.ipynb", ["mayors"])
