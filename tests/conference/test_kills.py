"""What carries the room dies, then the service: pages notice, and the room mends itself."""

from __future__ import annotations

import shutil
import time

import pytest
from support.conferring import served
from support.join import CLOCKS, first_picture, go_in, moving, open_door, wait_for
from support.participants import participants
from support.screen import WITH_MEDIA, chromium

pytestmark = [
    pytest.mark.media,
    pytest.mark.skipif(not shutil.which("janus"), reason="janus is not installed: make system"),
]


def test_janus_and_the_service_are_killed(tmp_path_factory):
    with served(tmp_path_factory.mktemp("kills")) as service, chromium(*WITH_MEDIA) as browser:
        invitation = service.invite(service.room())
        with participants(service.url, [invitation], 2) as bots:
            bots.wait_until_in()
            page = browser.new_page()
            page.add_init_script(CLOCKS)
            open_door(page, service.url, invitation)
            page.wait_for_selector(".preview video")
            go_in(page, "Anna")
            first_picture(page)
            page.evaluate("window.carried = null")
            anna = page.evaluate("meeting.room.you")
            bots.wait(lambda one: one["cameras"].get(anna))
            page.evaluate(
                "meeting.room.addEventListener('carried', (e) => (window.carried = e.detail))"
            )

            service.janus().kill()
            killed = time.monotonic()
            wait_for(page, "carried === 'gone'", 3)
            bots.wait(lambda one: one["carried"] in ("gone", "back"), 3)
            bots.wait(lambda one: one["carried"] == "back", 10)
            bots.ask("reset")
            bots.wait(lambda one: len(one["cameras"]) == 2 and all(one["cameras"].values()), 10)
            assert moving(page, 2, killed + 10)

            service.python().kill()
            wait_for(page, "meeting.room.state === 'lost'", 3)
            assert service.process
            service.process.wait()
            service.start()
            began = time.monotonic()
            wait_for(page, "meeting.room.state === 'in'", 10)
            assert page.evaluate("meeting.room.you") == anna
            bots.ask("reset")
            bots.wait(lambda one: len(one["cameras"]) == 2 and all(one["cameras"].values()), 10)
            assert moving(page, 2, began + 10)
