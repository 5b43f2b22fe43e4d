// The page of who takes part: a conference that fills the window.
import { createMeeting } from "../js/meeting.js";
import { languageOf, otherTheme, themed } from "./window.js";

const ALL = JSON.parse(document.getElementById("words").textContent);
const page = document.documentElement;

function named(lang, room = null) {
  page.lang = lang;
  document.title = room ? `${room.title} · ${ALL[lang].conference}` : ALL[lang].conference;
}

// Who is signed in comes by ?room=ID, everybody else by an invitation behind the #.
themed();
let spoken = languageOf(ALL);
let meeting = null;
named(spoken);
meeting = createMeeting(document.body, {
  service: page.dataset.service,
  invitation: location.hash.slice(1) || null,
  room: new URLSearchParams(location.search).get("room"),
  language: spoken,
  words: ALL,
  size: innerWidth > 2400 ? "wall" : "page",
  on: {
    state: () => named(spoken, meeting?.room?.room),
    language: (lang) => named((spoken = lang), meeting?.room?.room),
    theme: otherTheme,
  },
});
globalThis.meeting = meeting;
addEventListener("hashchange", () => location.reload());
