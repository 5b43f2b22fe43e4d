// A slider over periods that plays. The kernel says what the period is called: place and name
// come together, what the reader asks for is a wish until then.
function render({ model, el }) {
  el.classList.add("city-time");
  el.innerHTML =
    '<button type="button" class="key play"></button>' +
    '<button type="button" class="key earlier"><span aria-hidden="true">◀</span></button>' +
    '<input type="range" min="0" step="1">' +
    '<button type="button" class="key later"><span aria-hidden="true">▶</span></button>' +
    '<output aria-live="polite"></output>';
  const [play, earlier, slider, later, output] = el.children;
  let timer = null;
  let held = false; // the slider is under a finger

  const draw = () => {
    const words = model.get("words");
    slider.max = String(Math.max(0, model.get("length") - 1));
    if (!held) slider.value = String(model.get("place"));
    slider.disabled = model.get("length") < 2;
    output.textContent = model.get("label");
    slider.setAttribute("aria-label", words.time);
    slider.setAttribute("aria-valuetext", model.get("label"));
    earlier.setAttribute("aria-label", words.earlier);
    later.setAttribute("aria-label", words.later);
    earlier.disabled = model.get("place") <= 0;
    later.disabled = model.get("place") >= model.get("length") - 1;
    play.disabled = model.get("length") < 2;
    play.setAttribute("aria-label", timer ? words.pause : words.play);
    play.innerHTML = timer
      ? '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M6 4h4v16H6zM14 4h4v16h-4z"/></svg>'
      : '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M6 3v18l15-9z"/></svg>';
  };
  const go = (place) => {
    model.set("wish", Math.min(Math.max(place, 0), model.get("length") - 1));
    model.save_changes();
  };
  const stop = () => {
    clearInterval(timer);
    timer = null;
    draw();
  };
  const step = () => {
    const next = model.get("place") + model.get("step");
    if (next >= model.get("length")) return stop();
    go(next);
  };
  play.addEventListener("click", () => {
    if (timer) return stop();
    if (model.get("place") + model.get("step") >= model.get("length")) go(model.get("restart"));
    timer = setInterval(step, 600);
    draw();
  });
  const move = (by) => () => {
    stop();
    go(model.get("wish") + by);
  };
  earlier.addEventListener("click", move(-1));
  later.addEventListener("click", move(1));
  slider.addEventListener("pointerdown", () => {
    held = true;
  });
  const release = () => {
    held = false;
  };
  slider.addEventListener("change", release);
  slider.addEventListener("pointerup", release);
  slider.addEventListener("pointercancel", release);
  slider.addEventListener("input", () => {
    if (timer) stop();
    go(Number(slider.value));
  });
  draw();
  model.on("change:place change:length change:label change:words", draw);
  model.on("change:indicator", stop);
  return () => {
    clearInterval(timer);
    model.off("change:place change:length change:label change:words", draw);
  };
}
export default { render };
