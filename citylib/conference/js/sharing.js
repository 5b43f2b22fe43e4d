// What is shown to all: a screen, a part of this page as a live picture, the same drawn sharply by each
// page, or any stream of the page, such as a camera of the city. One thing at a time.
import { LONGEST, pictureOf } from "./picture.js";

const FASTEST = 550; // ms between two pictures that are drawn by each page, at least: the service takes two a second
const REST = 8; // times as long as a picture took to make, nothing is made
const OFTEN = 5000; // ms after which what no event tells of is looked at again

// Whether the browser can give a live picture of a part of this page.
export function canShowPart() {
  return Boolean(navigator.mediaDevices?.getDisplayMedia) && ("RestrictionTarget" in globalThis || "CropTarget" in globalThis);
}

// A live picture of this page, or of one element of it; the browser asks once.
async function ownPage(element) {
  const stream = await navigator.mediaDevices.getDisplayMedia({
    video: { frameRate: { ideal: 30 } },
    audio: false,
    preferCurrentTab: true,
    selfBrowserSurface: "include",
    surfaceSwitching: "exclude",
  });
  const [track] = stream.getVideoTracks();
  try {
    if (element && track.restrictTo) {
      // Only what the element itself draws: no note or menu of the page that lies over it.
      element.style.isolation = "isolate";
      await track.restrictTo(await RestrictionTarget.fromElement(element));
    } else if (element && track.cropTo) await track.cropTo(await CropTarget.fromElement(element));
  } catch (error) {
    track.stop(); // another window was chosen, of which a part cannot be had
    throw error;
  }
  return track;
}

// `on.change(what)`: what is shown now, { kind, title } or null; `on.fault(reason)`: "denied" or
// "too_large". Each of the ways resolves to whether it is shown.
export function createSharing({ room, on = {} }) {
  let now = null; // { kind, title, stop() }

  const begin = (kind, title, stop) => {
    now?.stop();
    now = { kind, title, stop };
    on.change?.({ kind, title });
    return true;
  };
  const end = () => {
    now?.stop();
    now = null;
    on.change?.(null);
  };
  const live = (kind, title, track, source = "screen", own = true) => {
    const ended = () => now?.track === track && end();
    begin(kind, title, () => {
      track.removeEventListener("ended", ended);
      room.publish(source, null);
      if (own) track.stop();
    });
    now.track = track;
    track.addEventListener("ended", ended);
    room.publish(source, track);
    return true;
  };
  const asked = async (kind, title, element) => {
    try {
      const track = await ownPage(element);
      track.contentHint = "detail"; // figures stay readable; of what moves fewer pictures are sent
      return live(kind, title, track);
    } catch (error) {
      if (error.name !== "AbortError") on.fault?.("denied");
      return false;
    }
  };

  return {
    get now() {
      return now && { kind: now.kind, title: now.title };
    },
    page: (title) => asked("page", title, null),
    part: (element, title) => asked("part", title, element),
    // A track that the caller has: a camera of the city, a stream of a notebook; it stays the caller's.
    track: (track, title, source) => live(source, title, track, source, false),
    // The element's own picture, as often as it changes; each page draws it.
    drawing(element, title) {
      let sent = "";
      let timer = 0;
      let ready = 0; // when the next one may be made
      const make = () => {
        timer = 0;
        if (!element.isConnected) return end();
        const began = performance.now();
        const picture = pictureOf(element);
        ready = performance.now() + Math.max(FASTEST, REST * (performance.now() - began));
        if (picture === sent || !picture) return true;
        if (picture.length > LONGEST) {
          end();
          on.fault?.("too_large");
          return false;
        }
        sent = picture;
        room.send({ type: "material", title: title.slice(0, 200), picture });
        return true;
      };
      const changed = () => (timer ||= setTimeout(make, Math.max(30, ready - performance.now())));
      const seen = new MutationObserver(changed);
      const sized = new ResizeObserver(changed);
      const often = setInterval(changed, OFTEN);
      // Somebody else shows theirs now; or the service forgot it when it was started again.
      const other = () => {
        const { who = null } = room.material ?? {};
        if (who && who !== room.you) return end();
        if (!who && sent) {
          sent = "";
          changed();
        }
      };
      begin("drawing", title, () => {
        room.removeEventListener("material", other);
        clearTimeout(timer);
        clearInterval(often);
        seen.disconnect();
        sized.disconnect();
        if (!room.material || room.material.who === room.you) room.send({ type: "material", picture: null });
      });
      room.addEventListener("material", other);
      seen.observe(element, { subtree: true, childList: true, characterData: true, attributes: true });
      seen.observe(document.documentElement, { attributes: true }); // another theme
      sized.observe(element);
      return make();
    },
    end,
    close: () => now?.stop(),
  };
}
