"""Cameras in a browser: on the map, on a wall, in a notebook's page; what breaks, and mends."""

from __future__ import annotations

import json
from urllib.request import urlopen

import pytest
from support.axe import faults as axe_faults
from support.platform import write_notebook
from support.screen import SIZES

from citylib.panels.dashboards import folder

CAMERAS = ["ST-4", "ST-5", "ST-6", "ST-10", "ST-13", "ST-15", "ST-16"]
PAGE = "/services/dashboards/voila/render/cameras.ipynb"
CELL = f"""
from io import BytesIO
from ipywebrtc import ImageRecorder
from ipywidgets import Label, VBox
from PIL import Image
from citylib.cameras.widget import CameraView, CameraWall

view = CameraView("{CAMERAS[0]}")
recorder = ImageRecorder(stream=view.stream)
taken = Label()
def tell(change):
    picture = Image.open(BytesIO(change.new)).convert("L")
    taken.value = f"{{picture.size}} {{picture.getextrema()[1] > 150}}"
recorder.image.observe(tell, "value")
wall = CameraWall({CAMERAS!r}, seconds=3)
VBox([view, recorder, taken, CameraView("nowhere"), wall])
"""
LIVE = ".camera-tile[data-state=live]"
# What the picture's clock says, and how many pictures differ from the one before them.
SEEN = """async () => {
  const video = document.querySelector('.camera-tile video');
  const canvas = document.createElement('canvas');
  Object.assign(canvas, {width: video.videoWidth, height: video.videoHeight});
  const pen = canvas.getContext('2d', {willReadFrequently: true});
  const side = Math.max(4, Math.floor(canvas.width / 64));
  const read = [];
  for (let n = 0; n < 10; n += 1) {
    await new Promise(done => video.requestVideoFrameCallback(done));
    pen.drawImage(video, 0, 0);
    const row = pen.getImageData(0, canvas.height - side / 2, canvas.width, 1).data;
    let told = 0;
    for (let bit = 0; bit < 32; bit += 1)
      told = told * 2 + (row[4 * (bit * side + side / 2)] > 128);
    read.push([told, (Date.now() + 9 * 3600e3) % 86400e3]);
  }
  return read;
}"""


def behave(platform, camera: str, how: str) -> None:
    ports = json.loads((platform.settings.var / "hub" / "ports.json").read_text())
    url = f"http://127.0.0.1:{ports['simulator']}/does/{camera}/{how}"
    with urlopen(url, data=b"") as answer:
        assert answer.status == 200


@pytest.fixture(scope="module")
def notebook(browser, session, platform):
    """A page of Voila with a view, a recorder, and a wall of 4 of 7 cameras."""
    path = folder(platform.settings) / "cameras.ipynb"
    write_notebook(path, CELL)
    width, height = SIZES["laptop"]
    context = browser.new_context(
        viewport={"width": width, "height": height}, storage_state=session
    )
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.goto(platform.url + PAGE)
    page.wait_for_function(f"document.querySelectorAll('.city-cameras {LIVE}').length === 4")
    yield page
    context.close()
    path.unlink()


def test_a_touch_on_the_map_opens_what_a_camera_sees_now(dashboard):
    page = dashboard()
    heard = []

    def listen(socket):
        if "/services/cameras/" in socket.url:
            heard.append(socket.url)
            socket.on("framereceived", lambda data: heard.append(str(data)))

    page.on("websocket", listen)
    assert "cameras" not in str(
        page.evaluate("performance.getEntriesByType('resource').map(one => one.name)")
    ), "a page that shows no camera asks for none"
    with page.expect_response("**/cameras.json") as listed:
        page.click("[data-press='layer:cameras']")
    page.wait_for_selector(".camera-points[data-drawn='2800']", state="attached")
    box = page.locator(".city-map .leaflet-container").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.45, box["y"] + box["height"] * 0.5)
    page.wait_for_selector(LIVE)
    read = page.evaluate(SEEN)
    assert len({told for told, _ in read}) > 5, "the picture moves"
    assert all(0 <= now - told < 2000 for told, now in read), read
    page.wait_for_selector(".camera-badge:text('SIMULATED')")
    # The nearest cameras of an area, by the keyboard; and who reads with other means.
    page.focus("path.area-11010")
    page.keyboard.press("Enter")
    page.wait_for_function(f"document.querySelectorAll('{LIVE}').length === 4")
    assert page.get_attribute("path.area-11010", "aria-pressed") == "false", "no area was meant"
    assert axe_faults(page) == []
    page.fill(".camera-search input", "Bicycle station 102,")
    page.keyboard.press("Enter")
    page.wait_for_selector(f"{LIVE}[data-camera=ST-4]")
    page.keyboard.press("Tab")
    page.focus(".camera-tile")
    page.keyboard.press("Escape")
    page.wait_for_selector(".camera-side", state="detached")
    said = listed.value.text() + "".join(heard)
    assert len(heard) > 20
    for secret in ("rtsp:", "simulated:", "address", "password", "credentials"):
        assert secret not in said


def test_a_recorder_takes_a_picture_of_a_view(notebook):
    notebook.wait_for_selector(f".city-camera {LIVE}")
    notebook.click("button:has(.fa-camera)")
    notebook.wait_for_selector(".widget-label:has-text('(640, 360) True')")


def test_what_is_not_for_the_reader_says_so(notebook):
    hidden = notebook.locator("[data-camera=nowhere][data-state=refused] .camera-says")
    assert hidden.inner_text().startswith("This camera is not for you")


def test_a_wall_is_led_by_keys(notebook):
    shown = "() => [...document.querySelectorAll('.city-cameras .camera-tile')]"
    shown += ".map(one => one.dataset.camera)"
    before = notebook.evaluate(shown)
    assert before == CAMERAS[:4]
    tile = ".city-cameras .camera-tile"
    notebook.focus(f"{tile}[data-camera={before[0]}]")
    notebook.keyboard.press("ArrowRight")
    notebook.keyboard.press("p")
    notebook.wait_for_selector(f"{tile}[data-camera={before[1]}][data-pinned]")
    notebook.keyboard.press("t")
    notebook.wait_for_selector(".camera-tour[aria-pressed=true]")
    notebook.wait_for_function(
        f"before => {{ const now = ({shown})(); return now[1] === before[1] && "
        "now.every((one, place) => place === 1 || !before.includes(one)); }",
        arg=before,
    )
    assert notebook.evaluate("document.activeElement.dataset.camera") == before[1]
    notebook.keyboard.press("t")
    notebook.wait_for_selector(".camera-tour[aria-pressed=false]")
    full = f"{tile}:is(:fullscreen, .camera-full)"
    notebook.keyboard.press("Enter")
    notebook.wait_for_selector(f"{full}[data-camera={before[1]}]")
    notebook.keyboard.press("f")
    notebook.wait_for_selector(full, state="detached")
    notebook.keyboard.press("p")


def test_a_fault_is_said_within_5_s_and_mends(notebook, platform):
    shown = notebook.eval_on_selector_all(
        ".city-cameras .camera-tile", "all => all.map(one => one.dataset.camera)"
    )
    words = {
        "dead": "The camera does not answer",
        "silent": "The camera sends no pictures",
        "refusing": "The camera refuses access",
    }
    said = "([camera, text]) => document.querySelector(`.city-cameras [data-camera=${camera}]`)"
    said += ".querySelector('.camera-says').textContent.includes(text)"
    told = dict(zip(shown, words.items(), strict=False))
    try:
        for camera, (how, _) in told.items():
            behave(platform, camera, how)
        for camera, (_, text) in told.items():
            notebook.wait_for_function(said, arg=[camera, text], timeout=5000)
    finally:
        for camera in told:
            behave(platform, camera, "well")
    notebook.wait_for_function(f"document.querySelectorAll('.city-cameras {LIVE}').length === 4")


def test_the_pictures_come_back_after_the_gateway_was_killed(notebook, platform):
    [gateway] = platform.find("camera run")
    gateway.kill()
    notebook.wait_for_function("document.querySelectorAll('[data-state=lost]').length === 5")
    assert notebook.inner_text("[data-state=lost] .camera-says").startswith("The camera service")
    notebook.wait_for_function(f"document.querySelectorAll('{LIVE}').length === 5", timeout=60_000)
