// A conference as a page sees it: who is there, what they say, what is sent and received. It comes
// back by itself, as the same participant, after a cut connection, a reload, a restart of the service.
import { createGiving } from "./giving.js";
import { createLine } from "./line.js";
import { createMesh } from "./mesh.js";
import { createSfu } from "./sfu.js";
import { createSpeaking } from "./levels.js";
import { createStreams, loudnessOf } from "./streams.js";
import { createTicket } from "./ticket.js";

const SPOKEN = ["microphone", "interpretation"];
const COMING_BACK = new Set(["in", "waiting", "lost"]);
const LEAVING = 300; // ms between the last word and the end of the connections
const LINES = 500; // of chat that a page keeps

// `service`: its path; one of `invitation` (what the link has), `room` (an id, for who is signed in)
// or `ticket` says which room. `on`: handlers by the name of their event.
export function openRoom(options) {
  return new Room(options);
}

export class Room extends EventTarget {
  #line;
  #streams;
  #carrier = null;
  #off = [];
  #ask; // what is said at the door
  #ticket;
  #giving;
  #entering = null;
  #sent = new Map();
  #muted = false;
  #hand = false;
  #shows = null; // the material that this page shows
  #opened;
  #doorSays = null;

  state = "connecting";
  door; // a promise of what the service says at the door
  you = null;
  role = null;
  room = null;
  locked = false;
  carrier = null;
  participants = new Map();
  waiting = new Map(); // to hosts: who waits, by id
  chat = [];
  speaking = { now: [], recent: [] };
  recording = null;
  material = null;
  languages = []; // languages that there may be channels of
  channel = null;
  quality = null;
  refusal = null;

  constructor({ service, invitation = null, room = null, ticket = null, language = "en", on = {} }) {
    super();
    for (const [type, handler] of Object.entries(on)) this.addEventListener(type, ({ detail }) => handler(detail));
    this.language = language;
    this.#ask = { type: "look", language, ...(invitation ? { invitation } : { room }) };
    this.#ticket = createTicket(room ?? invitation?.slice(-24) ?? "ticket", ticket);
    this.door = new Promise((done) => (this.#opened = done));
    this.#streams = createStreams({
      on: {
        changed: (who, source) => this.#tell("media", { who, source }),
        blocked: (is) => this.#tell("sound", { blocked: is }),
      },
    });
    this.#giving = createGiving({
      carrier: () => this.#carrier,
      inside: () => this.state === "in",
      camera: () => this.#sent.get("camera") ?? null,
      send: (message) => this.send(message),
      on: {
        quality: (told) => this.#tell("quality", (this.quality = told)),
        changed: () => this.#state(),
      },
    });
    const address = new URL(`${service}socket`, location.href);
    address.protocol = address.protocol.replace("http", "ws");
    this.#line = createLine({
      url: address,
      hello: () => this.#hello(),
      on: {
        message: (message) => this.#hear(message),
        up: () => this.#up(),
        down: () => COMING_BACK.has(this.state) && this.#now("lost"),
      },
    });
    this.#off.push(() => this.#line.close());
  }

  // ---- what a page does
  // Go in under a name; who has a fixed name may give none.
  enter({ name }) {
    this.#entering = { name };
    this.send({ type: "enter", name });
    this.#state();
    if (!this.#waits) this.#carrier?.early();
  }
  // What is sent from now on as "microphone", "camera", "screen", …; null: nothing.
  publish(source, track) {
    const before = this.#sent.get(source) ?? null;
    if (track) this.#sent.set(source, track);
    else this.#sent.delete(source);
    if (track && SPOKEN.includes(source)) track.enabled = !this.#muted;
    if (this.you) this.#streams.set(this.you, source, track, true);
    if (this.you && this.carrier === "mesh") this.#sources(this.you, source, track);
    this.#carrier?.set(source, this.#giving.outgoing(source, track));
    if (before !== track) this.#state();
  }
  // Be silent, or be heard again.
  mute(is) {
    this.#muted = is;
    for (const source of SPOKEN) {
      const track = this.#sent.get(source);
      if (track) track.enabled = !is;
    }
    this.#state();
  }
  get muted() {
    return this.#muted || !(this.#sent.has("microphone") || this.#sent.has("interpretation"));
  }
  // Whose pictures this page shows, and whose it shows large.
  want(change) {
    this.#giving.want(change);
  }
  hand(is) {
    this.#hand = is;
    this.send({ type: "state", hand: is });
  }
  say(text, to = null) {
    return this.send({ type: "say", text, ...(to && { to }) });
  }
  // The interpreter's channel to listen to; null: the floor.
  hear(channel) {
    this.channel = channel;
    this.send({ type: "hear", channel });
    this.#mix();
    this.#tell("channel", channel);
  }
  // Languages that are interpreted into now.
  get channels() {
    const spoken = [...this.participants.values()].map((one) => one.language);
    return [...new Set(spoken.filter(Boolean))].sort();
  }
  get ticket() {
    return this.#ticket.get();
  }
  send(message) {
    if (message.type === "material") this.#shows = message.picture ? message : null;
    return this.#line.send(message);
  }
  stream(who, source = "camera") {
    return this.#streams.stream(who, source);
  }
  // With a touch: what the browser did not play by itself begins; false: nothing is heard here.
  sound(is = true) {
    this.#streams.sound(is);
  }
  // The loudspeaker that plays it, where a browser lets it be chosen.
  loudspeaker(id) {
    this.#streams.loudspeaker(id);
  }
  connections() {
    return this.#carrier?.connections() ?? [];
  }
  // The line is in doubt: begin another.
  renew() {
    this.#line.renew();
  }
  // For good; who only closes the page is noticed as well, and may come back.
  leave() {
    this.send({ type: "leave" });
    this.#end("ended", { left: true });
  }

  // ---- the line
  #hello() {
    if (!this.ticket) return [this.#ask];
    return [{ type: "resume", ticket: this.ticket, language: this.language }];
  }
  #up() {
    if (!this.ticket || !this.you) return;
    if (this.#carrier?.name === "janus") this.#carrier.renew();
  }
  #hear(message) {
    const handler = HEARD[message.type];
    if (handler) handler.call(this, message);
    else this.#carrier?.receive(message);
  }
  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
  #now(state, detail = {}) {
    if (this.state === state && state !== "refused") return;
    this.state = state;
    this.#tell("state", { state, ...detail });
  }
  #end(state, detail) {
    // In another window one is still there: the way back is the same ticket.
    if (detail.reason !== "elsewhere") this.#ticket.keep(null);
    for (const off of this.#off.splice(0)) off();
    this.#giving.close();
    // Whoever goes says so first: a connection that breaks before would make all others work.
    setTimeout((carrier) => carrier?.close(), LEAVING, this.#carrier);
    this.#carrier = null;
    this.#streams.close();
    this.#now(state, detail);
  }

  // ---- what carries pictures and sound
  get #may() {
    return this.role !== "listener";
  }
  get #waits() {
    return this.#doorSays?.waiting_room && this.role !== "host";
  }
  #carry(name, ice) {
    if (this.#carrier?.name === name) return this.#carrier.ice(ice);
    this.#carrier?.close();
    this.carrier = name;
    const make = name === "janus" ? createSfu : createMesh;
    this.#carrier = make({
      send: (message) => this.send(message),
      on: { track: (who, source, track) => who !== this.you && this.#received(who, source, track) },
    });
    this.#carrier.prepare(ice, this.#may);
    for (const [source, track] of this.#sent) this.#carrier.set(source, this.#giving.outgoing(source, track));
  }
  // In a mesh the service knows nothing of what is sent: what comes tells.
  #received(who, source, track) {
    this.#streams.set(who, source, track);
    if (this.carrier === "mesh") this.#sources(who, source, track);
  }
  #sources(who, source, track) {
    const participant = this.participants.get(who);
    if (!participant || (participant.sources ?? []).includes(source) === Boolean(track)) return;
    const sources = (participant.sources ?? []).filter((one) => one !== source);
    this.participants.set(who, { ...participant, sources: track ? [...sources, source] : sources });
    this.#tell("participants", {});
  }
  #begin() {
    if (this.carrier !== "mesh") return;
    const levels = () => {
      const loud = this.#carrier?.levels() ?? new Map();
      for (const who of loud.keys()) if (!this.participants.get(who)?.microphone) loud.delete(who);
      return loud;
    };
    this.#off.push(createSpeaking({ levels, tell: (speaking) => HEARD.speaking.call(this, speaking) }));
  }
  #state() {
    if (!this.#entering && !this.you) return;
    const camera = Boolean(this.#giving.outgoing("camera", this.#sent.get("camera") ?? null));
    this.send({ type: "state", microphone: !this.muted, camera, hand: this.#hand });
  }
  #mix() {
    this.#streams.mix(loudnessOf(this.channel, (who) => this.participants.get(who)));
  }
  #own() {
    for (const [source, track] of this.#sent) this.#streams.set(this.you, source, track, true);
  }

  // ---- what the service says
  static heard = {
    door(told) {
      this.#doorSays = told;
      Object.assign(this, { role: told.role, room: told.room, locked: told.locked, languages: told.languages });
      this.#carry(told.carrier, told.ice);
      this.#opened(told);
      this.#tell("door", told);
      this.#now("door");
      if (this.#entering) this.enter(this.#entering); // it was lost on the way
    },
    waiting({ ticket }) {
      this.#ticket.keep(ticket);
      this.#now("waiting");
    },
    entered(told) {
      const again = this.you === told.you; // not so after a reload
      const first = this.you === null;
      this.#ticket.keep(told.ticket);
      const { you, role, room, material = null, recording = null } = told;
      Object.assign(this, { you, role, room, material, recording, refusal: null });
      this.locked = room.locked ?? this.locked;
      this.chat = told.chat ?? [];
      if (told.speaking) this.speaking = told.speaking;
      const there = new Map(told.participants.map((one) => [one.id, one]));
      for (const who of this.participants.keys()) if (!there.has(who)) this.#streams.drop(who);
      this.participants = there;
      this.waiting = new Map();
      this.#carry(told.carrier, told.ice);
      this.#carrier.entered({ you, participants: told.participants, may: this.#may });
      if (first) this.#begin();
      this.#own();
      this.#mix();
      this.#now("in", { again });
      this.#giving.entered();
      this.#state();
      if (this.channel) this.hear(this.channel);
      if (this.#shows && !material) this.send(this.#shows); // the service was started again
      this.#opened({ ...told, name: there.get(you)?.name ?? null });
      for (const type of ["participants", "role", "recording", "material", "speaking", "chat"]) this.#tell(type, this[type]);
    },
    refused({ reason, text }) {
      if (reason === "ticket" && this.ticket && (this.#ask.invitation || this.#ask.room)) {
        this.#ticket.keep(null);
        this.you = null;
        this.#line.renew();
        return;
      }
      this.refusal = { reason, text };
      this.#end("refused", { reason, text });
    },
    participant({ participant }) {
      const before = this.participants.get(participant.id);
      if (this.carrier === "mesh" && before) participant.sources = before.sources;
      this.participants.set(participant.id, participant);
      this.#carrier?.participant(participant.id);
      this.#mix();
      this.#tell("participants", { ...(before ? { changed: participant, before } : { came: participant }) });
    },
    left({ who, why }) {
      const gone = this.participants.get(who);
      this.participants.delete(who);
      this.#carrier?.left(who, why);
      this.#streams.drop(who);
      this.#tell("participants", { left: gone, why });
    },
    waits({ who, name }) {
      this.waiting.set(who, name);
      this.#tell("waiting", { came: { who, name } });
    },
    waits_no_more({ who }) {
      this.waiting.delete(who);
      this.#tell("waiting", { left: { who } });
    },
    speaking({ now, recent }) {
      this.speaking = { now, recent };
      this.#tell("speaking", this.speaking);
    },
    said(said) {
      this.chat = [...this.chat, said].slice(-LINES);
      this.#tell("said", said);
    },
    muted({ by }) {
      this.mute(true);
      this.#tell("muted", { by });
    },
    role({ role }) {
      this.role = role;
      this.#carrier?.allow(this.#may);
      if (!this.#may) this.#state();
      this.#tell("role", role);
    },
    room({ room, locked, ...told }) {
      this.room = { ...this.room, ...(room ?? told) };
      this.locked = locked ?? room?.locked ?? this.locked;
      this.#tell("room", this.room);
    },
    recording({ recording }) {
      this.recording = recording;
      this.#tell("recording", recording);
    },
    material({ material }) {
      this.material = material;
      this.#tell("material", material);
    },
    ice({ ice }) {
      this.#carrier?.ice(ice);
    },
    media({ state }) {
      if (state === "back") this.#carrier?.renew();
      this.#tell("carried", state);
    },
    ended() {
      this.#end("ended", { left: false });
    },
    error(told) {
      this.#carrier?.receive({ ...told, type: "error" });
      this.#tell("error", told);
    },
  };
}
const HEARD = Room.heard;
