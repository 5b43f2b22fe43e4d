// Colours the areas of a leaflet map that stands beside this element, says what they hold, and
// makes them keys. Colours travel as names of CSS classes: one small message, no geometry.
// Of more areas than this Tab reaches one; arrows lead from there to its neighbours.
const MANY = 60;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function render({ model, el }) {
  el.classList.add("city-areas");
  const tip = Object.assign(document.createElement("div"), { className: "tip", hidden: true });
  const hatch = document.createElement("div");
  hatch.innerHTML =
    '<svg width="0" height="0" aria-hidden="true"><defs><pattern id="hatch" width="10" height="10"' +
    ' patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="hatch-ground"' +
    ' width="10" height="10"/><rect class="hatch-line" width="3" height="10"/></pattern></defs></svg>';
  el.append(tip, hatch);

  const panel = () => el.closest(".city-map") ?? document;
  const paths = () => panel().querySelectorAll("path.area");
  const codeOf = (path) => /(?:^|\s)area-(\S+)/.exec(path.getAttribute("class"))?.[1];

  let reached = null;
  const paint = () => {
    const colours = model.get("colours");
    const labels = model.get("labels");
    const marked = new Set(model.get("marked"));
    const all = [...paths()];
    const wanted = [reached, model.get("selected")];
    const stop = wanted.find((code) => all.some((path) => codeOf(path) === code));
    if (panel() !== document) panel().classList.toggle("fine", all.length > MANY);
    const door = all.length > MANY ? (stop ?? codeOf(all[0])) : null;
    for (const path of all) {
      const code = codeOf(path);
      path.dataset.area = code;
      path.dataset.paint = colours[code] ?? "missing";
      path.toggleAttribute("data-marked", marked.has(code));
      path.setAttribute("tabindex", door === null || code === door ? "0" : "-1");
      path.setAttribute("role", "button");
      path.setAttribute("aria-label", labels[code] ?? code);
      path.setAttribute("aria-pressed", String(code === model.get("selected")));
    }
    frame();
  };

  // Edges of the chosen area and of marked ones are drawn once more above their neighbours. The
  // areas themselves stay in their order: a moved element loses the focus, and its place among
  // those that Tab reaches.
  const edges = new Map(); // path of an area to the path of its edge
  const trace = () => {
    for (const [path, edge] of edges) edge.setAttribute("d", path.getAttribute("d") ?? "");
  };
  const moved = new MutationObserver(trace);
  const frame = () => {
    const wanted = new Map();
    const add = (code, kind) => {
      const path = code && panel().querySelector(`path.area-${CSS.escape(code)}`);
      if (path) wanted.set(path, kind);
    };
    for (const code of model.get("marked")) add(code, "mark");
    add(model.get("selected"), "edge"); // last: above the others
    for (const [path, edge] of edges) {
      if (wanted.get(path) === edge.getAttribute("class") && edge.isConnected) continue;
      edge.remove();
      edges.delete(path);
    }
    moved.disconnect();
    for (const [path, kind] of wanted) {
      const edge = edges.get(path) ?? document.createElementNS("http://www.w3.org/2000/svg", "path");
      edge.setAttribute("class", kind);
      edges.set(path, edge);
      moved.observe(path, { attributeFilter: ["d"] });
    }
    trace();
    const last = [...wanted.keys()].at(-1)?.parentNode;
    const there = [...wanted.keys()].map((path) => edges.get(path));
    const end = last ? [...last.children].slice(-there.length) : [];
    if (there.some((edge, place) => end[place] !== edge)) last.append(...there);
  };

  const show = (event) => {
    const path = event.target.closest?.("path.area");
    tip.hidden = !path;
    if (!path) return;
    tip.textContent = model.get("labels")[codeOf(path)] ?? "";
    const box = panel().getBoundingClientRect();
    const at = path.getBoundingClientRect();
    const x = event.clientX ?? at.x + at.width / 2;
    const y = event.clientY ?? at.y + at.height / 2;
    tip.style.left = `${Math.min(Math.max(x - box.x, tip.offsetWidth / 2), box.width - tip.offsetWidth / 2)}px`;
    tip.style.top = `${Math.max(y - box.y, tip.offsetHeight + 16)}px`;
  };
  const hide = () => {
    tip.hidden = true;
  };
  const touch = (event) => {
    const path = event.target.closest?.("path.area");
    if (path) model.send({ touch: codeOf(path) });
  };
  const middle = (path) => {
    const box = path.getBBox();
    return [box.x + box.width / 2, box.y + box.height / 2];
  };
  // The nearest area in a direction; what lies aside counts as further away.
  const neighbour = (path, [right, down]) => {
    const [x, y] = middle(path);
    let best = null;
    let least = Infinity;
    for (const other of paths()) {
      const [dx, dy] = middle(other).map((value, axis) => value - [x, y][axis]);
      const ahead = dx * right + dy * down;
      const far = ahead + 2 * Math.abs(dx * down + dy * right);
      if (ahead > 0 && far < least) [best, least] = [other, far];
    }
    return best;
  };
  const go = (event) => {
    const path = event.target.closest?.("path.area");
    const next = path && neighbour(path, ARROWS[event.key]);
    if (path) event.preventDefault(); // the page would scroll
    if (!next) return;
    reached = codeOf(next);
    if (paths().length > MANY) path.setAttribute("tabindex", "-1");
    next.setAttribute("tabindex", "0");
    next.focus({ preventScroll: true });
  };
  const key = (event) => {
    if (event.key in ARROWS) return go(event);
    if (!["Enter", " "].includes(event.key)) return;
    if (event.target.closest?.("path.area")) event.preventDefault();
    touch(event);
  };

  let map = null;
  let over = false;
  const fit = () => {
    const box = map?.getContainer();
    if (!box?.clientWidth || !box.clientHeight) return; // leaflet would lose its place
    map.invalidateSize({ animate: false });
    map.fitBounds(model.get("bounds"), { animate: false, padding: [4, 4] });
  };
  const sized = new ResizeObserver(fit);

  // Map and areas are drawn by others, at a time of their own: an element can be in the page
  // while its view does not know it yet.
  const attach = async () => {
    const found = await model.widget_manager.get_model(model.get("map").replace("IPY_MODEL_", ""));
    for (;;) {
      const views = await Promise.all(Object.values(found.views ?? {}));
      if (over) return;
      map = views.find((one) => one.obj && panel().contains(one.el))?.obj ?? null;
      if (map) break;
      // A notebook takes cells that are out of sight out of the page.
      await new Promise((go) => (el.isConnected ? requestAnimationFrame(go) : setTimeout(go, 200)));
    }
    // One finger scrolls the page of a phone, two move the map.
    if (matchMedia("(pointer: coarse) and (max-width: 700px)").matches) map.dragging.disable();
    sized.observe(map.getContainer());
    fit();
  };

  const watch = new MutationObserver(() => {
    const count = paths().length;
    if (count && count !== watch.count) {
      watch.count = count;
      // What leaflet draws later lies above: water and lines come back over the areas.
      for (const line of panel().querySelectorAll("path[class*=basemap-]")) line.parentNode.append(line);
      paint();
    }
  });
  const start = () => {
    const area = panel();
    watch.observe(area, { childList: true, subtree: true });
    area.addEventListener("pointermove", show);
    area.addEventListener("pointerleave", hide);
    area.addEventListener("focusin", show);
    area.addEventListener("focusout", hide);
    area.addEventListener("click", touch);
    area.addEventListener("keydown", key);
    watch.count = paths().length;
    paint();
    attach();
  };
  // The element is not in the page yet when it is drawn.
  const waiting = setInterval(() => {
    if (el.isConnected) {
      clearInterval(waiting);
      start();
    }
  }, 20);
  model.on("change", paint);
  return () => {
    over = true;
    clearInterval(waiting);
    watch.disconnect();
    moved.disconnect();
    sized.disconnect();
    model.off("change", paint);
  };
}
export default { render };
