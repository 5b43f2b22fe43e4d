// In the room: the pictures, the keys below them, and beside them who is here and what is written.
import { abilities, listDevices } from "./devices.js";
import { button, createNotices, icon, languageName, make, relabel } from "./dom.js";
import { createChat } from "./chat.js";
import { createPeople } from "./people.js";
import { createTiles } from "./tiles.js";
import { selectOf, troubleOf } from "./door.js";

const GRADES = 4;
const NARROW = 736; // px below which the keys of the view are in the menu

// `on.leave()`, `on.language(lang)`, `on.theme()`: what is not the room's own affair; `on.bar(…)`: the
// keys are drawn, and more can be added to them.
export function createStage({ room, own, words, invite, all, size, view, on }) {
  const title = make("h1", { tabIndex: -1 }, room.room.title);
  const sign = make("p", { className: "recording", hidden: true }, make("span", {}), words.recording);
  const locked = make("p", { className: "locked", hidden: true }, icon("lock"), make("span", {}, words.locked_sign));
  const quality = make("button", { type: "button", className: "quality", on: { click: () => explain() } });
  for (let bar = 1; bar <= GRADES; bar += 1) quality.append(make("span", { "aria-hidden": "true" }));
  const qualityText = make("span", { className: "unseen" }, words.line);
  quality.append(qualityText);
  const channel = make("select", { "aria-label": words.channel, on: { change: () => room.hear(channel.value || null) } });
  const channels = make("div", { className: "channels", hidden: true }, icon("globe"), channel);
  const views = make("div", { className: "stage-views" });
  const head = make("header", { className: "stage-head" }, title, locked, sign, channels, views, quality);
  const banner = make("p", { className: "banner", role: "status", hidden: true });
  const tap = button("sound", words.tap_to_hear, () => room.sound(true), { className: "main tap" });
  tap.hidden = true;
  const place = make("div", { className: "stage-tiles" });
  const main = make("main", { className: "stage-main" }, banner, place, tap);
  const side = make("aside", { className: "stage-side", hidden: true });
  const el = make("div", { className: "stage", tabIndex: -1 }, head, main, side);
  const notice = createNotices(el);

  const tiles = createTiles(place, { room, words, size, view, on: { large: (large) => room.want({ large }), view: on.view } });

  // ---- what opens beside or over the pictures
  const chat = createChat({ room, words });
  const people = createPeople({ room, words, notice, invite });
  const menu = make("section", { className: "menu", "aria-label": words.more });
  const panels = { chat: chat.el, people: people.el, more: menu };
  let open = null;
  const show = (name) => {
    const opener = { chat: keys.chat, people: keys.people, more: keys.more };
    const before = open;
    open = name === open ? null : name;
    side.hidden = !open;
    el.toggleAttribute("data-side", Boolean(open));
    if (open === "more") draw();
    if (open) side.replaceChildren(head2(open), panels[open]);
    for (const [one, key] of Object.entries(opener)) key.setAttribute("aria-expanded", String(one === open));
    if (open === "chat") chat.opened();
    if (open) (open === "chat" ? chat.input : side.querySelector("button")).focus();
    else if (before) opener[before].focus();
    badges();
  };
  const head2 = (name) =>
    make("div", { className: "side-head" }, make("h2", {}, words[name]), button("close", words.close, () => show(name), { className: "plain small" }));
  side.addEventListener("keydown", (event) => event.key === "Escape" && show(open));

  // ---- the keys
  const share = async () => {
    const refused = await own.share(!own.screen);
    if (refused && refused !== "denied") notice(words.screen_failed);
  };
  const me = () => room.participants.get(room.you);
  const may = () => room.role !== "listener";
  const keys = {
    microphone: button("microphone", words.microphone, () => turn("microphone")),
    camera: button("camera", words.camera, () => turn("camera")),
    screen: button("screen", words.share, share, { className: "wide-only" }),
    hand: button("hand", words.hand, () => room.hand(!me()?.hand)),
    chat: button("chat", words.chat, () => show("chat")),
    people: button("people", words.people, () => show("people"), { className: "wide-only" }),
    more: button("more", words.more, () => show("more")),
    leave: button("leave", words.leave, () => on.leave(), { className: "leave" }),
  };
  const turn = async (kind) => {
    await own.turn(kind, !(own[kind].on && own[kind].track));
    const trouble = own[kind].on && troubleOf(words, kind, own[kind]);
    if (trouble) notice(trouble);
  };
  const badge = (key) => key.appendChild(make("span", { className: "badge", hidden: true }));
  const marks = { chat: badge(keys.chat), people: badge(keys.people), more: badge(keys.more) };
  const badges = () => {
    const counts = { chat: open === "chat" ? 0 : chat.unread, people: room.waiting.size, more: room.waiting.size };
    for (const [name, count] of Object.entries(counts)) {
      marks[name].hidden = !count;
      marks[name].textContent = count;
    }
    marks.more.classList.add("narrow-only");
  };
  const bar = make("nav", { className: "stage-keys", "aria-label": words.keys }, ...Object.values(keys));
  el.append(bar);
  on.bar?.({ bar, room, words, add: (key) => bar.insertBefore(key, keys.more) });

  const draw = () => {
    for (const kind of ["microphone", "camera"]) {
      const is = Boolean(own[kind].on && own[kind].track);
      keys[kind].hidden = !may() || (kind === "camera" && room.room.voice_only);
      relabel(keys[kind], is ? kind : `${kind}-off`, words[is ? `${kind}_is_on` : `${kind}_is_off`], is);
    }
    keys.screen.hidden = !may() || !abilities().screen || room.room.voice_only;
    relabel(keys.screen, "screen", own.screen ? words.share_end : words.share, Boolean(own.screen));
    relabel(keys.hand, "hand", me()?.hand ? words.hand_down : words.hand, Boolean(me()?.hand));
    sign.hidden = !room.recording;
    locked.hidden = !room.locked;
    title.textContent = room.room.title;
    keys.people.querySelector(".key-text").textContent = `${words.people} (${room.participants.size})`;
    arrange();
    drawMenu();
    drawChannels();
  };
  const arrange = () => el.clientWidth >= NARROW && views.append(tiles.keys);
  const drawChannels = () => {
    channels.hidden = !room.channels.length;
    const now = JSON.stringify([room.channels, room.channel]);
    if (channel.dataset.now === now) return;
    channel.dataset.now = now;
    const options = [["", words.floor], ...room.channels.map((code) => [code, languageName(code, words.lang)])];
    channel.replaceChildren(...options.map(([value, text]) => make("option", { value, selected: (room.channel ?? "") === value }, text)));
  };
  let listed = "";
  const drawMenu = async () => {
    if (open !== "more") return;
    const devices = await listDevices();
    const kinds = ["microphone", "camera", "loudspeaker"].filter(
      (kind) => devices[kind].length > 1 && (kind === "loudspeaker" ? abilities().loudspeakers : may()),
    );
    const now = JSON.stringify([devices, own.voiceOnly, room.role, may(), Boolean(own.screen), room.participants.size, room.waiting.size]);
    if (now === listed && menu.children.length) return;
    listed = now;
    const people = room.waiting.size ? words.say("people_waiting", { count: room.waiting.size }) : `${words.people} (${room.participants.size})`;
    menu.replaceChildren(
      make("div", { className: "menu-keys narrow-only" },
        button("people", people, () => show("people")),
        may() && abilities().screen && button("screen", own.screen ? words.share_end : words.share, share)),
      make("div", { className: "menu-keys" },
        make("button", { type: "button", className: "key", role: "switch", "aria-checked": String(own.voiceOnly), on: { click: () => own.onlyVoice(!own.voiceOnly) } }, icon("sound"), make("span", { className: "key-text" }, words.voice_only))),
      make("p", { className: "hint" }, words.voice_only_detail),
      el.clientWidth < NARROW && tiles.keys,
      ...kinds.map((kind) => selectOf({ own, words, kind, devices: devices[kind] })),
      make("div", { className: "menu-keys" },
        ...Object.keys(all).filter((_, __, { length }) => length > 1).map((lang) => make("button", { type: "button", className: "key", lang, "aria-pressed": String(lang === words.lang), on: { click: () => on.language(lang) } }, all[lang].own_name)),
        on.theme && make("button", { type: "button", className: "key", on: { click: on.theme } }, words.theme_other)),
    );
  };
  menu.addEventListener("chosen", ({ detail, target }) => detail === "loudspeaker" && room.loudspeaker(target.value));

  // ---- what is said on the page
  const explain = () => notice(qualityText.textContent);
  let given = 0;
  const measured = ({ detail }) => {
    quality.dataset.grade = detail.grade;
    quality.title = qualityText.textContent = words[`quality_${detail.grade}`];
    const now = detail.sending * 10 + detail.receiving;
    if (now === given) return;
    const key = detail.sending >= 3 ? "given_camera" : detail.receiving >= 2 ? "given_pictures" : now ? "given_large" : "given_back";
    given = now;
    notice(words[key]);
  };
  const state = () => {
    const lost = room.state === "lost";
    banner.hidden = !lost;
    banner.textContent = lost ? words.lost : "";
    el.toggleAttribute("data-lost", lost);
  };
  let role = room.role;
  let recorded = Boolean(room.recording);
  if (recorded) notice(words.recording_begins);
  const told = {
    participants({ detail }) {
      const { came, left, changed, before } = detail ?? {};
      if (came && came.id !== room.you) notice(words.say("came", came), { quiet: room.participants.size > 12 });
      if (left) notice(words.say("went", left), { quiet: room.participants.size > 12 });
      if (changed?.hand && !before.hand && changed.id !== room.you) notice(words.say("hand_of", changed));
      draw();
    },
    said({ detail }) {
      if (detail.who !== room.you) notice(words.say("said_by", detail), { quiet: open === "chat" });
      badges();
    },
    waiting({ detail }) {
      if (detail.came) notice(words.say("waits_at_door", detail.came));
      badges();
      draw();
    },
    muted: () => notice(words.muted_by_host),
    // Both are also told to who comes in: only what changed is news.
    role({ detail }) {
      if (role !== detail) notice(words.say("your_role", { role: words[`role_${detail}`] }));
      role = detail;
      draw();
    },
    recording({ detail }) {
      if (recorded !== Boolean(detail)) notice(detail ? words.recording_begins : words.recording_ends);
      recorded = Boolean(detail);
      draw();
    },
    sound: ({ detail }) => (tap.hidden = !detail.blocked),
    carried: ({ detail }) => notice(words[detail === "gone" ? "media_gone" : "media_back"]),
    error: ({ detail }) => detail.text && notice(detail.text),
    quality: measured,
    room: draw,
    channel: draw,
    state,
  };
  for (const [type, handler] of Object.entries(told)) room.addEventListener(type, handler);
  own.addEventListener("change", draw);
  const keyed = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) return;
    const what = { m: () => keys.microphone, v: () => keys.camera, h: () => keys.hand, c: () => keys.chat }[event.key.toLowerCase()];
    const key = what?.();
    if (!key || key.hidden) return;
    event.preventDefault();
    key.click();
  };
  el.addEventListener("keydown", keyed);
  // A phone does not fall asleep while somebody listens.
  let awake = null;
  const wake = async () => {
    if (!document.hidden) awake = await navigator.wakeLock?.request("screen").catch(() => null);
  };
  document.addEventListener("visibilitychange", wake);
  wake();
  draw();
  state();
  badges();

  return {
    el,
    view: tiles.view,
    focus() {
      title.focus({ preventScroll: true });
      arrange();
    },
    close() {
      for (const [type, handler] of Object.entries(told)) room.removeEventListener(type, handler);
      own.removeEventListener("change", draw);
      document.removeEventListener("visibilitychange", wake);
      awake?.release().catch(() => {});
      tiles.close();
      chat.close();
      people.close();
      el.remove();
    },
  };
}
