"""Rooms that Janus carries: real Janus, a real browser in which many participants live."""

from __future__ import annotations

import os
import shutil
import signal

import psutil
import pytest
from support.hall import Hall, bare_settings, some_ports
from support.screen import WITH_MEDIA, chromium

from citylib.conference.media.janus import Janus
from citylib.conference.settings import Media

pytestmark = [
    pytest.mark.media,
    pytest.mark.skipif(not shutil.which("janus"), reason="janus is not installed: make system"),
]

PORTS = some_ports()
RED, GREEN, BLUE = "#c00000", "#00c000", "#0000c0"


@pytest.fixture(scope="module")
def hall(tmp_path_factory):
    settings = bare_settings(tmp_path_factory.mktemp("janus"))
    with Hall(Janus(settings, Media(ports=PORTS))) as hall:
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


def everybody_sees(page, count):
    page.wait_for_function(
        """(count) => Object.values(people).every((one) =>
          Object.values(one.seen()).filter((seen) => seen.frames > 2).length === count)""",
        arg=count,
    )


def growing(page, who, whom, figure="packetsReceived"):
    """Wait until a figure of somebody's sound grows at somebody else's."""
    before = page.evaluate(f"people.{who}.heard('{figure}')").get(whom, 0)
    page.wait_for_function(
        f"async (before) => (await people.{who}.heard('{figure}')).{whom} > before + 5", arg=before
    )


def test_three_see_and_hear_each_other(page):
    for name, colour in (("anna", RED), ("ben", GREEN), ("chris", BLUE)):
        enter(page, "three", name, colour=colour)
    everybody_sees(page, 2)
    seen = page.evaluate("Object.fromEntries(Object.values(people).map((p) => [p.who, p.seen()]))")
    for others in seen.values():
        for name, place in (("anna", "red"), ("ben", "green"), ("chris", "blue")):
            if name in others:
                colours = {key: others[name][key] for key in ("red", "green", "blue")}
                assert max(colours, key=colours.get) == place
    page.evaluate("people.anna.speak(true)")
    page.wait_for_function(
        """async () => {
          const [ben, chris] = [await people.ben.heard(), await people.chris.heard()];
          return ben.anna > 0.01 && chris.anna > 0.01 && ben.chris < 0.001;
        }"""
    )
    page.wait_for_function("() => people.ben.speaking.recent[0] === 'anna'")
    assert page.evaluate("people.ben.speaking.now") == ["anna"]
    page.evaluate("people.anna.speak(false)")
    page.wait_for_function("() => people.ben.speaking.now.length === 0")


def test_one_offer_is_enough_while_there_are_slots_and_leaving_needs_none(page, hall):
    enter(page, "few", "anna", "ben", "chris")
    everybody_sees(page, 2)
    assert page.evaluate("[people.anna.offers, people.ben.offers, people.chris.offers]") == [
        1,
        1,
        1,
    ]
    page.evaluate("people.chris.say({type: 'leave'}); people.chris.socket.close()")
    page.wait_for_function(
        "() => !people.anna.tracks['chris/camera'] && !people.ben.tracks['chris/camera']"
    )
    enter(page, "few", "dora")
    page.wait_for_function("() => people.anna.seen().dora?.frames > 2")
    assert page.evaluate("[people.anna.offers, people.ben.offers]") == [1, 1]


def test_who_listens_sends_nothing(page):
    enter(page, "listen", "anna", "ben")
    enter(page, "listen", "lea", may=False)
    page.wait_for_function("() => people.lea.errors.length > 0")
    assert page.evaluate("people.lea.errors[0]") == "conference.refused_not_allowed"
    page.wait_for_function("() => Object.keys(people.lea.seen()).length === 2")
    assert page.evaluate("Object.keys(people.anna.tracks)") == ["ben/microphone", "ben/camera"]
    assert page.evaluate("people.lea.sender.connectionState") == "new"


def test_an_offer_that_says_one_thing_and_sends_another_is_refused(page):
    enter(page, "liar", "anna", "ben")
    everybody_sees(page, 1)
    for change in (
        "one.tracks.pop()",
        "one.tracks[0].source = 'screen'",
        "one.tracks[0].mid = '9'",
        "one.offer = 'v=0\\r\\n'.repeat(9)",
        "one.offer = one.offer.replace('m=audio', 'm=application')",
    ):
        page.evaluate(
            f"""async () => {{
              const sender = people.ben.sender;
              await sender.setLocalDescription(await sender.createOffer());
              const offer = sender.localDescription.sdp;
              const one = {{ type: "publish", offer, tracks: people.ben.sending() }};
              people.ben.errors = [];
              {change};
              people.ben.say(one);
              await sender.setLocalDescription({{ type: "rollback" }});
            }}"""
        )
        page.wait_for_function("() => people.ben.errors.length > 0")
        assert page.evaluate("people.ben.errors") == ["conference.refused_description"]
    growing(page, "anna", "ben")


def test_mute_is_on_the_wire(page, hall):
    enter(page, "mute", "anna", "ben")
    page.evaluate("people.anna.speak(true)")
    growing(page, "ben", "anna")
    hall.do(hall.carrier.silence("mute", "anna", "microphone", True))
    page.wait_for_function("() => people.ben.speaking.now.length === 0")
    page.wait_for_function("async () => 'anna' in (await people.ben.heard('packetsReceived'))")
    still = page.evaluate("people.ben.heard('packetsReceived')")["anna"]
    frames = page.evaluate("people.ben.seen().anna?.frames ?? 0")
    page.wait_for_function("(frames) => people.ben.seen().anna?.frames > frames + 15", arg=frames)
    assert page.evaluate("people.ben.heard('packetsReceived')")["anna"] == still
    hall.do(hall.carrier.silence("mute", "anna", "microphone", False))
    growing(page, "ben", "anna")


def test_who_may_not_publish_any_more_is_cut_off(page, hall):
    enter(page, "cut", "anna", "ben")
    everybody_sees(page, 1)
    hall.do(hall.carrier.allow("cut", "anna", False))
    page.wait_for_function("() => Object.keys(people.ben.tracks).length === 0")
    page.evaluate("people.anna.offer(true)")
    page.wait_for_function("() => people.anna.errors.length === 1")
    hall.do(hall.carrier.allow("cut", "anna", True))
    page.evaluate("people.anna.offer(true)")
    page.wait_for_function("() => people.ben.tracks['anna/camera']")


def test_of_twelve_the_nine_who_spoke_last_are_seen_without_a_new_offer(page):
    names = [f"p{number}" for number in range(12)]
    enter(page, "many", *names, want={"videos": "none"}, size=[80, 60])
    enter(page, "many", "zoe", publish=False)
    page.wait_for_function(
        """() => Object.keys(people.zoe.tracks ?? {})
          .filter((one) => one.endsWith("/camera")).length === 9"""
    )
    offers = page.evaluate("people.zoe.offers")
    tracks = page.evaluate("people.zoe.tracks")
    unseen = next(name for name in names if f"{name}/camera" not in tracks)
    seen = [name for name in names if f"{name}/camera" in tracks]
    for name in (seen[3], unseen):
        page.evaluate(f"people.{name}.speak(true)")
        page.wait_for_function(f"() => people.zoe.speaking.recent[0] === '{name}'")
        page.evaluate(f"people.{name}.speak(false)")
    page.wait_for_function(f"() => people.zoe.tracks['{unseen}/camera']")
    page.wait_for_function(f"() => people.zoe.seen().{unseen}?.frames > 0")
    page.wait_for_function(f"async () => (await people.zoe.heard()).{unseen} !== undefined")
    after = page.evaluate("people.zoe.tracks")
    assert sum(one.endswith("/camera") for one in after) == 9
    assert after[f"{seen[3]}/camera"] == tracks[f"{seen[3]}/camera"], "who stays keeps the slot"
    assert page.evaluate("people.zoe.offers") == offers
    assert (
        page.evaluate("Object.keys(people.p0.tracks).some((one) => one.startsWith('p0/'))") is False
    )
    assert (
        page.evaluate("Object.keys(people.p0.tracks).some((one) => one.endsWith('camera'))")
        is False
    )


def test_large_and_small_pictures(page):
    enter(page, "size", "anna", size=[960, 540])
    enter(page, "size", "ben", publish=False)
    page.wait_for_function("() => people.ben.seen().anna?.width === 960")
    page.evaluate("people.ben.say({type: 'want', videos: 'recent', small: true})")
    page.wait_for_function("() => people.ben.seen().anna?.width === 240")
    page.evaluate("people.ben.say({type: 'want', videos: 'all', large: 'anna'})")
    page.wait_for_function("() => people.ben.seen().anna?.width === 960")
    page.evaluate("people.ben.say({type: 'want', videos: 'none'})")
    page.wait_for_function("() => Object.keys(people.ben.tracks).join() === 'anna/microphone'")


def test_what_stands_still_is_offered_anew(page):
    enter(page, "still", "anna", "ben")
    everybody_sees(page, 1)
    page.evaluate("people.ben.first = people.ben.receiver; people.ben.say({type: 'restart'})")
    page.wait_for_function("() => people.ben.offers === 2")
    frames = page.evaluate("people.ben.seen().anna.frames")
    page.wait_for_function("(frames) => people.ben.seen().anna?.frames > frames + 5", arg=frames)
    assert page.evaluate("people.ben.first === people.ben.receiver")
    # A page whose connection is gone altogether gets another one.
    page.evaluate("people.ben.receiver.close()")
    page.wait_for_function(
        """() => {
          people.ben.say({ type: "restart" });
          return people.ben.receiver !== people.ben.first;
        }""",
        polling=1000,
    )
    page.wait_for_function("() => people.ben.seen().anna?.frames > 5")


def test_who_sends_goes_on_over_new_paths_and_by_a_new_connection(page):
    enter(page, "paths", "anna", "ben")
    everybody_sees(page, 1)
    for change in (
        # The network changed, and the page noticed in time.
        "people.anna.sender.restartIce(); people.anna.offer()",
        # It noticed too late, or was asleep.
        "people.anna.offer(true)",
        "people.anna.sender.close(); people.anna.offer(true)",
    ):
        page.evaluate(f"people.anna.before = people.ben.seen().anna?.frames ?? 0; {change}")
        page.wait_for_function(
            """() => people.anna.sender.connectionState === "connected"
              && people.ben.seen().anna?.frames > people.anna.before + 5"""
        )
    assert page.evaluate("people.anna.errors") == []
    assert page.evaluate("Object.keys(people.ben.tracks).length") == 2


def test_killed_janus_is_back_within_ten_seconds(page, hall):
    enter(page, "killed", "anna", "ben")
    everybody_sees(page, 1)
    before = hall.carrier.pid
    os.kill(before, signal.SIGKILL)
    page.wait_for_function("() => people.ben.log.join() === 'gone,back'")
    page.wait_for_function(
        "() => people.ben.seen().anna?.frames > 3 && people.anna.seen().ben?.frames > 3",
        timeout=10_000,
    )
    assert hall.carrier.pid != before


def test_janus_is_reached_by_its_socket_alone(page, hall):
    enter(page, "closed", "anna", "ben")
    everybody_sees(page, 1)
    found = psutil.Process(hall.carrier.pid).net_connections("inet")
    assert {one.type.name for one in found} == {"SOCK_DGRAM"}
    assert all(PORTS[0] <= one.laddr.port <= PORTS[1] for one in found)
    folder = hall.settings.var / "conference" / "janus"
    assert folder.stat().st_mode & 0o077 == 0
    for file in folder.glob("*.jcfg"):
        assert file.stat().st_mode & 0o077 == 0
    secrets = [file.read_text() for file in hall.settings.secrets.iterdir()]
    assert len(secrets) == 3
    log = (hall.settings.var / "log" / "janus.log").read_text()
    assert not any(secret in log for secret in secrets)


def test_who_left_leaves_nothing_in_janus(page, hall):
    enter(page, "empty", "anna", "ben")
    everybody_sees(page, 1)
    page.evaluate("people.anna.leave(); people.ben.leave()")
    hall.do(hall.carrier.close("empty"))
    handles = hall.carrier._client.handles
    page.wait_for_timeout(0)
    for _ in range(100):
        rooms = len(hall.carrier._rooms)
        if len(handles) <= rooms:
            break
        page.wait_for_timeout(100)
    assert len(handles) == rooms, "one handle for each room, and none for anybody"


def test_an_answer_that_comes_too_late_is_not_taken_for_the_next(page, hall):
    enter(page, "late", "anna", "ben")
    everybody_sees(page, 1)
    page.evaluate("""() => {
      const { anna } = people;
      anna.say({ type: "answer", answer: anna.receiver.localDescription.sdp, number: 0 });
    }""")
    before = page.evaluate("people.anna.seen().ben.frames")
    page.wait_for_function("frames => people.anna.seen().ben?.frames > frames + 5", arg=before)
    assert page.evaluate("people.anna.errors") == []
