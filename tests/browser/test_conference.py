"""A conference beside the map of the mayor's dashboard, and the map shown to all in it."""

from __future__ import annotations

import shutil
from contextlib import closing

import pytest
from support.panel import inside, moves
from support.platform import wait_until
from support.screen import SIZES, WITH_SHARING, open_dashboard, settled, watch

from citylib.panels.picture import reading as reads

LINK = """async room => {
  const headers = { "Content-Type": "application/json" };
  const ask = async (method, path, told) => {
    const more = { method, headers, body: JSON.stringify(told) };
    const answer = await fetch(`/services/conference/${path}`, more);
    if (!answer.ok) throw new Error(await answer.text());
    return answer.json();
  };
  await ask("PATCH", `rooms/${room}`, { waiting_room: false });
  const { invitation } = await ask("POST", `rooms/${room}/invitations`, { role: "speaker" });
  return invitation.link;
}"""


@pytest.fixture
def own(browser):
    """A browser with a camera and a microphone that are none, and that may show its own page."""
    launched = browser.browser_type.launch(
        executable_path=shutil.which("chromium"), args=["--no-sandbox", *WITH_SHARING]
    )
    with closing(launched):
        yield launched


def test_the_mayor_talks_beside_the_map_and_shows_it(own, session, platform, city, read):
    width, height = SIZES["laptop"]
    options = {
        "viewport": {"width": width, "height": height},
        "permissions": ["camera", "microphone"],
    }
    mayor = own.new_context(storage_state=session, **options).new_page()
    faults = watch(mayor)
    mayor.set_default_timeout(30_000)
    open_dashboard(mayor, platform.url, "?language=en")
    mayor.click("[data-press='conference:open']")
    with mayor.expect_response(
        lambda one: one.url.endswith("/rooms") and one.status == 201
    ) as made:
        mayor.click(".rooms-choice .key.main")
    mayor.click(".conference form [type=submit]")
    mayor.wait_for_selector(".conference .stage")
    guest = own.new_context(**options).new_page()
    faults_there = watch(guest)
    guest.goto(mayor.evaluate(LINK, made.value.json()["room"]["id"]))
    guest.fill("input[name=name]", "Anna")
    guest.click("button[type=submit]")
    guest.wait_for_selector(".conference .stage")
    inside(mayor, ["mayor", "Anna"])
    assert moves(mayor, "Anna")
    assert moves(guest, "mayor")

    # The city goes on beside it.
    mayor.click("[data-indicator=fires]")
    settled(mayor, reads.reading(read("fires"), city.code, "en").value)
    seats = mayor.locator(".conference-seat:visible")
    before = seats.first.bounding_box()["width"]
    mayor.click(".city-conference-keys [data-press=wide]")
    wait_until(lambda: seats.first.bounding_box()["width"] > before)
    mayor.click(".city-conference-keys [data-press=wide]")
    assert moves(mayor, "Anna")

    mayor.click(".show-key")
    mayor.check(".show-sharp input")
    mayor.click(".show-menu .key:has-text('Map')")
    image = ".conference-show[data-source=material] img"
    guest.wait_for_function(f"() => document.querySelector('{image}')?.naturalWidth > 300")
    first = guest.get_attribute(image, "src")
    mayor.click("[data-indicator=population]")
    guest.wait_for_function(
        f"before => document.querySelector('{image}').src !== before", arg=first
    )

    mayor.click(".city-conference-keys [data-press=close]")
    inside(guest, ["Anna"])
    mayor.wait_for_selector(".conference", state="detached")
    assert faults == []
    assert faults_there == []
