// All participants of a room, laid out for the space there is, and large what is shown to all.
// Elements are made once for each participant and then only moved: a picture never begins anew.
import { beside, grid } from "./places.js";
import { createSeat, createShow } from "./seat.js";

const SHOWN = ["screen", "city-camera"];
const LEAST = { page: 84, wall: 200 }; // px that a picture beside a large one is wide at least
const SIGNS = {
  speaker: '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M3 5h12v14H3zM18 5h3v4h-3zM18 12h3v4h-3z"/></svg>',
  all: '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M3 5h7v6H3zM14 5h7v6h-7zM3 14h7v6H3zM14 14h7v6h-7z"/></svg>',
  full: '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5"/></svg>',
};

// `size`: "page" or "wall" (seen from afar). `on.large(id)`: whose picture is large now, or null;
// `on.view(name)`: "speaker" or "all" was chosen. What comes back has `el`; `keys`, the keys for the
// view and full screen, to be put where the caller has its keys; `view(name)`, `full()`, `close()`.
export function createTiles(element, { room, words, size = "page", view = "all", on = {} }) {
  const el = Object.assign(document.createElement("section"), { className: "conference-tiles" });
  el.dataset.size = size;
  el.setAttribute("aria-label", words.participants);
  const more = Object.assign(document.createElement("p"), { className: "conference-more", hidden: true });
  el.append(more);
  element.append(el);
  const seats = new Map(); // by participant
  const shows = new Map(); // by what is shown
  let pinned = null; // who or what the reader made large
  let speaker = null; // who speaks, or spoke last
  let large = null;
  let wish = 0;
  let box = { width: 0, height: 0 };

  const press = (key) => {
    pinned = pinned === key ? null : key;
    draw();
  };

  // ---- who and what is there
  const people = () => {
    for (const [id, participant] of room.participants) {
      if (!seats.has(id)) {
        const seat = createSeat({ room, participant, words, press: () => press(id) });
        seats.set(id, seat);
        el.append(seat.el);
      }
      seats.get(id).show(participant);
    }
    for (const [id, seat] of seats) {
      if (room.participants.has(id)) continue;
      seat.close();
      seats.delete(id);
      if (pinned === id) pinned = null;
    }
    // An empty stream is no picture: it is shown once the source is there.
    const now = new Map();
    for (const participant of room.participants.values()) {
      for (const source of SHOWN) {
        if (participant.sources?.includes(source)) now.set(`${participant.id} ${source}`, { participant, source });
      }
    }
    if (room.material) {
      const participant = room.participants.get(room.material.who) ?? { id: room.material.who, name: "" };
      now.set("material", { participant, source: "material" });
    }
    for (const [key, what] of now) {
      if (!shows.has(key)) {
        const show = createShow({ room, ...what, words, press: () => press(key) });
        shows.set(key, show);
        el.append(show.el);
      }
      shows.get(key).show(what.participant);
    }
    for (const [key, show] of shows) {
      if (now.has(key)) continue;
      show.close();
      shows.delete(key);
      if (pinned === key) pinned = null;
    }
  };
  const speaking = () => {
    const { now = [], recent = [] } = room.speaking ?? {};
    for (const [id, seat] of seats) seat.speaks(now.includes(id));
    // Oneself is not made large for speaking.
    const heard = [...now, ...recent].find((id) => id !== room.you && seats.has(id));
    speaker = seats.has(speaker) && now.includes(speaker) ? speaker : (heard ?? (seats.has(speaker) ? speaker : null));
  };

  // ---- where they stand
  const arrange = () => {
    const ids = [...seats.keys()];
    const shown = [...shows.keys()];
    let big = shown;
    if (pinned) big = [pinned];
    else if (!big.length && view === "speaker") {
      const first = speaker ?? ids.find((id) => id !== room.you) ?? ids[0];
      big = first === undefined ? [] : [first];
    }
    return { big, small: [...shown, ...ids].filter((key) => !big.includes(key)) };
  };
  // Where not all have room, those who spoke last do, in the order in which they always stand.
  const chosen = (small, many) => {
    if (many >= small.length) return small;
    const order = [...(room.speaking?.now ?? []), ...(room.speaking?.recent ?? []), room.you];
    const rank = (key) => (shows.has(key) ? -1 : order.includes(key) ? order.indexOf(key) : order.length);
    const kept = new Set([...small].sort((a, b) => rank(a) - rank(b)).slice(0, many));
    return small.filter((key) => kept.has(key));
  };
  const draw = () => {
    cancelAnimationFrame(wish);
    wish = requestAnimationFrame(lay);
  };
  const lay = () => {
    people();
    speaking();
    const { big, small } = arrange();
    const gap = Math.max(4, Math.round(Math.min(box.width, box.height) / 160));
    const space = { x: gap, y: gap, width: box.width - 2 * gap, height: box.height - 2 * gap };
    if (space.width <= 0 || space.height <= 0) return;
    const even = view === "all" ? 0.9 : 0.25;
    const found = big.length
      ? beside(big.length, small.length, space, { gap, least: LEAST[size], even })
      : { large: [], others: grid(small.length, space, gap).places };
    const kept = chosen(small, found.others.length);
    for (const key of [...seats.keys(), ...shows.keys()]) {
      const seat = seats.get(key) ?? shows.get(key);
      const [first, second] = [big.indexOf(key), kept.indexOf(key)];
      seat.stand(found.large[first] ?? found.others[second] ?? null, first >= 0, pinned === key);
    }
    more.hidden = kept.length === small.length;
    if (!more.hidden) more.textContent = words.more_people.replace("{count}", small.length - kept.length);
    const whose = big.length === 1 && seats.has(big[0]) ? big[0] : null;
    if (whose !== large) on.large?.((large = whose));
  };

  // ---- keys
  const key = (label, sign, press) => {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "conference-key", title: label });
    button.setAttribute("aria-label", label);
    button.innerHTML = sign;
    button.addEventListener("click", press);
    return button;
  };
  const keys = Object.assign(document.createElement("div"), { className: "conference-views" });
  keys.setAttribute("role", "group");
  keys.setAttribute("aria-label", words.view);
  const views = ["speaker", "all"].map((name) => key(words[`view_${name}`], SIGNS[name], () => choose(name)));
  const marked = () => views.forEach((one, place) => one.setAttribute("aria-pressed", String((place ? "all" : "speaker") === view)));
  const choose = (name) => {
    pinned = null;
    if (view !== name) on.view?.((view = name));
    marked();
    draw();
  };
  const isFull = () => document.fullscreenElement === el || el.classList.contains("conference-full");
  // A phone may have no full screen for elements: then it fills the page.
  const full = async () => {
    if (document.fullscreenElement === el) return document.exitFullscreen();
    if (el.classList.contains("conference-full")) return el.classList.remove("conference-full");
    try {
      await el.requestFullscreen();
    } catch {
      el.classList.add("conference-full");
    }
  };
  keys.append(...views, key(words.full, SIGNS.full, full));
  marked();

  const standing = () => [...shows.values(), ...seats.values()].filter((one) => !one.el.hidden);
  const walk = (event) => {
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const from = event.target.closest?.(".conference-tile");
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key.toLowerCase() === "f") full();
    else if (event.key === "Escape" && el.classList.contains("conference-full")) full();
    else if (event.key in steps && from) nearest(from, steps[event.key])?.focus({ preventScroll: true });
    else return;
    event.preventDefault();
  };
  const nearest = (from, [right, down]) => {
    const middle = (one) => [one.offsetLeft + one.offsetWidth / 2, one.offsetTop + one.offsetHeight / 2];
    const [x, y] = middle(from);
    const far = ({ el: one }) => {
      const [dx, dy] = [middle(one)[0] - x, middle(one)[1] - y];
      const along = right * dx + down * dy;
      return along > 1 ? along + 3 * Math.abs(right ? dy : dx) : Infinity;
    };
    const best = standing().reduce((a, b) => (far(b) < far(a) ? b : a));
    return far(best) < Infinity ? best.el : null;
  };
  el.addEventListener("keydown", walk);

  // ---- what changes
  const sized = new ResizeObserver(([entry]) => {
    box = entry.contentRect;
    draw();
  });
  sized.observe(el);
  const heard = ["participants", "speaking", "material", "media"];
  for (const name of heard) room.addEventListener(name, draw);
  draw();

  return {
    el,
    keys,
    full,
    view: choose,
    get large() {
      return large;
    },
    close() {
      cancelAnimationFrame(wish);
      sized.disconnect();
      for (const name of heard) room.removeEventListener(name, draw);
      for (const one of [...seats.values(), ...shows.values()]) one.close();
      if (isFull() && document.fullscreenElement) document.exitFullscreen();
      keys.remove();
      el.remove();
    },
  };
}
