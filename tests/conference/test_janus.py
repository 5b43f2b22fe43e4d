"""Rooms that Janus carries: real Janus, real browsers."""

from __future__ import annotations

import shutil

import pytest
from support.hall import Hall, bare_settings, some_ports
from support.screen import WITH_MEDIA, chromium

from citylib.conference.media.janus import Janus
from citylib.conference.settings import Media

pytestmark = pytest.mark.skipif(
    not shutil.which("janus"), reason="janus is not installed: make system"
)


@pytest.fixture(scope="module")
def hall(tmp_path_factory):
    settings = bare_settings(tmp_path_factory.mktemp("janus"))
    with Hall(Janus(settings, Media(ports=some_ports()))) as hall:
        hall.settings = settings
        yield hall


@pytest.fixture(scope="module")
def browser():
    with chromium(*WITH_MEDIA) as browser:
        yield browser


@pytest.fixture
def page(browser, hall):
    page = browser.new_page()
    page.goto(hall.url)
    yield page
    page.evaluate("Object.values(people).forEach((one) => one.leave())")
    page.close()


def enter(page, room, *names, **options):
    for name in names:
        page.evaluate("([who, options]) => enter(who, options)", [name, {"room": room, **options}])


def test_three_see_and_hear_each_other(page):
    for name, colour in (("anna", "#c00000"), ("ben", "#00c000"), ("chris", "#0000c0")):
        enter(page, "three", name, colour=colour)
    page.wait_for_function(
        "() => Object.values(people).every((one) => Object.keys(one.seen()).length === 2)",
        timeout=10_000,
    )
    print(page.evaluate("Object.values(people).map((one) => [one.times, one.offers, one.seen()])"))
    page.evaluate("people.anna.speak(true)")
    page.wait_for_function(
        """async () => {
          const [ben, chris] = [await people.ben.heard(), await people.chris.heard()];
          return ben.anna > 0.01 && chris.anna > 0.01 && ben.chris < 0.001;
        }"""
    )
    print(page.evaluate("people.ben.speaking"))
    page.wait_for_function("() => people.ben.speaking.recent[0] === 'anna'")
