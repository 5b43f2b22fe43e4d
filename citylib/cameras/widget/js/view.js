// CameraView: one camera as a widget, and its pictures as an ipywebrtc stream.
const views = new Map(); // by stream, the tiles that are in the page

async function initialize({ model }) {
  const id = model.get("stream").replace("IPY_MODEL_", "");
  const slot = await model.widget_manager.get_model(id);
  Object.assign(slot, { shows: "city-camera", shownAs: () => model.get("camera") });
  let own = null; // while nothing of it is on the page
  slot.captureStream = async () => {
    const [tile] = views.get(id) ?? [];
    if (tile) return tile.stream();
    own ??= createPlayer({ ...(await about(model)), on: { state() {}, picture() {} } });
    return own.stream();
  };
  const away = () => {
    own?.close();
    own = null;
  };
  model.on("change:camera", away);
  return away;
}

async function about(model) {
  const gateway = model.get("gateway");
  const id = model.get("camera");
  const camera = (await cameras(gateway).catch(() => new Map())).get(id) ?? { id };
  return { gateway, camera, lang: model.get("language"), words: model.get("words") };
}

function render({ model, el }) {
  el.classList.add("city-camera");
  const id = model.get("stream").replace("IPY_MODEL_", "");
  if (!views.has(id)) views.set(id, new Set());
  let tile = null;
  let over = false;
  const clear = () => {
    views.get(id).delete(tile);
    tile?.close();
    tile = null;
  };
  const draw = async () => {
    const told = await about(model);
    if (over || (tile && tile.camera.id === told.camera.id && tile.lang === told.lang)) return;
    clear();
    tile = createTile({
      ...told,
      on: {
        state(state) {
          if (model.get("state") === state) return;
          model.set("state", state);
          model.save_changes();
        },
      },
    });
    tile.lang = told.lang;
    views.get(id).add(tile);
    el.append(tile.el);
  };
  draw();
  model.on("change:camera change:words", draw);
  return () => {
    over = true;
    model.off("change:camera change:words", draw);
    clear();
  };
}
export default { initialize, render };
