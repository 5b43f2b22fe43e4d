// The page of who takes part: a conference that fills the window.
import { createMeeting } from "../js/meeting.js";
import { remember, remembered } from "../js/dom.js";

const ALL = JSON.parse(document.getElementById("words").textContent);
const page = document.documentElement;

function themed(theme = remembered("theme")) {
  const now = theme ?? (matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark");
  page.dataset.theme = now;
}
function otherTheme() {
  const theme = page.dataset.theme === "dark" ? "light" : "dark";
  remember("theme", theme);
  themed(theme);
}

// The language that the address asks for, that was chosen before, that the browser prefers.
function languageOf() {
  const asked = [new URLSearchParams(location.search).get("lang"), remembered("lang"), ...navigator.languages];
  return asked.map((one) => one?.split("-")[0]).find((one) => one in ALL) ?? Object.keys(ALL)[0];
}

function named(lang, room = null) {
  page.lang = lang;
  document.title = room ? `${room.title} · ${ALL[lang].conference}` : ALL[lang].conference;
}

// Who is signed in comes by ?room=ID, everybody else by an invitation behind the #.
themed();
let spoken = languageOf();
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
