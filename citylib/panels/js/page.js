// The page around the panels: theme, language, size of type; what a reader chose stays chosen.
const KEPT = "city-dashboard-";

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
    apply();
  };
  const measure = () => {
    const rem = Math.round(parseFloat(getComputedStyle(root).fontSize));
    if (rem !== model.get("rem")) {
      model.set("rem", rem);
      model.save_changes();
    }
  };
  const theme = wanted("theme");
  if (["dark", "light"].includes(theme)) model.set("theme", theme);
  model.save_changes();
  apply();
  // A chart that is being drawn misses what changes meanwhile: language and size wait for it.
  const settle = () => {
    root.dataset.settled = "true";
  };
  const begin = () => {
    const language = wanted("language");
    measure();
    if (!model.get("languages").includes(language) || language === model.get("language")) {
      return settle();
    }
    model.on("change:title", settle); // the last that the kernel says in another language
    model.set("language", language);
    model.save_changes();
  };
  // History has two axes, ranking and comparison one each.
  const drawn = () => document.querySelectorAll(".city-charts .bqplot g.axis").length >= 4;
  const watch = new MutationObserver(() => {
    if (!drawn()) return;
    watch.disconnect();
    requestAnimationFrame(() => requestAnimationFrame(begin));
  });
  watch.observe(document.body, { childList: true, subtree: true });
  model.on("change:theme", chosen);
  model.on("change:language", chosen);
  model.on("change:title", apply);
  addEventListener("resize", measure);
  return () => {
    watch.disconnect();
    removeEventListener("resize", measure);
  };
}

function render({ el }) {
  el.hidden = true;
}
export default { initialize, render };
