"""Cameras behind the hub's sign-in, as a browser reaches them; and a gateway that is killed."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack

import pytest
from playwright.sync_api import sync_playwright
from support.platform import Platform
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.sync.client import connect

from citylib.operations import Store

SERVICE = "/services/cameras/"
# What a page does: the cookie by way of a frame, then the websocket into a video.
WATCH = """async path => {
  const frame = document.createElement('iframe');
  frame.src = '/services/cameras/sign-in';
  document.body.append(frame);
  await new Promise(done => frame.addEventListener('load', done));
  const began = performance.now();
  const video = document.createElement('video');
  video.muted = true;
  document.body.append(video);
  const first = new Promise(done => video.requestVideoFrameCallback(done));
  const socket = new WebSocket(path.replace(/^/, location.origin.replace('http', 'ws')));
  socket.binaryType = 'arraybuffer';
  const waiting = [];
  let buffer;
  const feed = () => {
    if (buffer && !buffer.updating && waiting.length) buffer.appendBuffer(waiting.shift());
  };
  socket.onmessage = async ({data}) => {
    if (typeof data === 'string') {
      const told = JSON.parse(data);
      if (told.type !== 'stream') return;
      const source = new MediaSource();
      video.src = URL.createObjectURL(source);
      await new Promise(done => source.addEventListener('sourceopen', done, {once: true}));
      buffer = source.addSourceBuffer(told.mime);
      buffer.addEventListener('updateend', () => {
        if (video.buffered.length && video.currentTime < video.buffered.start(0)) {
          video.currentTime = video.buffered.start(0);
          video.play();
        }
        feed();
      });
    } else waiting.push(data);
    feed();
  };
  await first;
  const shown = performance.now() - began;
  await new Promise(done => setTimeout(done, 1500));
  return {shown, width: video.videoWidth, played: video.currentTime - video.buffered.start(0),
          error: video.error && video.error.message};
}"""


def signed_in(platform: Platform, account: str | None):
    """A client with the cookies of a browser that has been at the cameras."""
    client = platform.client(account)
    if account:
        answer = client.get(f"{SERVICE}sign-in")
        assert answer.json()["role"] == account
    return client


def open_camera(platform: Platform, client, camera: str):
    cookies = "; ".join(
        f"{c.name}={c.value}" for c in client.cookies.jar if c.path in ("/", SERVICE)
    )
    url = platform.url.replace("http", "ws") + f"{SERVICE}watch/{camera}?lang=en"
    return connect(url, additional_headers={"Cookie": cookies}, origin=platform.url, max_size=None)


def pictures(socket, count: int) -> list[str]:
    """Read so many messages with pictures; gives the states that were told."""
    states = []
    while count:
        message = socket.recv(timeout=15)
        if isinstance(message, bytes):
            count -= 1
        elif (told := json.loads(message))["type"] == "state":
            states.append(told["state"])
    return states


@pytest.fixture(scope="module")
def some(bare_platform):
    """A camera that is public, and one that is not."""
    told = signed_in(bare_platform, "mayor").get(f"{SERVICE}cameras.json").json()["cameras"]
    assert len(told) == 2800
    assert "rtsp" not in json.dumps(told)
    public = bare_platform.client().get(f"{SERVICE}cameras.json").json()["cameras"]
    assert 100 < len(public) < 300
    hidden = {one["id"] for one in told} - {one["id"] for one in public}
    return sorted(one["id"] for one in public)[3], sorted(hidden)[3]


@pytest.mark.parametrize(
    ("account", "may"), [("mayor", True), ("official", True), ("analyst", False), (None, False)]
)
def test_each_role_sees_what_it_may(bare_platform, some, account, may):
    public, hidden = some
    client = signed_in(bare_platform, account)
    with open_camera(bare_platform, client, public) as socket:
        assert "live" in pictures(socket, 5)
    if may:
        with open_camera(bare_platform, client, hidden) as socket:
            assert "live" in pictures(socket, 5)
    else:
        with pytest.raises(InvalidStatus, match="403"):
            open_camera(bare_platform, client, hidden)


def test_a_browser_shows_moving_pictures(bare_platform, some):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"],
        )
        page = browser.new_context(bypass_csp=True).new_page()
        page.goto(f"{bare_platform.url}/hub/login")
        page.fill("input[name=username]", "mayor")
        page.fill("input[name=password]", bare_platform.accounts["mayor"])
        page.click("[type=submit]")
        page.wait_for_load_state()
        page.goto(f"{bare_platform.url}/services/public/")
        found = page.evaluate(WATCH, f"{SERVICE}watch/{some[1]}")
        browser.close()
    assert found["error"] is None
    assert found["width"] == 640
    assert found["played"] > 0.5


def test_a_killed_gateway_comes_back_and_its_viewers_with_it(bare_platform, some):
    client = signed_in(bare_platform, "mayor")
    with ExitStack() as stack:
        sockets = [
            stack.enter_context(open_camera(bare_platform, client, some[n % 2])) for n in range(50)
        ]
        for socket in sockets:
            pictures(socket, 2)
        time.sleep(6)  # who watches is noted every 5 s
        [gateway] = bare_platform.find("camera run")
        gateway.kill()
        for socket in sockets:
            with pytest.raises(ConnectionClosed):
                pictures(socket, 10_000)
    ends = time.monotonic() + 30
    with ExitStack() as stack:
        again = []
        while len(again) < 50:
            assert time.monotonic() < ends
            try:
                again.append(
                    stack.enter_context(open_camera(bare_platform, client, some[len(again) % 2]))
                )
            except (InvalidHandshake, OSError):
                time.sleep(0.2)
        for socket in again:
            pictures(socket, 2)
    with Store(bare_platform.settings.database) as store:
        ends = time.monotonic() + 10
        while time.monotonic() < ends:
            closed = store.audit.read(action="closed camera", limit=500)
            killed = [one for one in closed if one.detail["why"] == "the gateway was killed"]
            if len(killed) == 50:
                break
            time.sleep(0.1)
        assert len(killed) == 50
        assert {one.actor for one in killed} == {"mayor"}
        assert all(one.detail["seconds"] >= 0 for one in killed)


def test_the_log_names_no_address_of_a_camera(bare_platform, some):
    log = bare_platform.settings.var / "log" / "hub.log"
    text = log.read_text("utf-8", "replace")
    assert "2800 cameras" in text
    assert "rtsp://" not in text
    assert "simulated:" not in text
