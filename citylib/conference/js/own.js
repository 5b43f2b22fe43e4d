// One's own camera, microphone and screen: what is open, what is on, what was refused.
import { choose, openDevice, openDevices, openScreen, watchDevices } from "./devices.js";

const KEPT = "conference-own"; // whether sound and picture were on, for who loads the page again
const KINDS = ["microphone", "camera"];

export class Own extends EventTarget {
  microphone = { track: null, on: true, refused: null };
  camera = { track: null, on: true, refused: null };
  screen = null;
  voiceOnly = false;
  asking = false;
  #room = null;
  #unwatch;
  #given;

  // `given`: tracks from elsewhere, { camera, microphone }; then no device is asked for.
  constructor(given = null) {
    super();
    this.#given = given;
    try {
      const kept = JSON.parse(sessionStorage.getItem(KEPT)) ?? {};
      for (const kind of KINDS) this[kind].on = kept[kind] ?? true;
    } catch {
      // then both are on
    }
    this.#unwatch = watchDevices(() => this.#changed());
  }

  // Ask for both, once: the picture of the door. Who only listens is not asked.
  async begin() {
    if (this.#given) {
      for (const kind of KINDS) this.#have(kind, { track: this.#given[kind] ?? null, refused: this.#given[kind] ? null : "none" });
      return this.#changed();
    }
    this.asking = true;
    this.#changed();
    if (this.camera.on && this.microphone.on) {
      const found = await openDevices();
      for (const kind of KINDS) this.#have(kind, found[kind]);
    } else {
      for (const kind of KINDS) if (this[kind].on) this.#have(kind, await openDevice(kind));
    }
    this.asking = false;
    this.#changed();
  }
  // Other tracks from elsewhere, in place of those before.
  give(tracks) {
    this.#given = tracks;
    for (const kind of KINDS) this.#have(kind, { track: tracks[kind] ?? null, refused: tracks[kind] ? null : "none" });
    this.#changed();
  }
  // Be seen or heard, or not; asks for what is not open yet.
  async turn(kind, on) {
    const one = this[kind];
    one.on = on;
    if (on && !one.track) await this.#open(kind);
    if (!on && kind === "camera") this.#close(kind); // its light goes out
    if (kind === "microphone") this.#room?.mute(!one.on);
    this.#changed();
  }
  async pick(kind, id) {
    choose(kind, id);
    const before = this[kind].track;
    before?.stop();
    await this.#open(kind);
    this.#changed();
  }
  async again(kind) {
    this[kind].on = true;
    await this.#open(kind);
    this.#changed();
  }
  async share(on) {
    if (!on) {
      for (const track of [this.screen?.picture, this.screen?.sound]) track?.stop();
      this.screen = null;
    } else {
      const found = await openScreen();
      if (found.refused) return found.refused;
      this.screen = found;
      found.picture.addEventListener("ended", () => this.screen === found && this.share(false));
    }
    this.#send("screen", this.screen?.picture ?? null);
    this.#send("screen-sound", this.screen?.sound ?? null);
    this.#changed();
    return null;
  }
  async onlyVoice(is) {
    this.voiceOnly = is;
    this.#room?.want({ videos: is ? "none" : "recent" });
    if (is && this.camera.on) await this.turn("camera", false);
    this.#changed();
  }
  // Into a room, or out of the one before.
  attach(room) {
    if (this.#room === room) return;
    this.#room = room;
    if (!room) return;
    room.mute(!this.microphone.on);
    for (const kind of KINDS) this.#send(kind, this[kind].track);
    if (this.voiceOnly) room.want({ videos: "none" });
    room.addEventListener("muted", () => this.turn("microphone", false));
    room.addEventListener("role", () => this.#role());
  }
  close() {
    this.#unwatch();
    for (const kind of KINDS) this.#close(kind);
    if (this.screen) this.share(false);
  }

  // An interpreter speaks into a channel, everybody else to the floor.
  #role() {
    if (this.#room.role === "listener" && this.screen) this.share(false);
    this.#send("microphone", this.microphone.track);
  }
  #send(kind, track) {
    const room = this.#room;
    if (!room) return;
    if (kind !== "microphone") return room.publish(kind, track);
    const interprets = room.role === "interpreter";
    room.publish(interprets ? "microphone" : "interpretation", null);
    room.publish(interprets ? "interpretation" : "microphone", track);
  }
  async #open(kind) {
    if (this.#given) return this.#have(kind, { track: this.#given[kind] ?? null });
    this.#have(kind, await openDevice(kind));
  }
  #have(kind, { track = null, refused = null }) {
    const one = this[kind];
    if (one.track && one.track !== track && !this.#given) one.track.stop();
    Object.assign(one, { track, refused });
    // Pulled out: the next one of its kind takes its place, if there is one.
    if (!this.#given) track?.addEventListener("ended", () => one.track === track && this.#open(kind).then(() => this.#changed()));
    if (track && !one.on && kind === "camera") return this.#close(kind);
    this.#send(kind, track);
  }
  #close(kind) {
    if (!this.#given) this[kind].track?.stop();
    this[kind].track = null;
    this.#send(kind, null);
  }
  #changed() {
    try {
      sessionStorage.setItem(KEPT, JSON.stringify({ microphone: this.microphone.on, camera: this.camera.on }));
    } catch {
      // a window that keeps nothing
    }
    this.dispatchEvent(new Event("change"));
  }
}
