// A row of tiles: buttons that hold a picture each; the pressed one is what the map shows.
function render({ model, el }) {
  el.classList.add("city-tiles");
  el.setAttribute("role", "group");
  const buttons = new Map();
  const draw = () => {
    el.setAttribute("aria-label", model.get("label"));
    const tiles = model.get("tiles");
    if (tiles.map((tile) => tile.id).join() !== [...buttons.keys()].join()) {
      el.replaceChildren();
      buttons.clear();
      for (const { id } of tiles) {
        const button = document.createElement("button");
        button.type = "button";
        button.className = "tile";
        button.dataset.indicator = id;
        button.addEventListener("click", () => model.send({ touch: id }));
        buttons.set(id, button);
        el.append(button);
      }
    }
    for (const { id, html } of tiles) {
      const button = buttons.get(id);
      if (button.shown !== html) {
        button.innerHTML = html;
        button.shown = html;
      }
    }
    select();
  };
  const select = () => {
    for (const [id, button] of buttons) {
      button.setAttribute("aria-pressed", String(id === model.get("selected")));
    }
  };
  draw();
  model.on("change:tiles change:label", draw);
  model.on("change:selected", select);
  return () => {
    model.off("change:tiles change:label", draw);
    model.off("change:selected", select);
  };
}
export default { render };
