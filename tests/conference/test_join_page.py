"""The page of who takes part, in real browsers, over both carriers."""

from __future__ import annotations

import shutil
import time

import pytest
from support import axe
from support.meetings import Meetings, Seat, near, sit, soon, together
from support.screen import SIZES, WITH_MEDIA, chromium

pytestmark = pytest.mark.media


@pytest.fixture(scope="module")
def browser():
    with chromium(*WITH_MEDIA) as browser:
        yield browser


@pytest.fixture(scope="module", params=["mesh", "janus"])
def meetings(request, tmp_path_factory):
    if request.param == "janus" and not shutil.which("janus"):
        pytest.skip("janus is not installed: make system")
    with Meetings(tmp_path_factory.mktemp("conference") / "city", request.param) as meetings:
        yield meetings


@pytest.fixture
def sitting(browser, meetings):
    """Pages that are closed afterwards; none of them may have said that something failed."""
    seats: list[Seat] = []

    def bring(room, count=1, role="speaker", **options):
        found = []
        for _ in range(count):
            seat = sit(browser, meetings.invite(room, role), len(seats), **options)
            seats.append(seat)
            seat.enter(f"Guest {len(seats)}")
            found.append(seat)
        for seat in found:
            soon(lambda seat=seat: seat.state == "in", said=seat.told)
        return found if count > 1 else found[0]

    yield bring
    faults = [fault for seat in seats for fault in seat.faults if "WebSocket" not in fault]
    for seat in seats:
        seat.page.context.close()
    assert not faults


def test_three_see_and_hear_each_other_and_are_silent_when_they_say_so(meetings, sitting):
    room = meetings.room()
    host = sitting(room, role="host")
    one, other = sitting(room, 2)
    print(f"three see and hear each other after {together([host, one, other]):.2f} s")
    soon(lambda: "Guest 3" in host.page.inner_text(".conference-tiles"))

    one.page.keyboard.press("m")
    soon(lambda: not other.knows(one)["microphone"] and other.quiet(one), said=other.told)
    assert other.sees(one) or soon(lambda: other.sees(one))
    one.page.keyboard.press("m")
    soon(lambda: other.hears(one), said=other.told)

    one.page.keyboard.press("v")
    soon(lambda: not other.knows(one)["camera"] and not other.sees(one))
    assert other.page.is_hidden(f"[data-who='{one.id}'] video")
    one.page.keyboard.press("v")
    soon(lambda: other.sees(one), said=other.told)

    # The host silences one; who is silenced sees it and can speak again.
    host.page.click(".stage-keys >> text=Participants")
    host.page.click(f"[data-who='{other.id}'] .acts-key")
    host.page.click("text=Turn microphone off")
    soon(lambda: one.quiet(other), said=one.told)
    other.page.wait_for_selector(".notice:has-text('A host has turned your microphone off')")
    other.page.keyboard.press("m")
    soon(lambda: one.hears(other), said=one.told)


def test_who_loads_the_page_again_is_the_same_person(meetings, sitting):
    one, other = sitting(meetings.room(), 2)
    together([one, other])
    before = one.id
    one.page.reload()
    soon(lambda: one.state == "in")
    assert one.id == before
    print(f"reload: seen and heard again after {together([one, other]):.2f} s")
    assert len(other.page.evaluate("[...meeting.room.participants.keys()]")) == 2


@pytest.mark.parametrize("meetings", ["mesh"], indirect=True)
def test_who_closes_the_tab_is_missed_within_three_seconds(meetings, sitting):
    one, other = sitting(meetings.room(), 2)
    together([one, other])
    gone = one.id
    one.page.close()
    look = "id => (meeting.room.participants.get(id)?.quality ?? 0) === 0"
    took = soon(lambda: other.page.evaluate(look, gone), 3)
    print(f"closed tab noticed after {took:.2f} s")


def test_a_killed_service_is_mended_without_a_touch(meetings, sitting):
    one, other, third = sitting(meetings.room(), 3)
    together([one, other, third])
    ids = [seat.id for seat in (one, other, third)]
    meetings.kill()
    took = soon(lambda: all(seat.state == "lost" for seat in (one, other, third)), 3)
    print(f"killed service noticed after {took:.2f} s")
    assert "being restored" in one.page.inner_text(".banner")
    meetings.start()
    took = soon(lambda: all(seat.state == "in" for seat in (one, other, third)))
    took += together([one, other, third])
    print(f"all see and hear each other {took:.2f} s after the service is there again")
    assert [seat.id for seat in (one, other, third)] == ids
    assert one.page.is_hidden(".banner")


@pytest.mark.parametrize("meetings", ["janus"], indirect=True)
def test_a_screen_is_shown_to_all(meetings, sitting):
    one, other = sitting(meetings.room(), 2)
    one.page.evaluate("globalThis.proof.hue = 0")
    one.page.click(".stage-keys >> text=Share screen")
    shows = "id => proofs.sees(id, 'screen')"
    soon(lambda: near(other.page.evaluate(shows, one.id)["hue"], one.hue), said=other.told)
    other.page.wait_for_selector(".conference-show:visible")
    one.page.click(".stage-keys >> text=End sharing")
    other.page.wait_for_selector(".conference-show", state="detached")


@pytest.mark.parametrize("meetings", ["mesh"], indirect=True)
def test_guests_wait_until_a_host_lets_them_in(browser, meetings, sitting):
    room = meetings.room(waiting_room=True)
    host = sitting(room, role="host")
    guests = [sit(browser, meetings.invite(room), place) for place in (1, 2)]
    try:
        for guest, name in zip(guests, ("Ada", "Ben"), strict=True):
            guest.enter(name)
            guest.page.wait_for_selector("text=Please wait")
        host.page.click(".stage-keys >> text=Participants")
        host.page.click("[aria-label='Let Ada in'], button[title='Let Ada in']")
        together([host, guests[0]])
        host.page.click("button[title='Turn Ben away']")
        guests[1].page.wait_for_selector("text=You were not let in")
    finally:
        for guest in guests:
            guest.page.context.close()


@pytest.mark.parametrize("meetings", ["janus"], indirect=True)
def test_a_listener_sees_and_hears_and_is_not_asked_for_devices(meetings, sitting):
    room = meetings.room()
    speaker = sitting(room)
    listener = sitting(room, role="listener")
    soon(lambda: listener.sees(speaker) and listener.hears(speaker), said=listener.told)
    assert listener.page.is_hidden(".stage-keys >> text=Microphone")
    listener.page.keyboard.press("h")
    soon(lambda: (speaker.knows(listener) or {}).get("hand"))
    speaker.page.wait_for_selector(".notice:has-text('raises a hand')")


@pytest.mark.parametrize("meetings", ["janus"], indirect=True)
def test_each_listener_chooses_an_interpreters_channel(meetings, sitting):
    room = meetings.room()
    speaker, interpreter = sitting(room, role="host"), sitting(room)
    one, other = sitting(room, 2, role="listener")
    speaker.page.evaluate(
        "who => meeting.room.send({type: 'appoint', who, role: 'interpreter', language: 'ko'})",
        interpreter.id,
    )
    played = "([id, source]) => proofs.played(id, source)"
    channel = [interpreter.id, "interpretation"]
    into = f"proofs.hears('{interpreter.id}', {interpreter.tone}, 'interpretation') > 0.02"
    soon(lambda: one.hears(speaker) and other.hears(speaker), said=one.told)
    one.page.select_option(".channels select", "ko")
    soon(lambda: one.page.evaluate(into), said=one.told)
    soon(lambda: one.page.evaluate(played, channel) == 1)
    # The floor stays beneath it; who listens to the floor is sent nothing else.
    assert 0 < one.page.evaluate(played, [speaker.id, "microphone"]) < 0.5
    assert other.page.evaluate(played, [speaker.id, "microphone"]) == 1
    assert not other.page.evaluate(into)
    one.page.select_option(".channels select", "")
    soon(lambda: one.page.evaluate(played, [speaker.id, "microphone"]) == 1)
    assert not one.page.evaluate(played, channel)


@pytest.mark.parametrize("meetings", ["janus"], indirect=True)
def test_a_host_records_from_the_page(meetings, sitting):
    room = meetings.room()
    host, guest = sitting(room, role="host"), sitting(room)
    together([host, guest])
    host.page.click(".stage-keys >> text=Record")
    guest.page.wait_for_selector(".recording:visible")
    listed = "recordings"
    soon(lambda: any(one["bytes"] for one in meetings.ask("GET", f"rooms/{room}/{listed}")[listed]))
    host.page.click(".stage-keys >> text=End recording")
    guest.page.wait_for_selector(".recording", state="hidden")
    [made] = meetings.ask("GET", f"rooms/{room}/{listed}")[listed]
    assert made["bytes"] > 10_000


def test_many_pages(meetings, browser, sitting):
    """As many as a mesh takes; there they talk: one machine cannot code thirty pictures at once."""
    talk = meetings.carrier == "mesh"
    room, count = meetings.room(voice_only=talk), 6
    begun = time.monotonic()
    # Small pages, few pictures: one machine draws, sends, receives and draws the tiles of all.
    seats = sitting(room, count, viewport={"width": 360, "height": 300}, rate=3)
    print(f"{count} came in after {time.monotonic() - begun:.2f} s")
    pairs = [(one, other) for one in seats for other in seats if one is not other]
    took = soon(lambda: all(one.hears(other) for one, other in pairs), 60, seats[0].told)
    print(f"{count} hear each other after {took:.2f} s")
    if not talk:
        print(f"{count} see each other after {together(seats, 60):.2f} s more")
    else:
        late = sit(browser, meetings.invite(room))
        late.enter("Too late")
        late.page.wait_for_selector("text=The room is full")
        late.page.context.close()


@pytest.mark.parametrize("meetings", ["mesh"], indirect=True)
def test_four_see_and_hear_each_other_without_janus(meetings, sitting):
    seats = sitting(meetings.room(), 4, viewport={"width": 360, "height": 300}, rate=3)
    print(f"4 see and hear each other after {together(seats, 60):.2f} s")


DEVICES = {
    "denied": "does not let this page use camera and microphone",
    "none": "No camera and no microphone were found",
    "busy": "Another program is using the camera",
}


@pytest.mark.parametrize("meetings", ["mesh"], indirect=True)
def test_without_camera_and_microphone_one_joins_and_listens(meetings, sitting, browser):
    room = meetings.room()
    speaker = sitting(room)
    for devices, text in DEVICES.items():
        seat = sit(browser, meetings.invite(room), 1, devices)
        seat.page.wait_for_selector(f"text={text}")
        assert "can join" in seat.page.inner_text(".troubles")
        assert not axe.faults(seat.page)
        if devices == "denied":
            seat.enter("Listening")
            soon(lambda seat=seat: seat.hears(speaker) and seat.sees(speaker), said=seat.told)
            assert speaker.knows(seat)["microphone"] is False
        seat.page.context.close()


@pytest.mark.parametrize("meetings", ["mesh"], indirect=True)
@pytest.mark.parametrize(("size", "theme"), [("laptop", "dark"), ("phone", "light")])
def test_door_and_room_can_be_read_by_everybody(meetings, browser, size, theme):
    width, height = SIZES[size]
    room = meetings.room(agenda="1. Water level\n2. Schools")
    host = sit(
        browser, meetings.invite(room, "host"), viewport={"width": width, "height": height},
        color_scheme=theme, has_touch=size == "phone",
    )  # fmt: skip
    page = host.page
    page.wait_for_selector(".preview video:visible")
    assert not axe.faults(page)
    assert _fits(page)
    host.enter("Host")
    page.wait_for_selector(".stage")
    page.wait_for_selector(".conference-seat video:visible")
    assert not axe.faults(page)
    assert _fits(page)
    if size == "laptop":
        assert page.is_visible(".stage-keys >> text=Record")
    for name in ("Chat", "More"):
        page.click(f".stage-keys >> text={name}")
        page.wait_for_selector(".stage-side:visible")
        assert not axe.faults(page), name
        assert _fits(page)
        page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    page.evaluate("meeting.room.leave()")
    page.wait_for_selector("text=You have left")
    assert not axe.faults(page)
    assert not host.faults
    page.context.close()


def _fits(page) -> bool:
    """Whether nothing stands beyond the page's edge, and what is touched is large enough."""
    return bool(
        page.evaluate(
            """() => document.documentElement.scrollWidth <= innerWidth &&
              [...document.querySelectorAll('button, select, input, a')].every((one) => {
                const box = one.getBoundingClientRect();
                const fits = box.height >= 44 && box.right <= innerWidth + 1;
                return !box.width || !one.checkVisibility() || fits;
              })"""
        )
    )


@pytest.mark.parametrize("meetings", ["mesh"], indirect=True)
def test_the_page_says_why_somebody_cannot_come_in(meetings, browser):
    room = meetings.room()
    link = meetings.invite(room, most_uses=1)
    first, second = (sit(browser, link, place) for place in (0, 1))
    first.enter("First")
    soon(lambda: first.state == "in")
    second.enter("Second")
    second.page.wait_for_selector("text=This invitation has been used already")
    for seat in (first, second):
        seat.page.context.close()
    for link, text in (
        (f"{meetings.url}join/#none.of-ours", "This link is not valid"),
        (f"{meetings.url}join/", "This page needs an invitation"),
    ):
        seat = sit(browser, link)
        seat.page.wait_for_selector(f"text={text}")
        assert not axe.faults(seat.page)
        seat.page.context.close()


@pytest.mark.parametrize("meetings", ["mesh"], indirect=True)
def test_the_page_is_small(meetings, browser):
    page = browser.new_page()
    page.goto("about:blank")
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    sizes: list[float] = []
    session.on("Network.loadingFinished", lambda told: sizes.append(told["encodedDataLength"]))
    page.goto(meetings.invite(meetings.room()), wait_until="networkidle")
    print(f"{len(sizes)} answers, {sum(sizes) / 1000:.1f} kB as they travel")
    assert sum(sizes) < 100_000
    page.close()
