"""The conference in a notebook and on the dashboard, through the whole platform: mixed with a guest
on the join page, with streams and recorders of ipywebrtc."""

from __future__ import annotations

import pytest
from support.panel import inside, moves
from support.platform import wait_until, write_notebook
from support.screen import WITH_SHARING, chromium, open_in_lab, sign_in, watch

from citylib.panels.dashboards import folder

SERVICE = "/services/conference/"
PAGE = "/services/dashboards/voila/render/conference.ipynb"
CELL = """
import tempfile
from io import BytesIO
import av
import numpy as np
from ipywebrtc import ImageRecorder, VideoStream
from ipywidgets import Button, HBox, Label, VBox
from PIL import Image
from citylib.cameras.widget import CameraView
from citylib.conference.widget import ConferencePanel

panel = ConferencePanel()
view = CameraView("ST-4")
box, taken = VBox(), Label()
pictures = []
def tell(change):
    picture = np.asarray(Image.open(BytesIO(change.new)).convert("L").resize((32, 18)))
    pictures.append(picture.astype(int))
    changed = sum(bool(np.abs(a - b).max() > 20) for a, b in zip(pictures, pictures[1:]))
    taken.value = f"{len(pictures)} pictures, {changed} changed"
def place(change):
    if len(change.new) > 1 and not box.children:
        recorder = ImageRecorder(stream=panel.slots[1])
        recorder.image.observe(tell, "value")
        box.children = (recorder,)
panel.observe(place, "slots")

def film():
    path = tempfile.mktemp(suffix=".webm")
    with av.open(path, "w") as file:
        stream = file.add_stream("libvpx", rate=10)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for n in range(40):
            picture = np.zeros((180, 320, 3), np.uint8)
            picture[..., 2] = 120 + 3 * n
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
                file.mux(packet)
        for packet in stream.encode():
            file.mux(packet)
    return VideoStream.from_file(path)

def press(name, work):
    button = Button(description=name)
    button.on_click(lambda _: work())
    return button
keys = HBox([
    press("film", lambda: setattr(panel, "stream", film())),
    press("camera", lambda: setattr(panel, "shown", view.stream)),
    press("nothing", lambda: setattr(panel, "shown", None)),
])
VBox([keys, taken, box, panel, view])
"""
LAB = """
from citylib.conference.widget import ConferencePanel
panel = ConferencePanel(invitation="TOKEN")
panel
"""
BLUE = """async () => {
  const pen = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
  const seen = new Set();
  const end = performance.now() + 20000;
  while (performance.now() < end && seen.size < 3) {
    const video = document.querySelector('.conference-seat:not([title*="(you)"]) video');
    if (video?.videoWidth) {
      pen.drawImage(video, 0, 0, 1, 1);
      const [red, green, blue] = pen.getImageData(0, 0, 1, 1).data;
      if (blue > 90 && red < 60 && green < 60) seen.add(blue);
    }
    await new Promise(done => setTimeout(done, 100));
  }
  return seen.size;
}"""
INVITE = """async ([room, role]) => {
  const ask = async (method, path, body) => {
    const headers = { 'Content-Type': 'application/json' };
    const more = { method, headers, body: JSON.stringify(body) };
    const answer = await fetch(`/services/conference/${path}`, more);
    if (!answer.ok) throw new Error(await answer.text());
    return answer.json();
  };
  await ask('PATCH', `rooms/${room}`, { waiting_room: false });
  const { invitation } = await ask('POST', `rooms/${room}/invitations`, { role });
  return invitation.link.split('#')[1];
}"""


@pytest.fixture(scope="module")
def browser():
    with chromium(*WITH_SHARING) as browser:
        yield browser


@pytest.fixture(scope="module")
def page_of(browser):
    """Makes pages of browsers of their own; at the end nothing may have gone wrong on any."""
    contexts, faults = [], []

    def make(**more):
        context = browser.new_context(
            viewport={"width": 1366, "height": 900}, permissions=["camera", "microphone"], **more
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        faults.append(watch(page))
        return page

    yield make
    for context in contexts:
        context.close()
    leaving = [one for page in faults for one in page if "leaves the machine" in one]
    assert leaving == []


@pytest.fixture(scope="module")
def mayor(page_of, bare_platform):
    """The mayor in a room begun from a notebook's page in Voila."""
    path = folder(bare_platform.settings) / "conference.ipynb"
    write_notebook(path, CELL)
    page = page_of()
    sign_in(page, bare_platform.url, "mayor", bare_platform.accounts["mayor"])
    page.goto(bare_platform.url + PAGE)
    with page.expect_response(lambda one: one.url.endswith("/rooms") and one.status == 201) as made:
        page.click(".rooms-choice .key.main")
    page.room = made.value.json()["room"]["id"]
    page.click(".conference form [type=submit]")
    page.wait_for_selector(".stage")
    yield page
    # Where there are two dashboards, the mayor would have to choose.
    path.unlink()


@pytest.fixture(scope="module")
def guest(page_of, mayor, bare_platform):
    token = mayor.evaluate(INVITE, [mayor.room, "speaker"])
    page = page_of()
    page.goto(f"{bare_platform.url}{SERVICE}join/?lang=en#{token}")
    page.fill("input[name=name]", "Anna")
    page.click("button[type=submit]")
    page.wait_for_selector(".stage")
    return page


def test_a_recorder_of_ipywebrtc_takes_pictures_of_a_participant(mayor, guest):
    inside(mayor, ["mayor", "Anna"])
    assert moves(mayor, "Anna")
    assert moves(guest, "mayor")
    mayor.wait_for_selector("button:has(.fa-camera)")
    for count in range(1, 7):
        mayor.click("button:has(.fa-camera)")
        mayor.wait_for_selector(f".widget-label:has-text('{count} pictures')")
    said = mayor.inner_text(".widget-label:has-text('pictures')")
    assert int(said.split()[2]) >= 2, said


def test_a_film_of_the_notebooks_is_what_the_others_see(mayor, guest):
    mayor.click("button:text-is('film')")
    assert guest.evaluate(BLUE) >= 3


def test_a_camera_of_the_city_is_shown_without_its_address(mayor, guest):
    mayor.wait_for_selector(".city-camera [data-state=live]")
    asked = []
    guest.on("request", lambda request: asked.append(request.url))
    mayor.click("button:text-is('camera')")
    guest.wait_for_selector(".conference-show[data-source=city-camera][data-large]")
    assert moves(guest, "City camera")
    assert not [url for url in asked if "cameras" in url or "ST-4" in url]
    assert "rtsp" not in guest.content()
    mayor.click("button:text-is('nothing')")
    guest.wait_for_selector(".conference-show", state="detached")


def is_run(page):
    """Whether the notebook's panel is there. What is sent to a kernel that is not there yet may be
    dropped, or JupyterLab asks which kernel is meant: then the cell is run again.
    """
    if page.locator(".conference-panel").count():
        return True
    prompts = "".join(page.locator(".jp-Notebook .jp-InputPrompt").all_inner_texts())
    idle = ".jp-Notebook-ExecutionIndicator[data-status=idle]"
    if page.locator(".jp-Dialog select").count():
        page.select_option(".jp-Dialog select", label="Python 3 (ipykernel)")
        page.click(".jp-Dialog .jp-mod-accept")
    elif "*" not in prompts and page.locator(idle).count():
        page.click(".lm-MenuBar-item:has-text('Run')")
        page.click("text=Run All Cells")
    return False


def test_in_jupyterlab_two_views_are_one_participant_who_goes_with_the_kernel(
    mayor, guest, page_of, bare_platform
):
    token = mayor.evaluate(INVITE, [mayor.room, "speaker"])
    page = page_of()
    sign_in(page, bare_platform.url, "analyst", bare_platform.accounts["analyst"])
    page.wait_for_url("**/user/analyst/lab**")
    analysts = bare_platform.settings.var / "analysts" / "analyst"
    write_notebook(analysts / "meeting.ipynb", LAB.replace("TOKEN", token))
    open_in_lab(page, bare_platform.url, "meeting.ipynb")
    wait_until(lambda: is_run(page), 90, 2)
    page.fill(".conference input[name=name]", "Ben")
    page.click(".conference form [type=submit]")
    page.wait_for_selector(".stage")
    inside(guest, ["mayor", "Anna", "Ben"])
    assert moves(page, "Anna")
    page.click(".conference-panel", button="right", position={"x": 300, "y": 20})
    page.click("text=Create New View for")
    page.wait_for_selector(".jp-LinkedOutputView .conference-panel .conference-seat")
    inside(guest, ["mayor", "Anna", "Ben"])
    page.click(".lm-TabBar-tab.lm-mod-current:has-text('Output View') .lm-TabBar-tabCloseIcon")
    page.wait_for_selector(".jp-LinkedOutputView", state="detached")
    inside(guest, ["mayor", "Anna", "Ben"])
    page.click(".lm-MenuBar-item:has-text('Kernel')")
    page.click(".lm-Menu-item:has-text('Restart Kernel…')")
    page.click(".jp-Dialog .jp-mod-accept")
    inside(guest, ["mayor", "Anna"])
