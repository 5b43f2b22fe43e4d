// CameraWall: a wall as a widget; each tile's pictures are an ipywebrtc stream.
const walls = new Map(); // by their first stream, the tiles that are in the page

async function initialize({ model }) {
  const slots = model.get("streams").map((one) => one.replace("IPY_MODEL_", ""));
  for (const [place, id] of slots.entries()) {
    const slot = await model.widget_manager.get_model(id);
    slot.shows = "city-camera";
    slot.captureStream = () =>
      walls.get(slots[0])?.[place]?.stream() ?? Promise.reject(new Error(`there is no tile ${place + 1} on the page`));
  }
}

function render({ model, el }) {
  el.classList.add("city-cameras");
  let wall = null;
  let over = false;
  const choose = (changes) => {
    for (const [name, value] of Object.entries(changes)) model.set(name, value);
    model.save_changes();
  };
  const state = () => ({
    size: model.get("size"),
    pinned: model.get("pinned"),
    touring: model.get("touring"),
    seconds: model.get("seconds"),
  });
  const listed = async () => {
    const known = await cameras(model.get("gateway")).catch(() => null);
    const wish = model.get("cameras");
    if (!known) return wish.map((id) => ({ id }));
    return wish.length ? wish.map((id) => known.get(id) ?? { id }) : [...known.values()];
  };
  const draw = async () => {
    const list = await listed();
    if (over) return;
    wall?.close();
    wall = createWall({
      gateway: model.get("gateway"),
      lang: model.get("language"),
      words: model.get("words"),
      on: {
        change: choose,
        shown(ids, now) {
          walls.set(model.get("streams")[0].replace("IPY_MODEL_", ""), now);
          if (String(ids) !== String(model.get("shown"))) choose({ shown: ids });
        },
      },
    });
    el.append(wall.el);
    wall.show({ cameras: list, ...state() });
  };
  const change = () => wall?.show(state());
  draw();
  model.on("change:cameras change:words change:gateway", draw);
  model.on("change:size change:pinned change:touring change:seconds", change);
  return () => {
    over = true;
    model.off("change:cameras change:words change:gateway", draw);
    model.off("change:size change:pinned change:touring change:seconds", change);
    wall?.close();
  };
}
export default { initialize, render };
