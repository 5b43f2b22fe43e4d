// Before going in: how one will be seen and heard, under which name, in what room.
import { abilities, choose, chosen, listDevices } from "./devices.js";
import { createMeter } from "./levels.js";
import { button, dateOf, field, icon, make, newId, relabel, remember, remembered, timeOf } from "./dom.js";

const SELECTS = ["microphone", "camera", "loudspeaker"];

// What is wrong with a device, in words, with what to do; null: nothing.
export function troubleOf(words, kind, { refused }) {
  if (!refused) return null;
  if (refused === "insecure" || refused === "unsupported") return words[`device_${refused}`];
  return `${words[`${kind}_${refused}`]} ${words[`${kind}_without`]}`;
}

// `enter(name)` when the reader goes in; `told` is what the service says at the door.
export function createDoor({ own, words, told, waiting, enter, cancel }) {
  const { room, role } = told;
  const listens = role === "listener";
  const video = make("video", { muted: true, playsInline: true, autoplay: true });
  const meter = make("span", { className: "meter", "aria-hidden": "true" }, make("span"));
  const face = make("p", { className: "preview-says" });
  const says = make("div", { className: "troubles", role: "status" });
  const keys = {
    microphone: button("microphone", words.microphone, () => own.turn("microphone", !own.microphone.on), { className: "round" }),
    camera: button("camera", words.camera, () => own.turn("camera", !own.camera.on), { className: "round" }),
  };
  keys.camera.hidden = Boolean(room.voice_only);
  const preview = make("div", { className: "preview" }, video, face, make("div", { className: "preview-keys" }, keys.microphone, keys.camera), meter);
  const selects = make("div", { className: "selects" });

  const name = make("input", {
    name: "name", type: "text", maxLength: 80, required: true, autocomplete: "name", enterkeyhint: "go",
    value: told.name ?? remembered("name") ?? "", readOnly: Boolean(told.name),
  });
  const go = make("button", { type: "submit", className: "key main" }, waiting ? words.waits : words.join);
  const form = make("form", {
    noValidate: true,
    on: {
      submit(event) {
        event.preventDefault();
        const said = name.value.trim();
        name.setAttribute("aria-invalid", String(!said));
        fault.hidden = Boolean(said);
        if (!said) return name.focus();
        remember("name", said);
        enter(said);
      },
    },
  });
  const fault = make("p", { id: newId(), className: "fault", hidden: true }, words.name_missing);
  name.setAttribute("aria-describedby", fault.id);
  const hint = told.locked ? words.locked : told.waiting_room && role !== "host" ? words.host_admits : listens ? words.listens : "";
  form.append(
    field(words.name, name), fault,
    told.name ? make("p", { className: "hint" }, words.name_fixed) : "",
    go,
    make("p", { className: "hint" }, hint),
  );
  const wait = make(
    "div", { className: "waiting", role: "status" },
    make("p", { className: "waiting-sign" }, icon("people")),
    make("h2", {}, words.waiting), make("p", {}, words.waiting_detail),
    button("close", words.waiting_cancel, cancel, { className: "plain" }),
  );

  const when = room.begins && make("p", { className: "when" }, dateOf(room.begins, words.lang), room.ends ? ` – ${timeOf(room.ends, words.lang)}` : "");
  const head = make(
    "div", { className: "door-room" },
    make("h1", { tabIndex: -1 }, room.title), when,
    room.agenda && make("p", { className: "agenda" }, room.agenda),
  );
  const sides = listens ? [] : [make("section", { className: "door-devices", "aria-label": words.preview }, preview, says, selects)];
  const el = make("main", { className: `door${listens ? " door-listens" : ""}` }, ...sides, make("section", { className: "door-in", "aria-label": words.room }, head, waiting ? wait : form));

  // ---- what is open, and what is not
  let meters = null;
  let metered = null;
  const hear = () => {
    const track = own.microphone.track;
    if (track === metered) return;
    meters?.();
    metered = track;
    meters = track && createMeter(track, (level) => meter.style.setProperty("--level", own.microphone.on ? level.toFixed(2) : 0));
  };
  const draw = () => {
    for (const kind of ["microphone", "camera"]) {
      const { on, refused } = own[kind];
      const is = on && !refused;
      relabel(keys[kind], is ? kind : `${kind}-off`, words[is ? `${kind}_is_on` : `${kind}_is_off`], is);
    }
    const track = own.camera.track;
    if (track !== video.srcObject?.getTracks()[0]) video.srcObject = track ? new MediaStream([track]) : null;
    video.hidden = !track;
    face.textContent = track ? "" : own.asking ? words.asking : room.voice_only ? words.voice_only : own.camera.refused ? words.no_picture : words.camera_is_off;
    const why = own.camera.refused === own.microphone.refused && words[`both_${own.camera.refused}`];
    const troubles = why ? [why] : new Set(["camera", "microphone"].map((kind) => troubleOf(words, kind, own[kind])).filter(Boolean));
    const again = ["camera", "microphone"].filter((kind) => own[kind].refused && own[kind].refused !== "insecure" && own[kind].refused !== "unsupported");
    says.replaceChildren(
      ...[...troubles].map((text) => make("p", {}, icon("warning"), make("span", {}, text))),
      ...(again.length ? [make("button", { type: "button", className: "key plain", on: { click: () => again.forEach((kind) => own.again(kind)) } }, words.try_again)] : []),
    );
    hear();
    list();
  };
  const list = async () => {
    const found = await listDevices();
    const shown = SELECTS.filter((kind) => found[kind].length > 1 && (kind !== "loudspeaker" || abilities().loudspeakers));
    const now = JSON.stringify([shown, found, chosen(), own.microphone.track?.id, own.camera.track?.id]);
    if (selects.dataset.now === now) return;
    selects.dataset.now = now;
    selects.replaceChildren(...shown.map((kind) => selectOf({ own, words, kind, devices: found[kind] })));
  };
  own.addEventListener("change", draw);
  if (!listens) draw();

  return {
    el,
    focus: () => (waiting ? head.firstChild : name.value ? go : name).focus({ preventScroll: true }),
    close() {
      own.removeEventListener("change", draw);
      meters?.();
      video.srcObject = null;
      el.remove();
    },
  };
}

// The choice of a microphone, camera or loudspeaker.
export function selectOf({ own, words, kind, devices }) {
  const used = own[kind]?.track?.getSettings().deviceId ?? chosen()[kind];
  const select = make("select", {
    on: {
      change: () => {
        if (kind === "loudspeaker") choose(kind, select.value);
        else own.pick(kind, select.value);
        select.dispatchEvent(new CustomEvent("chosen", { bubbles: true, detail: kind }));
      },
    },
  });
  devices.forEach(({ id, name }, place) => {
    select.append(make("option", { value: id, selected: id === used }, name || `${words[kind]} ${place + 1}`));
  });
  return field(words[kind], select);
}
