"""A notebook that an analyst published is a page that readers see."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.screen import sign_in, watch

from citylib.panels.publishing import publish
from citylib.panels.rehearsal import prepared

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


@pytest.mark.parametrize("name", ["1-tour-of-a-dataset", "3-publish-a-dashboard"])
def test_a_published_notebook_appears(browser, platform, monkeypatch, name):
    monkeypatch.setenv("CITYLIB_CONFIG", str(platform.settings.root / "citylib.toml"))
    text = prepared(NOTEBOOKS / f"{name}.ipynb")
    publish(platform.settings, name, text, actor="analyst", replace=True)
    with browser.new_context(viewport={"width": 1366, "height": 768}) as context:
        page = context.new_page()
        faults = watch(page)
        sign_in(page, platform.url, "official", platform.accounts["official"])
        page.goto(f"{platform.url}/services/dashboards/voila/render/{name}.ipynb")
        page.wait_for_selector("#first", state="detached", timeout=60_000)
        page.wait_for_selector("#rendered_cells .bqplot", state="visible", timeout=30_000)
        assert page.locator("#rendered_cells h1").first.is_visible(), "no text cell is seen"
        assert page.locator(".jp-CodeCell .jp-Cell-inputWrapper:visible").count() == 0
        assert not [fault for fault in faults if "leaves the machine" in fault or "NaN" in fault]
