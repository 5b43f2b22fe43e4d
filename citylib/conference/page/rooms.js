// The page of who makes conferences: those that are on, planned and over.
import { button, dateOf, icon, make, timeOf, wordsOf } from "../js/dom.js";
import { createApi } from "./api.js";
import { createForm } from "./plan.js";
import { createInvitations } from "./invitations.js";
import { languageOf, spoken, themed, otherTheme } from "./window.js";

const ALL = JSON.parse(document.getElementById("words").textContent);
const SERVICE = document.documentElement.dataset.service;
const AGAIN = 10_000; // ms between two looks at who is inside
const MINUTES_LINES = 300;

const api = createApi(SERVICE);
let words = wordsOf(ALL, languageOf(ALL));
let rooms = [];
let open = null; // the id of the room whose details are seen
let details = null;

const says = make("p", { className: "says", role: "status" });
const lists = make("div", { className: "lists" });
const head = make("header", { className: "head" });
const begin = make("section", { className: "begin" });
const main = make("main", {}, begin, says, lists);

const tell = (text) => (says.textContent = text);
// Does something, and says what went wrong in the service's own words.
async function attempt(work, done = "") {
  try {
    const found = await work();
    tell(done);
    return found;
  } catch (error) {
    tell(error.message || words.failed);
    return null;
  }
}

// ---- what kind of a room it is
const kindOf = (room) => {
  if (room.ended) return "past";
  return room.inside || room.waiting || (room.began && !room.begins) || !room.begins ? "now" : "planned";
};
const enter = (room) => `${SERVICE}join/?room=${room.id}`;

function card(room) {
  const kind = kindOf(room);
  const when = room.begins
    ? [dateOf(room.begins, words.lang), room.ends && timeOf(room.ends, words.lang)].filter(Boolean).join(" – ")
    : dateOf(room.began ?? room.made, words.lang);
  const facts = [when, words.say("hosted_by", { name: room.host })];
  if (room.inside) facts.push(words.say("inside", { count: room.inside }));
  if (room.waiting) facts.push(words.say("people_waiting", { count: room.waiting }));
  const is = open === room.id;
  const more = button(null, is ? words.less : words.details, () => show(is ? null : room.id), { className: "quiet" });
  more.setAttribute("aria-expanded", String(is));
  return make(
    "li", { className: `room ${kind}`, "data-room": room.id },
    make("div", { className: "room-head" },
      make("div", { className: "room-what" },
        make("h3", {}, room.title, room.locked && icon("lock"), room.voice_only && make("span", { className: "tag" }, words.voice_only)),
        make("p", { className: "facts" }, facts.join(" · "))),
      kind !== "past" && make("a", { className: `key${kind === "now" ? " main" : ""}`, href: enter(room) }, words.enter),
      more),
    is && details,
  );
}

function draw() {
  const kinds = { now: [], planned: [], past: [] };
  for (const room of rooms) kinds[kindOf(room)].push(room);
  kinds.planned.sort((a, b) => a.begins.localeCompare(b.begins));
  for (const kind of ["now", "past"]) kinds[kind].sort((a, b) => (b.began ?? b.made).localeCompare(a.began ?? a.made));
  const focused = document.activeElement?.closest?.("[data-room]")?.dataset.room;
  lists.replaceChildren(
    ...Object.entries(kinds)
      .filter(([kind, found]) => found.length || kind === "now")
      .map(([kind, found]) =>
        make("section", {}, make("h2", {}, words[`rooms_${kind}`]),
          found.length ? make("ul", {}, ...found.map(card)) : make("p", { className: "none" }, words.rooms_none))),
  );
  if (focused && document.activeElement === document.body) lists.querySelector(`[data-room="${focused}"] .quiet`)?.focus();
}
async function load() {
  const found = await api.get("rooms");
  rooms = found.rooms;
  // What somebody is writing in is not drawn anew under their hands.
  if (!lists.contains(document.activeElement) || !/INPUT|TEXTAREA|SELECT/.test(document.activeElement.tagName)) draw();
}

// ---- one room in detail
async function show(id) {
  open = id;
  details = null;
  const room = rooms.find((one) => one.id === id);
  if (room) details = await attempt(() => detailsOf(room));
  draw();
  lists.querySelector(`[data-room="${id}"] .quiet`)?.focus();
}
async function detailsOf(room) {
  const past = kindOf(room) === "past";
  const parts = [];
  if (room.agenda) parts.push(make("p", { className: "agenda" }, room.agenda));
  if (!past) {
    const { invitations } = await api.get(`rooms/${room.id}/invitations`);
    parts.push(createInvitations({ api, room, words, all: ALL, invitations, attempt }).el);
    parts.push(await change(room));
  }
  if (room.began) parts.push(await minutesOf(room), await recordingsOf(room));
  return make("div", { className: "details" }, ...parts);
}
async function change(room) {
  const set = (values) => attempt(async () => {
    await api.patch(`rooms/${room.id}`, values);
    await load();
    await show(room.id);
  }, words.saved);
  const form = createForm({ words, all: ALL, room, done: set });
  const end = () => confirm(words.say("room_end_sure", room)) && attempt(async () => {
    await api.remove(`rooms/${room.id}`);
    open = null;
    await load();
    draw();
  }, words.room_ended);
  return make("section", {}, make("details", {}, make("summary", { className: "key" }, words.room_change), form.el), button(null, words.room_end, end, { className: "bad" }));
}
async function minutesOf(room) {
  const told = await api.get(`rooms/${room.id}/minutes`);
  const clock = (time) => (time ? timeOf(time, words.lang) : "");
  const people = told.attendance.map((one) => make("tr", {}, make("td", {}, one.name), make("td", {}, words[`role_${one.role}`] ?? one.role), make("td", {}, clock(one.from)), make("td", {}, clock(one.to))));
  const heads = [words.who, words.role, words.from, words.until].map((text) => make("th", { scope: "col" }, text));
  const lines = told.chat.slice(-MINUTES_LINES).map((line) => make("li", {}, make("time", { dateTime: line.time }, clock(line.time)), " ", make("strong", {}, line.name), ` ${line.text}`));
  return make(
    "section", {}, make("h4", {}, words.minutes),
    make("div", { className: "table", tabIndex: 0, role: "region", "aria-label": words.attendance }, make("table", {}, make("caption", {}, words.attendance), make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...people))),
    lines.length > 0 && make("details", {}, make("summary", {}, words.say("chat_lines", { count: told.chat.length })), make("ol", { className: "said" }, ...lines)),
    make("a", { className: "key", href: `${SERVICE}rooms/${room.id}/minutes?as=csv`, download: "" }, words.minutes_csv),
  );
}
async function recordingsOf(room) {
  const { recordings } = await api.get(`rooms/${room.id}/recordings`);
  if (!recordings.length) return null;
  const line = (one) => make("li", {},
    one.ended
      ? make("a", { href: one.file, download: "" }, dateOf(one.began, words.lang))
      : make("span", {}, dateOf(one.began, words.lang)),
    make("span", { className: "facts" }, [words.say("recorded_by", { name: one.by }), `${(one.bytes / 1e6).toFixed(1)} MB`, words.say("kept_days", { count: one.days })].join(" · ")));
  return make("section", {}, make("h4", {}, words.recordings), make("ul", { className: "recordings" }, ...recordings.map(line)));
}

// ---- beginning one now, or planning one
function drawBegin() {
  const title = make("input", { type: "text", maxLength: 200, required: true, placeholder: words.title_example, "aria-label": words.room_title });
  const start = make("form", { className: "start", on: {
    submit(event) {
      event.preventDefault();
      attempt(async () => {
        const { room } = await api.post("rooms", { title: title.value.trim() });
        location.href = enter(room);
      });
    },
  } }, title, make("button", { type: "submit", className: "key main" }, words.start_now));
  const plan = make("details", { className: "plan" }, make("summary", { className: "key" }, words.plan));
  const form = createForm({ words, all: ALL, async done(values) {
    const made = await attempt(() => api.post("rooms", values), words.planned);
    if (!made) return;
    plan.open = false;
    form.clear();
    await load();
    await show(made.room.id);
  } });
  plan.append(form.el);
  begin.replaceChildren(make("h2", {}, words.begin), start, plan);
}
function drawHead() {
  document.documentElement.lang = words.lang;
  document.title = words.rooms;
  const languages = Object.keys(ALL).map((lang) =>
    make("button", { type: "button", className: "key plain", lang, "aria-pressed": String(lang === words.lang), on: { click: () => speak(lang) } }, ALL[lang].own_name));
  head.replaceChildren(
    make("h1", {}, words.rooms),
    make("nav", { "aria-label": words.pages }, make("a", { href: "/" }, words.home), ...languages, button(null, words.theme_other, otherTheme, { className: "plain" })),
  );
}
function speak(lang) {
  spoken(lang);
  words = wordsOf(ALL, lang);
  drawHead();
  drawBegin();
  show(open);
}

themed();
document.body.append(head, main);
drawHead();
drawBegin();
attempt(async () => {
  await load();
  draw();
});
setInterval(() => document.hidden || load().catch(() => {}), AGAIN);
