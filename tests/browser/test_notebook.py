"""What an analyst sees in JupyterLab is what the mayor sees."""

from __future__ import annotations

from uuid import uuid4

from support.platform import wait_until
from support.screen import colours_seen, sign_in, watch

from citylib.city.profile import load_city
from citylib.indicators.workspace import Workspace
from citylib.look import colours

IDLE = ".jp-Notebook-ExecutionIndicator[data-status=idle]"
MAP = ".city-notebook path.area[data-paint^=class]"


def is_drawn(page):
    """Whether the notebook's map is there. What is sent to a kernel that is not there yet may be
    dropped, or JupyterLab asks which kernel is meant: then all cells are run again.
    """
    prompts = "".join(page.locator(".jp-Notebook .jp-InputPrompt").all_inner_texts())
    if page.locator(MAP).count():
        return True
    if page.locator(".jp-Dialog select").count():
        page.select_option(".jp-Dialog select", label="Python 3 (ipykernel)")
        page.click(".jp-Dialog .jp-mod-accept")
    elif "*" not in prompts and page.locator(IDLE).count():
        page.click(".lm-MenuBar-item:has-text('Run')")
        page.click("text=Run All Cells")
    return False


def open_alone(page, platform, name):
    """Open a notebook in a layout of its own: what other tests left open may cover it."""
    sign_in(page, platform.url, "analyst", platform.accounts["analyst"])
    page.wait_for_url("**/user/analyst/lab**", timeout=60_000)
    workspace = f"{platform.url}/user/analyst/lab/workspaces/{uuid4().hex}"
    page.goto(f"{workspace}/tree/notebooks/{name}.ipynb")


def test_a_new_indicator_is_seen_on_the_map_in_jupyterlab(browser, platform):
    with browser.new_context(viewport={"width": 1500, "height": 1000}) as context:
        page = context.new_page()
        faults = watch(page)
        open_alone(page, platform, "2-new-indicator")
        page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=60_000)
        wait_until(lambda: is_drawn(page), 180, 2)
        page.locator(".city-notebook").scroll_into_view_if_needed()
        page.wait_for_function(
            "document.querySelector('.city-notebook path.area').getBoundingClientRect().width > 20"
        )
        page.wait_for_selector(".city-notebook path.area-11230[aria-pressed=true]")
        seen = colours_seen(page, "dark")
        assert faults == []

    here = Workspace.open(platform.settings.root)
    records = here.lake.table("air_daily").read(["time", "area", "station_kind", "no2"]).to_pandas()
    month = records["time"].dt.tz_convert("Asia/Seoul").dt.strftime("%Y-%m")
    mine = records[(month == "2022-12") & (records["station_kind"] == "district")]
    worst = mine.groupby("area")["no2"].max()
    limits = colours.breaks(worst)
    assert len(seen) >= 20
    assert seen == {code: colours.paint(worst[code], limits) for code in seen}
    assert set(seen) <= set(load_city(platform.settings.profile).levels["district"].areas)


def test_the_preview_in_jupyterlab_is_the_page_that_readers_see(browser, platform):
    """The notebook has not been run: what is seen is made by the preview's own kernel."""
    with browser.new_context(viewport={"width": 1500, "height": 1000}) as context:
        page = context.new_page()
        faults = watch(page)
        open_alone(page, platform, "3-publish-a-dashboard")
        page.click("[data-jp-item-name=voilaRender]", timeout=60_000)
        preview = page.frame_locator("iframe[src*='/voila/render/']")
        preview.locator("#rendered_cells .bqplot").first.wait_for(timeout=120_000)
        preview.locator("path.area[data-paint^=class]").first.wait_for(timeout=60_000)
        preview.locator("#first").wait_for(state="detached", timeout=60_000)
        assert page.locator(".jp-Dialog").count() == 0
        assert faults == []
