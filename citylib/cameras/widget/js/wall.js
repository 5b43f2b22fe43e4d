// Several cameras beside each other: pinned ones stay, the others change on a tour.
const SIZES = [1, 4, 9, 16];
const READY = 2500; // ms that the next camera of a tour has until it is shown without a picture

// `now` is what is to be shown: { cameras: [camera…], size, pinned: [id…], touring, seconds }.
// `on.change(changes)`: what the reader chose; `on.shown(ids)`; `on.close()` brings a key.
function createWall({ gateway, lang, words, on }) {
  const el = element("section", "camera-wall");
  el.setAttribute("aria-label", words.wall);
  const bar = element("div", "camera-bar");
  const grid = element("div", "camera-grid");
  el.append(bar, grid);
  let now = { cameras: [], size: 4, pinned: [], touring: false, seconds: 10 };
  let tiles = []; // as they stand
  let begin = 0; // where in the list the tour is
  let tour = 0;
  let over = false;
  const coming = new Set();

  const sizes = element("div", "camera-sizes");
  sizes.setAttribute("role", "group");
  sizes.setAttribute("aria-label", words.size);
  for (const size of SIZES) {
    const button = key(words.tiles.replace("{count}", size), String(size), "camera-size", () => on.change({ size }));
    button.dataset.size = size;
    sizes.append(button);
  }
  const touring = key(words.tour, words.tour_key, "camera-tour", () => on.change({ touring: !now.touring }));
  bar.append(sizes, touring);
  if (document.fullscreenEnabled) {
    const whole = () => (document.fullscreenElement === el ? document.exitFullscreen() : el.requestFullscreen());
    bar.append(key(words.full, SIGNS.full, "camera-whole", whole));
  }
  if (on.close) bar.append(key(words.close_all, SIGNS.close, "camera-close", on.close));

  const make = (camera) =>
    createTile({
      gateway,
      camera,
      lang,
      words,
      on: {
        pin(id) {
          const pinned = now.pinned.includes(id) ? now.pinned.filter((one) => one !== id) : [...now.pinned, id];
          on.change({ pinned });
        },
        state: on.state && ((state) => on.state(camera.id, state)),
      },
    });

  // Pinned cameras keep their tiles; the places between them go to the others in turn.
  const wanted = () => {
    const known = new Map(now.cameras.map((one) => [one.id, one]));
    const held = now.pinned.filter((id) => known.has(id)).slice(0, now.size);
    const others = now.cameras.filter((one) => !held.includes(one.id));
    const free = Math.min(now.size - held.length, others.length);
    const turn = Array.from({ length: free }, (_, n) => others[(begin + n) % others.length]);
    const places = new Array(held.length + free).fill(null);
    const standing = tiles.map((one) => one.camera.id);
    const left = [];
    for (const id of held) {
      const place = standing.indexOf(id);
      if (place >= 0 && place < places.length && !places[place]) places[place] = known.get(id);
      else left.push(known.get(id));
    }
    const rest = [...left, ...turn];
    return places.map((one) => one ?? rest.shift());
  };

  const lay = (list) => {
    for (const tile of tiles) if (!list.includes(tile)) tile.close();
    tiles = list;
    // Only what stands elsewhere is moved: a moved element loses the focus and its full screen.
    list.forEach((tile, place) => {
      if (grid.children[place] !== tile.el) grid.insertBefore(tile.el, grid.children[place] ?? null);
      tile.pinned(now.pinned.includes(tile.camera.id));
    });
    el.dataset.size = SIZES.find((size) => size >= list.length) ?? 16;
    on.shown?.(list.map((tile) => tile.camera.id), list);
  };

  const draw = () => {
    for (const one of coming) one.close();
    coming.clear();
    const before = new Map(tiles.map((tile) => [tile.camera.id, tile]));
    lay(wanted().map((camera) => before.get(camera.id) ?? make(camera)));
    grid.classList.toggle("empty", !tiles.length);
    for (const button of sizes.children) {
      button.setAttribute("aria-pressed", String(Number(button.dataset.size) === now.size));
    }
    touring.setAttribute("aria-pressed", String(now.touring));
  };

  // The next cameras come with a picture: they are opened behind those that are seen.
  const step = async () => {
    const others = now.cameras.length - now.pinned.length;
    const free = now.size - tiles.filter((tile) => now.pinned.includes(tile.camera.id)).length;
    if (document.hidden || grid.querySelector(":fullscreen, .camera-full") || free < 1 || others <= free) return;
    begin = (begin + free) % others;
    const before = new Map(tiles.map((tile) => [tile.camera.id, tile]));
    const next = wanted().map((camera) => before.get(camera.id) ?? make(camera));
    const fresh = next.filter((tile) => !before.has(tile.camera.id));
    for (const one of fresh) coming.add(one);
    const late = new Promise((go) => setTimeout(go, READY));
    await Promise.race([Promise.all(fresh.map((tile) => tile.first)), late]);
    if (over || fresh.some((one) => !coming.has(one))) return fresh.forEach((one) => one.close());
    coming.clear();
    lay(next);
  };

  const walk = (event) => {
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -Math.sqrt(el.dataset.size), ArrowDown: Math.sqrt(el.dataset.size) };
    const tile = event.target.closest?.(".camera-tile");
    if (event.key in steps && tile) {
      grid.children[[...grid.children].indexOf(tile) + steps[event.key]]?.focus();
      event.preventDefault();
    } else if (event.key.toLowerCase() === "t" && !event.ctrlKey && !event.metaKey && !event.altKey) {
      on.change({ touring: !now.touring });
    }
  };
  grid.addEventListener("keydown", walk);

  return {
    el,
    show(changes) {
      const seconds = now.seconds;
      const were = now.touring;
      if (changes.cameras) begin = 0;
      now = { ...now, ...changes };
      draw();
      if (were === now.touring && seconds === now.seconds) return;
      clearInterval(tour);
      if (now.touring) tour = setInterval(step, now.seconds * 1000);
    },
    close() {
      over = true;
      clearInterval(tour);
      for (const tile of [...tiles, ...coming]) tile.close();
      tiles = [];
      el.remove();
    },
  };
}
