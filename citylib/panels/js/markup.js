// Shows HTML made by the kernel; elements with data-press tell the kernel that they were touched.
function render({ model, el }) {
  const name = model.get("name");
  el.classList.add("city-markup", ...(name ? [name] : []));
  const draw = () => {
    // A reader with a keyboard stays where they were.
    const held = el.contains(document.activeElement) ? document.activeElement.dataset.press : null;
    el.innerHTML = model.get("html");
    if (held) el.querySelector(`[data-press="${CSS.escape(held)}"]`)?.focus();
  };
  const press = (event) => {
    const hit = event.target.closest("[data-press]");
    if (hit && el.contains(hit)) model.send({ press: hit.dataset.press });
  };
  const choose = (event) => {
    if (!event.target.matches("select")) return;
    model.send({ press: event.target.value });
    // The list names what is shown, so it waits for the kernel.
    for (const option of event.target.options) option.selected = option.defaultSelected;
  };
  draw();
  model.on("change:html", draw);
  el.addEventListener("click", press);
  el.addEventListener("change", choose);
  return () => {
    model.off("change:html", draw);
    el.removeEventListener("click", press);
    el.removeEventListener("change", choose);
  };
}
export default { render };
