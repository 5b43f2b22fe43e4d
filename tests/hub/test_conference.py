"""Conferences behind the hub's sign-in, as pages reach them; and a service that is killed."""

from __future__ import annotations

import json
import time

import pytest
from support.platform import Platform, wait_until
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import ClientConnection, connect

SERVICE = "/services/conference/"


def signed_in(platform: Platform, account: str | None):
    """A client with the cookies of a browser that has been at the conferences."""
    client = platform.client(account)
    client.headers["Origin"] = platform.url
    if account:
        assert client.get(f"{SERVICE}sign-in").json()["role"] == account
    return client


def enter(platform: Platform, client, *messages) -> tuple[ClientConnection, dict]:
    """Come in; gives the websocket and what was said then."""
    jar = [c for c in client.cookies.jar if c.path in ("/", SERVICE)]
    cookies = "; ".join(f"{c.name}={c.value}" for c in jar)
    url = platform.url.replace("http", "ws") + f"{SERVICE}socket"
    socket = connect(
        url, additional_headers={"Cookie": cookies}, origin=platform.url, max_size=None, proxy=None
    )
    for message in messages:
        socket.send(json.dumps(message))
    return socket, hear(socket, "entered")


def hear(socket, kind: str) -> dict:
    """Wait for a message of a kind."""
    while (told := json.loads(socket.recv(timeout=20)))["type"] != kind:
        assert told["type"] != "refused", told
    return told


@pytest.mark.parametrize(
    ("account", "page", "rooms"),
    [("mayor", 200, 200), ("official", 200, 200), ("analyst", 403, 403), (None, 200, 403)],
)
def test_each_role_gets_what_it_may(bare_platform, account, page, rooms):
    client = signed_in(bare_platform, account)
    answer = client.get(SERVICE)
    assert answer.status_code == page
    if account is None:
        assert "/hub/login" in str(answer.url)
    assert client.get(f"{SERVICE}rooms").status_code == rooms
    assert client.get(f"{SERVICE}join/").status_code == 200


def test_a_killed_service_comes_back_and_its_people_with_it(bare_platform):
    mayor, guest = signed_in(bare_platform, "mayor"), bare_platform.client()
    made = mayor.post(f"{SERVICE}rooms", json={"title": "Flood", "waiting_room": False})
    room = made.json()["room"]["id"]
    link = mayor.post(f"{SERVICE}rooms/{room}/invitations", json={}).json()["invitation"]["link"]
    assert link.startswith(f"{bare_platform.url}{SERVICE}join/#")
    look = {"type": "look", "room": room}
    host, entered = enter(bare_platform, mayor, look, {"type": "enter", "name": "x"})
    assert entered["participants"][0]["name"] == "mayor"
    look = {"type": "look", "invitation": link.partition("#")[2]}
    anna, came = enter(bare_platform, guest, look, {"type": "enter", "name": "Anna"})
    anna.send(json.dumps({"type": "say", "text": "the river rises"}))
    assert hear(host, "said")["name"] == "Anna"

    [process] = bare_platform.find("conference run")
    process.kill()
    for socket in (host, anna):
        with pytest.raises(ConnectionClosed):
            hear(socket, "nothing more")
    ends = time.monotonic() + 40
    back = None
    while back is None:
        assert time.monotonic() < ends
        try:
            back = enter(bare_platform, guest, {"type": "resume", "ticket": came["ticket"]})
        except (InvalidHandshake, ConnectionClosed, OSError):
            time.sleep(0.2)
    anna, again = back
    assert again["you"] == came["you"]
    assert [line["text"] for line in again["chat"]] == ["the river rises"]
    host, _ = enter(bare_platform, mayor, {"type": "resume", "ticket": entered["ticket"]})
    assert mayor.delete(f"{SERVICE}rooms/{room}").status_code == 204
    hear(anna, "ended")
    log = bare_platform.settings.var / "log" / "hub.log"
    wait_until(log.is_file)
    text = log.read_text("utf-8", "replace")
    for secret in (came["ticket"], entered["ticket"], link.partition("#")[2], "river"):
        assert secret not in text
