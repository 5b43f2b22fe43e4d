"""What a page gives up when its line is bad, and takes back: reckoned without a browser."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from citylib.conference.js import FOLDER

NODE = Path(sys.executable).parent / "node"


def reckon(script: str):
    """What a script says that has the functions of quality.js and peer.js."""
    head = "".join(
        f'import {{ {names} }} from "{(FOLDER / file).as_uri()}";\n'
        for names, file in (("gradeOf, createLadder", "quality.js"), ("tuned, thin", "peer.js"))
    )
    words = [str(NODE), "--no-warnings"]
    done = subprocess.run(
        [*words, "--input-type=module", "-e", head + script],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_line_is_graded_by_its_worst():
    grades = reckon(
        """const of = (loss, delay, rate) => gradeOf({ loss, delay, rate });
        console.log(JSON.stringify([
          of(0, 0.02, 2e6), of(0.02, 0.3, 1e6), of(0.05, 0.3, 1e6), of(0.1, 0.3, 1e6),
          of(0, 0.3, 60e3), of(0.3, 0.3, 1e6), of(0, 0, null)]))"""
    )
    # The second is the other side of the Earth: nothing is given up there.
    assert grades == [4, 4, 3, 2, 2, 1, 4]


def test_steps_go_down_soon_and_up_slowly_and_end():
    steps = reckon(
        """const ladder = createLadder(3);
        const steps = [];
        const take = (grade, times) => {
          while (times--) ladder.take(grade);
          steps.push(ladder.step);
        };
        take(2, 1); take(2, 1); take(1, 20); take(4, 7); take(4, 60);
        take(2, 2); take(4, 8); take(4, 60);
        console.log(JSON.stringify(steps))"""
    )
    assert steps[:4] == [0, 1, 3, 3]  # never beyond the last
    assert steps[4] < 3
    assert steps[5] == steps[4] + 1
    assert steps[6] == steps[5], "what failed before is not tried again so soon"
    assert steps[7] < steps[6]


def test_the_largest_picture_goes_first_and_sound_never():
    active = reckon(
        """const encodings = [{ rid: 'h' }, { rid: 'm' }, { rid: 'l' }];
        const sender = { track: {}, getParameters: () => ({ encodings }),
          setParameters(one) { this.said = one.encodings.map((each) => each.active); } };
        const said = [];
        for (const step of [0, 1, 2]) { await thin(sender, step); said.push(sender.said); }
        console.log(JSON.stringify(said))"""
    )
    assert active == [[True, True, True], [False, True, True], [False, False, True]]


def test_sound_is_sent_with_correction_and_hardly_at_all_in_silence():
    said = reckon(
        r"""const lines = (...all) => all.join("\r\n") + "\r\n";
        const plain = lines("m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=rtpmap:111 opus/48000/2");
        const known = plain + "a=fmtp:111 minptime=10;useinbandfec=0\r\n";
        console.log(JSON.stringify([tuned(plain), tuned(known), tuned("m=video\r\n")]))"""
    )
    assert "a=fmtp:111 useinbandfec=1;usedtx=1\r\n" in said[0]
    assert "a=fmtp:111 minptime=10;useinbandfec=1;usedtx=1\r\n" in said[1]
    assert said[2] == "m=video\r\n"
