// The range of a history: dragged, wheeled, pinched or moved by key over a bqplot figure beside
// this element. The figure's own scale follows the finger at once; the kernel hears of the range
// when it rests, and answers with the figures that belong to it.
const REST = 90; // ms without a move after which the kernel is told
const TAP = 8; // px that a finger may tremble
const STEP = 0.25; // of the range, for a move by key

function render({ model, el }) {
  el.classList.add("city-zoom");
  el.innerHTML =
    '<div class="surface" role="slider" tabindex="0"></div><div class="hair" hidden></div>' +
    '<div class="tip" role="status" hidden></div>';
  const [surface, hair, tip] = el.children;
  let scale = null;
  let margin = { left: 0, right: 0 };
  let range = [model.get("begin"), model.get("end")];
  let waiting = 0; // the kernel has not been told yet
  let own = 0; // the last wish that has not been answered
  const fingers = new Map();
  let from = null; // range and middle of the fingers when they were put down

  const get = async (key) =>
    model.widget_manager.get_model(model.get(key).replace("IPY_MODEL_", ""));
  const show = () => {
    if (scale) scale.set({ min: new Date(range[0]), max: new Date(range[1]) });
    place();
  };
  const width = () => Math.max(1, surface.clientWidth - margin.left - margin.right);
  const at = (x) => {
    const share = (x - surface.getBoundingClientRect().left - margin.left) / width();
    return range[0] + Math.min(1, Math.max(0, share)) * (range[1] - range[0]);
  };
  const tell = () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      waiting = 0;
      own += 1;
      model.send({ range, number: own });
    }, REST);
  };
  // A range of a length, held within all that there is.
  const hold = (begin, length) => {
    const [first, last, least] = ["first", "last", "least"].map((key) => model.get(key));
    const long = Math.min(last - first, Math.max(least, length));
    const start = Math.min(last - long, Math.max(first, begin));
    range = [start, start + long];
    show();
    tell();
  };
  const grow = (factor, around) => {
    const length = (range[1] - range[0]) * factor;
    const share = (around - range[0]) / (range[1] - range[0] || 1);
    const [first, last, least] = ["first", "last", "least"].map((key) => model.get(key));
    const long = Math.min(last - first, Math.max(least, length));
    hold(around - share * long, long);
  };

  // What the kernel says counts, unless the reader has moved on since.
  const settle = () => {
    if (fingers.size || waiting || model.get("answered") < own) return place();
    range = [model.get("begin"), model.get("end")];
    show();
  };
  const place = () => {
    const when = model.get("when");
    const inside = when >= range[0] && when <= range[1];
    const share = (when - range[0]) / (range[1] - range[0] || 1);
    hair.hidden = tip.hidden = !inside || !model.get("tip");
    const x = margin.left + share * width();
    hair.style.left = `${x}px`;
    tip.textContent = model.get("tip");
    const half = tip.offsetWidth / 2;
    tip.style.left = `${Math.min(Math.max(x, half), Math.max(half, surface.clientWidth - half))}px`;
  };
  const say = () => {
    surface.setAttribute("aria-label", model.get("name"));
    surface.setAttribute("aria-valuemin", "0");
    surface.setAttribute("aria-valuemax", String(Math.max(0, model.get("count") - 1)));
    surface.setAttribute("aria-valuenow", String(model.get("place")));
    surface.setAttribute("aria-valuetext", model.get("tip"));
    place();
  };

  const middle = () => {
    const xs = [...fingers.values()];
    return {
      x: xs.reduce((sum, x) => sum + x, 0) / xs.length,
      spread: xs.length > 1 ? Math.max(20, Math.abs(xs[0] - xs[1])) : 1,
    };
  };
  const anchor = () => {
    from = { range: [...range], moved: from?.moved ?? false, many: fingers.size, ...middle() };
  };
  const down = (event) => {
    if (event.button) return;
    surface.setPointerCapture(event.pointerId);
    if (!fingers.size) from = null;
    fingers.set(event.pointerId, event.clientX);
    anchor();
  };
  const move = (event) => {
    if (!fingers.has(event.pointerId)) return;
    fingers.set(event.pointerId, event.clientX);
    const now = middle();
    if (Math.abs(now.x - from.x) > TAP || fingers.size > 1) from.moved = true;
    if (!from.moved) return;
    const length = ((from.range[1] - from.range[0]) * from.spread) / now.spread;
    const left = surface.getBoundingClientRect().left + margin.left;
    const under = from.range[0] + ((from.x - left) / width()) * (from.range[1] - from.range[0]);
    hold(under - ((now.x - left) / width()) * length, length);
  };
  const up = (event) => {
    if (!fingers.delete(event.pointerId)) return;
    if (!fingers.size && !from.moved && event.type === "pointerup") {
      model.send({ at: at(event.clientX) });
    }
    if (fingers.size) anchor();
    else settle();
  };
  const wheel = (event) => {
    event.preventDefault();
    const turned = event.deltaY * (event.deltaMode === 1 ? 16 : 1);
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      const across = (event.deltaX || turned) / width();
      hold(range[0] + across * (range[1] - range[0]), range[1] - range[0]);
    } else grow(Math.exp(Math.max(-300, Math.min(300, turned)) / 400), at(event.clientX));
  };
  const key = (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const length = range[1] - range[0];
    const pan = { ArrowLeft: -STEP, ArrowRight: STEP }[event.key];
    const when = model.get("when");
    const around = when >= range[0] && when <= range[1] ? when : (range[0] + range[1]) / 2;
    const step = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
    if (event.shiftKey && pan) hold(range[0] + pan * length, length);
    else if (step) model.send({ step });
    else if (event.key === "+" || event.key === "=") grow(0.5, around);
    else if (event.key === "-") grow(2, around);
    else if (event.key === "0") hold(model.get("first"), Infinity);
    else if (event.key === "Home") model.send({ at: model.get("first") });
    else if (event.key === "End") model.send({ at: model.get("last") });
    else if (event.key === "PageUp") hold(range[0] - length, length);
    else if (event.key === "PageDown") hold(range[0] + length, length);
    else return;
    event.preventDefault();
  };

  const figure = get("figure").then((found) => {
    const measure = () => {
      margin = found.get("fig_margin");
      place();
    };
    measure();
    found.on("change:fig_margin", measure);
    return () => found.off("change:fig_margin", measure);
  });
  get("scale").then((found) => {
    scale = found;
    settle();
  });
  const sized = new ResizeObserver(place);
  sized.observe(surface);
  const heard = { "change:begin": settle, "change:end": settle, "change:answered": settle };
  for (const name of ["when", "tip"]) heard[`change:${name}`] = say;
  for (const name of ["name", "count", "place"]) heard[`change:${name}`] = say;
  for (const [name, call] of Object.entries(heard)) model.on(name, call);
  const listens = { pointerdown: down, pointermove: move, pointerup: up, pointercancel: up, keydown: key };
  for (const [name, call] of Object.entries(listens)) surface.addEventListener(name, call);
  surface.addEventListener("wheel", wheel, { passive: false });
  say();
  return () => {
    clearTimeout(waiting);
    sized.disconnect();
    figure.then((done) => done());
    for (const [name, call] of Object.entries(heard)) model.off(name, call);
  };
}
export default { render };
