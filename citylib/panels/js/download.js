// Keys that save a file made by the kernel, and copy the link to the page.
function render({ model, el }) {
  el.classList.add("city-take");
  el.setAttribute("role", "group");
  el.innerHTML =
    '<button type="button" class="key" data-wanted="csv"></button>' +
    '<button type="button" class="key" data-wanted="parquet"></button>' +
    '<button type="button" class="key copy"></button><span class="told" role="status"></span>';
  const told = el.querySelector(".told");
  const copy = el.querySelector(".copy");
  let fading = 0;
  const say = (text) => {
    clearTimeout(fading);
    told.textContent = text;
    fading = setTimeout(() => {
      told.textContent = "";
    }, 4000);
  };
  const draw = () => {
    const words = model.get("words");
    el.setAttribute("aria-label", words.label);
    for (const key of el.querySelectorAll("[data-wanted]")) key.textContent = words[key.dataset.wanted];
    copy.textContent = words.copy;
  };
  const save = async ({ name, type }, buffers) => {
    try {
      const packed = new Blob([buffers[0]]).stream();
      const body = packed.pipeThrough(new DecompressionStream("gzip"));
      const blob = new Blob([await new Response(body).arrayBuffer()], { type });
      const link = document.createElement("a");
      link.href = URL.createObjectURL(blob);
      link.download = name;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60000);
      say(name);
    } catch {
      say(model.get("words").failed);
    }
  };
  // Without HTTPS there is no clipboard for scripts: then a selected text is copied.
  const copied = async (text) => {
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    const field = Object.assign(document.createElement("textarea"), { value: text });
    el.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    copy.focus();
    if (!done) throw new Error("nothing was copied");
  };
  const press = (event) => {
    const key = event.target.closest("button");
    if (key?.dataset.wanted) {
      say(model.get("words").busy);
      model.send({ wanted: key.dataset.wanted });
    } else if (key) {
      copied(location.href).then(
        () => say(model.get("words").copied),
        () => say(model.get("words").failed),
      );
    }
  };
  draw();
  model.on("change:words", draw);
  model.on("msg:custom", save);
  el.addEventListener("click", press);
  return () => {
    clearTimeout(fading);
    model.off("change:words", draw);
    model.off("msg:custom", save);
  };
}
export default { render };
