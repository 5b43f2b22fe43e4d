// What of this page can be shown to all: its parts, each with a key of its own while a conference is
// on, and a menu of them beside the other keys.
import { button, make, relabel } from "../../js/dom.js";
import { canShowPart, createSharing } from "../../js/sharing.js";

const EDGE = 32; // px, half the width of a key and its distance from the edge
const USUAL = { ".leaflet-container": "map", ".bqplot:not(.leaflet-container .bqplot)": "chart" };

// `words()`; `parts()`: selectors and names; `on.fault(text)`. What comes back goes into the panel's keys.
export function createShowing({ room, words, parts, panel, on }) {
  let openMenu = null;
  let sharp = !canShowPart();
  const keys = new Map(); // by part, the key in it

  const sharing = createSharing({
    room,
    on: {
      change: () => draw(),
      fault: (reason) => on.fault(words()[`show_${reason}`]),
    },
  });
  // Parts of the page that can be seen, outermost first, with names.
  const found = () => {
    const given = Object.entries(parts());
    const named = [];
    for (const [selector, name] of given.length ? given : Object.entries(USUAL)) {
      const seen = [...document.querySelectorAll(selector)].filter((one) => one.checkVisibility({ visibilityProperty: true }) && !panel.contains(one));
      seen.forEach((element, place) => {
        const text = given.length ? name : words()[`show_${name}`];
        named.push({ element, title: seen.length > 1 ? `${text} ${place + 1}` : text });
      });
    }
    return named;
  };
  const show = ({ element, title }) => {
    close();
    if (sharp) return sharing.drawing(element, title);
    return element ? sharing.part(element, title) : sharing.page(title);
  };

  // ---- the key of the panel, and its menu
  const main = button("screen", words().show_this, () => (sharing.now ? sharing.end() : openMenu ? close() : open()), { className: "show-key" });
  const close = () => {
    openMenu?.remove();
    openMenu = null;
    main.setAttribute("aria-expanded", "false");
  };
  const open = () => {
    const list = found();
    const choice = canShowPart() && make("label", { className: "show-sharp" },
      make("input", { type: "checkbox", checked: sharp, on: { change: ({ target }) => (sharp = target.checked) } }),
      make("span", {}, words().show_sharp));
    openMenu = make("div", { className: "show-menu", role: "group", "aria-label": words().show_this },
      ...list.map((one) => make("button", { type: "button", className: "key", on: { click: () => show(one) } }, one.title)),
      canShowPart() && make("button", { type: "button", className: "key", on: { click: () => (close(), sharing.page(document.title)) } }, words().show_page),
      choice);
    openMenu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      close();
      main.focus();
    });
    (main.closest(".stage") ?? panel).append(openMenu);
    main.setAttribute("aria-expanded", "true");
    openMenu.querySelector("button")?.focus();
  };

  // ---- keys in the parts themselves
  const mark = () => {
    const may = room.state === "in" && room.role !== "listener" && !room.room?.voice_only;
    const now = new Map(may && !sharing.now ? found().map((one) => [one.element, one]) : []);
    for (const [element, key] of keys) {
      if (now.has(element) && key.isConnected) continue;
      key.remove();
      keys.delete(element);
    }
    for (const [element, one] of now) {
      if (keys.has(element)) continue;
      const key = make("button", { type: "button", className: "part-key", "data-shared": "not", title: words().show_part.replace("{title}", one.title) });
      key.setAttribute("aria-label", key.title);
      key.append(...button("screen", "", () => {}).childNodes);
      key.addEventListener("click", (event) => {
        event.stopPropagation();
        show(one);
      });
      for (const type of ["pointerdown", "mousedown", "dblclick"]) key.addEventListener(type, (event) => event.stopPropagation());
      if (getComputedStyle(element).position === "static") element.classList.add("has-part-key");
      element.append(key);
      keys.set(element, key);
    }
    for (const [element, key] of keys) place(element, key);
  };
  // In the corner, or as far from it as something lies over the part: the conference itself, say.
  const place = (element, key) => {
    const box = element.getBoundingClientRect();
    const y = Math.max(box.top, 0) + EDGE;
    let right = box.right;
    const covered = () => {
      const top = document.elementFromPoint(right - 10, y);
      return top && !element.contains(top);
    };
    while (right > box.left + 3 * EDGE && covered()) right -= EDGE;
    const style = `${Math.round(box.right - right) + 8}px`;
    if (key.style.right !== style) key.style.right = style;
  };
  const draw = () => {
    const now = sharing.now;
    main.hidden = room.role === "listener" || Boolean(room.room?.voice_only);
    relabel(main, "screen", now ? words().show_end : words().show_this, Boolean(now));
    mark();
  };
  // Something of the page offers itself: a camera's own key, say.
  const offered = async ({ detail }) => {
    if (room.state !== "in") return;
    const stream = await detail.stream();
    const [track] = stream.getVideoTracks();
    if (track) sharing.track(track, detail.title, detail.source);
  };
  const marking = setInterval(mark, 1000); // parts come and go with the pages of a dashboard
  const heard = ["state", "role", "room"];
  for (const name of heard) room.addEventListener(name, draw);
  document.addEventListener("city:show", offered);
  document.documentElement.toggleAttribute("data-conference", true);
  draw();

  return {
    main,
    sharing,
    draw,
    close() {
      clearInterval(marking);
      close();
      document.removeEventListener("city:show", offered);
      document.documentElement.removeAttribute("data-conference");
      for (const name of heard) room.removeEventListener(name, draw);
      for (const key of keys.values()) key.remove();
      sharing.close();
      main.remove();
    },
  };
}
