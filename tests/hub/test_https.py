"""HTTPS from another machine: a browser gives camera and microphone to nothing less."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.network import second_network
from support.platform import make_root, running

ASK = """
import sys, urllib.request, ssl
context = ssl.create_default_context(cafile=sys.argv[2])
answer = urllib.request.urlopen(sys.argv[1], context=context, timeout=20)
print(answer.status, answer.url, answer.read().decode())
"""


@pytest.fixture(scope="module")
def network():
    with second_network() as network:
        yield network


@pytest.fixture(scope="module")
def secure(network, tmp_path_factory):
    settings = make_root(tmp_path_factory.mktemp("https"))
    with running(settings, "--https", "--host", network.here) as platform:
        platform.url = platform.url.replace("127.0.0.1", network.here)
        yield platform


def test_another_machine_trusts_the_certificate_it_was_given(network, secure):
    assert secure.url.startswith("https://")
    assert f"    {secure.url}/\n" in secure.output.read_text()
    certificate = secure.settings.var / "secrets" / "certificate.pem"
    command = network.command(sys.executable, "-c", ASK, f"{secure.url}/", str(certificate))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"200 {secure.url}/services/public/")
    assert "nothing published yet" in done.stdout


def test_only_the_address_is_reached_from_another_machine(network, secure):
    open_to_all = set()
    for process in secure.processes():
        for connection in process.net_connections("inet"):
            if connection.status == "LISTEN" and connection.laddr.ip != "127.0.0.1":
                open_to_all.add(connection.laddr.port)
    assert open_to_all == {int(secure.url.rsplit(":", 1)[1])}


def test_cookies_of_a_sign_in_stay_on_https(secure):
    client = secure.client("official")
    kept = [cookie for cookie in client.cookies.jar if "hub" in cookie.name]
    assert kept
    assert all(cookie.secure for cookie in kept)


@pytest.mark.skipif(not shutil.which("chromium"), reason="the Debian package is chromium")
def test_a_browser_on_another_machine_signs_in_and_may_use_camera_and_microphone(
    network, secure, tmp_path: Path
):
    from playwright.sync_api import sync_playwright

    there = tmp_path / "chromium-there"
    there.write_text(f'#!/bin/sh\nexec {" ".join(network.command("chromium"))} "$@"\n')
    there.chmod(0o755)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=there,
            args=[
                "--no-sandbox",
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
            ],
        )
        page = browser.new_context(ignore_https_errors=True).new_page()
        page.goto(f"{secure.url}/hub/login")
        page.fill("#username_input", "mayor")
        page.fill("#password_input", secure.accounts["mayor"])
        page.click("#login_submit")
        page.wait_for_selector("text=hello from the kernel", timeout=60_000)
        page.dispatch_event("text=Press", "click")
        page.wait_for_selector("text=pressed")
        assert page.evaluate("window.isSecureContext")
        kinds = page.evaluate(
            "navigator.mediaDevices.getUserMedia({video: true, audio: true})"
            ".then(stream => stream.getTracks().map(track => track.kind).sort())"
        )
        assert kinds == ["audio", "video"]
        browser.close()
