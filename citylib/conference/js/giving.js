// What is sent and asked for, as good as the connections are: pictures are given up before sound, and
// what was given up is taken back when it goes again.
import { createQuality } from "./quality.js";

// `carrier()`: what carries now, or null; `inside()`: whether one is in; `camera()`: one's own track;
// `send(message)`; `on.quality(told)`: after each measurement; `on.changed()`: the camera is sent, or
// is not any more.
export function createGiving({ carrier, inside, camera, send, on }) {
  let wish = { videos: "recent", large: null };
  let given = { sending: 0, receiving: 0 };
  let asked = "";
  let grade = null;
  let stop = null;

  const ask = () => {
    const small = given.receiving > 0;
    const videos = given.receiving >= 2 ? "none" : wish.videos;
    const message = { type: "want", videos, large: small ? null : wish.large, small };
    carrier()?.hideAll(videos === "none");
    const now = JSON.stringify(message);
    if (!inside() || now === asked) return;
    asked = now;
    send(message);
  };
  const outgoing = (source, track) => (source === "camera" && given.sending >= 3 ? null : track);
  const measured = (told) => {
    on.quality(told);
    if (!inside()) return;
    const before = given;
    given = { sending: told.sending, receiving: told.receiving };
    if (before.sending !== told.sending) {
      carrier()?.thin(told.sending);
      if (before.sending >= 3 !== told.sending >= 3) {
        carrier()?.set("camera", outgoing("camera", camera()));
        on.changed();
      }
    }
    if (before.receiving !== told.receiving) ask();
    if (grade !== told.grade) send({ type: "state", quality: told.grade });
    grade = told.grade;
  };

  return {
    outgoing,
    want(change) {
      wish = { ...wish, ...change };
      ask();
    },
    // Inside, for the first time or again: the service knows nothing of what was asked for.
    entered() {
      asked = "";
      ask();
      if (grade !== null) send({ type: "state", quality: grade });
      stop ??= createQuality({ connections: () => carrier()?.connections() ?? [], tell: measured });
    },
    close: () => stop?.(),
  };
}
