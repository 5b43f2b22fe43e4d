"""Dashboards by role, at every request; and who may publish them, through the hub."""

from __future__ import annotations

import json
import os

import nbformat
import pytest
from support.platform import PROBE, kernel_of, wait_until, websocket
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from citylib.hub.desk import AtTheHub, AtTheStore, desk
from citylib.panels.publishing import history, publish, restore, take_back
from citylib.panels.rehearsal import NotPublished
from citylib.serving.websocket import SUBPROTOCOL

DASHBOARDS = "/services/dashboards/"
READERS = {
    "for_both": ("mayor", "official"),
    "for_mayor": ("mayor",),
    "for_official": ("official",),
}


def render(name):
    return f"{DASHBOARDS}voila/render/{name}.ipynb"


def channels(kernel):
    return f"{DASHBOARDS}api/kernels/{kernel}/channels"


def text(source=PROBE):
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [nbformat.v4.new_code_cell(source.strip())]
    return nbformat.writes(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}))


@pytest.fixture(scope="module")
def settings(bare_platform):
    settings = bare_platform.settings
    for name, roles in READERS.items():
        publish(settings, name, text(), roles, actor="kim")
    yield settings
    for name in READERS:
        (settings.var / "dashboards" / f"{name}.ipynb").unlink(missing_ok=True)


@pytest.fixture(scope="module")
def clients(bare_platform, settings):
    found = {name: bare_platform.client(name) for name in ("mayor", "official", "analyst")}
    return found | {"nobody": bare_platform.client()}


@pytest.mark.parametrize("name", [*READERS, "mayor"])
@pytest.mark.parametrize("who", ["mayor", "official", "analyst", "nobody"])
def test_each_role_opens_what_is_published_to_it_and_nothing_else(clients, who, name):
    answer = clients[who].get(render(name))
    if who in READERS.get(name, ("mayor", "official")):
        assert answer.status_code == 200
        assert kernel_of(answer.text)
    elif who == "analyst":
        assert answer.status_code == 403
    elif who == "nobody":
        assert answer.url.path == "/hub/login"
    else:
        # What is not for them is, for them, not there.
        assert answer.status_code == 404
        missing = clients[who].get(render("no-such"))
        assert answer.text.replace(name, "no-such") == missing.text


def test_without_figures_the_page_begins_with_words(clients):
    text = clients["mayor"].get(render("mayor")).text
    assert 'shadowrootmode="closed"' not in text, "no first picture"
    assert text.index('class="coming"') < text.index("kernelId")


@pytest.mark.parametrize(("who", "other"), [("mayor", "for_official"), ("official", "for_mayor")])
def test_the_list_has_what_is_for_its_reader(clients, who, other):
    page = clients[who].get("/hub/dashboards").text
    for name in READERS:
        assert (render(name) in page) == (name != other)


def test_an_open_dashboard_that_is_taken_back_closes_at_once(bare_platform, settings, clients):
    client = clients["official"]
    kernel = kernel_of(client.get(render("for_official")).text)
    with websocket(bare_platform, channels(kernel), client, [SUBPROTOCOL]) as socket:
        publish(settings, "for_official", text(), ["mayor"], actor="kim")
        try:
            with pytest.raises(ConnectionClosedError) as closed:
                list(socket)
            assert closed.value.rcvd.code == 1008
            wait_until(lambda: not bare_platform.find(kernel))
            assert client.get(render("for_official")).status_code == 404
            with pytest.raises(InvalidStatus) as refused:
                websocket(bare_platform, channels(kernel), client, [SUBPROTOCOL])
            assert refused.value.response.status_code == 404
            assert clients["mayor"].get(render("for_official")).status_code == 200
        finally:
            restore(settings, "for_official", 1, actor="kim")
    assert client.get(render("for_official")).status_code == 200


def test_a_kernel_that_was_never_opened_is_refused_after_its_dashboard_was_taken_back(
    bare_platform, settings, clients
):
    client = clients["mayor"]
    kernel = kernel_of(client.get(render("for_mayor")).text)
    take_back(settings, "for_mayor", actor="kim")
    try:
        for path in (
            f"{DASHBOARDS}api/kernels/{kernel}",
            f"{DASHBOARDS}voila/api/shutdown/{kernel}",
        ):
            assert client.get(path).status_code in (404, 405), path
        with pytest.raises(InvalidStatus) as refused:
            websocket(bare_platform, channels(kernel), client, [SUBPROTOCOL])
        assert refused.value.response.status_code == 404
    finally:
        restore(settings, "for_mayor", 1, actor="kim")


@pytest.fixture(scope="module")
def token(bare_platform, clients):
    """The token of the analyst's own server."""
    client = clients["analyst"]
    client.get("/hub/spawn")
    wait_until(lambda: client.get("/user/analyst/lab").url.path == "/user/analyst/lab", 60, 1)
    folder = str(bare_platform.settings.var / "analysts" / "analyst")
    (server,) = [one for one in bare_platform.find("jupyterhub.singleuser") if one.cwd() == folder]
    return server.environ()


def test_an_analyst_publishes_through_the_hub_in_their_own_name(
    bare_platform, settings, clients, token
):
    at = desk(settings, token)
    assert isinstance(at, AtTheHub)
    done = at.publish("Of-analyst.ipynb", text(), ["official"], False)
    try:
        assert (done.name, done.version, done.actor) == ("of-analyst.ipynb", 1, "analyst")
        assert done in at.newest()
        assert history(settings, "of-analyst") == at.history("of-analyst") == [done]
        assert clients["official"].get(render("of-analyst")).status_code == 200
        assert clients["mayor"].get(render("of-analyst")).status_code == 404
        assert at.restore("of-analyst", 1, ["mayor"]).roles == ["mayor"]
        assert clients["mayor"].get(render("of-analyst")).status_code == 200
        with pytest.raises(NotPublished, match="has no version 9"):
            at.restore("of-analyst", 9, None)
        with pytest.raises(NotPublished, match="of kim already"):
            at.publish("for_both.ipynb", text(), ["mayor"], False)
        with pytest.raises(NotPublished, match="is published to mayor or official"):
            at.publish("x.ipynb", text(), ["analyst"], False)
        with pytest.raises(NotPublished, match="cannot be read as a notebook"):
            at.publish("x.ipynb", "100%s", ["mayor"], False)
    finally:
        assert at.take_back("of-analyst").version == 3
    assert clients["mayor"].get(render("of-analyst")).status_code == 404


def test_others_do_not_publish(bare_platform, settings, clients):
    body = {"name": "x", "notebook": text(), "roles": ["mayor"], "replace": False}
    for who in ("mayor", "official", "nobody"):
        client = clients[who]
        for method, path in [
            ("POST", ""),
            ("GET", ""),
            ("GET", "/for_both"),
            ("DELETE", "/for_both"),
        ]:
            xsrf = [c.value for c in client.cookies.jar if c.name == "_xsrf" and c.path == "/hub/"]
            answer = client.request(
                method,
                f"/hub/api/dashboards{path}",
                json=body if method == "POST" else None,
                headers={"X-XSRFToken": xsrf[-1] if xsrf else "", "Sec-Fetch-Mode": "cors"},
            )
            assert answer.status_code == 403, (who, method, path, answer.text)
    with pytest.raises(NotPublished, match="sign in"):
        AtTheHub(f"{bare_platform.url}/hub/api", "no-token").newest()
    assert (settings.var / "dashboards" / "for_both.ipynb").exists()


@pytest.mark.parametrize(
    "body",
    [None, [], {"name": 3}, {"name": "x", "notebook": "{}", "roles": [3], "replace": False}],
)
def test_what_the_hub_cannot_take_is_refused(bare_platform, token, body):
    client = bare_platform.client()
    headers = {"Authorization": f"token {token['JUPYTERHUB_API_TOKEN']}"}
    answer = client.post("/hub/api/dashboards", content=json.dumps(body), headers=headers)
    assert answer.status_code == 400, answer.text


def test_without_a_hub_it_is_done_at_the_store(settings):
    assert isinstance(desk(settings, {}), AtTheStore)
    assert isinstance(desk(settings, {"JUPYTERHUB_API_URL": "x"}), AtTheStore)
    assert "JUPYTERHUB_API_TOKEN" not in os.environ
