// The way into the service for who is signed in to the platform: the hub gives its cookie to a frame
// that nobody sees, once for all panels of a page.
const PATIENCE = 8000; // ms after which a page goes on without
const SHARED = (globalThis.cityConference ??= { doors: new Map() });

export function signIn(service) {
  if (!SHARED.doors.has(service)) {
    const entered = new Promise((done) => {
      const frame = Object.assign(document.createElement("iframe"), { src: `${service}sign-in`, hidden: true, tabIndex: -1, title: "sign-in" });
      const leave = () => {
        clearTimeout(late);
        frame.remove();
        done();
      };
      const late = setTimeout(leave, PATIENCE);
      frame.addEventListener("load", leave);
      document.body.append(frame);
    });
    SHARED.doors.set(service, entered);
  }
  return SHARED.doors.get(service);
}
