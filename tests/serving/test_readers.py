"""A kernel is one reader's: others do not reach it, nobody takes them all, and it ends in time."""

from __future__ import annotations

import asyncio
import time
from contextlib import ExitStack, suppress
from types import SimpleNamespace

import pytest
from support.platform import kernel_of, sign_in, wait_until, websocket
from tornado.web import HTTPError
from websockets.exceptions import ConnectionClosed, InvalidStatus

from citylib.access.accounts import Accounts
from citylib.hub.spawner import ASK_AGAIN
from citylib.operations import Store
from citylib.serving.kernels import KernelsOfReader, SharedKernelManager
from citylib.serving.websocket import SUBPROTOCOL

DASHBOARDS = "/services/dashboards/"
RENDER = f"{DASHBOARDS}voila/render/mayor.ipynb"


def channels(kernel):
    return f"{DASHBOARDS}api/kernels/{kernel}/channels"


def servers(platform, name):
    workspace = str(platform.settings.var / "analysts" / name)
    return [one for one in platform.find("jupyterhub.singleuser") if one.cwd() == workspace]


def xsrf(client):
    return [c.value for c in client.cookies.jar if c.name == "_xsrf" and "dashboards" in c.path][-1]


@pytest.fixture
def kernels(monkeypatch):
    """A manager whose kernels are only names; `ended` are those it ended."""

    async def start(self, **kwargs):
        await asyncio.sleep(0)
        self._kernels[f"kernel-{self._count}"] = SimpleNamespace()
        self._count += 1
        return f"kernel-{self._count - 1}"

    async def shutdown(self, kernel_id, *args, **kwargs):
        await asyncio.sleep(0)
        del self._kernels[kernel_id]
        self.ended.append(kernel_id)

    base = SharedKernelManager.__mro__[1]
    monkeypatch.setattr(base, "start_kernel", start)
    monkeypatch.setattr(base, "shutdown_kernel", shutdown)
    monkeypatch.setattr(SharedKernelManager, "add_restart_callback", lambda *_: None)
    made = SharedKernelManager(most_for_one=3)
    made._count, made.ended = 0, []
    return made


def test_one_reader_does_not_take_the_kernels_of_another(kernels):
    async def flood():
        mayors = await KernelsOfReader(kernels, "mayor").start_kernel()
        for _ in range(10):
            await KernelsOfReader(kernels, "official").start_kernel()
        return mayors

    mayors = asyncio.run(flood())
    assert kernels.belongs_to(mayors, "mayor")
    assert not kernels.belongs_to(mayors, "official")
    # The oldest went first.
    assert list(kernels._kernels) == [mayors, "kernel-8", "kernel-9", "kernel-10"]


def test_requests_at_the_same_time_do_not_pass_together(kernels):
    async def flood():
        reader = KernelsOfReader(kernels, "official")
        calls = [reader.start_kernel() for _ in range(10)]
        return await asyncio.gather(*calls, return_exceptions=True)

    results = asyncio.run(flood())
    assert sum(isinstance(result, HTTPError) for result in results) == 7
    assert len(kernels) == 3
    # What was refused leaves no trace.
    asyncio.run(KernelsOfReader(kernels, "official").start_kernel())
    assert len(kernels) == 3


def test_open_dashboards_are_not_ended_for_new_ones(kernels):
    reader = KernelsOfReader(kernels, "official")
    for _ in range(3):
        kernels._kernel_connections[asyncio.run(reader.start_kernel())] = 1
    with pytest.raises(HTTPError) as refused:
        asyncio.run(reader.start_kernel())
    assert refused.value.status_code == 503
    assert kernels.ended == []


def test_a_kernel_that_no_page_opened_ends_soon(kernels, monkeypatch):
    async def keep(self, kernel_id):
        pass

    monkeypatch.setattr(SharedKernelManager.__mro__[1], "cull_kernel_if_idle", keep)
    reader = KernelsOfReader(kernels, "official")
    left, opened = asyncio.run(reader.start_kernel()), asyncio.run(reader.start_kernel())
    kernels.opened(opened)
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 50)
    for kernel in (left, opened):
        asyncio.run(kernels.cull_kernel_if_idle(kernel))
    assert kernels.ended == []
    monkeypatch.setattr(time, "monotonic", lambda: now + 70)
    for kernel in (left, opened):
        asyncio.run(kernels.cull_kernel_if_idle(kernel))
    assert kernels.ended == [left]


def test_pages_asked_for_and_not_opened_do_not_keep_others_out(bare_platform):
    mayor, official = bare_platform.client("mayor"), bare_platform.client("official")
    mine = kernel_of(mayor.get(RENDER).text)
    asked = [kernel_of(official.get(RENDER).text) for _ in range(10)]
    with websocket(bare_platform, channels(mine), mayor, [SUBPROTOCOL]):
        pass
    assert not bare_platform.find(asked[0])
    assert not bare_platform.find(asked[1])
    with websocket(bare_platform, channels(asked[-1]), official, [SUBPROTOCOL]):
        pass


def test_knowing_the_id_of_anothers_kernel_does_not_help(bare_platform):
    mayor, official = bare_platform.client("mayor"), bare_platform.client("official")
    kernel = kernel_of(mayor.get(RENDER).text)
    official.get(RENDER)
    with pytest.raises(InvalidStatus) as refused:
        websocket(bare_platform, channels(kernel), official, [SUBPROTOCOL])
    assert refused.value.response.status_code == 404
    same = {"Sec-Fetch-Mode": "cors", "Referer": bare_platform.url + RENDER}
    ending = f"{DASHBOARDS}voila/api/shutdown/{kernel}"
    answer = official.post(ending, data={"_xsrf": xsrf(official)}, headers=same)
    assert answer.status_code == 404
    assert official.get(f"{DASHBOARDS}api/kernels/{kernel}").status_code in (403, 404)
    assert bare_platform.find(kernel)
    with websocket(bare_platform, channels(kernel), mayor, [SUBPROTOCOL]):
        pass


def test_browsers_are_told_what_a_dashboard_may_do(bare_platform):
    mayor = bare_platform.client("mayor")
    told = mayor.get(RENDER).headers
    for part in ("frame-ancestors 'self'", "object-src 'none'", "base-uri", "connect-src 'self'"):
        assert part in told["Content-Security-Policy"]
    for client in (mayor, bare_platform.client()):
        answer = client.get(f"{DASHBOARDS}voila/static/voila.js")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    client = bare_platform.client()
    answer = sign_in(client, "mayor", bare_platform.accounts["mayor"])
    cookies = answer.headers.get_list("set-cookie")
    answer = client.get(RENDER)
    for step in (*answer.history, answer):
        cookies += step.headers.get_list("set-cookie")
    kept = [cookie for cookie in cookies if "jupyterhub-" in cookie and "state" not in cookie]
    assert kept
    assert all("samesite=lax" in cookie.lower() for cookie in kept), kept


def test_a_new_password_ends_what_is_open(bare_platform):
    with Store(bare_platform.settings.database) as store:
        accounts = Accounts(store)
        for name, role in (("park", "official"), ("choi", "analyst")):
            bare_platform.accounts[name] = accounts.ensure(name, role) or ""
        park, choi = bare_platform.client("park"), bare_platform.client("choi")
        kernel = kernel_of(park.get(RENDER).text)
        work = "/user/choi/api/contents"
        choi.get("/hub/spawn")
        wait_until(lambda: choi.get("/user/choi/lab").url.path == "/user/choi/lab", 60, 1)
        assert choi.get(work).status_code == 200
        (server,) = servers(bare_platform, "choi")
        assert ASK_AGAIN in server.cmdline()
        with websocket(bare_platform, channels(kernel), park, [SUBPROTOCOL]) as socket:
            began = time.monotonic()
            accounts.reset_password("park")
            accounts.reset_password("choi")
            with suppress(ConnectionClosed):
                while time.monotonic() - began < 90:
                    socket.recv(timeout=90)
        assert socket.close_code == 1008
        wait_until(lambda: not servers(bare_platform, "choi"), 60)
        # Until the hub has seen that the server ended, the proxy says that nobody answers there.
        while (answer := choi.get(work)).url.path != "/hub/login":
            assert answer.status_code >= 500
            assert time.monotonic() - began < 90
        assert time.monotonic() - began < 90
        for name in ("park", "choi"):
            accounts.remove(name)
            del bare_platform.accounts[name]


def test_a_page_is_told_whose_it_is(bare_platform):
    official = bare_platform.client("official")
    official.get(RENDER)
    answer = official.get(f"{DASHBOARDS}reader", headers={"Sec-Fetch-Mode": "cors"})
    assert answer.json() == {"name": "official", "sign_out": f"{DASHBOARDS}logout"}
    assert answer.headers["Cache-Control"] == "no-store"
    nobody = bare_platform.client().get(f"{DASHBOARDS}reader", headers={"Sec-Fetch-Mode": "cors"})
    assert nobody.status_code == 403
    # Signing out there signs out everywhere.
    official.get(answer.json()["sign_out"])
    assert official.get(RENDER, follow_redirects=False).status_code == 302
    assert official.get("/hub/home", follow_redirects=False).status_code == 302


def test_a_page_that_could_not_be_made_says_why_and_tries_again(bare_platform):
    official = bare_platform.client("official")
    lost = official.get(f"{DASHBOARDS}voila/render/nothing.ipynb")
    assert lost.status_code == 404
    assert 'http-equiv="refresh"' not in lost.text
    most = SharedKernelManager.most_for_one.default_value
    with ExitStack() as open_pages:
        for _ in range(most):
            kernel = kernel_of(official.get(RENDER).text)
            page = websocket(bare_platform, channels(kernel), official, [SUBPROTOCOL])
            open_pages.enter_context(page)
        full = official.get(RENDER)
    assert full.status_code == 503
    assert "you have too many dashboards open; close one of them" in full.text
    assert 'http-equiv="refresh"' in full.text


def test_the_hubs_page_for_a_service_that_is_away_tries_again(bare_platform):
    away = bare_platform.client().get("/hub/error/503?url=%2Fservices%2Fdashboards%2F").text
    assert 'http-equiv="refresh"' in away
    assert "tries by itself" in away
