// Which room: those that are held now or begin soon, or one begun now.
import { button, dateOf, icon, make } from "../../js/dom.js";

const SOON = 12 * 3600 * 1000; // ms within which a room is worth a line
const AGAIN = 10_000; // ms between two looks

// `service`: its path, where who reads is signed in; `choose(id)`.
export function createRooms({ service, words, choose }) {
  const list = make("ul", { className: "rooms-list" });
  const says = make("p", { className: "hint", role: "status" }, words.rooms_loading);
  const now = button("people", words.rooms_now, () => begin(), { className: "main" });
  const plan = make("a", { className: "key", href: service, target: "_blank", rel: "noopener" }, words.rooms_plan);
  const heading = make("h2", {}, words.rooms);
  const el = make("section", { className: "conference rooms-choice", "aria-label": words.rooms }, heading, make("div", { className: "rooms-keys" }, now, plan), says, list);
  el.lang = words.lang;
  let timer = 0;
  let over = false;

  const line = ({ id, title, begins, inside, began }) => {
    const held = inside > 0;
    const when = held ? words.say("rooms_inside", { count: inside }) : begins ? dateOf(begins, words.lang) : began ? words.rooms_open : "";
    const key = button(null, words.join, () => choose(id), { className: held ? "main" : "" });
    key.setAttribute("aria-label", `${words.join}: ${title}`);
    return make("li", { "data-room": id }, make("div", {}, make("strong", {}, title), make("span", { className: "hint" }, when)), held && icon("people"), key);
  };
  const worth = ({ ended, begins, ends, inside }) => {
    if (ended) return false;
    if (inside) return true;
    const [from, to] = [begins, ends].map((one) => (one ? Date.parse(one) - Date.now() : null));
    return (from === null || from < SOON) && (to === null || to > 0);
  };
  const look = async () => {
    clearTimeout(timer);
    try {
      const answer = await fetch(`${service}rooms`);
      if (!answer.ok) throw new Error(answer.status);
      const { rooms } = await answer.json();
      if (over) return;
      const shown = rooms.filter(worth).sort((a, b) => b.inside - a.inside || (a.begins ?? "").localeCompare(b.begins ?? ""));
      says.textContent = shown.length ? "" : words.rooms_none;
      const focused = list.contains(document.activeElement) && document.activeElement.closest("li").dataset.room;
      list.replaceChildren(...shown.map(line));
      if (focused) list.querySelector(`[data-room="${focused}"] button`)?.focus();
    } catch (error) {
      if (over) return;
      now.disabled = error.message === "403";
      says.textContent = now.disabled ? words.rooms_not_yours : words.rooms_unreachable;
    }
    if (!over) timer = setTimeout(look, AGAIN);
  };
  const begin = async () => {
    now.disabled = true;
    try {
      const answer = await fetch(`${service}rooms`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ title: words.rooms_title }),
      });
      if (!answer.ok) throw new Error(answer.status);
      const { room } = await answer.json();
      if (!over) choose(room.id);
    } catch {
      says.textContent = words.rooms_unreachable;
      now.disabled = false;
    }
  };
  look();

  return {
    el,
    close() {
      over = true;
      clearTimeout(timer);
      el.remove();
    },
  };
}
