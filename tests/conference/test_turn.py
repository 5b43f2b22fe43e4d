"""The relay: real coturn, a real browser that may use nothing else."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time

import pytest
from support.hall import Hall, bare_settings, free_port, some_ports
from support.platform import wait_until
from support.screen import WITH_MEDIA, chromium

from citylib.city.secrets import SecretError
from citylib.conference.media import turn
from citylib.conference.media.janus import Janus
from citylib.conference.media.turn import Relay
from citylib.conference.settings import Media, Rules, Turn
from citylib.hub.tls import ensure_certificate

pytestmark = pytest.mark.media

needs_coturn = pytest.mark.skipif(
    not (shutil.which("turnserver") and shutil.which("janus")),
    reason="coturn or janus is not installed: make system",
)


@pytest.fixture(scope="module")
def relay(tmp_path_factory):
    settings = bare_settings(tmp_path_factory.mktemp("turn"))
    certificate, key = ensure_certificate(settings.var / "tls")
    ports = {"port": free_port(), "tls_port": free_port(), "relay_ports": some_ports()}
    rules = Rules(media=Media(ports=some_ports()), turn=Turn(**ports))
    relay = Relay(settings, rules, certificate, key, bind="127.0.0.1")
    with Hall(Janus(settings, rules.media), relay.run) as hall:
        relay.hall = hall
        wait_until(lambda: answers(relay.port))
        yield relay


def answers(port):
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True


@needs_coturn
@pytest.mark.parametrize(
    ("scheme", "way"),
    [("turn", "udp"), ("turn", "tcp"), ("turns", "tcp")],
    ids=["udp", "tcp", "tls"],
)
def test_who_can_reach_nothing_else_talks_by_the_relay(relay, browser, scheme, way):
    told = relay.ice_servers("anna", "127.0.0.1")[-1]
    wanted = [url for url in told["urls"] if url.startswith(f"{scheme}:") and url.endswith(way)]
    page = browser.new_page()
    page.goto(relay.hall.url)
    for name, options in (
        ("anna", {"ice": [{**told, "urls": wanted}], "relay": True}),
        ("ben", {}),
    ):
        page.evaluate(
            "([who, options]) => enter(who, options)", [name, {"room": f"{scheme}{way}", **options}]
        )
    page.wait_for_function(
        "() => people.anna.seen().ben?.frames > 3 && people.ben.seen().anna?.frames > 3"
    )
    path = page.evaluate("people.anna.paths()")
    assert path["kind"] == "relay"
    assert path["transport"] == ("tls" if scheme == "turns" else way)
    page.close()


@pytest.fixture(scope="module")
def browser():
    # The relay's certificate was signed by nobody.
    with chromium(*WITH_MEDIA, "--ignore-certificate-errors") as browser:
        yield browser


def client(relay, told, peer):
    """What coturn's own client says of an attempt to send somewhere."""
    command = ["turnutils_uclient", "-u", told["username"], "-w", told["credential"], "-e", peer]
    command += ["-n", "1", "-m", "1", "-c", "-p", str(relay.port), "127.0.0.1"]
    done = subprocess.run(["timeout", "5", *command], capture_output=True, text=True)
    return done.stdout + done.stderr


@needs_coturn
@pytest.mark.parametrize("peer", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "192.168.0.1"])
def test_the_relay_is_no_way_into_the_citys_network(relay, peer):
    said = client(relay, relay.ice_servers("anna", "127.0.0.1")[-1], peer)
    assert "403 (Forbidden IP)" in said


@needs_coturn
def test_credentials_expire(relay, monkeypatch):
    monkeypatch.setattr(turn, "VALID", -5)
    said = client(relay, relay.ice_servers("anna", "127.0.0.1")[-1], "10.1.2.3")
    assert "403" not in said
    assert "401" in said or "Cannot complete Allocation" in said


@needs_coturn
def test_the_secret_is_in_no_log(relay):
    secret = (relay._folder.parents[1] / "secrets" / "conference_turn").read_text()
    for log in (relay._folder.parents[1] / "log").iterdir():
        assert secret not in log.read_text()
    assert (relay._folder / "turnserver.conf").stat().st_mode & 0o077 == 0


def test_a_relay_of_somebody_elses_needs_its_secret_and_its_name(tmp_path):
    settings = bare_settings(tmp_path)
    rules = Rules(turn=Turn(outside=True, host="turn.example.org", tls_port=443))
    with pytest.raises(SecretError, match="conference_turn is missing"):
        Relay(settings, rules)
    settings.secrets.mkdir()
    (settings.secrets / "conference_turn").touch(0o600)
    (settings.secrets / "conference_turn").write_text("shared\n")
    told = Relay(settings, rules).ice_servers("anna", "city.example.org")[-1]
    assert told["urls"][-1] == "turns:turn.example.org:443?transport=tcp"
    until, who = told["username"].split(":")
    assert who == "anna"
    assert 0 < int(until) - time.time() <= 12 * 3600


def test_without_coturn_a_browser_is_told_of_no_relay(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    relay = Relay(bare_settings(tmp_path), Rules(media=Media(stun=("stun.example.org:3478",))))
    assert relay.ice_servers("anna", "x") == [{"urls": ["stun:stun.example.org:3478"]}]
    assert "coturn is not installed" in relay.missing
