"""Who may see what, what is written down, and what never leaves the gateway."""

from __future__ import annotations

import asyncio
import json
import logging

import httpx
import pytest
from support.cameras import PASSWORD, USER, laboratory, row, until
from tornado.httpclient import HTTPClientError

from citylib.cameras.gateway.faults import Fault
from citylib.cameras.gateway.sharing import gateway_of
from citylib.cameras.gateway.targets import Target, Targets
from citylib.cameras.registry.model import Rules

EVERYBODY = {"kim": "mayor", "lee": "official", "park": "analyst", "choi": None, None: None}
CAMERAS = {
    "bridge": {"mayor"},
    "street": {"mayor", "official"},
    "quay": {"mayor", "official", "analyst"},
    "square": {"public"},
}


async def get(url, token=None, **headers):
    headers = {"Authorization": f"token {token}"} | headers if token else headers
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.get(url, headers=headers)


def test_every_role_against_every_camera(tmp_path):
    async def run():
        rows = "".join(row(name, viewers="|".join(who)) for name, who in CAMERAS.items())
        async with laboratory(tmp_path, rows) as lab:
            for token, role in EVERYBODY.items():
                may = {name for name, who in CAMERAS.items() if who & {role, "public"}}
                told = (await get(lab.url("cameras.json"), token)).json()["cameras"]
                assert {one["id"] for one in told} == may
                for name in CAMERAS:
                    answer = await get(lab.url(f"poster/{name}"), token)
                    assert answer.status_code in ((200, 204) if name in may else (403,))
                    if name in may:
                        one = await lab.watch(name, token)
                        await until(lambda one=one: one.state == "live")
                        one.leave()
                    else:
                        with pytest.raises(HTTPClientError, match="403"):
                            await lab.watch(name, token)
            # What is not there and what is not for one are told alike.
            nothing = await get(lab.url("poster/nowhere"), "choi")
            hidden = await get(lab.url("poster/bridge"), "choi")
            assert (nothing.status_code, nothing.text) == (hidden.status_code, hidden.text)

    asyncio.run(run())


def test_forged_tokens_and_other_sites_are_refused(tmp_path):
    async def run():
        async with laboratory(tmp_path, row("gate")) as lab:
            for token in ("forged", "kim2", "oh"):  # oh is signed in, and has no leave for cameras
                with pytest.raises(HTTPClientError, match="403"):
                    await lab.watch("gate", token)
            for cookie in ("service-cameras=forged", "jupyterhub-session-id=kim"):
                with pytest.raises(HTTPClientError, match="403"):
                    await lab.watch("gate", None, Cookie=cookie)
            for origin in ("https://evil.example", "http://127.0.0.1:1", "null"):
                with pytest.raises(HTTPClientError, match="403"):
                    await lab.watch("gate", Origin=origin)
            one = await lab.watch("gate", Origin=f"http://127.0.0.1:{lab.port}")
            await until(lambda: one.state == "live")
            assert lab.mounts["gate"].opened == 1

    asyncio.run(run())


def test_who_loses_the_leave_is_let_go_of(tmp_path, monkeypatch):
    from citylib.cameras.gateway import handlers

    monkeypatch.setattr(handlers, "RECHECK", 0.2)

    async def run():
        async with laboratory(tmp_path, row("gate")) as lab:
            one, other = await lab.watch("gate", "kim"), await lab.watch("gate", "lee")
            await until(lambda: one.state == other.state == "live")
            del lab.tokens["kim"]
            await until(lambda: one.closed)
            assert not other.closed
            closed = await until(lambda: lab.store.audit.read(action="closed camera"))
            assert (closed[0].actor, closed[0].detail["why"]) == ("kim", "no longer allowed")

    asyncio.run(run())


def test_while_the_hub_is_away_nobody_is_cut_off(tmp_path, monkeypatch):
    from citylib.cameras.gateway import handlers

    monkeypatch.setattr(handlers, "RECHECK", 0.1)

    async def run():
        async with laboratory(tmp_path, row("gate")) as lab:
            one = await lab.watch("gate", "kim")
            await until(lambda: one.state == "live")
            lab.tokens["kim"] = "away"
            asked = lab.asked.count("kim")
            await until(lambda: lab.asked.count("kim") > asked + 2)
            assert not one.closed
            del lab.tokens["kim"]
            await until(lambda: one.closed)

    asyncio.run(run())


def test_every_viewing_is_in_the_audit_log(tmp_path):
    async def run():
        rows = row("gate") + row("square", viewers="public")
        async with laboratory(tmp_path, rows) as lab:
            one, other = await lab.watch("gate", "lee"), await lab.watch("square", None)
            await until(lambda: one.state == other.state == "live" and one.pictures > 10)
            one.leave()
            entries = await until(lambda: lab.store.audit.read(action="closed camera"))
            assert (entries[0].actor, entries[0].subject) == ("lee", "gate")
            assert 0 < entries[0].detail["seconds"] < 30
            assert entries[0].detail["why"] == "left"
        return lab

    lab = asyncio.run(run())
    opened = {(e.actor, e.subject) for e in lab.store.audit.read(action="opened camera")}
    assert opened == {("lee", "gate"), ("public", "square")}
    # The end of the gateway is the end of a viewing too.
    closed = {(e.actor, e.detail["why"]) for e in lab.store.audit.read(action="closed camera")}
    assert (
        closed == {("lee", "left"), ("public", "the gateway stopped")}
        or (
            "public",
            "left",
        )
        in closed
    )


def test_who_is_not_signed_in_cannot_take_all_places(tmp_path, monkeypatch):
    from citylib.cameras.gateway import service

    monkeypatch.setattr(service, "MOST_PUBLIC", 2)

    async def run():
        async with laboratory(tmp_path, row("square", viewers="public")) as lab:
            public = [await lab.watch("square", None) for _ in range(3)]
            await until(lambda: public[2].closed)
            one = await lab.watch("square", "kim")
            await until(lambda: one.state == public[0].state == public[1].state == "live")

    asyncio.run(run())


def test_without_an_audit_log_nobody_opens_a_camera(tmp_path, monkeypatch):
    from citylib.cameras.gateway import viewings

    async def run():
        async with laboratory(tmp_path, row("gate")) as lab:

            def away(*_):
                raise OSError("away")

            with monkeypatch.context() as patch:
                patch.setattr(lab.store.audit, "append", away)
                patch.setattr(viewings, "MOST_WAITING", 1)
                patch.setattr(viewings, "AGAIN", 0.05)
                one = await lab.watch("gate")
                await until(lambda: one.state == "live")
                two = await lab.watch("gate")
                await until(lambda: two.closed)
            assert not one.closed
            await until(lambda: lab.store.audit.read(action="opened camera"))

    asyncio.run(run())


def test_no_address_and_no_password_is_in_anything_that_is_sent_or_logged(tmp_path, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    does = ("well", "dead", "refusing", "missing", "silent", "garbage", "redirecting")

    async def run():
        rows = "".join(
            row(name, f"rtsp://127.0.0.1:1/rtsp/{name}", credentials="c") for name in does
        )
        async with laboratory(tmp_path, rows, 'networks = ["127.0.0.0/8"]') as lab:
            secret = lab.settings.secrets / "camera_c"
            secret.write_text(f"{USER}:{PASSWORD}")
            secret.chmod(0o600)
            table = lab.settings.profile / "cameras.csv"
            place = f"127.0.0.1:{lab.simulator.port}"
            table.write_text(table.read_text().replace("127.0.0.1:1/", f"{place}/"))
            from citylib.cameras.registry.read import read_cameras

            lab.gateway.take(read_cameras(lab.settings, lab.gateway.city))
            for name in does:
                mount = lab.mounts[name]
                mount.user, mount.password, mount.does = USER, PASSWORD, name
                mount.location = "rtsp://192.168.77.7/secret-place"
            watchers = {name: await lab.watch(name) for name in does}
            wanted = {"well": "live", "redirecting": "forbidden", "refusing": "refused"}
            wanted |= {"garbage": "unreadable"}
            for name, one in watchers.items():
                await until(lambda one=one, name=name: wanted.get(name, name) in one.states())
            captured = b"".join(bytes(one.captured) for one in watchers.values())
            for path in ("cameras.json", "poster/well", "poster/dead", "poster/no", "", "x/../y"):
                answer = await get(lab.url(path), "kim")
                captured += str(answer.headers).encode() + answer.content
            return captured, place

    captured, place = asyncio.run(run())
    audit = json.dumps([record.getMessage() for record in caplog.records])
    told = capfd.readouterr()
    for text in (captured.decode("latin-1"), audit, told.out, told.err):
        assert PASSWORD not in text
        assert USER not in text
        assert "192.168.77.7" not in text
        assert f"{place}/rtsp" not in text
        assert "rtsp://" not in text
    assert b"avc1" in captured


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "169.254.169.254", "192.168.1.1", "::1", "fe80::1", "fd00::1",
     "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "0.0.0.0", "224.0.0.1",  # noqa: S104
     "100.64.0.1", "255.255.255.255"],
)  # fmt: skip
def test_an_address_inside_is_refused_unless_allowed(tmp_path, address):
    class Places:
        secrets = tmp_path

    assert not Targets(Places, Rules()).allows(address)
    assert Targets(Places, Rules()).allows("8.8.8.8")
    assert Targets(Places, Rules(networks=("10.1.2.0/24",))).allows(address) is (
        address == "10.1.2.3"
    )


def test_names_are_looked_up_once_and_all_their_addresses_count(tmp_path, monkeypatch):
    class Places:
        secrets = tmp_path

    targets = Targets(Places, Rules())

    async def resolve(*addresses):
        async def lookup(*_, **__):
            return [(2, 1, 6, "", (address, 554)) for address in addresses]

        loop = asyncio.get_running_loop()
        monkeypatch.setattr(loop, "getaddrinfo", lookup)
        return await targets.resolve(Target("rtsp", "rtsp://cam.example/x"))

    assert asyncio.run(resolve("8.8.8.8")) == "8.8.8.8"
    for found in (["127.0.0.1"], ["8.8.8.8", "10.0.0.1"]):
        with pytest.raises(Fault, match="forbidden"):
            asyncio.run(resolve(*found))


def test_a_redirect_leads_nowhere_inside_and_takes_no_password_along():
    camera = Target("rtsp", "rtsp://cam.example/x", "name", "word")
    assert camera.at("/y").password == "word"
    assert camera.at("/y").url == "rtsp://cam.example/y"
    assert camera.at("rtsp://cam.example:555/y").password == ""
    assert camera.at("rtsp://evil.example/y").user == ""
    for place in ("http://cam.example/", "file:///etc/passwd", "rtsp://"):
        with pytest.raises(Fault, match="forbidden"):
            camera.at(place)
    page = Target("hls", "https://cam.example/a/i.m3u8", "name", "word")
    assert page.at("s.ts").url == "https://cam.example/a/s.ts"
    assert page.at("http://cam.example:443/s.ts").password == ""
    with pytest.raises(Fault, match="forbidden"):
        page.at("rtsp://cam.example/")


def test_gateways_share_the_cameras_evenly_and_few_move(tmp_path):
    names = [f"c{number}" for number in range(2800)]
    three = {name: gateway_of(name, ["a", "b", "c"]) for name in names}
    for gateway in "abc":
        assert 800 < sum(found == gateway for found in three.values()) < 1070
    two = {name: gateway_of(name, ["b", "a"]) for name in names}
    assert all(two[name] == three[name] for name in names if three[name] != "c")


def test_a_camera_of_another_gateway_is_named_and_not_pulled(tmp_path):
    async def run():
        rows = "".join(row(f"c{number}") for number in range(20))
        rules = 'gateways = ["cameras", "cameras-b"]'
        async with laboratory(tmp_path, rows, rules) as lab:
            told = (await get(lab.url("cameras.json"), "kim")).json()["cameras"]
            there = [one for one in told if "/cameras-b/" in one["watch"]]
            assert 0 < len(there) < 20
            one = await lab.watch(there[0]["id"])
            await until(lambda: one.closed)
            assert one.messages == [{"type": "elsewhere", "watch": there[0]["watch"]}]
            assert lab.mounts[there[0]["id"]].opened == 0

    asyncio.run(run())
