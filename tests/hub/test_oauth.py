"""Sign-in with a provider of the city's own, set up as docs/operator.md says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

import httpx
import pytest
from support.platform import CHECKOUT, Platform, make_root, wait_until

from citylib.hub.installation import Installation
from citylib.hub.ready import answers

pytest.importorskip("oauthenticator")
SECRET = "told/to the hub%alone"
GROUPS = {
    "kim": ["analysts", "fire-brigade"],
    "park": ["mayors"],
    "lee": ["officials"],
    "guest": ["visitors"],
}


class Provider(ThreadingHTTPServer):
    """An OAuth2 provider at which `person` is signed in; `groups` is whom it knows."""

    person = ""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.groups = dict(GROUPS)
        self.url = f"http://127.0.0.1:{self.server_port}"


class Answers(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path == "/authorize":
            asked = {key: values[0] for key, values in parse_qs(url.query).items()}
            assert asked["response_type"] == "code"
            code = urlencode({"code": self.server.person, "state": asked["state"]})
            self.send_response(302)
            self.send_header("Location", f"{asked['redirect_uri']}?{code}")
            self.end_headers()
        elif url.path == "/userinfo":
            name = self.headers["Authorization"].removeprefix("Bearer token-of-")
            known = self.server.groups.get(name)
            told = {"preferred_username": name, "groups": known} if known else {}
            self.answer(200 if known else 401, told)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        told = {key: values[0] for key, values in parse_qs(body).items()}
        basic = b64decode(self.headers.get("Authorization", "Basic ")[6:]).decode()
        secret = told.get("client_secret") or unquote(basic.partition(":")[2])
        if secret == SECRET and told.get("code") in self.server.groups:
            token = {"access_token": f"token-of-{told['code']}", "token_type": "Bearer"}
            self.answer(200, token)
        else:
            self.answer(401, {"error": "invalid_client"})

    def answer(self, status: int, content: dict[str, object]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def provider() -> Iterator[Provider]:
    with Provider() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def as_in_the_docs(sign_in: str, address: str, secret: Path) -> str:
    """The hub's configuration with the lines of docs/operator.md."""
    text = (CHECKOUT / "docs" / "operator.md").read_text()
    (lines,) = re.findall(r"```python\n(# OAuth or OpenID.*?)```", text, re.S)
    for example, here in {
        "https://id.city.example": sign_in,
        "https://platform.city.example": address,
        "/etc/city/oauth_secret": str(secret),
    }.items():
        assert example in lines
        lines = lines.replace(example, here)
    config = CHECKOUT / "jupyterhub_config.py"
    return f"load_subconfig({str(config)!r})\n{lines}\nc.Authenticator.auth_refresh_age = 1\n"


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """Platform and provider; the hub is started by hand."""
    root = tmp_path_factory.mktemp("oauth")
    settings = make_root(root)
    (root / "secret").write_text(SECRET + "\n")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CITYLIB_")}
    environment["CITYLIB_CONFIG"] = str(root / "citylib.toml")
    settings.var.mkdir(mode=0o700)
    here = Installation(settings)
    with provider() as city, (root / "output.txt").open("wb") as output:
        config = root / "config.py"
        address = here.address().rstrip("/")
        config.write_text(as_in_the_docs(city.url, address, root / "secret"))
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterhub", "-f", str(config)],
            cwd=root,
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            wait_until(lambda: answers(here) or process.poll() is not None, 120, 0.3)
            assert process.poll() is None, (root / "output.txt").read_text()
            yield Platform(address, {}, settings, process, root / "output.txt"), city
        finally:
            process.terminate()
            process.wait(60)


def signed_in(hub, person: str) -> httpx.Client:
    platform, city = hub
    city.person = person
    client = platform.client()
    client.get("/hub/oauth_login")
    return client


@pytest.mark.parametrize(
    ("person", "leads_to", "status"),
    [
        ("park", "/services/dashboards/voila/render/mayor.ipynb", 200),
        ("lee", "/services/dashboards/voila/render/mayor.ipynb", 200),
        ("guest", "/hub/no-role", 403),
    ],
)
def test_groups_of_the_provider_are_roles(hub, person, leads_to, status):
    client = signed_in(hub, person)
    answer = client.get("/")
    assert (answer.url.path, answer.status_code) == (leads_to, status)
    assert client.get("/hub/spawn").status_code == 403
    assert "Sign in" in hub[0].client().get("/hub/login").text


def test_an_analyst_of_the_provider_gets_a_server(hub):
    client = signed_in(hub, "kim")
    client.get("/")
    wait_until(lambda: client.get("/user/kim/lab").url.path == "/user/kim/lab", 60, 1)
    assert (hub[0].settings.var / "analysts" / "kim").is_dir()
    assert client.get("/hub/dashboards").status_code == 403


def test_who_is_unknown_to_the_provider_is_not_signed_in(hub):
    client = signed_in(hub, "nobody")
    assert client.get("/").url.path == "/services/public/"


def test_a_role_that_the_provider_takes_away_is_gone(hub):
    client = signed_in(hub, "park")
    assert client.get("/hub/dashboards").status_code == 200
    _, city = hub
    city.groups["park"] = ["visitors"]
    try:
        wait_until(lambda: client.get("/hub/dashboards").status_code == 403, 30, 0.5)
    finally:
        city.groups["park"] = GROUPS["park"]
