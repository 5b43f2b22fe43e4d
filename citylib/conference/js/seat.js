// One participant on the screen: picture or initials, name, and what there is to know at a glance.
const MARKS = {
  muted: '<path d="M9 9v2a3 3 0 0 0 5 2.2M15 11V6a3 3 0 0 0-6-.6M6 11a6 6 0 0 0 9.5 4.9M18 11a6 6 0 0 1-.5 2.4M12 17v4M4 4l16 16"/>',
  speaks: '<path d="M4 10v4M8 7v10M12 4v16M16 7v10M20 10v4"/>',
  hand: '<path d="M8 12V6a1.5 1.5 0 0 1 3 0v5V4.5a1.5 1.5 0 0 1 3 0V11V6a1.5 1.5 0 0 1 3 0v9a6 6 0 0 1-6 6c-3 0-4.5-1.5-6-4l-2-3.5a1.5 1.5 0 0 1 2.5-1.5L8 14z"/>',
  host: '<path d="M12 4l2.4 5 5.6.7-4.100 3.800 1.100 5.5-5-2.700-5 2.700 1.100-5.5L4 9.700 9.6 9z"/>',
  interpreter: '<path d="M4 5h9v7H8l-4 3zM16 9h4v9l-3-2h-5v-2"/>',
};

function mark(name, title) {
  const made = Object.assign(document.createElement("span"), { className: `conference-mark conference-${name}`, title, hidden: true });
  made.innerHTML = `<svg viewBox="0 0 24 24" aria-hidden="true">${MARKS[name]}</svg>`;
  return made;
}

function bars(words) {
  const made = Object.assign(document.createElement("span"), { className: "conference-mark conference-quality", hidden: true });
  made.innerHTML = '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M4 20v-4"/><path d="M9.3 20v-8"/><path d="M14.6 20V8"/><path d="M20 20V4"/></svg>';
  return {
    el: made,
    show(quality) {
      made.hidden = quality === undefined || quality === null;
      made.dataset.quality = quality ?? "";
      made.title = made.hidden ? "" : words[`quality_${quality}`];
    },
  };
}

// The first letters of the first and the last word; of a Korean, Chinese or Japanese name the first.
function initials(name) {
  const parts = name.trim().split(/\s+/);
  const first = (word) => [...word][0] ?? "";
  if (/^[\p{sc=Hangul}\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}]/u.test(parts[0])) return first(parts[0]);
  return (first(parts[0]) + (parts.length > 1 ? first(parts.at(-1)) : "")).toLocaleUpperCase();
}

function colour(id) {
  let sum = 0;
  for (const letter of id) sum = (sum * 31 + letter.codePointAt(0)) % 360;
  return `oklch(0.42 0.09 ${sum})`;
}

function frame(className, press) {
  const el = Object.assign(document.createElement("figure"), { className: `conference-tile ${className}`, tabIndex: 0, hidden: true });
  el.setAttribute("role", "button");
  el.addEventListener("click", press);
  el.addEventListener("keydown", (event) => {
    if (event.target !== el || !["Enter", " "].includes(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    press();
  });
  let stood = "";
  const stand = (place, large, pinned) => {
    const rounded = place && [place.x, place.y, place.w, place.h].map((one) => Math.round(one));
    const now = `${rounded} ${large} ${pinned}`;
    if (now === stood) return;
    stood = now;
    el.hidden = !place;
    if (!place) return;
    const [x, y, w, h] = rounded;
    Object.assign(el.style, { left: `${x}px`, top: `${y}px`, width: `${w}px`, height: `${h}px` });
    el.toggleAttribute("data-large", large);
    el.setAttribute("aria-pressed", String(pinned));
  };
  return { el, stand };
}

// Sound is the room's: pictures are silent here.
function picture() {
  const video = Object.assign(document.createElement("video"), { muted: true, playsInline: true, autoplay: true, hidden: true });
  video.disablePictureInPicture = true;
  video.tabIndex = -1;
  video.setAttribute("aria-hidden", "true");
  // What is upright, as a telephone's, is seen whole.
  video.addEventListener("resize", () => video.toggleAttribute("data-upright", video.videoHeight > video.videoWidth));
  return video;
}
const moves = (stream) => stream?.getVideoTracks().some((track) => track.readyState === "live") ?? false;

export function createSeat({ room, participant, words, press }) {
  const { el, stand } = frame("conference-seat", press);
  el.dataset.who = participant.id;
  const video = picture();
  const face = Object.assign(document.createElement("span"), { className: "conference-face" });
  face.setAttribute("aria-hidden", "true");
  face.style.setProperty("--own", colour(participant.id));
  const caption = document.createElement("figcaption");
  caption.className = "conference-name";
  const name = document.createElement("span");
  name.className = "conference-title";
  const marks = {
    speaks: mark("speaks", words.speaks),
    muted: mark("muted", words.muted),
    host: mark("host", words.role_host),
    interpreter: mark("interpreter", words.role_interpreter),
  };
  const hand = mark("hand", words.hand_raised);
  const quality = bars(words);
  caption.append(marks.speaks, marks.muted, name, marks.host, marks.interpreter, quality.el);
  el.append(video, face, caption, hand);
  const stream = room.stream(participant.id, "camera");
  const own = participant.id === room.you;
  video.toggleAttribute("data-mirrored", own);
  let now = participant;
  let talking = false;

  const label = () => {
    const said = [name.textContent];
    if (!marks.host.hidden) said.push(words.role_host);
    if (!marks.interpreter.hidden) said.push(words.role_interpreter);
    if (talking) said.push(words.speaks);
    if (!marks.muted.hidden) said.push(words.muted);
    if (!hand.hidden) said.push(words.hand_raised);
    if (!quality.el.hidden && now.quality < 3) said.push(quality.el.title);
    const text = said.join(", ");
    if (el.getAttribute("aria-label") !== text) el.setAttribute("aria-label", text);
  };
  const seen = () => {
    const is = now.camera !== false && moves(stream);
    if (is && video.srcObject !== stream) video.srcObject = stream;
    if (is && video.paused) video.play().catch(() => {}); // it is tried again with the next change
    // The initials stay until there is a picture to see.
    const there = is && video.readyState >= 2;
    if (video.hidden === is) video.hidden = !is;
    if (face.hidden !== there) face.hidden = there;
  };
  for (const name of ["loadeddata", "playing", "emptied"]) video.addEventListener(name, seen);

  return {
    el,
    stand,
    show(told) {
      now = told;
      const called = own ? words.you.replace("{name}", told.name) : told.name;
      if (name.textContent !== called) {
        name.textContent = called;
        el.title = called;
        face.dataset.initials = initials(told.name);
      }
      marks.muted.hidden = told.microphone !== false;
      marks.host.hidden = told.role !== "host";
      marks.interpreter.hidden = told.role !== "interpreter";
      hand.hidden = !told.hand;
      quality.show(told.quality);
      seen();
      label();
    },
    speaks(is) {
      if (is === talking) return;
      talking = is;
      el.toggleAttribute("data-speaks", is);
      marks.speaks.hidden = !is;
      label();
    },
    close() {
      video.srcObject = null;
      el.remove();
    },
  };
}

// Something shown to all: a screen, a camera of the city, a picture that each page draws itself.
export function createShow({ room, participant, source, words, press }) {
  const { el, stand } = frame("conference-show", press);
  Object.assign(el.dataset, { who: participant.id, source });
  const caption = Object.assign(document.createElement("figcaption"), { className: "conference-name" });
  const name = caption.appendChild(Object.assign(document.createElement("span"), { className: "conference-title" }));
  const video = source === "material" ? null : picture();
  const image = video ? null : Object.assign(document.createElement("img"), { alt: "", decoding: "async" });
  el.append(video ?? image, caption);
  if (video) Object.assign(video, { hidden: false, srcObject: room.stream(participant.id, source) });
  let drawn = null;
  let address = "";

  // An image runs nothing and loads nothing. The one before stays until the next one is there.
  const draw = async (picture) => {
    drawn = picture;
    const next = URL.createObjectURL(new Blob([picture], { type: "image/svg+xml" }));
    const probe = Object.assign(new Image(), { src: next });
    await probe.decode().catch(() => {});
    if (drawn !== picture) return URL.revokeObjectURL(next);
    image.src = next;
    URL.revokeObjectURL(address);
    address = next;
  };

  return {
    el,
    stand,
    show(told) {
      const what = words[`shown_${source.replace("-", "_")}`].replace("{name}", told.name);
      const text = source === "material" && room.material.title ? `${room.material.title} · ${what}` : what;
      if (name.textContent !== text) {
        name.textContent = text;
        el.setAttribute("aria-label", text);
      }
      if (image && room.material.picture !== drawn) draw(room.material.picture);
      if (video?.paused) video.play().catch(() => {});
    },
    close() {
      if (video) video.srcObject = null;
      drawn = null;
      URL.revokeObjectURL(address);
      el.remove();
    },
  };
}
