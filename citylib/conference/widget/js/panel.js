// ConferencePanel: one room for all views of the widget. The first of them has the keys, the others
// show the same pictures; with the last one, and with the kernel, the room is left.
import { button, relabel, wordsOf } from "../../js/dom.js";
import { createMeeting } from "../../js/meeting.js";
import { canRecord, createRecording } from "../../js/recording.js";
import { createTiles } from "../../js/tiles.js";
import { createPlaces, fillSlots, streamOf } from "./bridge.js";
import { signIn } from "./entry.js";
import { createRooms } from "./rooms.js";
import { createShowing } from "./show.js";

const AWAY = 1500; // ms without a view after which the room is left: a view may be drawn anew
const TELLING = 300; // ms between two lists of participants to the kernel
const WALL = 2400; // px from which on a page is seen from afar

let life = null; // of the model: this module is loaded once for each

function createLife(model) {
  const views = new Map(); // element → tiles, null for the one with the keys
  const places = createPlaces();
  const all = {};
  let meeting = null;
  let room = null;
  let tools = []; // what is closed with the room
  let sent = "";
  let telling = 0;
  let leaving = 0;
  let beginning = null;
  let choice = null; // of a room, where none is given
  let over = false;

  const words = () => wordsOf({ [model.get("language")]: model.get("words") }, model.get("language"));
  const choose = (changes) => {
    if (over) return;
    for (const [name, value] of Object.entries(changes)) model.set(name, value);
    model.save_changes();
  };
  const tell = () => {
    telling ||= setTimeout(() => {
      telling = 0;
      const there = room?.participants ?? new Map();
      const list = places.fill(there).map((id) => {
        if (!id) return {};
        const { name, role, microphone, camera, hand } = there.get(id);
        return { id, name, role, microphone, camera, hand };
      });
      const now = JSON.stringify(list);
      if (now !== sent) choose({ participants: list });
      sent = now;
    }, TELLING);
  };

  // ---- what is sent and shown from the kernel's side
  const given = async () => {
    const found = await streamOf(model, "stream").catch(() => ({ stream: new MediaStream() }));
    if (!found) return null;
    const [camera = null] = found.stream.getVideoTracks();
    const [microphone = null] = found.stream.getAudioTracks();
    return { camera, microphone };
  };
  const another = async () => {
    const streams = await given();
    if (meeting && streams) meeting.give(streams);
    else if (meeting) restart();
  };
  let shown = null;
  const showing = async () => {
    if (room?.state !== "in") return;
    const wanted = model.get("shown");
    if (wanted === shown) return;
    shown = wanted;
    const found = await streamOf(model, "shown").catch(() => null);
    const [track] = found?.stream.getVideoTracks() ?? [];
    if (wanted !== shown) return;
    if (track) tools.showing.sharing.track(track, found.title, found.source);
    else if (shown === null) tools.showing.sharing.end();
  };

  // ---- the room
  const began = (now) => {
    for (const one of tools.splice(0)) one.close();
    room = now;
    shown = null;
    const recording = createRecording({ room, service: model.get("service"), on: { fault: (reason) => note(words()[`record_${reason}`]) } });
    const sharing = createShowing({ room, words, parts: () => model.get("parts"), panel: meeting?.el ?? main(), on: { fault: note } });
    room.addEventListener("participants", tell);
    for (const name of ["recording", "role"]) room.addEventListener(name, drawRecord);
    tools = [recording, sharing];
    tools.recording = recording;
    tools.showing = sharing;
    drawViews();
  };
  // The keys are drawn anew with another language.
  const bar = ({ add, words: said }) => {
    tools.showing.draw();
    add(tools.showing.main);
    if (!canRecord()) return;
    add((recordKey = button("record", said.record, () => tools.recording.toggle(), { className: "record-key" })));
    drawRecord();
  };
  let recordKey = null;
  const drawRecord = () => {
    if (!recordKey || !room) return;
    const now = room.recording;
    recordKey.hidden = room.role !== "host";
    recordKey.disabled = Boolean(now) && now.by !== room.you;
    relabel(recordKey, "record", words()[now ? "record_end" : "record"], Boolean(now));
  };
  const state = (name) => {
    choose({ state: name });
    noted();
    showing();
    tell();
  };
  // What a room without Janus is, and what would change.
  const noted = async () => {
    const { most } = (await room?.door) ?? {};
    note(room?.state === "in" && room.carrier === "mesh" ? words().say("mesh", { most }) : "", true);
  };
  const begin = async (el) => {
    const own = (beginning = {});
    if (!model.get("invitation")) await signIn(model.get("service"));
    if (over || own !== beginning || !views.size) return;
    if (!model.get("room") && !model.get("invitation")) {
      choice = createRooms({ service: model.get("service"), words: words(), choose: (id) => choose({ room: id }) });
      return el.append(choice.el);
    }
    const streams = await given();
    if (over || own !== beginning || meeting || !views.size) return;
    const lang = model.get("language");
    all[lang] = model.get("words");
    meeting = createMeeting(el, {
      service: model.get("service"),
      room: model.get("room") || null,
      invitation: model.get("invitation") || null,
      language: lang,
      words: all,
      streams,
      view: model.get("view"),
      size: innerWidth > WALL ? "wall" : "page",
      on: { room: began, bar, state, view: (view) => choose({ view }) },
    });
    if (innerWidth > WALL) room.want({ videos: "all" });
  };
  const end = () => {
    beginning = null;
    choice?.close();
    choice = null;
    for (const one of tools.splice(0)) one.close();
    meeting?.close();
    meeting = room = null;
    choose({ state: "", participants: [] });
    sent = "";
  };
  const restart = () => {
    end();
    const el = main();
    if (el) begin(el);
  };

  // ---- the views
  const main = () => [...views].find(([, tiles]) => tiles === null)?.[0] ?? null;
  const drawViews = () => {
    for (const [el, tiles] of views) {
      if (tiles === null) continue;
      tiles?.close();
      views.set(el, room ? createTiles(el, { room, words: words(), view: model.get("view") }) : undefined);
    }
  };
  const note = (text, stays = false) => {
    const el = main();
    if (!el) return;
    let line = el.querySelector(":scope > .conference-note");
    if (!text) return line?.remove();
    line ??= el.appendChild(Object.assign(document.createElement("p"), { className: "conference-note" }));
    line.setAttribute("role", "status");
    line.textContent = text;
    line.addEventListener("click", () => line.remove());
    if (!stays) setTimeout(() => line.isConnected && line.remove(), 8000);
  };
  const spoken = () => {
    if (choice) return restart();
    const lang = model.get("language");
    for (const other of Object.keys(all)) if (other !== lang) delete all[other];
    all[lang] = model.get("words");
    meeting?.speak(lang);
  };

  const slots = fillSlots(model, (place) => {
    const who = places.at(place);
    return room?.participants.has(who) ? room.stream(who, "camera") : null;
  });
  const turn = () => meeting?.view(model.get("view"));
  const events = { "change:stream": another, "change:shown": showing, "change:words": spoken, "change:view": turn, "change:room change:invitation": restart };
  for (const [name, handler] of Object.entries(events)) model.on(name, handler);

  // JupyterLab keeps the widgets of a kernel that has ended, without a way to it: then the room is left.
  let whole = null; // the model itself, as its events bring it
  model.on("change:state", (one) => (whole = one ?? whole));
  model.on("comm_live_update", () => whole?.comm_live === false && close());
  const close = () => {
    if (over) return;
    over = true;
    slots();
    clearTimeout(leaving);
    clearTimeout(telling);
    end();
    for (const [name, handler] of Object.entries(events)) model.off(name, handler);
    for (const tiles of views.values()) tiles?.close();
    views.clear();
  };

  return {
    add(el) {
      if (over) return;
      clearTimeout(leaving);
      const first = !main();
      views.set(el, first ? null : undefined);
      if (first && (meeting ?? choice)) el.append((meeting ?? choice).el);
      else if (first) begin(el);
      else drawViews();
    },
    remove(el) {
      if (over) return;
      const had = views.get(el) === null;
      views.get(el)?.close();
      views.delete(el);
      if (!views.size) leaving = setTimeout(end, AWAY);
      if (!had || !views.size) return;
      // The keys go to a view that is left.
      const [next, tiles] = [...views][0];
      tiles?.close();
      views.set(next, null);
      if (meeting ?? choice) next.append((meeting ?? choice).el);
      else begin(next);
    },
    close,
  };
}

function initialize({ model }) {
  life = createLife(model);
  const own = life;
  return () => own.close();
}

function render({ model, el }) {
  el.classList.add("conference-panel");
  el.classList.toggle("alone", !getComputedStyle(document.documentElement).getPropertyValue("--ink"));
  const own = life;
  own.add(el);
  return () => own.remove(el);
}
export default { initialize, render };
