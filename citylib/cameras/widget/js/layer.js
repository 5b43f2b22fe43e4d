// The cameras of a leaflet map that stands beside this element: points, search, and a wall beside
// the map. A touch opens a camera here; the kernel is told afterwards.
const REACH = { mouse: 8, touch: 20 }; // pixels around a point in which it is meant
const AROUND = 4; // cameras that open around a place that is none
const ROUND = 6; // walls full of cameras that a tour goes through

function render({ model, el }) {
  el.classList.add("city-cameras", "camera-layer");
  const words = () => model.get("words");
  let map = null;
  let points = null;
  let search = null;
  let wall = null;
  let side = null;
  let all = new Map();
  let open = []; // ids of the cameras of the wall, whether a tile shows them or not
  let shown = [];
  let state = { size: 1, pinned: [], touring: false, seconds: 10 };
  let over = false;
  let back = null; // where the keys were before the wall opened
  const panel = () => el.closest(".city-map") ?? el.parentElement;

  const tell = () => {
    if (String(model.get("opened")) === String(shown)) return;
    model.set("opened", shown);
    model.save_changes();
  };
  const close = () => {
    wall?.close();
    side?.remove();
    wall = side = null;
    open = shown = [];
    state = { ...state, pinned: [], touring: false };
    points?.draw();
    tell();
    panel()?.classList.remove("with-cameras");
    (back?.isConnected ? back : el.querySelector("input"))?.focus?.({ preventScroll: true });
    back = null;
  };
  const raise = (lang) => {
    const fresh = createWall({
      gateway: model.get("gateway"),
      lang,
      words: words(),
      on: {
        change(changes) {
          // More tiles than were asked for, or a tour: what is near comes too.
          state = { ...state, ...changes };
          const count = state.size * (state.touring ? ROUND : 1);
          if (open.length && open.length < count) grow(count);
          fresh.show({ ...changes, ...("pinned" in changes ? {} : { cameras: open.map((id) => all.get(id)) }) });
        },
        shown(ids) {
          shown = ids;
          points?.draw();
          tell();
        },
        close,
      },
    });
    return fresh;
  };
  const grow = (count) => {
    const held = open.map((id) => all.get(id));
    const more = nearest(all.values(), held[0], count + held.length).filter((one) => !open.includes(one.id));
    open = [...open, ...more.slice(0, count - held.length).map((one) => one.id)];
  };
  // Pinned ones stay when others are asked for.
  const show = (list, size) => {
    const pinned = state.pinned.filter((id) => shown.includes(id));
    const fresh = list.map((one) => one.id).filter((id) => !pinned.includes(id));
    open = [...pinned, ...fresh];
    const wanted = Math.max(size, ...(pinned.length ? [SIZES.find((n) => n >= open.length) ?? 16] : []));
    state = { ...state, size: wanted, pinned, touring: false };
    if (!wall) {
      back = document.activeElement;
      side = element("aside", "camera-side");
      side.setAttribute("aria-label", words().wall);
      side.addEventListener("keydown", (event) => {
        if (event.key === "Escape" && !document.fullscreenElement) close();
      });
      wall = raise(model.get("language"));
      side.append(wall.el);
      el.append(side);
      panel()?.classList.add("with-cameras");
    }
    wall.show({ cameras: open.map((id) => all.get(id)), ...state });
    points?.draw();
  };
  const keep = (camera) => {
    // What is asked for must not lie under the pictures.
    const [at, box] = [map.latLngToContainerPoint([camera.lat, camera.lon]), map.getContainer().getBoundingClientRect()];
    const free = (side?.getBoundingClientRect().left ?? box.right) - box.left;
    const beside = side && getComputedStyle(side).position === "absolute" && free > 80;
    const edge = beside ? Math.min(box.width, free) : box.width;
    const dx = at.x > edge - 24 ? at.x - edge / 2 : at.x < 0 ? at.x - 40 : 0;
    const dy = at.y < 0 || at.y > box.height ? at.y - box.height / 2 : 0;
    if (dx || dy) map.panBy([dx, dy], { animate: false });
  };
  const openOne = (camera) => {
    show([camera], 1);
    keep(camera);
  };
  const openAround = (place) => {
    const list = nearest(all.values(), place, AROUND);
    if (list.length) show(list, AROUND);
  };

  const spot = (event) => {
    const box = map.getContainer().getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  const reach = (event) => (event.pointerType === "touch" ? REACH.touch : REACH.mouse);
  const onMap = (event) => map.getContainer().contains(event.target) && !event.target.closest(".leaflet-control");
  let moved = null;
  const down = (event) => {
    moved = [event.clientX, event.clientY];
  };
  const touch = (event) => {
    if (!onMap(event) || !all.size || !model.get("shown")) return;
    if (moved && Math.hypot(event.clientX - moved[0], event.clientY - moved[1]) > 8) return; // the map was moved
    event.stopPropagation(); // what lies below is not meant
    const point = spot(event);
    const camera = points.at(point, reach(event));
    if (camera) return openOne(camera);
    const { lng, lat } = map.containerPointToLatLng([point.x, point.y]);
    openAround({ lon: lng, lat });
  };
  const press = (event) => {
    const area = event.target.closest?.("path.area");
    if (!area || !["Enter", " "].includes(event.key) || !model.get("shown")) return;
    event.preventDefault();
    event.stopPropagation();
    const [box, own] = [map.getContainer().getBoundingClientRect(), area.getBoundingClientRect()];
    const { lng, lat } = map.containerPointToLatLng([own.x + own.width / 2 - box.x, own.y + own.height / 2 - box.y]);
    openAround({ lon: lng, lat });
  };
  const hover = (event) => {
    const camera = onMap(event) && event.pointerType === "mouse" ? points.at(spot(event), REACH.mouse) : null;
    points.mark(camera);
    map.getContainer().title = camera ? nameOf(camera, model.get("language")) : "";
  };

  // Map and panels are drawn by others, at a time of their own.
  const attach = async () => {
    const found = await model.widget_manager.get_model(model.get("map").replace("IPY_MODEL_", ""));
    while (!over) {
      const views = await Promise.all(Object.values(found.views ?? {}));
      map = views.find((one) => one.obj && panel()?.contains(one.el))?.obj ?? null;
      if (map) return;
      await new Promise((go) => (el.isConnected ? requestAnimationFrame(go) : setTimeout(go, 200)));
    }
  };
  // This element lies over the map, whose place in the panel changes with the screen.
  const lie = () => {
    const [box, around] = [map.getContainer().getBoundingClientRect(), panel().getBoundingClientRect()];
    if (!box.width) return;
    const [top, left] = [box.top - around.top, box.left - around.left];
    Object.assign(el.style, { top: `${top}px`, left: `${left}px`, width: `${box.width}px`, height: `${box.height}px` });
    el.style.setProperty("--top", `${top}px`);
    points.draw();
  };
  const sized = new ResizeObserver(lie);
  const begin = async () => {
    const list = cameras(model.get("gateway"));
    list.catch(() => {});
    await attach();
    if (over) return;
    points = createPoints({ map, open: () => shown });
    const container = map.getContainer();
    sized.observe(container);
    sized.observe(panel());
    container.addEventListener("pointerdown", down, true);
    container.addEventListener("click", touch, true);
    container.addEventListener("keydown", press, true);
    container.addEventListener("pointermove", hover);
    worded();
    try {
      all = await list;
      if (over) return;
      points.show([...all.values()]);
      search.show([...all.values()]);
    } catch {
      search.fail();
    }
    switched();
  };
  const worded = () => {
    const lang = model.get("language");
    search?.el.remove();
    search = createSearch({ lang, words: words(), on: { choose: openOne, look: (one) => points?.mark(one) } });
    el.prepend(search.el);
    if (all.size) search.show([...all.values()]);
    if (!wall) return;
    wall.close();
    wall = raise(lang);
    side.append(wall.el);
    wall.show({ cameras: open.map((id) => all.get(id)), ...state });
  };
  const switched = () => {
    const is = model.get("shown");
    el.classList.toggle("away", !is);
    map?.getPane("cameras")?.classList.toggle("away", !is);
    if (!is && wall) close();
    if (!is) return;
    points?.draw();
    place();
  };
  // A place that the kernel names: the area that is chosen.
  const place = () => {
    const near = model.get("near");
    if (near.length === 2 && all.size && model.get("shown")) openAround({ lon: near[0], lat: near[1] });
  };
  begin();
  model.on("change:shown", switched);
  model.on("change:words", worded);
  model.on("change:near", place);
  return () => {
    over = true;
    model.off("change:shown", switched);
    model.off("change:words", worded);
    model.off("change:near", place);
    if (wall) close();
    sized.disconnect();
    points?.remove();
    const container = map?.getContainer();
    container?.removeEventListener("pointerdown", down, true);
    container?.removeEventListener("click", touch, true);
    container?.removeEventListener("keydown", press, true);
    container?.removeEventListener("pointermove", hover);
  };
}
export default { render };
