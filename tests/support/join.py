"""Participants with a real browser: the join page, what is seen and heard on it, and how well."""

from __future__ import annotations

import time
from typing import Any

from playwright.sync_api import Page
from support.film import STRIPES

CLOCKS = """(() => {
  const marks = (window.marks = {});
  addEventListener("submit", () => { marks.asked = performance.now(); }, true);
  const look = () => {
    for (const video of document.querySelectorAll(
      ".conference-seat video:not([data-mirrored]), .conference-show video")) {
      if (video.counted) continue;
      video.counted = true;
      video.requestVideoFrameCallback(() => { marks.first ??= performance.now(); });
    }
  };
  new MutationObserver(look).observe(document, { subtree: true, childList: true });
})()"""
"""To be run before a page's own script: when the reader asked to go in, when somebody was seen."""

# By the browser's own count of presented pictures: a callback may come once for two of them.
TILES = """async ([seconds, stripes]) => {
  const seats = [...document.querySelectorAll(".conference-seat")]
    .filter((seat) => !seat.hidden && seat.querySelector("video:not([data-mirrored])"));
  const pen = Object.assign(document.createElement("canvas"), { width: 96, height: 54 })
    .getContext("2d", { willReadFrequently: true });
  const drawn = (video) => {
    pen.drawImage(video, 0, 0, 96, 54);
    return pen.getImageData(0, 0, 96, 54).data;
  };
  const late = (done) => setTimeout(done, 3000, [performance.now(), 0]);
  const at = (video) => new Promise((done) => {
    video.requestVideoFrameCallback((now, { presentedFrames }) => done([now, presentedFrames]));
    late(done);
  });
  const videos = seats.map((seat) => seat.querySelector("video"));
  const before = await Promise.all(videos.map(at));
  const looked = videos.map(drawn);
  await new Promise((done) => setTimeout(done, 1000 * seconds));
  const after = await Promise.all(videos.map(at));
  return seats.map((seat, place) => {
    const now = drawn(videos[place]);
    let [number, changed] = [0, 0];
    for (let bit = 0; bit < stripes; bit += 1)
      number += (now[4 * (2 * 96 + Math.floor((bit + 0.5) * 96 / stripes)) + 1] > 128) << bit;
    for (let at = 0; at < now.length; at += 4)
      changed += Math.abs(now[at + 1] - looked[place][at + 1]) > 12;
    return {
      who: seat.dataset.who,
      name: seat.querySelector(".conference-title").textContent,
      number,
      width: videos[place].videoWidth,
      changed,
      rate: (after[place][1] - before[place][1]) / (after[place][0] - before[place][0]) * 1000,
    };
  });
}"""
RECEIVED = """async () => {
  const found = [];
  const names = new Map();
  for (const { id, name } of meeting.room.participants.values())
    for (const track of meeting.room.stream(id, "camera").getTracks()) names.set(track.id, name);
  for (const { side, connection } of meeting.room.connections()) {
    for (const entry of (await connection.getStats()).values())
      if (entry.type === "inbound-rtp")
        found.push({ side, name: names.get(entry.trackIdentifier) ?? null, ...entry });
  }
  return found;
}"""


def open_door(page: Page, service: str, invitation: str) -> None:
    """Go to the join page and wait until one can go in."""
    page.goto(f"{service}join/?lang=en#{invitation}")
    page.wait_for_selector(".door form input[name=name]")


def go_in(page: Page, name: str) -> None:
    """Go in from the door, and wait until the room is there."""
    page.fill(".door input[name=name]", name)
    page.click(".door form [type=submit]")
    wait_until_in(page)


def wait_for(page: Page, holds: str, seconds: float = 30) -> Any:
    """Wait until an expression holds; the page's policy forbids what playwright has for this."""
    until = time.monotonic() + seconds
    while not (found := page.evaluate(holds)):
        assert time.monotonic() < until, f"not within {seconds} s: {holds}"
        page.wait_for_timeout(20)
    return found


def wait_until_in(page: Page, seconds: float = 30) -> None:
    """Wait until the page is in the room."""
    wait_for(page, "globalThis.meeting?.room?.state === 'in'", seconds)


def first_picture(page: Page, seconds: float = 30) -> float:
    """Milliseconds from the reader's wish to go in until somebody is seen; needs `CLOCKS`."""
    return float(wait_for(page, "marks.first && marks.first - marks.asked", seconds))


def tiles(page: Page, seconds: float) -> list[dict[str, Any]]:
    """Of each of the others on the screen: name, number in the picture, pictures a second."""
    return list(page.evaluate(TILES, [seconds, STRIPES]))


def moving(page: Page, people: int, until: float) -> bool:
    """Whether the pictures of so many others move, before a moment of `time.monotonic`."""
    count = (
        "[...document.querySelectorAll('.conference-seat video:not([data-mirrored])')]"
        ".map((one) => one.hidden ? 0 : one.getVideoPlaybackQuality().totalVideoFrames)"
    )
    while time.monotonic() < until:
        before = page.evaluate(count)
        page.wait_for_timeout(400)
        after = page.evaluate(count)
        if sum(now > then for now, then in zip(after, before, strict=False)) >= people:
            return True
    return False


class Received:
    """What a page received between two looks, by `RTCPeerConnection.getStats`."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._before = self._look()

    def _look(self) -> dict[str, dict[str, Any]]:
        return {one["side"] + one["id"]: one for one in self._page.evaluate(RECEIVED)}

    def since(self) -> list[dict[str, Any]]:
        """The same counters of each stream, without what they were at the beginning."""
        told = []
        for key, one in self._look().items():
            before = self._before.get(key, {})
            counted = {
                name: value - before.get(name, 0)
                for name, value in one.items()
                if isinstance(value, int | float) and name != "timestamp"
            }
            told.append({**one, **counted})
        return told


def concealed(streams: list[dict[str, Any]]) -> float:
    """Part of the sound that the browser made up, of those that were heard.

    Where nobody speaks next to nothing is sent; the silence that a browser then makes up by itself
    is not counted.
    """
    heard = [
        one for one in streams if one["kind"] == "audio" and one.get("totalAudioEnergy", 0) > 1e-4
    ]
    silent = sum(one["silentConcealedSamples"] for one in heard)
    made_up = sum(one["concealedSamples"] for one in heard) - silent
    return made_up / max(sum(one["totalSamplesReceived"] for one in heard) - silent, 1)


def packet_loss(streams: list[dict[str, Any]], kind: str = "video") -> float:
    """Part of the packets that did not come."""
    of_kind = [one for one in streams if one["kind"] == kind]
    gone = sum(one.get("packetsLost", 0) for one in of_kind)
    return gone / max(sum(one["packetsReceived"] for one in of_kind) + gone, 1)
