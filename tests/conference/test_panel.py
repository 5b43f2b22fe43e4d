"""The panel's script over the real service, with the join page's people: views, streams."""

from __future__ import annotations

import pytest
from support.panel import hall, inside, moves, new_context
from support.screen import WITH_SHARING, chromium
from support.video import read

from citylib.conference.rooms.finish import finish

pytestmark = pytest.mark.media

COLOURED = """() => {
  const canvas = Object.assign(document.createElement('canvas'), { width: 320, height: 180 });
  const pen = canvas.getContext('2d');
  let n = 0;
  setInterval(() => {
    pen.fillStyle = `rgb(0, 0, ${120 + (n = (n + 40) % 130)})`;
    pen.fillRect(0, 0, 320, 180);
  }, 100);
  const stream = canvas.captureStream(10);
  streams.blue = { captureStream: async () => stream };
}"""
# The middle of a picture that somebody else sends, and how often it changed within a second.
SEEN = """async (selector) => {
  const pen = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
  const end = performance.now() + 20000;
  let seen = [];
  while (performance.now() < end) {
    const video = document.querySelector(selector);
    if (video?.videoWidth) {
      pen.drawImage(video, video.videoWidth / 2, video.videoHeight / 2, 1, 1, 0, 0, 1, 1);
      seen.push([...pen.getImageData(0, 0, 1, 1).data.slice(0, 3)]);
      seen = seen.slice(-15);
      if (new Set(seen.map(String)).size > 3 && seen.length === 15) return seen.at(-1);
    }
    await new Promise(done => setTimeout(done, 100));
  }
  return null;
}"""


@pytest.fixture(scope="module")
def browser():
    with chromium(*WITH_SHARING) as browser:
        yield browser


@pytest.fixture(scope="module")
def conference(tmp_path_factory):
    with hall(tmp_path_factory.mktemp("panel")) as made:
        yield made


@pytest.fixture
def meeting(browser, conference):
    """A host's panel and one guest on the join page; at the end nothing may have gone wrong."""
    room = conference.room()
    contexts = [new_context(browser), new_context(browser)]
    panel = conference.panel(contexts[0], invitation=conference.invitation(room, "host"))
    panel.evaluate("() => { globalThis.first = mount(); }")
    enter(panel, "Host")
    guest = conference.guest(contexts[1], conference.invitation(room), "Anna")
    inside(panel, ["Host", "Anna"])
    yield panel, guest
    for context in contexts:
        context.close()
    # A bare style sheet has no picture for the tab.
    faults = [one for page in (panel, guest) for one in page.faults]
    assert [one for one in faults if "404 (there is nothing here)" not in one] == []


def enter(page, name):
    page.fill("input[name=name]", name)
    page.click("button[type=submit]")
    page.wait_for_selector(".stage")


def test_each_participant_is_a_stream_in_a_place_of_its_own(meeting):
    panel, guest = meeting
    assert moves(panel, "Anna")
    assert moves(guest, "Host")
    panel.wait_for_function("() => model.get('participants').length === 2")
    assert panel.evaluate("() => model.get('state')") == "in"
    told = panel.evaluate("() => model.get('participants')")
    assert [one["name"] for one in told] == ["Host", "Anna"]
    assert told[1]["camera"]
    assert told[1]["role"] == "speaker"
    kinds = """async () => {
      const stream = await streams.slot1.captureStream();
      return stream.getTracks().map(one => `${one.kind} ${one.readyState}`).sort();
    }"""
    assert panel.evaluate(kinds) == ["audio live", "video live"]
    guest.click(".stage-keys .leave")
    panel.wait_for_function("() => model.get('participants').length === 1")
    said = panel.evaluate("() => streams.slot1.captureStream().catch(error => error.message)")
    assert said == "nobody is in place 2"


def test_two_views_share_one_connection_which_ends_with_the_last(meeting, conference):
    panel, guest = meeting
    [kept] = conference.lab.conference.meetings.values()
    panel.evaluate("() => { globalThis.second = mount(); }")
    panel.wait_for_selector(".view:nth-of-type(2) > .conference-tiles .conference-seat")
    assert len(kept.inside) == 2, "it is the same participant"
    # The keys go to the view that is left, and the room with them.
    panel.evaluate("() => first.remove()")
    panel.wait_for_selector(".view .stage-keys")
    assert panel.locator(".conference-tiles").count() == 1
    assert moves(panel, "Anna")
    assert len(kept.inside) == 2
    panel.evaluate("() => second.remove()")
    inside(guest, ["Anna"])
    assert panel.evaluate("() => [model.get('state'), model.get('participants')]") == ["", []]
    # A view that comes back begins anew; the end of the kernel ends it for good.
    panel.evaluate("() => { globalThis.first = mount(); }")
    enter(panel, "Host")
    inside(guest, ["Host", "Anna"])
    panel.evaluate("() => shut()")
    inside(guest, ["Anna"])
    assert panel.locator(".stage").count() == 0


def test_a_stream_of_the_kernels_is_what_is_sent(browser, conference):
    room = conference.room()
    contexts = [new_context(browser), new_context(browser)]
    guest = conference.guest(contexts[1], conference.invitation(room), "Anna")
    panel = conference.panel(
        contexts[0], invitation=conference.invitation(room, "host"), stream="IPY_MODEL_blue"
    )
    panel.evaluate(COLOURED)
    panel.evaluate(
        "() => { globalThis.asked = 0; mount();"
        "navigator.mediaDevices.getUserMedia = () => asked++; }"
    )
    enter(panel, "Studio")
    inside(guest, ["Studio", "Anna"])
    red, green, blue = guest.evaluate(SEEN, ".conference-seat[title=Studio] video")
    assert blue > 100
    assert max(red, green) < 60
    assert panel.evaluate("() => asked") == 0
    # What is shown to all comes from the kernel too, and goes again.
    panel.evaluate("() => model.set('shown', 'IPY_MODEL_blue')")
    guest.wait_for_selector(".conference-show[data-source=screen][data-large]")
    assert guest.evaluate(SEEN, ".conference-show video")[2] > 100
    panel.evaluate("() => model.set('shown', null)")
    guest.wait_for_selector(".conference-show", state="detached")
    for context in contexts:
        context.close()


def test_a_part_of_the_page_is_shown_live_and_as_a_drawing(meeting):
    panel, guest = meeting
    panel.evaluate("""() => {
      const map = Object.assign(document.createElement('div'), { className: 'leaflet-container' });
      map.style = 'position: relative; width: 400px; height: 300px; background: rgb(0, 0, 90)';
      map.innerHTML = '<svg width="400" height="300"><style>.z { fill: rgb(0, 0, 200) }</style>'
        + '<rect class="z" width="400" height="300"/></svg>';
      document.body.prepend(map);
      let n = 0;
      setInterval(() => {
        map.querySelector('rect').style.fill = `rgb(0, 0, ${120 + (n = (n + 10) % 130)})`;
      }, 33);
    }""")
    panel.click(".leaflet-container .part-key")
    guest.wait_for_selector(".conference-show[data-source=screen][data-large]")
    live = guest.evaluate(SEEN, ".conference-show[data-source=screen] video")
    assert live
    assert live[2] > 100
    panel.click(".show-key")
    guest.wait_for_selector(".conference-show", state="detached")
    panel.click(".show-key")
    panel.check(".show-sharp input")
    panel.click(".show-menu .key:has-text('Map')")
    image = ".conference-show[data-source=material] img"
    guest.wait_for_function(f"() => document.querySelector('{image}')?.naturalWidth === 400")
    before = guest.get_attribute(image, "src")
    guest.wait_for_function(f"b => document.querySelector('{image}').src !== b", arg=before)
    assert (
        guest.locator(".conference-show .conference-title").inner_text().startswith("Map · Shown")
    )
    panel.evaluate("() => document.querySelector('.leaflet-container').remove()")
    guest.wait_for_selector(".conference-show", state="detached")


def test_a_recording_is_signed_on_every_page_and_plays(meeting, conference):
    panel, guest = meeting
    panel.click(".record-key")
    guest.wait_for_selector(".recording:visible")
    panel.wait_for_selector(".recording:visible")
    recordings = conference.lab.conference.recordings
    [kept] = [one for one in conference.lab.conference.meetings.values() if one.recording]
    panel.wait_for_function("() => document.querySelector('.record-key[aria-pressed=true]')")
    while recordings.running(kept.room.id).parts < 3:
        panel.evaluate("() => new Promise(go => setTimeout(go, 200))")
    panel.click(".record-key")
    guest.wait_for_selector(".recording", state="hidden")
    [made] = recordings.of(kept.room.id)
    assert made.ended
    finish(recordings.path(made))
    seconds, frames, sound = read(recordings.path(made))
    assert seconds > 3
    assert len({picture[::40, ::40].tobytes() for _, picture in frames}) > 5
    assert abs(sound).max() > 0.001
