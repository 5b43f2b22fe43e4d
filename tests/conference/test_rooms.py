"""Who comes into a room, and what hosts do there."""

from __future__ import annotations

import asyncio

from support.conference import laboratory


def test_a_guest_waits_until_a_host_opens(tmp_path):
    async def run():
        async with laboratory(tmp_path) as lab:
            room = await lab.room(agenda="The dike")
            host = await lab.host(room)
            invitation = await lab.invite(room)
            guest = await lab.look(invitation=invitation["token"])
            door = await guest.first("door")
            assert door["room"]["title"] == "Flood"
            assert door["room"]["agenda"] == "The dike"
            assert (door["role"], door["waiting_room"], door["name"]) == ("speaker", True, None)
            await guest.say("enter", name="  Anna\u200b  B ")
            await guest.first("waiting")
            waits = await host.first("waits")
            assert waits["name"] == "Anna B"
            await host.say("admit", who=waits["who"])
            entered = await guest.first("entered")
            assert {one["name"] for one in entered["participants"]} == {"kim", "Anna B"}
            assert (await host.first("participant"))["participant"]["name"] == "Anna B"
            await host.first("waits_no_more")

            other = await lab.look(invitation=invitation["token"])
            await other.say("enter", name="Ben")
            await host.say(
                "admit", who=(await host.first("waits", name="Ben"))["who"], welcome=False
            )
            assert await other.refused() == "turned_away"
            assert await (await lab.resume(other.ticket)).refused() == "turned_away"

    asyncio.run(run())
