"""What an analyst has in JupyterLab besides notebooks."""

from __future__ import annotations

import json
import re
import time

import nbformat
import pytest
from nbformat.sign import NotebookNotary
from support.platform import wait_until, websocket, write_notebook
from support.screen import chromium, open_in_lab, watch

from citylib.hub.spawner import prepare_workspace
from citylib.look.words import say


@pytest.fixture(scope="module")
def analyst(bare_platform):
    client = bare_platform.client("analyst")
    client.get("/hub/spawn")
    wait_until(lambda: client.get("/user/analyst/lab").url.path == "/user/analyst/lab", 60, 1)
    return client


def xsrf(client):
    return [c.value for c in client.cookies.jar if c.name == "_xsrf" and "/user/" in c.path][-1]


def said_in_terminal(platform, client, line, until):
    """What a terminal shows after a line is typed, up to what the pattern `until` finds."""
    headers = {"X-XSRFToken": xsrf(client), "Referer": platform.url + "/user/analyst/lab"}
    name = client.post("/user/analyst/api/terminals", headers=headers).json()["name"]
    shown, end = "", time.monotonic() + 60
    with websocket(platform, f"/user/analyst/terminals/websocket/{name}", client) as socket:
        socket.send(json.dumps(["stdin", line + "\r"]))
        while not re.search(until, shown) and time.monotonic() < end:
            kind, *content = json.loads(socket.recv(timeout=60))
            shown += content[0] if kind == "stdout" else ""
    client.delete(f"/user/analyst/api/terminals/{name}", headers=headers)
    return shown


def test_a_terminal_knows_citylib(bare_platform, analyst):
    # What is typed is shown as well, and has quotes where the answer has none.
    shown = said_in_terminal(
        bare_platform, analyst, "citylib account list; echo en''d $?", r"end \d+"
    )
    assert "end 0" in shown
    assert re.search(r"mayor\s+mayor", shown)


def test_starting_notebooks_are_trusted_until_they_are_not_ours(tmp_path):
    start = tmp_path / "notebooks"
    start.mkdir()
    write_notebook(start / "first.ipynb", "6 * 7")
    write_notebook(start / "second.ipynb", "7 * 7")
    work = tmp_path / "work"
    (work / "notebooks").mkdir(parents=True)
    write_notebook(work / "notebooks" / "second.ipynb", "__import__('os').system('ls')")
    prepare_workspace(work, start)
    with NotebookNotary(data_dir=str(work / ".local/share/jupyter")) as notary:
        trusted = {
            path.name: notary.check_signature(nbformat.read(path, as_version=4))
            for path in (work / "notebooks").iterdir()
        }
    assert trusted == {"first.ipynb": True, "second.ipynb": False}
    assert (work / ".local/share/jupyter").stat().st_mode & 0o077 == 0


def test_only_the_preview_may_be_shown_in_a_frame(analyst):
    rendered = analyst.get("/user/analyst/voila/render/notebooks/first.ipynb")
    assert rendered.headers["Content-Security-Policy"] == "frame-ancestors 'self'"
    for path in ("lab", "voila/tree", "api/contents"):
        policy = analyst.get(f"/user/analyst/{path}").headers["Content-Security-Policy"]
        assert policy.startswith("frame-ancestors 'none'"), path


def test_the_preview_is_the_page_that_readers_see(bare_platform, analyst):
    mine = analyst.get("/user/analyst/voila/render/notebooks/first.ipynb?template=lab").text
    theirs = bare_platform.client("mayor").get("/services/dashboards/voila/render/mayor.ipynb").text
    style = re.compile(r"<style>.*?</style>", re.S)
    assert style.findall(mine) == style.findall(theirs)
    name = say("en", "title", city="Seoul")
    assert name in mine
    assert name in theirs


def test_the_preview_button_shows_the_page_without_asking_another_machine(bare_platform, analyst):
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1500, "height": 900})
        faults = watch(page)
        page.goto(f"{bare_platform.url}/hub/login")
        page.fill("#username_input", "analyst")
        page.fill("#password_input", bare_platform.accounts["analyst"])
        page.click("#login_submit")
        page.wait_for_url("**/user/analyst/lab**", timeout=60_000)
        open_in_lab(page, bare_platform.url, "notebooks/first.ipynb")
        page.click("[data-jp-item-name=voilaRender]", timeout=60_000)
        preview = page.frame_locator("iframe[src*='/voila/render/']")
        preview.locator("#rendered_cells >> text=42").wait_for(timeout=60_000)
        preview.locator("#first").wait_for(state="detached", timeout=30_000)
        assert page.locator(".jp-Dialog").count() == 0
        ground = preview.locator("body").evaluate("body => getComputedStyle(body).backgroundColor")
        assert ground == "rgb(10, 16, 28)"
        assert faults == []
