"""The page of who makes conferences, in a real browser."""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import urljoin

import httpx
import pytest
from support import axe
from support.meetings import Meetings, sit, soon
from support.screen import SIZES, WITH_MEDIA, chromium

MAYOR = {"Authorization": "token kim"}


@pytest.fixture(scope="module")
def meetings(tmp_path_factory):
    with Meetings(tmp_path_factory.mktemp("conference") / "city", "mesh") as meetings:
        yield meetings


@pytest.fixture(scope="module")
def browser():
    with chromium(*WITH_MEDIA) as browser:
        yield browser


def opened(browser, meetings, size="laptop", theme="dark", locale="en-US"):
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=theme, locale=locale,
        extra_http_headers=MAYOR, permissions=["clipboard-read", "clipboard-write"],
        timezone_id="Asia/Seoul",
    )  # fmt: skip
    context.set_default_timeout(20_000)
    page = context.new_page()
    page.goto(meetings.url)
    page.wait_for_selector(".lists h2")
    return page


def test_a_conference_is_planned_with_guests_and_entered_as_host(browser, meetings):
    page = opened(browser, meetings)
    page.click("text=Plan one for later")
    form = page.locator(".plan .form")
    form.get_by_label("Title").fill("Cities and floods")
    begins = datetime.now() + timedelta(days=2)
    form.get_by_label("Begins").fill(begins.strftime("%Y-%m-%dT10:00"))
    assert form.get_by_label("Ends").input_value() == begins.strftime("%Y-%m-%dT11:00")
    form.get_by_label("Agenda").fill("1. What happened\n2. What to do")
    form.get_by_text("Invite somebody").click()
    form.get_by_label("Name").fill("Ada of Lisbon")
    form.get_by_label("Time zone").fill("Europe/Lisbon")
    form.get_by_text("Plan it").click()
    room = page.locator(".room.planned", has_text="Cities and floods")
    room.locator("text=Ada of Lisbon").wait_for()
    assert not axe.faults(page)

    made = [one for one in meetings.ask("GET", "rooms")["rooms"] if one["begins"]]
    assert made[0]["begins"].startswith(begins.strftime("%Y-%m-%dT01:00"))  # Seoul's ten o'clock
    # Not by a click: a browser fetches what it downloads without the headers of a test.
    file = room.get_by_text("For a calendar").get_attribute("href")
    text = httpx.get(urljoin(meetings.url, file), headers=MAYOR, trust_env=False).text
    assert "Cities and floods" in text
    assert "Europe/Lisbon" in text

    # The invitation names her; nobody can take part by it under another name.
    link = room.get_by_label("Link for Ada of Lisbon").input_value()
    room.get_by_text("Copy", exact=True).click()
    page.wait_for_selector("text=The link is copied")
    assert page.evaluate("navigator.clipboard.readText()") == link
    ada = sit(browser, link)
    assert ada.page.input_value("input[name=name]") == "Ada of Lisbon"
    assert ada.page.get_attribute("input[name=name]", "readonly") is not None
    ada.page.click(".door form .main")
    ada.page.wait_for_selector("text=Please wait")

    page.click("text=Enter")
    page.wait_for_selector(".door form .main")
    page.click(".door form .main")
    page.wait_for_selector(".stage")
    page.click(".stage-keys >> text=Participants")
    page.click("button[title='Let Ada of Lisbon in']")
    soon(lambda: ada.state == "in")
    page.click("text=Copy an invitation link")
    shown = page.locator(".hosting input").input_value()
    assert "/join/#" in shown
    page.once("dialog", lambda dialog: dialog.accept())
    page.click("text=End for everyone")
    ada.page.wait_for_selector("text=The conference has ended")
    ada.page.context.close()

    page.goto(meetings.url)
    past = page.locator(".room.past", has_text="Cities and floods")
    past.get_by_text("Details").click()
    past.locator("td", has_text="Ada of Lisbon").wait_for()
    assert not axe.faults(page)
    page.context.close()


def test_a_withdrawn_invitation_opens_nothing(browser, meetings):
    room = meetings.room(title="Withdrawn")
    link = meetings.invite(room, name="Ben")
    page = opened(browser, meetings, "phone", "light")
    page.locator(f"[data-room='{room}']").get_by_text("Details").click()
    page.get_by_text("Withdraw", exact=True).click()
    page.wait_for_selector("text=The invitation is withdrawn")
    assert not axe.faults(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    ben = sit(browser, link)
    ben.page.wait_for_selector("text=This invitation was withdrawn")
    for one in (ben.page, page):
        one.context.close()


def test_who_is_no_official_makes_none(browser, meetings):
    context = browser.new_context(extra_http_headers={"Authorization": "token park"})
    page = context.new_page()
    answer = page.goto(meetings.url)
    assert answer.status == 403
    context.close()
