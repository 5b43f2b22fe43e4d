// What the pages are put together from.
const LINES_OF = {
  microphone: '<path d="M12 3a3 3 0 0 1 3 3v5a3 3 0 0 1-6 0V6a3 3 0 0 1 3-3zM6 11a6 6 0 0 0 12 0M12 17v4"/>',
  "microphone-off": '<path d="M9 9v2a3 3 0 0 0 5 2.200M15 11V6a3 3 0 0 0-6-.6M6 11a6 6 0 0 0 9.500 4.900M18 11a6 6 0 0 1-.5 2.400M12 17v4M4 4l16 16"/>',
  camera: '<path d="M3 7h11v10H3zM14 10.500l7-3.500v10l-7-3.500"/>',
  "camera-off": '<path d="M10 7h4v4M14 15v2H3V7h2M14 10.500l7-3.500v10l-5-2.500M4 4l16 16"/>',
  screen: '<path d="M3 5h18v12H3zM8 21h8M12 14V8M9.500 10.500L12 8l2.500 2.500"/>',
  hand: '<path d="M8 12V6a1.500 1.500 0 0 1 3 0v5V4.500a1.500 1.500 0 0 1 3 0V11V6a1.500 1.500 0 0 1 3 0v9a6 6 0 0 1-6 6c-3 0-4.500-1.500-6-4l-2-3.500a1.500 1.500 0 0 1 2.500-1.500L8 14z"/>',
  chat: '<path d="M4 5h16v11H9l-5 4z"/>',
  people: '<path d="M9 11a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7zM2.500 20a6.500 6.500 0 0 1 13 0M16 4.500a3.500 3.500 0 0 1 0 6.500M18 14.500a6.500 6.500 0 0 1 3.500 5.500"/>',
  more: '<path d="M12 5.500v.01M12 12v.01M12 18.500v.01" stroke-width="3.600"/>',
  record: '<path d="M12 3.500a8.500 8.500 0 1 0 0 17 8.500 8.500 0 0 0 0-17zM12 8.500a3.500 3.500 0 1 0 0 7 3.500 3.500 0 0 0 0-7z"/>',
  leave: '<path d="M3 15c0-7 18-7 18 0l-4.500 1.500-1-3.500c-2-.8-5-.8-7 0l-1 3.500z"/>',
  sound: '<path d="M4 9.500v5h4l5 4.500V5L8 9.500zM16 9a4 4 0 0 1 0 6M18.500 6.500a8 8 0 0 1 0 11"/>',
  globe: '<path d="M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM3 12h18M12 3c5 5.500 5 12.500 0 18c-5-5.500-5-12.500 0-18"/>',
  lock: '<path d="M6 11h12v9H6zM8.500 11V7.500a3.500 3.500 0 0 1 7 0V11"/>',
  close: '<path d="M6 6l12 12M18 6L6 18"/>',
  send: '<path d="M4 12L20 4l-5 16-3.500-6.500z"/>',
  check: '<path d="M5 13l4.500 4.500L19 7"/>',
  link: '<path d="M10 14a4 4 0 0 0 6 0l3.500-3.500a4 4 0 0 0-6-6L12 6M14 10a4 4 0 0 0-6 0l-3.500 3.500a4 4 0 0 0 6 6L12 18"/>',
  warning: '<path d="M12 4L2.500 20h19zM12 10v5M12 17.500v.01"/>',
};

export function icon(name) {
  const made = document.createElement("span");
  made.className = "icon";
  made.innerHTML = `<svg viewBox="0 0 24 24" aria-hidden="true">${LINES_OF[name]}</svg>`;
  return made;
}

// An element; `more` are its properties, `data-…`, `aria-…` and `role` its attributes, `on` handlers.
export function make(tag, more = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(more)) {
    if (name === "on") for (const [type, handler] of Object.entries(value)) made.addEventListener(type, handler);
    else if (/^(data-|aria-|role$|for$|lang$|enterkeyhint$)/.test(name)) value !== null && made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children.filter((one) => one !== null && one !== undefined && one !== false));
  return made;
}

// A name for an element that others refer to; no two on a page are the same.
let ids = 0;
export const newId = () => `conference-${(ids += 1)}`;

// A field under its name.
export function field(text, input) {
  return make("label", { className: "field" }, make("span", {}, text), input);
}

// A key with a sign; `text` is its name, seen below the sign where there is room.
export function button(sign, text, press, more = {}) {
  return make(
    "button",
    { type: "button", title: text, ...more, className: `key ${more.className ?? ""}`, on: { click: press } },
    sign && icon(sign),
    make("span", { className: "key-text" }, text),
  );
}

// Changes the sign and the name of a key, and whether it is pressed.
export function relabel(made, sign, text, pressed = null) {
  if (made.title !== text || made.dataset.sign !== sign) {
    made.title = text;
    made.dataset.sign = sign;
    made.querySelector(".icon").replaceWith(icon(sign));
    made.querySelector(".key-text").textContent = text;
  }
  if (pressed !== null) made.setAttribute("aria-pressed", String(pressed));
}

// The words of a language: `words.key`, and `words.say(key, { name })` with places filled in.
export function wordsOf(all, lang) {
  const found = { ...all[lang] };
  found.say = (key, values) => (found[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
  found.lang = lang;
  return found;
}

export function remembered(key) {
  try {
    return localStorage.getItem(`conference-${key}`);
  } catch {
    return null;
  }
}
export function remember(key, value) {
  try {
    localStorage.setItem(`conference-${key}`, value);
  } catch {
    // a window that keeps nothing
  }
}

// Says things to who does not see the page, and shows them for a while to who does.
export function createNotices(place) {
  const live = make("div", { className: "unseen", role: "log", "aria-live": "polite" });
  const shown = make("div", { className: "notices", "aria-hidden": "true" });
  place.append(live, shown);
  return (text, { quiet = false } = {}) => {
    live.append(make("p", {}, text));
    while (live.children.length > 20) live.firstChild.remove();
    if (quiet) return;
    const note = make("p", { className: "notice" }, text);
    shown.append(note);
    while (shown.children.length > 3) shown.firstChild.remove();
    setTimeout(() => note.remove(), 6000);
  };
}

export function timeOf(iso, lang, zone) {
  return new Intl.DateTimeFormat(lang, { hour: "numeric", minute: "2-digit", timeZone: zone }).format(new Date(iso));
}
export function dateOf(iso, lang) {
  const style = { weekday: "long", month: "long", day: "numeric", hour: "numeric", minute: "2-digit" };
  return new Intl.DateTimeFormat(lang, style).format(new Date(iso));
}
export function languageName(code, lang) {
  try {
    return new Intl.DisplayNames([lang], { type: "language" }).of(code);
  } catch {
    return code;
  }
}
