// The page of who takes part: a conference that fills the window.
import { button, relabel } from "../js/dom.js";
import { createMeeting } from "../js/meeting.js";
import { canRecord, createRecording } from "../js/recording.js";
import { languageOf, otherTheme, spoken, themed } from "./window.js";

const ALL = JSON.parse(document.getElementById("words").textContent);
const WALL = 2400; // px from which on a page is seen from afar
const page = document.documentElement;
const service = page.dataset.service;
const size = innerWidth > WALL ? "wall" : "page";

themed();
let lang = languageOf(ALL);
let room = null;
let recording = null;
let recordKey = null;

function titled() {
  page.lang = lang;
  document.title = room?.room ? `${room.room.title} · ${ALL[lang].conference}` : ALL[lang].conference;
}

// ---- the host's recording, made in this browser
function begun(now) {
  recording?.close();
  room = now;
  if (size === "wall") room.want({ videos: "all" });
  if (!canRecord()) return;
  recording = createRecording({ room, service, on: { fault: (reason) => alert(ALL[lang][`record_${reason}`]) } });
  for (const type of ["recording", "role"]) room.addEventListener(type, drawRecord);
}
function barred({ add, words }) {
  if (!canRecord()) return;
  recordKey = button("record", words.record, () => recording.toggle(), { className: "wide-only" });
  add(recordKey);
  drawRecord();
}
function drawRecord() {
  if (!recordKey) return;
  const now = room.recording;
  recordKey.hidden = room.role !== "host";
  recordKey.disabled = Boolean(now) && now.by !== room.you;
  relabel(recordKey, "record", ALL[lang][now ? "record_end" : "record"], Boolean(now));
}

// Who is signed in comes by ?room=ID, everybody else by an invitation behind the #.
titled();
globalThis.meeting = createMeeting(document.body, {
  service,
  invitation: location.hash.slice(1) || null,
  room: new URLSearchParams(location.search).get("room"),
  language: lang,
  words: ALL,
  size,
  on: {
    room: begun,
    state: titled,
    bar: barred,
    language(now) {
      lang = now;
      spoken(lang);
      titled();
    },
    theme: otherTheme,
  },
});
addEventListener("hashchange", () => location.reload());
