// The gateway as a page sees it: signed in once, its list fetched once, for all widgets of the page.
const SHARED = (globalThis.cityCameras ??= { doors: new Map(), lists: new Map() });
const PATIENCE = 8000; // ms that a sign-in may take before the page goes on without

// The hub gives the gateway's cookie to a frame that nobody sees; `anew`: the one there is ended.
function signIn(gateway, anew = false) {
  if (anew || !SHARED.doors.has(gateway)) {
    const entered = new Promise((done) => {
      const frame = Object.assign(document.createElement("iframe"), { src: `${gateway}sign-in` });
      Object.assign(frame, { hidden: true, tabIndex: -1, title: "sign-in" });
      const leave = () => {
        clearTimeout(late);
        frame.remove();
        done();
      };
      const late = setTimeout(leave, PATIENCE);
      frame.addEventListener("load", leave);
      document.body.append(frame);
    });
    SHARED.doors.set(gateway, entered);
  }
  return SHARED.doors.get(gateway);
}

// All cameras that the reader may see, by id; empty where there are none or nobody answers.
function cameras(gateway) {
  if (!SHARED.lists.has(gateway)) {
    const list = signIn(gateway)
      .then(() => fetch(`${gateway}cameras.json`))
      .then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(answer.status))))
      .then((told) => new Map(told.cameras.map((one) => [one.id, one])));
    list.catch(() => SHARED.lists.delete(gateway)); // asked again the next time
    SHARED.lists.set(gateway, list);
  }
  return SHARED.lists.get(gateway);
}

function nameOf(camera, lang) {
  return camera?.name?.[lang] ?? Object.values(camera?.name ?? {})[0] ?? camera?.id ?? "";
}

// Cameras in the order of their distance from a place; a degree of longitude is the shorter one.
function nearest(all, { lon, lat }, count) {
  const shrunk = Math.cos((lat * Math.PI) / 180);
  const far = (one) => ((one.lon - lon) * shrunk) ** 2 + (one.lat - lat) ** 2;
  return [...all].map((one) => [far(one), one]).sort((a, b) => a[0] - b[0]).slice(0, count).map(([, one]) => one);
}

function element(tag, className, more = {}) {
  return Object.assign(document.createElement(tag), { className, ...more });
}

function key(label, sign, className, press) {
  const button = element("button", `camera-key ${className}`, { type: "button", title: label });
  button.setAttribute("aria-label", label);
  button.innerHTML = sign;
  button.addEventListener("click", (event) => {
    event.stopPropagation();
    press(event);
  });
  return button;
}
