"""Every way in, tried without the role for it."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import sys
import uuid
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import update
from support.platform import kernel_of, sign_in, wait_until, websocket
from tornado.web import HTTPError
from websockets.exceptions import InvalidStatus

from citylib.hub.spawner import AnalystSpawner
from citylib.operations import Store
from citylib.operations.tables import accounts

DASHBOARDS = "/services/dashboards/"
RENDER = f"{DASHBOARDS}voila/render/mayor.ipynb"
KERNEL = str(uuid.UUID(int=7))
# What a reader of the dashboards needs and nobody else gets.
FOR_READERS = [
    RENDER,
    f"{DASHBOARDS}voila/static/voila.js",
    f"{DASHBOARDS}voila/templates/lab/static/voila.js",
    f"{DASHBOARDS}voila/files/mayor.ipynb",
    f"{DASHBOARDS}voila/labextensions/bqplot/package.json",
    f"{DASHBOARDS}voila/api/themes/x",
    f"{DASHBOARDS}voila/render/nothing.ipynb",
    f"{DASHBOARDS}voila/execution/{KERNEL}",
    f"{DASHBOARDS}voila/query/{KERNEL}",
    f"{DASHBOARDS}api/kernels/{KERNEL}",
    f"{DASHBOARDS}api/kernels/{KERNEL}/channels",
    f"{DASHBOARDS}api/kernels",
    f"{DASHBOARDS}api/contents",
]
OF_THE_HUB = [
    "/hub/home",
    "/hub/spawn",
    "/hub/spawn/analyst",
    "/hub/spawn/mayor",
    "/hub/spawn/mayor/second",
    "/hub/spawn-pending/mayor",
    "/user/mayor/",
    "/user/mayor/lab",
    "/hub/dashboards",
    "/hub/admin",
    "/hub/token",
    "/hub/metrics",
    "/user/analyst/lab",
    "/user/analyst/api/contents",
    "/user/analyst/files/notebooks/first.ipynb",
]
# Where a reader ends up at the dashboards.
LEADING = ["/hub/home", "/hub/token", "/hub/dashboards"]
API_OF_THE_HUB = ["users", "users/analyst", "groups", "services", "proxy", "info", "tokens"]


@pytest.fixture(scope="module")
def mayor(bare_platform):
    return bare_platform.client("mayor")


@pytest.fixture(scope="module")
def official(bare_platform):
    return bare_platform.client("official")


@pytest.fixture(scope="module")
def analyst(bare_platform):
    client = bare_platform.client("analyst")
    client.get("/hub/spawn")
    wait_until(lambda: client.get("/user/analyst/lab").url.path == "/user/analyst/lab", 60, 1)
    return client


def test_a_visitor_gets_the_public_page(bare_platform):
    answer = bare_platform.client().get("/")
    assert answer.url.path == "/services/public/"
    assert "nothing published yet" in answer.text


@pytest.mark.parametrize("path", FOR_READERS + OF_THE_HUB)
def test_nobody_is_sent_to_sign_in_or_refused(bare_platform, path):
    answer = bare_platform.client().get(path)
    refused = answer.status_code in (403, 404, 405, 503)
    assert refused or answer.url.path == "/hub/login", (answer.status_code, answer.url)
    if path.startswith(DASHBOARDS) and "render" not in path:
        assert answer.status_code in (403, 404) or answer.url.path == "/hub/login"


@pytest.mark.parametrize("path", FOR_READERS)
def test_an_analyst_does_not_reach_the_dashboards(bare_platform, analyst, path):
    assert analyst.get(path).status_code in (403, 404)


@pytest.mark.parametrize("path", API_OF_THE_HUB)
@pytest.mark.parametrize("who", [None, "official"])
def test_the_api_of_the_hub_is_closed(bare_platform, official, path, who):
    client = official if who else bare_platform.client()
    for headers in ({}, {"Authorization": "token 0123456789abcdef0123456789abcdef"}):
        answer = client.get(f"/hub/api/{path}", headers={"Sec-Fetch-Mode": "cors"} | headers)
        assert answer.status_code in (403, 404), answer.text


@pytest.mark.parametrize("path", ["/", *LEADING])
@pytest.mark.parametrize("who", ["mayor", "official"])
def test_readers_are_led_to_the_dashboard(bare_platform, who, path, request):
    client = request.getfixturevalue(who)
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.url.path == RENDER
    assert kernel_of(answer.text)


@pytest.mark.parametrize("path", [path for path in OF_THE_HUB if path not in LEADING])
@pytest.mark.parametrize("who", ["mayor", "official"])
def test_readers_get_no_server_and_nobody_elses(bare_platform, analyst, path, who, request):
    answer = request.getfixturevalue(who).get(path)
    assert answer.status_code in (403, 404), (answer.status_code, answer.text[:300])


def test_readers_with_several_dashboards_get_a_list_of_their_titles(bare_platform, mayor):
    folder = bare_platform.settings.var / "dashboards"
    for name in ("air", "bikes"):
        shutil.copy(folder / "mayor.ipynb", folder / f"{name}.ipynb")
    cells = json.loads((folder / "air.ipynb").read_text())
    cells["metadata"]["title"] = "<b>Air</b>"
    (folder / "air.ipynb").write_text(json.dumps(cells))
    try:
        for path in ("/", "/hub/home"):
            page = mayor.get(path)
            assert page.url.path == "/hub/dashboards"
        found = re.findall(r'<a href="(/services/dashboards/[^"]+)">([^<]+)</a>', page.text)
        assert found[1:] == [
            (f"{DASHBOARDS}voila/render/air.ipynb", "&lt;b&gt;Air&lt;/b&gt;"),
            (f"{DASHBOARDS}voila/render/bikes.ipynb", "bikes"),
        ]
        assert found[0][0] == RENDER
        assert "Seoul at a glance" in found[0][1]
        assert kernel_of(mayor.get(found[2][0]).text)
    finally:
        for name in ("air", "bikes"):
            (folder / f"{name}.ipynb").unlink()


def test_an_analyst_gets_no_list_of_dashboards(analyst):
    assert analyst.get("/hub/dashboards").status_code == 403


def test_an_analyst_keeps_the_pages_about_servers_and_tokens(analyst):
    assert "My Server" in analyst.get("/hub/home").text
    assert "token" in analyst.get("/hub/token").text


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("path", ["/hub/spawn", "/hub/spawn/mayor", "/hub/spawn/mayor/second"])
def test_a_reader_who_asks_for_a_server_is_told_and_shown_the_way(mayor, path, method):
    data = {"data": {"_xsrf": xsrf_of_the_hub(mayor)}} if method == "post" else {}
    answer = getattr(mayor, method)(path, **data)
    assert answer.status_code == 403
    assert "Servers are for analysts" in answer.text
    assert 'href="/hub/dashboards"' in answer.text
    assert 'href="/hub/token"' not in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "users/mayor/server",
        "users/mayor/servers/second",
        "users/analyst/server",
        "users/mayor/tokens",
        "users/mayor/shares",
        "users",
    ],
)
def test_a_mayor_cannot_start_a_server_or_make_a_token_by_the_api(bare_platform, mayor, path):
    headers = {"X-XSRFToken": xsrf_of_the_hub(mayor), "Referer": f"{mayor.base_url}hub/home"}
    answer = mayor.post(f"/hub/api/{path}", headers=headers, json={})
    assert answer.status_code in (403, 404), answer.text
    assert not bare_platform.find("jupyterhub.singleuser --mayor")
    assert not (bare_platform.settings.var / "analysts" / "mayor").exists()


def test_a_server_is_refused_to_who_is_no_analyst_whatever_their_rights():
    spawner = AnalystSpawner()
    spawner.user = SimpleNamespace(name="mayor", groups=[SimpleNamespace(name="mayors")])
    with pytest.raises(HTTPError, match="mayor is no analyst"):
        asyncio.run(spawner.start())


def xsrf_of_the_hub(client):
    return [c.value for c in client.cookies.jar if c.name == "_xsrf" and c.path == "/hub/"][-1]


@pytest.mark.parametrize(
    "path",
    [
        "voila/tree",
        "voila/tree/",
        "voila/api/contents",
        "voila/api/contents/mayor.ipynb",
        "voila/files/mayor.ipynb",
        "voila/files/../citylib.toml",
        "voila/files/..%2fcitylib.toml",
        "voila/render/..%2fnotebooks%2ffirst.ipynb",
        "voila/render/../notebooks/first.ipynb",
        "voila/render/%2e%2e%2fnotebooks%2ffirst.ipynb",
        "voila/render/nothing.ipynb",
        "voila/render/citylib.toml",
        "voila/render/.ipynb_checkpoints",
        "voila/static/..%2f..%2f..%2f..%2f..%2fetc%2fpasswd",
        "voila/labextensions/..%2f..%2f..%2f..%2fetc%2fpasswd",
        "voila/templates/..%2f..%2fstatic%2fx",
        "voila/templates/lab/static/..%2f..%2f..%2f..%2f..%2f..%2fetc%2fpasswd",
        "voila/query/" + KERNEL,
        "api/kernels",
        "api/sessions",
        "api/contents/mayor.ipynb",
        "terminals/websocket/1",
    ],
)
def test_a_reader_gets_pages_but_no_files_and_no_source(mayor, path):
    answer = mayor.get(DASHBOARDS + path)
    assert answer.status_code in (400, 403, 404), (answer.status_code, answer.url)
    assert "root:" not in answer.text
    assert "ipywidgets" not in answer.text


def test_browsers_keep_what_is_named_after_its_content_and_nothing_else(bare_platform, mayor):
    folder = Path(sys.prefix) / "share" / "jupyter" / "labextensions" / "bqplot"
    script = next((folder / "static").glob("remoteEntry.*.js")).relative_to(folder.parent)
    assert mayor.get(RENDER).status_code == 200
    answers = [
        mayor.get(f"{DASHBOARDS}voila/labextensions/{path}")
        for path in (script, "bqplot/package.json", script.with_stem("remoteEntry.0123456789"))
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 404]
    kept = ["immutable" in answer.headers.get("Cache-Control", "") for answer in answers]
    assert kept == [True, False, False]
    assert "private" in answers[0].headers["Cache-Control"]


def test_the_page_does_not_show_the_source(mayor):
    assert "ipywidgets.HTML" not in mayor.get(RENDER).text


def test_leaving_the_page_ends_its_kernel_and_only_with_the_token_against_forgery(
    bare_platform, mayor
):
    kernel = kernel_of(mayor.get(RENDER).text)
    path = f"{DASHBOARDS}voila/api/shutdown/{kernel}"
    same = {"Sec-Fetch-Mode": "cors", "Referer": bare_platform.url + RENDER}
    assert mayor.post(path, headers=same).status_code == 403
    assert bare_platform.client().post(path).status_code == 403
    assert bare_platform.find(kernel)
    xsrf = [c.value for c in mayor.cookies.jar if c.name == "_xsrf" and "dashboards" in c.path]
    assert mayor.post(path, data={"_xsrf": xsrf[-1]}, headers=same).status_code == 204
    wait_until(lambda: not bare_platform.find(kernel))


@pytest.mark.parametrize("who", [None, "analyst"])
def test_a_kernels_websocket_is_closed_without_the_role(bare_platform, mayor, analyst, who):
    kernel = kernel_of(mayor.get(RENDER).text)
    client = analyst if who else None
    with pytest.raises(InvalidStatus) as refused:
        websocket(bare_platform, f"{DASHBOARDS}api/kernels/{kernel}/channels", client)
    assert refused.value.response.status_code in (403, 404)


def test_another_site_cannot_open_a_kernels_websocket(bare_platform, mayor):
    kernel = kernel_of(mayor.get(RENDER).text)
    with pytest.raises(InvalidStatus) as refused:
        websocket(
            bare_platform,
            f"{DASHBOARDS}api/kernels/{kernel}/channels",
            mayor,
            ["v1.kernel.websocket.jupyter.org"],
            origin="https://evil.example",
        )
    assert refused.value.response.status_code == 403


def test_the_sign_in_form_needs_its_token(bare_platform):
    client = bare_platform.client()
    client.get("/hub/login")
    data = {"username": "mayor", "password": bare_platform.accounts["mayor"]}
    assert client.post("/hub/login", data=data).status_code == 403
    assert client.get("/").url.path == "/services/public/"


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "/%5Cevil.example/",
        "%5C%5Cevil.example",
        "http:evil.example",
        "https:%2F%2Fevil.example%2Fhub%2F",
        "%09//evil.example",
    ],
)
def test_signing_in_leads_nowhere_else(bare_platform, target):
    client = bare_platform.client()
    answer = sign_in(client, "official", bare_platform.accounts["official"], target)
    to = answer.headers["location"]
    assert to.startswith("/"), to
    assert not to.startswith(("//", "/\\")), to


def test_guesses_are_stopped(bare_platform):
    client = bare_platform.client()
    name = "nobody-" + uuid.uuid4().hex[:8]
    answers = []
    for n in range(6):
        # Naming another address every time does not help.
        client.headers["X-Forwarded-For"] = f"10.0.0.{n}"
        answers.append(sign_in(client, name, f"guess {n}").status_code)
    assert answers == [403] * 5 + [429]
    told = sign_in(client, name, "again")
    assert "Too many wrong passwords" in told.text


def test_an_account_without_a_role_gets_a_page_that_says_so(bare_platform):
    with Store(bare_platform.settings.database) as store:
        from citylib.access.accounts import Accounts

        password = Accounts(store).ensure("guest", "official") or ""
        with store.write() as connection:
            change = update(accounts).where(accounts.c.name == "guest")
            connection.execute(change.values(role="none of ours"))
    client = bare_platform.client()
    assert sign_in(client, "guest", password).status_code == 302
    answer = client.get("/")
    assert answer.status_code == 403
    assert answer.url.path == "/hub/no-role"
    assert "without a role" in answer.text
    assert client.get(RENDER).status_code == 403
    assert client.get("/hub/spawn").status_code == 403


def test_an_analyst_works_in_a_folder_of_their_own(bare_platform, analyst):
    found = analyst.get("/user/analyst/api/contents/notebooks").json()
    assert [item["name"] for item in found["content"]] == ["first.ipynb"]
    assert analyst.get("/user/analyst/lab").status_code == 200
    workspace = bare_platform.settings.var / "analysts" / "analyst"
    assert workspace.stat().st_mode & 0o777 == 0o700


def test_another_analyst_does_not_reach_the_server(bare_platform, analyst):
    from citylib.access.accounts import Accounts

    with Store(bare_platform.settings.database) as store:
        password = Accounts(store).ensure("lee", "analyst") or ""
    client = bare_platform.client()
    assert sign_in(client, "lee", password).status_code == 302
    for path in ("lab", "api/contents", "api/kernels", "api/status"):
        assert client.get(f"/user/analyst/{path}").status_code == 403
    with pytest.raises(InvalidStatus):
        websocket(bare_platform, f"/user/analyst/api/kernels/{KERNEL}/channels", client)


def test_addresses_are_this_machines_alone(bare_platform, analyst):
    listening = set()
    for process in bare_platform.processes():
        for connection in process.net_connections("inet"):
            if connection.status == "LISTEN":
                listening.add((connection.laddr.ip, connection.laddr.port))
    assert len(listening) >= 6
    assert {address for address, _ in listening} == {"127.0.0.1"}, listening


def test_no_secret_reaches_kernels_or_analysts(bare_platform, analyst, mayor):
    mayor.get(RENDER)
    secrets = bare_platform.settings.var / "secrets"
    kept = [path.read_text() for path in secrets.iterdir()]
    assert len(kept) == 10  # four, and six of the conference
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in secrets.iterdir())
    kernels = "/hub/dashboards/runtime/voila_"
    for part in (kernels, "jupyterhub.singleuser", "citylib.hub.public"):
        found = bare_platform.find(part)
        assert found, part
        for process in found:
            environment = process.environ()
            assert not set(kept) & set(environment.values())
            if part == kernels:
                assert not [name for name in environment if name.startswith("JUPYTERHUB_")]


def test_passwords_are_printed_once_and_kept_nowhere(bare_platform, mayor, analyst):
    printed = bare_platform.output.read_text()
    assert set(bare_platform.accounts) == {"analyst", "official", "mayor"}
    for password in bare_platform.accounts.values():
        assert printed.count(password) == 1
        for path in bare_platform.settings.var.rglob("*"):
            if path.is_file() and not path.is_symlink():
                assert password.encode() not in path.read_bytes(), path


def test_sign_ins_are_audited(bare_platform, mayor):
    with Store(bare_platform.settings.database) as store:
        entries = store.audit.read(actor="mayor", action="signed in")
    assert entries
    assert entries[-1].detail == {"address": "127.0.0.1"}
    assert json.dumps(entries[-1].detail)
