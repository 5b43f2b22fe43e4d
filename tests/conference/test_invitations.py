"""Links into a room: whom they let in, what others are told, and invitations for calendars."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest
from icalendar import Calendar
from support.cameras import until
from support.conference import laboratory

from citylib.access.links import ExpiredLink, ForgedLink, Links
from citylib.look.words import say

NOW = datetime.now(UTC)


def test_a_link_says_what_was_signed_until_its_time_is_over(tmp_path):
    links = Links(tmp_path, "invitation")
    token = links.sign("7f3a", NOW + timedelta(days=1))
    assert links.read(token) == "7f3a"
    assert links.sign("7f3a", NOW + timedelta(days=1)) == token
    assert Links(tmp_path, "invitation").read(token) == "7f3a"
    with pytest.raises(ExpiredLink):
        links.read(links.sign("7f3a", NOW - timedelta(seconds=1)))
    name, until, signature = token.split(".")
    for forged in (
        *("", ".", "..", "7f3a", token[:-1], token + "A", token.replace("7f3a", "7f3b")),
        *(f"{name}.{int(until) + 9}.{signature}", f"{name}..{signature}", "\ud800", "é" * 400),
        Links(tmp_path, "another purpose").sign("7f3a", NOW + timedelta(days=1)),
        Links(tmp_path / "other", "invitation").sign("7f3a", NOW + timedelta(days=1)),
    ):
        with pytest.raises(ForgedLink):
            links.read(forged)
    key = tmp_path / "links_key"
    assert key.stat().st_mode & 0o777 == 0o600


def test_each_invitation_that_does_not_hold_has_its_own_sentence(tmp_path):
    async def run():
        async with laboratory(tmp_path) as lab:
            room, other = await lab.room(waiting_room=False), await lab.room()
            soon = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
            brief = await lab.invite(room, expires=soon)
            once = await lab.invite(room, most_uses=1)
            withdrawn = await lab.invite(room)
            await lab.guest(once, "Anna")
            path = f"rooms/{room}/invitations/{withdrawn['id']}"
            assert (await lab.ask("DELETE", path, "kim")).status_code == 204
            await until(lambda: datetime.now(UTC).isoformat() > brief["expires"])
            await asyncio.sleep(0.01)
            good = await lab.invite(room)
            told = {}
            for reason, looked in {
                "expired": {"invitation": brief["token"]},
                "forged": {"invitation": good["token"][:-2] + "xx"},
                "used": {"invitation": once["token"]},
                "withdrawn": {"invitation": withdrawn["token"]},
                "wrong_room": {"invitation": good["token"], "room": other},
                "not_allowed": {"room": room},
            }.items():
                for lang in ("en", "ko"):
                    visitor = await lab.look(**looked, language=lang)
                    assert await visitor.refused() == reason
                    [refused] = visitor.all("refused")
                    assert refused["text"] == say(lang, f"conference.refused_{reason}")
                    told[lang, reason] = refused["text"]
                    assert len(visitor.came) == 1
            assert len({*told.values()}) == len(told)
            # Counted when somebody goes in, not when somebody looks.
            twice = await lab.invite(room, most_uses=2)
            pages = [await lab.look(invitation=twice["token"]) for _ in range(3)]
            for page in pages:
                await page.first("door")
            for number, page in enumerate(pages):
                await page.say("enter", name=f"Guest {'ABC'[number]}")
            ends = [await until(lambda p=p: p.all("entered") or p.all("refused")) for p in pages]
            assert sorted(end[0]["type"] for end in ends) == ["entered", "entered", "refused"]
            found = (await lab.ask("GET", f"rooms/{room}/invitations", "kim")).json()
            uses = {one["id"]: one["uses"] for one in found["invitations"]}
            assert (uses[twice["id"]], uses[once["id"]], uses[good["id"]]) == (2, 1, 0)

    asyncio.run(run())


def test_a_withdrawn_invitation_ends_between_the_door_and_the_room(tmp_path):
    async def run():
        async with laboratory(tmp_path) as lab:
            room = await lab.room(waiting_room=False)
            invitation = await lab.invite(room)
            inside = await lab.guest(invitation, "Anna")
            visitor = await lab.look(invitation=invitation["token"])
            await visitor.first("door")
            await lab.ask("DELETE", f"rooms/{room}/invitations/{invitation['id']}", "kim")
            await visitor.say("enter", name="Ben")
            assert await visitor.refused() == "withdrawn"
            again = await lab.resume(inside.ticket)  # who is in stays
            await again.first("entered")

    asyncio.run(run())


def test_an_invitation_for_a_calendar_is_in_the_guests_own_time(tmp_path):
    begins = datetime(2027, 3, 28, 0, 30, tzinfo=UTC)  # half an hour before clocks change in Paris

    async def run():
        async with laboratory(tmp_path) as lab:
            room = await lab.room(
                title="Flood; what, now",
                agenda="1. The dike\n2. Any other",
                begins=begins.isoformat(),
                ends=(begins + timedelta(hours=1)).isoformat(),
            )
            for zone, name in (("Asia/Seoul", "김민지"), ("America/New_York", "Ann"), ("UTC", "U")):
                made = await lab.invite(
                    room,
                    name=name,
                    email=f"{zone.lower().replace('/', '.')}@example.org",
                    timezone=zone,
                    language="ko" if zone == "Asia/Seoul" else "en",
                )
                path = made["ics"].removeprefix("/services/conference/")
                for token in (None, "lee", "park"):
                    assert (await lab.ask("GET", path, token)).status_code in (403, 404)
                answer = await lab.ask("GET", path, "kim")
                assert answer.headers["Content-Type"].startswith("text/calendar")
                calendar = Calendar.from_ical(answer.content)
                [event] = calendar.walk("VEVENT")
                assert event["SUMMARY"] == "Flood; what, now"
                assert "1. The dike\n2. Any other" in event["DESCRIPTION"]
                assert event["URL"] == made["link"]
                assert made["link"] in event["DESCRIPTION"]
                assert event.start == begins
                assert event.end - event.start == timedelta(hours=1)
                assert event["ATTENDEE"].params["CN"] == name
                assert event["ORGANIZER"].params["CN"].endswith("Port, kim")
                if zone != "UTC":
                    assert event["DTSTART"].params["TZID"] == zone
                    [told] = calendar.walk("VTIMEZONE")
                    assert told["TZID"] == zone
                # It is the same one each time, so that a calendar does not have it twice.
                again = Calendar.from_ical((await lab.ask("GET", path, "kim")).content)
                assert again.walk("VEVENT")[0]["UID"] == event["UID"]

    asyncio.run(run())


def test_what_does_not_fit_is_said(tmp_path):
    async def run():
        async with laboratory(tmp_path) as lab:
            room = await lab.room()
            for form, said in (
                ({"title": ""}, "title"),
                ({"title": "x", "begins": "2027-01-01T10:00:00"}, "begins"),
                ({"title": "x", "ends": "2027-01-01T10:00:00Z"}, "ends"),
                ({"title": "x", "colour": "red"}, "colour"),
                ({"title": "x", "invited": [{"timezone": "Mars/Base"}]}, "Europe/Berlin"),
                ({"title": "x", "invited": [{"email": "a b@c"}]}, "email"),
                ({"title": "x", "invited": [{"role": "king"}]}, "role"),
                ({"title": "x", "invited": [{"expires": "9999-12-31T23:59:59Z"}]}, "year"),
            ):
                answer = await lab.ask("POST", "rooms", "kim", json=form)
                assert answer.status_code == 400
                assert said in answer.json()["error"], answer.text
            deep = "[" * 20_000
            json_headers = {"Content-Type": "application/json"}
            for body in (deep, "{", "\x00", '{"title": "\\ud800"}'):
                answer = await lab.ask("POST", "rooms", "kim", content=body, headers=json_headers)
                assert answer.status_code == 400, answer.text
            answer = await lab.ask("POST", "rooms", "kim", content=b"{}")
            assert answer.status_code == 415
            past = {"expires": "2001-01-01T00:00:00Z"}
            answer = await lab.ask("POST", f"rooms/{room}/invitations", "kim", json=past)
            assert answer.status_code == 400
            before = await lab.ask("GET", "rooms", "kim")
            assert len(before.json()["rooms"]) == 1

    asyncio.run(run())


def test_minutes_say_who_was_there_what_was_said_and_done(tmp_path):
    async def run():
        async with laboratory(tmp_path) as lab:
            room = await lab.room("lee", waiting_room=False)
            host, invitation = await lab.host(room, "lee"), await lab.invite(room, "lee")
            anna = await lab.guest(invitation, "Anna")
            await anna.say("say", text="=1+1")
            await host.first("said")
            await anna.say("leave")
            await until(lambda: anna.closed)
            assert (await lab.ask("GET", f"rooms/{room}/minutes", "nam")).status_code == 404
            told = (await lab.ask("GET", f"rooms/{room}/minutes", "lee")).json()
            people = {one["name"]: one for one in told["attendance"]}
            assert people.keys() == {"lee", "Anna"}
            assert people["Anna"]["from"] <= people["Anna"]["to"]
            assert people["lee"]["to"] is None
            assert [line["text"] for line in told["chat"]] == ["=1+1"]
            assert {"made room", "invited", "entered", "left"} <= {
                e["what"] for e in told["events"]
            }
            table = await lab.ask("GET", f"rooms/{room}/minutes?as=csv", "lee")
            assert table.text.startswith("\ufefftime,what,who,text")
            assert ",said,Anna,'=1+1" in table.text
            assert "example.org" not in json.dumps(told)
            assert lab.store.audit.read(action="read minutes")[0].actor == "lee"

    asyncio.run(run())
