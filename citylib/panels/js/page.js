// The page around the panels: theme, language, size of type, and the view in the address; what a
// reader chose stays chosen.
const KEPT = "city-dashboard-";
const VIEW = ["page", "language", "domain", "layer", "indicator", "area", "time"];
const FIRST = "glance";

function wanted(name) {
  try {
    return new URLSearchParams(location.search).get(name) ?? localStorage.getItem(KEPT + name);
  } catch {
    return null;
  }
}

function keep(name, value) {
  try {
    localStorage.setItem(KEPT + name, value);
  } catch {
    // A browser that keeps nothing still shows the page.
  }
}

// What is shown goes into the address, so that a reload, a bookmark or a link shows it again.
function address(changes) {
  const url = new URL(location.href);
  for (const [key, value] of Object.entries(changes)) {
    if (value) url.searchParams.set(key, value);
    else url.searchParams.delete(key);
  }
  if (url.href === location.href) return;
  // The way back leads from page to page, not through every area that was touched.
  const turned = url.searchParams.get("page") !== new URL(location.href).searchParams.get("page");
  history[turned ? "pushState" : "replaceState"](history.state, "", url);
  if (turned) scrollTo(0, 0);
}

function initialize({ model }) {
  const root = document.documentElement;
  const apply = () => {
    root.dataset.theme = model.get("theme");
    root.lang = model.get("language");
    document.title = model.get("title");
  };
  const chosen = () => {
    keep("theme", model.get("theme"));
    keep("language", model.get("language"));
    if (new URLSearchParams(location.search).has("theme")) address({ theme: model.get("theme") });
    apply();
  };
  const view = () => {
    const now = model.get("view");
    if (root.dataset.settled) address(Object.fromEntries(VIEW.map((key) => [key, now[key]])));
  };
  const measure = () => {
    const rem = Math.round(parseFloat(getComputedStyle(root).fontSize));
    if (rem !== model.get("rem")) {
      model.set("rem", rem);
      model.save_changes();
    }
  };
  // The page's clock, in the city's time: its element comes and goes with the head of the page.
  const tick = () => {
    const form = { weekday: "short", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
    const now = new Date().toLocaleString(model.get("language"), { ...form, timeZone: model.get("timezone") });
    for (const clock of document.querySelectorAll(".city-clock")) {
      if (clock.textContent !== now) clock.textContent = now;
    }
  };
  const ticking = setInterval(tick, 1000);
  const theme = wanted("theme");
  if (["dark", "light"].includes(theme)) model.set("theme", theme);
  model.save_changes();
  apply();
  // A map that is being drawn misses what changes meanwhile: view and size wait for it.
  const settle = () => {
    root.dataset.settled = "true";
  };
  const begin = () => {
    measure();
    const asked = new URLSearchParams(location.search);
    const wish = Object.fromEntries(VIEW.map((key) => [key, asked.get(key)]));
    wish.language ??= wanted("language");
    const now = model.get("view");
    if (VIEW.every((key) => !wish[key] || wish[key] === now[key])) return settle();
    model.on("msg:custom", settle); // the kernel's answer, after all that it changed
    model.send({ wish });
  };
  const drawn = () => document.querySelector(".city-map path[data-paint]");
  const watch = new MutationObserver(() => {
    if (!drawn()) return;
    watch.disconnect();
    requestAnimationFrame(() => requestAnimationFrame(begin));
  });
  watch.observe(document.body, { subtree: true, childList: true, attributeFilter: ["data-paint"] });
  const back = () => {
    const asked = new URLSearchParams(location.search);
    const wish = Object.fromEntries(VIEW.map((key) => [key, asked.get(key)]));
    model.send({ wish: { ...wish, page: wish.page ?? FIRST } });
  };
  addEventListener("popstate", back);
  model.on("change:theme", chosen);
  model.on("change:language", chosen);
  model.on("change:title", apply);
  model.on("change:view", view);
  addEventListener("resize", measure);
  return () => {
    watch.disconnect();
    clearInterval(ticking);
    removeEventListener("resize", measure);
    removeEventListener("popstate", back);
  };
}

function render({ el }) {
  el.hidden = true;
}
export default { initialize, render };
