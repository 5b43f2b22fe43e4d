// One camera on the screen: its pictures, its name, what is wrong, and keys.
const SIGNS = {
  full: '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5"/></svg>',
  shot: '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M4 8h3l2-3h6l2 3h3v11H4z"/><circle cx="12" cy="13" r="3.5"/></svg>',
  pin: '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M9 4h6l-1 7 3 3H7l3-3zM12 14v6"/></svg>',
  show: '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M3 5h18v12H3zM8 21h8M12 14V8M9.5 10.5 12 8l2.5 2.5"/></svg>',
  close: '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M6 6l12 12M18 6L6 18"/></svg>',
};

// `on.pin(id)`, `on.close(id)` bring keys of their own; without them there are none.
function createTile({ gateway, camera, lang, words, on = {} }) {
  const name = nameOf(camera, lang);
  const el = element("figure", "camera-tile", { tabIndex: 0 });
  el.dataset.camera = camera.id;
  el.dataset.state = "connecting";
  el.setAttribute("role", "group");
  el.setAttribute("aria-label", name);
  const poster = element("img", "camera-picture camera-poster", { alt: "", hidden: true });
  poster.addEventListener("load", () => {
    poster.hidden = el.dataset.state === "live";
  });
  const says = element("p", "camera-says", { textContent: words.connecting });
  says.setAttribute("role", "status");
  const caption = element("figcaption", "camera-name");
  caption.append(element("span", "camera-title", { textContent: name, title: name, lang }));
  if (camera.simulated) {
    caption.append(element("span", "camera-badge", { textContent: words.simulated }));
  }
  const keys = element("div", "camera-keys");

  let pictured = false;
  const player = createPlayer({
    gateway,
    camera,
    lang,
    words,
    on: {
      state(told) {
        if (told.state === "live" && !pictured) return; // bytes are there, no picture yet
        if (told.state !== "live") pictured = false;
        el.dataset.state = told.state;
        says.textContent = told.state === "live" ? "" : told.text;
        on.state?.(told.state);
      },
      picture() {
        pictured = true;
        el.dataset.state = "live";
        says.textContent = "";
        poster.hidden = true;
        on.state?.("live");
      },
    },
  });

  // A phone may have no full screen for elements: then the tile fills the page.
  const isFull = () => document.fullscreenElement === el || el.classList.contains("camera-full");
  const full = async () => {
    if (document.fullscreenElement === el) return document.exitFullscreen();
    if (el.classList.contains("camera-full")) return el.classList.remove("camera-full");
    try {
      await el.requestFullscreen();
    } catch {
      el.classList.add("camera-full");
    }
    el.focus({ preventScroll: true });
  };
  let saying = 0;
  const note = (text) => {
    const line = el.querySelector(".camera-note") ?? el.appendChild(element("p", "camera-note"));
    line.setAttribute("role", "status");
    line.textContent = text;
    clearTimeout(saying);
    saying = setTimeout(() => line.remove(), 5000);
  };
  const shoot = async () => {
    const path = (camera.watch ?? `${gateway}watch/${camera.id}`).replace("/watch/", "/snapshot/");
    try {
      const answer = await fetch(`${path}?lang=${lang}`, { method: "POST" });
      if (!answer.ok) return note(answer.status === 404 ? words.no_picture : words.not_kept);
      const kept = await answer.json();
      const link = element("a", "", { href: kept.picture, download: kept.name });
      el.append(link);
      link.click();
      link.remove();
      note(words.kept.replace("{hours}", kept.hours));
    } catch {
      note(words.not_kept);
    }
  };
  const pin = key(words.pin, SIGNS.pin, "camera-pin", () => on.pin?.(camera.id));
  if (on.pin) keys.append(pin);
  // Whoever can show things to others takes it: a conference on the same page.
  const show = () => {
    const detail = { stream: () => player.stream(), source: "city-camera", title: name };
    document.dispatchEvent(new CustomEvent("city:show", { detail }));
  };
  keys.append(key(words.show, SIGNS.show, "camera-show", show));
  keys.append(key(words.shot, SIGNS.shot, "camera-shot", shoot), key(words.full, SIGNS.full, "camera-whole", full));
  if (on.close) keys.append(key(words.close, SIGNS.close, "camera-close", () => on.close(camera.id)));

  const pressed = (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest("input")) return;
    const what = event.key.toLowerCase();
    if (event.target === el && (what === "enter" || what === " ")) full();
    else if (what === "f") full();
    else if (what === "s") shoot();
    else if (what === "p" && on.pin) on.pin(camera.id);
    else if (what === "escape" && el.classList.contains("camera-full")) full();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  el.addEventListener("keydown", pressed);
  player.el.addEventListener("click", full);
  el.append(poster, player.el, says, caption, keys);
  signIn(gateway).then(() => {
    poster.src = camera.poster ?? `${gateway}poster/${camera.id}`;
  });

  return {
    el,
    camera,
    first: player.first,
    stream: player.stream,
    pinned(is) {
      pin.setAttribute("aria-pressed", String(is));
      el.toggleAttribute("data-pinned", is);
    },
    close() {
      clearTimeout(saying);
      if (isFull() && document.fullscreenElement) document.exitFullscreen();
      player.close();
      el.remove();
    },
  };
}
