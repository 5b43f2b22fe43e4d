"""A recording that a host's browser makes, without a service: it plays, whatever happened to it."""

from __future__ import annotations

from contextlib import suppress

import av
import numpy as np
import pytest
from support.screen import chromium
from support.tiles import serving
from support.video import read

from citylib.conference.rooms.finish import finish

BEGIN = """async () => {
  room.sing('p1', 440);
  await room.context.resume();
  const { createRecording } = await import('./js/recording.js');
  globalThis.faults = [];
  const fault = one => faults.push(one);
  globalThis.recording = createRecording({ room, service: '/', on: { fault } });
  if (!room.recording) recording.toggle();
}"""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """Some seconds with a picture and a tone; two answers fail, then the page is loaded again."""
    path = tmp_path_factory.mktemp("recording") / "one.webm"
    with serving() as address, chromium() as browser:
        page = browser.new_page()
        address.state.faults = [503]
        page.goto(f"{address}?count=3&rate=15")
        page.wait_for_function("globalThis.tiles")
        page.evaluate("() => room.say('p1')")
        page.evaluate(BEGIN)
        _until(page, address, 1)
        address.state.faults = [500, 503]
        _until(page, address, 3)
        page.reload()
        page.wait_for_function("globalThis.tiles")
        page.evaluate("() => { room.say('p2'); room.recording = { by: 'p0' }; }")
        page.evaluate(
            "() => room.show(`<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 9'>"
            "<foreignObject width='16' height='9'><div xmlns='http://www.w3.org/1999/xhtml' "
            "style='background:#00c000;height:9px'></div></foreignObject></svg>`, 'Green')"
        )
        page.evaluate(BEGIN)
        _until(page, address, 5)
        page.evaluate("() => recording.toggle()")
        assert page.evaluate("() => [room.recording, faults]") == [None, []]
        assert page.evaluate("() => recording.running") is False
        page.close()
        path.write_bytes(address.state.body)
    return path


def _until(page, address, parts):
    while address.state.next < parts:
        page.evaluate("() => new Promise(go => setTimeout(go, 100))")


def test_a_finished_recording_plays_from_any_place_in_it(recorded):
    before = recorded.read_bytes()
    finish(recorded)
    after = recorded.read_bytes()
    assert after != before
    finish(recorded)
    assert recorded.read_bytes() == after, "doing it again changes nothing"
    seconds, frames, sound = read(recorded)
    assert 4 < seconds < 60
    times = [time for time, _ in frames]
    assert times == sorted(times)
    assert len(frames) > 15, "how many a second is a matter of the machine"
    pictures = {picture[::40, ::40].tobytes() for _, picture in frames}
    assert len(pictures) > len(frames) / 4, "the picture moves"
    assert frames[0][1].shape == (720, 1280, 3)
    with av.open(str(recorded)) as file:
        file.seek(int((seconds - 2) * 1e6))
        assert next(file.decode(video=0)).time > 2, "there are places to begin at"
    # The tone is there, before and after the reload.
    parts = np.array_split(sound, 8)
    assert all(np.abs(part).mean() > 0.01 * np.abs(sound).max() for part in parts)
    spectrum = np.abs(np.fft.rfft(sound[:48_000]))
    assert abs(int(spectrum.argmax()) - 440) < 5


def test_what_is_drawn_by_each_page_is_in_the_recording_too(recorded):
    _, frames, _ = read(recorded)
    red, green, blue = frames[-1][1][300, 500].astype(int)
    assert green > 120
    assert red < 90
    assert blue < 90


def test_a_file_with_a_hole_still_plays(recorded, tmp_path):
    whole = recorded.read_bytes()
    hole = tmp_path / "hole.webm"
    hole.write_bytes(whole[: len(whole) // 2] + whole[len(whole) // 2 + 50_000 :])
    finish(hole)
    seen = 0
    with av.open(str(hole)) as file:
        for packet in file.demux(video=0):
            with suppress(av.FFmpegError):  # until the next picture that stands for itself
                seen += len(packet.decode())
    assert seen > 5


def test_what_is_no_recording_stays_as_it_is(tmp_path):
    path = tmp_path / "none.webm"
    path.write_bytes(b"nothing of the kind")
    finish(path)
    assert path.read_bytes() == b"nothing of the kind"
    assert [one.name for one in tmp_path.iterdir()] == ["none.webm"]
