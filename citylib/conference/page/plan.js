// The form of a room: title, time, agenda, who is invited.
import { button, field, make } from "../js/dom.js";

const ROLES = ["speaker", "listener", "host", "interpreter"];

// The time of an input, which has none of a zone, as this computer means it; and back.
const momentOf = (value) => (value ? new Date(value).toISOString() : null);
const valueOf = (iso) => {
  if (!iso) return "";
  const time = new Date(iso);
  return new Date(time - time.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
};
export const zoneHere = () => Intl.DateTimeFormat().resolvedOptions().timeZone;

// All time zones, for inputs to choose from; one list for the page.
export function zones() {
  if (!document.getElementById("zones")) {
    const list = make("datalist", { id: "zones" });
    for (const zone of Intl.supportedValuesOf?.("timeZone") ?? []) list.append(make("option", { value: zone }));
    document.body.append(list);
  }
  return "zones";
}

// The fields of somebody who is invited; `value()` is what the service is told.
export function createGuest({ words, all }) {
  const name = make("input", { type: "text", maxLength: 80, autocomplete: "off" });
  const email = make("input", { type: "email", maxLength: 254, autocomplete: "off" });
  const role = make("select", {}, ...ROLES.map((one) => make("option", { value: one }, words[`role_${one}`])));
  const language = make("select", {}, ...Object.keys(all).map((lang) => make("option", { value: lang, selected: lang === words.lang }, all[lang].own_name)));
  const zone = make("input", { type: "text", value: zoneHere() });
  zone.setAttribute("list", zones());
  const el = make(
    "fieldset", { className: "guest" }, make("legend", { className: "unseen" }, words.guest),
    field(words.guest_name, name), field(words.email, email), field(words.role, role), field(words.language, language), field(words.zone, zone),
  );
  const value = () => {
    const told = { role: role.value, language: language.value, timezone: zone.value || zoneHere() };
    if (name.value.trim()) told.name = name.value.trim();
    if (email.value.trim()) told.email = email.value.trim();
    return told;
  };
  return { el, value, name };
}

// `room`: the one that is changed; without it a new one, with guests. `done(values)`.
export function createForm({ words, all, room = null, done }) {
  const title = make("input", { type: "text", maxLength: 200, required: true, value: room?.title ?? "" });
  const begins = make("input", { type: "datetime-local", required: !room, value: valueOf(room?.begins) });
  const ends = make("input", { type: "datetime-local", value: valueOf(room?.ends) });
  const agenda = make("textarea", { rows: 4, maxLength: 10_000, value: room?.agenda ?? "" });
  const check = (text, is) => {
    const input = make("input", { type: "checkbox", checked: is });
    return { input, el: make("label", { className: "check" }, input, make("span", {}, text)) };
  };
  const waiting = check(words.waiting_room, room?.waiting_room ?? true);
  const voice = check(words.voice_room, room?.voice_only ?? false);
  const guests = [];
  const rows = make("div", { className: "guests" });
  const add = () => {
    const guest = createGuest({ words, all });
    guests.push(guest);
    const drop = () => {
      guests.splice(guests.indexOf(guest), 1);
      guest.el.remove();
      more.focus();
    };
    guest.el.append(button("close", words.guest_drop, drop, { className: "plain small" }));
    rows.append(guest.el);
    guest.name.focus();
  };
  const more = button(null, words.guest_add, add, { className: "quiet" });
  // An hour is what most take.
  begins.addEventListener("change", () => {
    if (begins.value && (!ends.value || ends.value <= begins.value)) ends.value = valueOf(new Date(Date.parse(momentOf(begins.value)) + 3_600_000).toISOString());
  });
  const submit = (event) => {
    event.preventDefault();
    done({
      title: title.value.trim(),
      begins: momentOf(begins.value),
      ends: momentOf(ends.value),
      agenda: agenda.value,
      waiting_room: waiting.input.checked,
      voice_only: voice.input.checked,
      ...(!room && { invited: guests.map((guest) => guest.value()) }),
    });
  };
  const el = make(
    "form", { className: "form", on: { submit } },
    field(words.room_title, title),
    make("div", { className: "beside" }, field(words.say("begins_here", { zone: zoneHere() }), begins), field(words.ends, ends)),
    field(words.agenda, agenda),
    waiting.el, voice.el,
    ...(room ? [] : [make("h3", {}, words.guests), make("p", { className: "facts" }, words.guests_detail), rows, more]),
    make("button", { type: "submit", className: "key main" }, room ? words.save : words.plan_save),
  );
  return {
    el,
    clear() {
      el.reset();
      rows.replaceChildren();
      guests.length = 0;
    },
  };
}
