// A conference in an element of a page: from the door, by way of waiting, into the room, to its end.
import { Own } from "./own.js";
import { abilities } from "./devices.js";
import { createDoor } from "./door.js";
import { createStage } from "./stage.js";
import { icon, make, remember, wordsOf } from "./dom.js";
import { openRoom } from "./room.js";

const LATE = 8000; // ms without the service until the page says so
const AGAIN_REASONS = ["full", "locked", "too_much", "name", "elsewhere", "turned_away"];

// `words` by language; of one language alone there are no keys to change it. `streams`: { camera,
// microphone } from elsewhere, then no device is asked for. `size`: "page" or "wall".
// `view`: "all" or "speaker", told of by `on.view`. `on.room(room)`, `on.state(state, detail)`, `on.bar({ bar, room, words, add(key) })` each time that
// the keys are drawn, `on.language(lang)`, `on.theme()`: there is a key for dark or light.
export function createMeeting(element, { service, invitation = null, room: id = null, ticket = null, language, words: all, size = "page", view = "all", streams = null, on = {} }) {
  const root = make("div", { className: "conference" });
  root.dataset.size = size;
  element.append(root);
  let words = wordsOf(all, language);
  let room = null;
  let screen = null; // what is there: { el, close, focus }
  let told = null; // what the service said at the door
  let own = null;
  let late = 0;
  let over = false;

  const put = (next) => {
    screen?.close?.();
    screen?.el.remove();
    screen = next;
    root.append(next.el);
    next.focus?.();
  };
  // A screen of words alone; `keys`: [text, work]…
  const says = (title, detail, keys = [], sign = null) => {
    const heading = make("h1", { tabIndex: -1 }, title);
    const buttons = keys.map(([text, work]) => make("button", { type: "button", className: "key main", on: { click: work } }, text));
    const el = make("main", { className: "says" }, sign && icon(sign), heading, make("p", {}, detail), make("div", { className: "says-keys" }, ...buttons));
    put({ el, focus: () => heading.focus({ preventScroll: true }) });
  };
  const owned = (role, { voice_only: withoutPictures }) => {
    if (own) return;
    own = new Own(streams);
    const listens = role === "listener";
    if (withoutPictures) own.camera.on = false;
    if (listens) return;
    if (streams || (abilities().devices && abilities().secure)) own.begin();
    else for (const kind of ["microphone", "camera"]) own[kind].refused = abilities().secure ? "unsupported" : "insecure";
  };
  // Who is signed in and hosts can make a link that anybody may come by, as a speaker.
  const invite = async () => {
    const answer = await fetch(`${service}rooms/${room.room.id}/invitations`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ role: "speaker", language: words.lang }),
    });
    if (!answer.ok) throw new Error(String(answer.status));
    return (await answer.json()).invitation.link;
  };
  const disown = () => {
    own?.close();
    own = null;
  };

  const screens = {
    connecting: () => says(words.connecting, words.connecting_detail),
    door() {
      owned(told.role, told.room);
      own.attach(room);
      const waiting = room.state === "waiting";
      put(createDoor({ own, words, told, waiting, enter: (name) => room.enter({ name }), cancel: () => room.leave() }));
    },
    waiting() {
      if (told) screens.door();
      else says(words.waiting, words.waiting_detail, [], "people"); // after a reload
    },
    in() {
      owned(room.role, room.room);
      own.attach(room);
      const more = { leave: () => room.leave(), language: speak, theme: on.theme, bar: on.bar, view: viewed };
      put(createStage({ room, own, words, invite: id && invite, all, size, view, on: more }));
    },
    refused({ reason, text }) {
      const keys = AGAIN_REASONS.includes(reason) ? [[reason === "elsewhere" ? words.continue_here : words.try_again, begin]] : [];
      says(words[`title_${reason}`] ?? words.title_refused, text || words.refused_detail, keys, "warning");
    },
    ended({ left }) {
      if (left) says(words.left, words.left_detail, [[words.join_again, begin]], "check");
      else says(words.ended, words.ended_detail, [], "check");
    },
  };
  const viewed = (name) => on.view?.((view = name));
  let seen = null; // the state whose screen is there
  const show = (state, detail = {}) => {
    clearTimeout(late);
    on.state?.(state, detail);
    // Waiting for the way back the room stays as it is; its banner says so.
    if (state === "lost" || (state === "in" && seen === "in") || (state === "connecting" && seen)) return;
    if (state === "refused" || state === "ended") disown();
    seen = state;
    choices.hidden = state === "in";
    screens[state](detail);
  };

  // ---- the language
  const choices = make("nav", { className: "languages" });
  const drawChoices = () => {
    root.lang = words.lang;
    choices.setAttribute("aria-label", words.language);
    const langs = Object.keys(all);
    choices.replaceChildren(
      ...(langs.length > 1 ? langs : []).map((lang) =>
        make("button", { type: "button", className: "key", lang, "aria-pressed": String(lang === words.lang), on: { click: () => speak(lang) } }, all[lang].own_name),
      ),
    );
  };
  const speak = (lang) => {
    remember("lang", lang);
    words = wordsOf(all, lang);
    drawChoices();
    on.language?.(lang);
    if (room && seen in screens && !["refused", "ended"].includes(seen)) screens[seen]({});
    else if (!room) begin();
  };

  const begin = () => {
    if (!abilities().webrtc) return says(words.no_webrtc, words.no_webrtc_detail, [], "warning");
    if (!invitation && !id && !ticket) return says(words.no_invitation, words.no_invitation_detail, [], "warning");
    told = null;
    seen = null;
    screens.connecting();
    room = openRoom({
      service,
      language: words.lang,
      invitation,
      room: id,
      ticket,
      on: {
        door: (said) => (told = said),
        state: ({ state, ...detail }) => !over && show(state, detail),
      },
    });
    late = setTimeout(() => says(words.unreachable, words.unreachable_detail), LATE);
    on.room?.(room);
  };
  root.append(choices);
  drawChoices();
  begin();

  return {
    el: root,
    get room() {
      return room;
    },
    speak,
    view: (name) => (screen?.view ? screen.view(name) : viewed(name)),
    give: (tracks) => own?.give((streams = tracks)),
    // Ends what is seen; who is in leaves.
    close() {
      over = true;
      clearTimeout(late);
      if (room && !["refused", "ended"].includes(room.state)) room.leave();
      disown();
      screen?.close?.();
      root.remove();
    },
  };
}
