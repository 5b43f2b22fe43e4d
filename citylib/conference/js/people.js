// Who is here, who waits; and for the host what can be done about it.
import { button, field, icon, languageName, make } from "./dom.js";

const ORDER = ["host", "interpreter", "speaker", "listener"];

// `invite()` gives a new link; without it there is no key for it.
export function createPeople({ room, words, notice, invite = null }) {
  const waiting = make("ul", { className: "people" });
  const door = make("section", { className: "at-door", hidden: true }, make("h3", {}, words.waiting_people), waiting);
  const list = make("ul", { className: "people" });
  const host = make("section", { className: "hosting", "aria-label": words.hosting, hidden: true });
  const el = make("section", { className: "people-panel", "aria-label": words.people }, door, list, host);
  const send = (type, more = {}) => room.send({ type, ...more });
  let asked = null; // whose keys are open

  // ---- what a host does with one
  const acts = (one) => {
    const press = (text, work, more) => button(null, text, () => { asked = null; work(); draw(); }, { className: "small", ...more });
    const language = make("select", {}, ...(room.languages ?? ["ko", "en"]).map((code) => make("option", { value: code }, languageName(code, words.lang))));
    const roles = ["host", "speaker", "listener"].filter((role) => role !== one.role);
    return make(
      "div", { className: "acts" },
      one.microphone && press(words.mute_one, () => send("mute", { who: one.id })),
      ...roles.map((role) => press(words.say("make_role", { role: words[`role_${role}`] }), () => send("appoint", { who: one.id, role }))),
      make("div", { className: "interprets" }, field(words.interprets, language), press(words.appoint, () => send("appoint", { who: one.id, role: "interpreter", language: language.value }))),
      press(words.remove, () => confirm(words.say("remove_sure", one)) && send("remove", { who: one.id }), { className: "small bad" }),
    );
  };
  const person = (one) => {
    const own = one.id === room.you;
    const marks = make("span", { className: "marks" });
    if (one.hand) marks.append(icon("hand"));
    marks.append(icon(one.microphone ? "microphone" : "microphone-off"), icon(one.camera ? "camera" : "camera-off"));
    const states = [one.hand && words.hand_raised, one.microphone ? words.microphone_is_on : words.microphone_is_off, one.camera ? words.camera_is_on : words.camera_is_off];
    marks.append(make("span", { className: "unseen" }, states.filter(Boolean).join(", ")));
    const role = one.role === "interpreter" && one.language ? `${words.role_interpreter}, ${languageName(one.language, words.lang)}` : words[`role_${one.role}`];
    const open = asked === one.id;
    const more = room.role === "host" && !own && button("more", words.say("acts_for", one), () => { asked = open ? null : one.id; draw(); }, { className: "plain small acts-key" });
    if (more) more.setAttribute("aria-expanded", String(open));
    return make(
      "li", { "data-who": one.id },
      make("div", { className: "person" }, make("span", { className: "person-name" }, make("strong", {}, own ? words.say("you", one) : one.name), make("span", { className: "role" }, role)), marks, more),
      open && acts(one),
    );
  };
  const waits = ([who, name]) =>
    make("li", { "data-who": who },
      make("div", { className: "person" }, make("strong", { className: "person-name" }, name),
        button("check", words.say("admit", { name }), () => send("admit", { who, welcome: true }), { className: "good small" }),
        button("close", words.say("turn_away", { name }), () => send("admit", { who, welcome: false }), { className: "plain small" })));

  // ---- what a host does with the room
  const made = make("div", { className: "link", hidden: true });
  const copy = async () => {
    try {
      const link = await invite();
      const shown = make("input", { type: "text", readOnly: true, value: link, "aria-label": words.invite });
      made.replaceChildren(shown);
      made.hidden = false;
      shown.select();
      await navigator.clipboard.writeText(link);
      notice(words.link_copied);
    } catch {
      notice(made.hidden ? words.link_failed : words.link_shown);
    }
  };
  const drawHost = () => {
    host.hidden = room.role !== "host";
    if (host.hidden) return host.replaceChildren();
    host.replaceChildren(
      room.waiting.size > 1 ? button("check", words.admit_all, () => [...room.waiting.keys()].forEach((who) => send("admit", { who, welcome: true })), { className: "small" }) : "",
      button("microphone-off", words.mute_all, () => send("mute"), { className: "small" }),
      button("lock", room.locked ? words.unlock : words.lock, () => send("lock", { locked: !room.locked }), { className: "small" }),
      invite ? button("link", words.invite, copy, { className: "small" }) : "",
      made,
      button("close", words.end_for_all, () => confirm(words.end_sure) && send("end"), { className: "small bad" }),
    );
  };

  const draw = () => {
    if (!el.contains(document.activeElement) || document.activeElement.tagName !== "SELECT") {
      const focused = el.contains(document.activeElement) && document.activeElement.closest("li")?.dataset.who;
      const order = (one) => [one.id === room.you ? -1 : one.hand ? 0 : 1, ORDER.indexOf(one.role), one.name];
      const sorted = [...room.participants.values()].sort((a, b) => {
        const [x, y] = [order(a), order(b)];
        return x[0] - y[0] || x[1] - y[1] || x[2].localeCompare(y[2], words.lang);
      });
      list.replaceChildren(...sorted.map(person));
      if (focused) list.querySelector(`[data-who="${focused}"] .acts-key`)?.focus();
    }
    waiting.replaceChildren(...[...room.waiting].map(waits));
    door.hidden = !room.waiting.size;
    drawHost();
  };
  const events = ["participants", "waiting", "role", "room"];
  for (const type of events) room.addEventListener(type, draw);
  draw();

  return {
    el,
    close() {
      for (const type of events) room.removeEventListener(type, draw);
    },
  };
}
