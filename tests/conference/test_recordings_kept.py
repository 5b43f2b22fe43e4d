"""Recordings as the service keeps them: whose parts are taken, who gets them, when they go."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import httpx
from support.cameras import until
from support.conference import laboratory

from citylib.conference.rooms import recordings
from citylib.conference.rooms.recordings import Recordings
from citylib.conference.service import recorder, service

PART = b"\x1a\x45\xdf\xa3" + b"webm" * 1000


@asynccontextmanager
async def recorded(tmp_path, rules="", **values):
    async with laboratory(tmp_path, rules) as lab:
        room = await lab.room("lee", waiting_room=False, **values)
        host, anna = await lab.host(room, "lee"), await lab.guest(await lab.invite(room, "lee"))
        await host.say("record", recording=True)
        assert (await anna.first("recording"))["recording"]["by"] == host.id
        yield lab, room, host, anna


def send(lab, room, ticket, number, part=PART, kind="video/webm;codecs=vp8,opus", **headers):
    told = {"X-Ticket": ticket, "X-Part": str(number), "Content-Type": kind} | headers
    return lab.ask("POST", f"rooms/{room}/recordings", content=part, headers=told)


def test_a_host_records_and_everybody_knows(tmp_path):
    async def run():
        async with recorded(tmp_path) as (lab, room, host, anna):
            assert (await send(lab, room, host.ticket, 0, b"")).json()["next"] == 0
            assert (await send(lab, room, host.ticket, 0)).json()["next"] == 1
            assert (await send(lab, room, host.ticket, 0)).json()["next"] == 1  # sent twice
            answer = await send(lab, room, host.ticket, 5)
            assert (answer.status_code, answer.json()["next"]) == (409, 1)
            await send(lab, room, host.ticket, 1, b"end")
            late = await lab.guest(await lab.invite(room, "lee"), "Late")
            assert late.all("entered")[0]["recording"]["by"] == host.id
            await host.say("record", recording=False)
            await until(lambda: anna.all("recording", recording=None))
            assert (await send(lab, room, host.ticket, 2, b"!")).json()["next"] == 3

            [one] = (await lab.ask("GET", f"rooms/{room}/recordings", "lee")).json()["recordings"]
            path = one["file"].removeprefix("/services/conference/")
            assert (one["bytes"], one["by"], one["days"]) == (len(PART) + 4, "lee", 30)
            for token in ("nam", "park", "choi", None):
                for asked in (path, f"rooms/{room}/recordings"):
                    assert (await lab.ask("GET", asked, token)).status_code in (403, 404)
            for token in ("lee", "kim"):
                assert (await lab.ask("GET", path, token)).content == PART + b"end!"
            done = [(e.actor, e.action) for e in lab.store.audit.read(subject=room)]
            for what in ("began recording", "ended recording", "took recording"):
                assert ("lee", what) in done
            file = tmp_path / "var" / "conference" / "recordings" / path.split("/")[-1]
            assert file.with_suffix(".webm").stat().st_mode & 0o777 == 0o600
            assert file.parent.stat().st_mode & 0o777 == 0o700

    asyncio.run(run())


def test_nobody_else_records(tmp_path):
    async def run():
        async with recorded(tmp_path) as (lab, room, host, anna):
            other = await lab.room("lee")
            for answer in (
                await send(lab, room, anna.ticket, 0),
                await send(lab, other, host.ticket, 0),
                await send(lab, room, "", 0),
                await send(lab, room, "forged", 0, Authorization="token lee"),
                await send(lab, room, host.ticket, 0, Origin="https://evil.example"),
                await send(lab, room, host.ticket, 0, Origin="null"),
            ):
                assert answer.status_code == 403, answer.text
            for number in ("-1", "x", "1" * 30, "1e3", ""):
                assert (await send(lab, room, host.ticket, number)).status_code == 400
            assert (await send(lab, room, host.ticket, 0, kind="text/html")).status_code == 415
            huge = b"\0" * (recordings.LONGEST_PART + 1)
            with suppress(httpx.TransportError):  # cut off while it still sends
                answer = await send(lab, room, host.ticket, 0, huge)
                assert answer.status_code in (400, 413)
            assert (await send(lab, room, host.ticket, 0)).json()["next"] == 1

    asyncio.run(run())


def test_size_and_rate_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(recorder, "AT_ONCE", 3 * len(PART) + 10)
    monkeypatch.setattr(recorder, "RATE", 1)
    monkeypatch.setattr(recordings, "LARGEST", 2 * len(PART))

    async def run():
        async with recorded(tmp_path) as (lab, room, host, _):
            answers = [await send(lab, room, host.ticket, number) for number in range(4)]
            codes = [answer.status_code for answer in answers]
            assert codes == [200, 200, 507, 429]

    asyncio.run(run())


def test_a_part_that_was_not_acknowledged_is_written_again(tmp_path):
    async def run():
        async with recorded(tmp_path) as (lab, room, host, _):
            await send(lab, room, host.ticket, 0)
            [file] = (tmp_path / "var" / "conference" / "recordings").iterdir()
            file.write_bytes(file.read_bytes() + b"half of what")  # the service died here
            await send(lab, room, host.ticket, 1, b"end")
            assert file.read_bytes() == PART + b"end"

    asyncio.run(run())


def test_a_recording_ends_with_its_host_and_is_removed_in_time(tmp_path, monkeypatch):
    monkeypatch.setattr(service, "HOST_MAY_BE_AWAY", 0.2)
    monkeypatch.setattr(service, "BEAT", 0.05)

    async def run():
        async with recorded(tmp_path, "recording_days = 2\n") as (lab, room, host, anna):
            await send(lab, room, host.ticket, 0)
            host.socket.close()
            await until(lambda: anna.all("recording", recording=None))
            await anna.first("role", role="host")
            folder = tmp_path / "var" / "conference" / "recordings"
            await lab.conference.tidy()
            assert len([*folder.iterdir()]) == 1
            assert lab.conference.rules.recording_days == 2
            found = Recordings(lab.store, folder, 1e9)
            assert found.clean(1) == 0
            monkeypatch.setattr(recordings, "datetime", Later)
            assert found.clean(1) == 1
            assert [*folder.iterdir()] == []
            assert found.of(room) == []
            assert lab.store.audit.read(action="removed recording")[0].subject == room

    asyncio.run(run())


class Later(recordings.datetime):
    """The clock of tomorrow and a bit."""

    @classmethod
    def now(cls, zone=None):
        return recordings.datetime.__mro__[1].now(zone) + timedelta(days=1, seconds=5)
