"""The hub's own pages and JupyterLab in a real browser."""

from __future__ import annotations

from support.platform import wait_until
from support.screen import chromium, watch


def sign_in(page, platform, name):
    page.goto(f"{platform.url}/hub/login")
    page.fill("#username_input", name)
    page.fill("#password_input", platform.accounts[name])
    page.click("#login_submit")


# What was open before may be there too.
SHOWN = ".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook"


def says_42(page):
    page.click(f"{SHOWN} .jp-CodeCell .cm-content")
    page.keyboard.press("Control+Enter")
    return page.locator(".jp-OutputArea-output:has-text('42')").count()


def test_pages_of_the_hub_and_jupyterlab_log_no_error_and_ask_no_other_machine(bare_platform):
    with chromium() as browser:
        page = browser.new_page()
        faults = watch(page)
        page.goto(f"{bare_platform.url}/")
        page.wait_for_selector("text=nothing published yet")
        sign_in(page, bare_platform, "analyst")
        page.wait_for_url("**/user/analyst/lab**", timeout=60_000)
        page.dblclick(".jp-DirListing-item:has-text('notebooks')")
        page.dblclick(".jp-DirListing-item:has-text('first.ipynb')")
        page.wait_for_selector(f"{SHOWN} .jp-CodeCell")
        # What is run before the kernel is there is dropped.
        wait_until(lambda: says_42(page), 60, 1)
        # It would ask for permission to fetch news.
        assert page.locator(".Toastify__toast").count() == 0
        assert faults == []


def test_a_page_that_is_left_gives_its_kernel_back(bare_platform):
    with chromium() as browser:
        page = browser.new_page()
        faults = watch(page)
        sign_in(page, bare_platform, "mayor")
        page.wait_for_selector("text=hello from the kernel", timeout=60_000)
        kernel = page.evaluate(
            "JSON.parse(document.getElementById('jupyter-config-data').textContent).kernelId"
        )
        assert bare_platform.find(kernel)
        page.goto(f"{bare_platform.url}/services/public/")
        wait_until(lambda: not bare_platform.find(kernel), 30, 0.3)
        assert faults == []
