"""JupyterLab's button that publishes the notebook one works on."""

from __future__ import annotations

import pytest
from support.platform import write_notebook
from support.screen import chromium, open_in_lab, sign_in

from citylib.panels.publishing import history


def test_a_notebook_is_published_and_taken_back_from_jupyterlab(bare_platform):
    settings = bare_platform.settings
    mayor = bare_platform.client("mayor")
    address = "/services/dashboards/voila/render/pressed.ipynb"
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        page.set_default_timeout(90_000)
        sign_in(page, bare_platform.url, "analyst", bare_platform.accounts["analyst"])
        folder = settings.var / "analysts" / "analyst"
        page.wait_for_url("**/user/analyst/lab**")
        write_notebook(folder / "pressed.ipynb", "print('hello')")
        open_in_lab(page, bare_platform.url, "pressed.ipynb")
        button = ".jp-NotebookPanel-toolbar >> text=Publish"

        def dialog(text):
            page.wait_for_selector(f".jp-Dialog:has-text({text!r})")

        page.click(button)
        dialog("It is not shown as a dashboard now.")
        page.uncheck(".jp-Dialog input[value=official]")
        page.click(".jp-Dialog button:has-text('Publish')")
        dialog("pressed.ipynb, version 1, is shown to: mayor.")
        page.click(".jp-Dialog button:has-text('Ok')")
        assert mayor.get(address).status_code == 200
        assert bare_platform.client("official").get(address).status_code == 404
        # What fails is said, and the version that is shown stays.
        write_notebook(folder / "pressed.ipynb", "1 / 0")
        page.reload()
        page.click(button)
        dialog("Version 1 is shown to mayor.")
        page.click(".jp-Dialog button:has-text('Publish')")
        dialog("ZeroDivisionError")
        page.click(".jp-Dialog-footer button")
        page.click(button)
        page.click(".jp-Dialog button:has-text('Take back')")
        dialog("pressed.ipynb is taken back.")
    assert mayor.get(address).status_code == 404
    told = [(one.action, one.actor) for one in history(settings, "pressed")]
    assert told == [("took back", "analyst"), ("published", "analyst")]


@pytest.mark.parametrize("path", ["../../operations.db", "%2e%2e/x.ipynb", "notebooks/none.txt"])
def test_other_files_are_no_notebooks(bare_platform, path):
    client = bare_platform.client("analyst")
    client.get("/hub/spawn")
    assert client.get(f"/user/analyst/city/dashboards/{path}").status_code in (403, 404)
