// Shows HTML made by the kernel; elements with data-press tell the kernel that they were touched.
function render({ model, el }) {
  const name = model.get("name");
  el.classList.add("city-markup", ...(name ? [name] : []));
  // What can have the focus, in order; and what scrolls by itself, by its name.
  const stops = () => [...el.querySelectorAll("[data-press], select")];
  const lists = () => el.querySelectorAll("[data-scroll]");
  const draw = () => {
    // A reader with a keyboard stays where they were, and a list where it was scrolled to.
    const held = el.contains(document.activeElement) ? document.activeElement : null;
    const selects = [...el.querySelectorAll("select")].indexOf(held);
    const scrolled = new Map([...lists()].map((list) => [list.dataset.scroll, list.scrollTop]));
    el.innerHTML = model.get("html");
    for (const list of lists()) list.scrollTop = scrolled.get(list.dataset.scroll) ?? 0;
    if (!held) return;
    const same = held.dataset.press
      ? el.querySelector(`[data-press="${CSS.escape(held.dataset.press)}"]`)
      : el.querySelectorAll("select")[selects];
    (same ?? stops()[0])?.focus({ preventScroll: true });
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
