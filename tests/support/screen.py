"""A real browser on the platform's pages, and what must never happen on any of them."""

from __future__ import annotations

import io
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from PIL import Image
from playwright.sync_api import Browser, ConsoleMessage, Page, TimeoutError, sync_playwright

from citylib.city.profile import City
from citylib.look import colours
from citylib.look.theme import CLASSES
from citylib.panels.picture import reading as reads

SIZES = {"wall": (3840, 1766), "laptop": (1366, 768), "phone": (390, 844)}
DASHBOARD = "/services/dashboards/voila/render/mayor.ipynb"
PUBLIC = "/services/public/"
SMALL = """() => [...document.querySelectorAll("button, select, summary, a[href], input")]
  .filter((one) => one.checkVisibility({ visibilityProperty: true }) && !one.closest("[inert]"))
  .map((one) => [one.getBoundingClientRect(), one])
  .filter(([box]) => box.width > 0 && (box.width < 47.5 || box.height < 47.5))
  .map(([box, one]) => `${box.width.toFixed()} x ${box.height.toFixed()}: ` +
    one.outerHTML.slice(0, 140))"""


WITH_MEDIA = (
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)
"""Cameras and microphones that are none, and pages that may use them and play sound."""
WITH_SHARING = (
    *(one for one in WITH_MEDIA if "fake-ui" not in one),
    "--auto-accept-this-tab-capture",
)
"""The same for pages that show themselves; the fake questions would choose a fake screen."""


@contextmanager
def chromium(*options: str, program: Path | None = None) -> Iterator[Browser]:
    """Debian's Chromium, or a script that starts it."""
    program = program or shutil.which("chromium")
    if program is None:
        pytest.fail("chromium is missing; as root, run: make system")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", *options]
        )
        yield browser
        browser.close()


NO_FAULTS = (
    # JupyterLab asks a new kernel for its debugger's state; a kernel chosen meanwhile cancels it.
    "Could not restore the debugger state: Canceled future for debug_request",
)
"""How messages begin that JupyterLab writes as errors and goes on from by itself."""


def watch(page: Page) -> list[str]:
    """What goes wrong on a page: errors on the console, requests that leave the machine."""
    faults: list[str] = []

    def said(message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(NO_FAULTS):
            faults.append(message.text)

    page.on("console", said)
    page.on("pageerror", lambda error: faults.append(str(error)))

    def asked(url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.hostname != "127.0.0.1":
            faults.append(f"leaves the machine: {url}")

    page.on("request", lambda request: asked(request.url))
    page.on("websocket", lambda socket: asked(socket.url))
    return faults


def sign_in(page: Page, url: str, name: str, password: str) -> None:
    """Fill in the hub's form."""
    page.goto(f"{url}/hub/login")
    page.fill("input[name=username]", name)
    page.fill("input[name=password]", password)
    page.click("[type=submit]")
    page.wait_for_url(lambda address: "/hub/login" not in address)


def open_in_lab(page: Page, url: str, path: str) -> None:
    """Go to a notebook of the analyst's in JupyterLab, without those that were open before."""
    page.goto(f"{url}/user/analyst/lab/tree/{path}?reset")
    name = path.rpartition("/")[2]
    page.wait_for_selector(f"#jp-main-dock-panel .jp-mod-current:has-text({name!r})")


def open_dashboard(page: Page, url: str, query: str = "") -> None:
    """Go to the dashboard and wait until map and history are drawn."""
    page.goto(url + DASHBOARD + query, wait_until="commit")
    try:
        page.wait_for_selector("html[data-settled]", state="attached", timeout=60_000)
    except TimeoutError:
        pytest.fail(f"not drawn: {page.url}\n{page.content()[-6000:]}")
    # Another page than the first may be in front of them.
    page.wait_for_selector(".city-map path[data-paint]", state="attached")
    page.wait_for_selector(".city-aside svg.trend", state="attached")
    page.wait_for_function("document.fonts.status === 'loaded'")


def colours_seen(page: Page, theme: str) -> dict[str, str]:
    """The class that each area has on the screen, by the colours of its pixels.

    Areas are found by asking the page what lies at points of a grid; a pixel's colour counts when
    it is one of the classes', and the most frequent one of an area is its colour.
    """
    points = page.evaluate(
        """() => {
          const map = document.querySelector('.city-map .leaflet-container');
          const box = map.getBoundingClientRect();
          const found = [];
          const step = box.width / 140;
          for (let x = box.left + 1; x < box.right; x += step)
            for (let y = box.top + 1; y < Math.min(box.bottom, innerHeight); y += step) {
              const area = document.elementFromPoint(x, y)?.dataset?.area;
              if (area) found.push([area, Math.round(x), Math.round(y)]);
            }
          return found;
        }"""
    )
    image = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    names = {
        tuple(bytes.fromhex(colour[1:])): f"class-{place}"
        for place, colour in enumerate(CLASSES[theme])
    }
    seen: dict[str, Counter[str]] = {}
    for area, x, y in points:
        if (name := names.get(image.getpixel((x, y)))) is not None:
            seen.setdefault(area, Counter())[name] += 1
    return {area: counts.most_common(1)[0][0] for area, counts in seen.items()}


def expected(city: City, array: Any, time: datetime | None = None) -> dict[str, str]:
    """Class of each district in a period, from the cube."""
    time = time or reads.reading(array, city.code, "en").time
    values = reads.at(array, time)
    inner = {code: values[code] for code in city.levels["district"].areas}
    limits = colours.breaks(inner.values())
    return {code: colours.paint(value, limits) for code, value in inner.items()}


def too_small(page: Page) -> list[str]:
    """What can be touched and is smaller than a finger needs, 48 px in each direction."""
    return list(page.evaluate(SMALL))


def settled(page: Page, value: float) -> None:
    """Wait until this is the figure over the map."""
    page.wait_for_function(
        "value => Math.abs(document.querySelector('.city-map-heading data').value - value) < 1e-9",
        arg=value,
    )


def wait_for_colours(page: Page, classes: dict[str, str]) -> None:
    """Wait until each area has its class."""
    page.wait_for_function(
        """classes => Object.entries(classes).every(([code, name]) =>
          document.querySelector(`path.area-${code}`)?.dataset.paint === name)""",
        arg=classes,
    )
    # The fill changes softly; what counts is what it comes to.
    page.wait_for_function("() => document.getAnimations().every(a => a.playState === 'finished')")
