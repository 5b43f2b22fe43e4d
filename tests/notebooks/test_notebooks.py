"""The notebooks that analysts learn from run from top to bottom."""

import os
import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path, seoul, tmp_path, monkeypatch):
    monkeypatch.setenv("CITYLIB_CONFIG", str(seoul.root / "citylib.toml"))
    monkeypatch.delenv("DASK_SCHEDULER_ADDRESS", raising=False)
    copy = Path(shutil.copy(path, tmp_path))
    notebook = nbformat.read(copy, as_version=4)
    client = NotebookClient(
        notebook,
        # For the kernel's greeting, which is lost at times and is not needed.
        timeout=20,
        timeout_func=lambda cell: 240,
        kernel_name="python3",
        resources={"metadata": {"path": tmp_path}},
    )
    client.execute(env=dict(os.environ))
    errors = [
        output for cell in notebook.cells for output in cell.get("outputs", [])
        if output.get("name") == "stderr"
    ]  # fmt: skip
    assert errors == []


def test_there_are_notebooks_for_each_step():
    assert len(NOTEBOOKS) >= 3


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_its_outputs(path):
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        assert cell.cell_type != "code" or (cell.outputs == [] and cell.execution_count is None)
