// A recording made in the host's browser: one picture composed of what is shown or who speaks, all
// sound mixed, sent to the service in parts. It goes on after a lost part and after a reload.
const [WIDTH, HEIGHT, RATE] = [1280, 720, 15];
const PART = 2000; // ms
const KINDS = ["video/webm;codecs=vp8,opus", "video/mp4"];
const WAITING = 64 * 2 ** 20; // bytes that wait for the service; then the recording stops
const PAUSES = [500, 1000, 2000, 4000];
const BESIDE = 0.2; // part of the width that the speaker takes beside what is shown

export function canRecord() {
  return typeof MediaRecorder === "function" && KINDS.some((kind) => MediaRecorder.isTypeSupported(kind));
}

// What is seen: what is shown, with the speaker small beside it, or the speaker; names and the time.
function createPicture({ room, title, language }) {
  const canvas = Object.assign(document.createElement("canvas"), { width: WIDTH, height: HEIGHT });
  const pen = canvas.getContext("2d", { alpha: false });
  const time = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" });
  const videos = new Map(); // by "who source"
  let material = { picture: null, image: null };

  const playing = (who, source) => {
    const key = `${who} ${source}`;
    if (!videos.has(key)) {
      const video = Object.assign(document.createElement("video"), { muted: true, playsInline: true, autoplay: true });
      video.srcObject = room.stream(who, source);
      videos.set(key, video);
    }
    const video = videos.get(key);
    if (video.paused) video.play().catch(() => {});
    return video;
  };
  // As data, not as an address of this page: only so a browser lets the canvas be recorded.
  const drawn = () => {
    const { picture = null } = room.material ?? {};
    if (picture !== material.picture) {
      const next = { picture, image: null };
      material = next;
      if (picture) {
        const image = Object.assign(new Image(), { src: `data:image/svg+xml,${encodeURIComponent(picture)}` });
        image.decode().then(() => recordable(image) && (next.image = image), () => {});
      }
    }
    return material.image;
  };
  const shown = () => {
    for (const { id, name, sources = [] } of room.participants.values()) {
      const source = ["screen", "city-camera"].find((one) => sources.includes(one));
      if (source) return { image: playing(id, source), name };
    }
    return room.material ? { image: drawn(), name: room.participants.get(room.material.who)?.name ?? "" } : null;
  };
  const speaker = () => {
    const { now = [], recent = [] } = room.speaking ?? {};
    const first = [...now, ...recent, ...room.participants.keys()].find((id) => room.participants.has(id));
    const told = room.participants.get(first);
    if (!told) return null;
    return { image: told.camera === false ? null : playing(first, "camera"), name: told.name, speaks: now.includes(first) };
  };
  const write = (text, x, y, size, most, back = "#060a12") => {
    pen.font = `600 ${size}px sans-serif`;
    let said = text;
    while (said && pen.measureText(said).width > most) said = said.slice(0, -1);
    if (said !== text) said = `${said.slice(0, -1)}…`;
    pen.fillStyle = back;
    pen.fillRect(x, y - size * 1.25, pen.measureText(said).width + size, size * 1.7);
    pen.fillStyle = back === "#060a12" ? "#f3f6fb" : "#04211d";
    pen.fillText(said, x + size / 2, y);
  };
  const put = (what, x, y, w, h) => {
    pen.fillStyle = "#131c2d";
    pen.fillRect(x, y, w, h);
    const { image } = what;
    const [width, height] = [image?.videoWidth ?? image?.naturalWidth ?? 0, image?.videoHeight ?? image?.naturalHeight ?? 0];
    if (width && height) {
      const scale = Math.min(w / width, h / height);
      pen.drawImage(image, x + (w - width * scale) / 2, y + (h - height * scale) / 2, width * scale, height * scale);
    }
    if (what.name) write(what.name, x, y + h - 12, Math.max(15, Math.round(w / 50)), w - 40, what.speaks ? "#5ad6c4" : undefined);
  };

  return {
    canvas,
    draw() {
      pen.fillStyle = "#060a12";
      pen.fillRect(0, 0, WIDTH, HEIGHT);
      const [large, small] = [shown(), speaker()];
      if (large && small) {
        const side = Math.round(WIDTH * BESIDE);
        put(large, 0, 0, WIDTH - side, HEIGHT);
        put(small, WIDTH - side, HEIGHT - (side * 9) / 16, side, (side * 9) / 16);
      } else if (large ?? small) put(large ?? small, 0, 0, WIDTH, HEIGHT);
      write(`${title()} · ${time.format(new Date())}`, 0, 24, 17, WIDTH / 2);
      for (const [key, video] of videos) {
        if (room.participants.has(key.split(" ")[0])) continue;
        video.srcObject = null;
        videos.delete(key);
      }
    },
    close() {
      for (const video of videos.values()) video.srcObject = null;
      videos.clear();
    },
  };
}

function recordable(image) {
  const pen = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d");
  try {
    pen.drawImage(image, 0, 0, 1, 1);
    pen.getImageData(0, 0, 1, 1);
    return true;
  } catch {
    return false;
  }
}

// All that is heard in the room, and oneself.
function createSound(room) {
  const context = new AudioContext();
  const out = context.createMediaStreamDestination();
  const sources = new Map(); // by track
  const wake = () => context.state === "suspended" && context.resume();
  const mix = () => {
    const tracks = new Set();
    for (const id of room.participants.keys()) {
      for (const source of ["camera", "screen"]) for (const track of room.stream(id, source).getAudioTracks()) tracks.add(track);
    }
    for (const track of tracks) {
      if (sources.has(track) || track.readyState === "ended") continue;
      const source = context.createMediaStreamSource(new MediaStream([track]));
      source.connect(out);
      sources.set(track, source);
    }
    for (const [track, source] of sources) {
      if (tracks.has(track)) continue;
      source.disconnect();
      sources.delete(track);
    }
  };
  for (const name of ["media", "participants"]) room.addEventListener(name, mix);
  addEventListener("pointerdown", wake);
  mix();
  return {
    stream: out.stream,
    close() {
      for (const name of ["media", "participants"]) room.removeEventListener(name, mix);
      removeEventListener("pointerdown", wake);
      context.close().catch(() => {});
    },
  };
}

// Parts go one after the other, each until it is kept. `lost(reason)`: "full" or "refused".
function createSending({ address, ticket, kind, lost }) {
  let waiting = [];
  let bytes = 0;
  let number = null; // of the part that is sent next; asked for by an empty one
  let busy = false;
  let tries = 0;
  let timer = 0;
  let over = false;

  const post = async () => {
    const asking = number === null;
    const answer = await fetch(address, {
      method: "POST",
      headers: { "X-Ticket": ticket(), "X-Part": String(number ?? 0), "Content-Type": kind.split(";")[0] },
      body: asking ? null : waiting[0],
    });
    if ([403, 404].includes(answer.status)) return stop("refused");
    if ([413, 507].includes(answer.status)) return stop("full");
    if (!answer.ok && answer.status !== 409) throw new Error(`the recording's part: ${answer.status}`);
    const { next } = await answer.json();
    if (!Number.isInteger(next) || next === number) throw new Error("the recording is not kept");
    if (!asking && next > number) bytes -= waiting.shift().size;
    number = next;
    tries = 0;
  };
  const stop = (reason) => {
    over = true;
    waiting = [];
    lost(reason);
  };
  const run = async () => {
    if (busy || over) return;
    busy = true;
    clearTimeout(timer);
    try {
      while (waiting.length && !over) await post();
    } catch {
      timer = setTimeout(run, PAUSES[Math.min(tries, PAUSES.length - 1)]);
      tries += 1;
    }
    busy = false;
  };
  return {
    add(part) {
      if (over || !part.size) return;
      waiting.push(part);
      bytes += part.size;
      if (bytes > WAITING) return stop("full");
      run();
    },
    // What waits is still sent; true when all of it is kept.
    async end(patience = 15_000) {
      const late = Date.now() + patience;
      while (waiting.length && !over && Date.now() < late) await new Promise((go) => setTimeout(go, 100));
      over = true;
      clearTimeout(timer);
      return !waiting.length;
    },
  };
}

// Follows what the room says of its recording: while this participant is the one who records, it is
// made here. `service`: its path; `title()`: what is written on it; `on.fault(reason)`: "full",
// "refused", "unsupported". What comes back has `toggle()` for the host's key, and `close()`.
export function createRecording({ room, service, title = () => room.room?.title ?? "", on = {} }) {
  let now = null; // { recorder, stop() }

  const begin = () => {
    const kind = KINDS.find((one) => MediaRecorder.isTypeSupported(one));
    const picture = createPicture({ room, title, language: room.language });
    const sound = createSound(room);
    picture.draw();
    const seen = picture.canvas.captureStream(RATE);
    const recorder = new MediaRecorder(new MediaStream([...seen.getTracks(), ...sound.stream.getTracks()]), {
      mimeType: kind,
      videoBitsPerSecond: 1_200_000,
      audioBitsPerSecond: 64_000,
      videoKeyFrameIntervalDuration: 4000, // after a hole the picture is there again soon
    });
    const sending = createSending({
      address: `${service}rooms/${room.room.id}/recordings`,
      ticket: () => room.ticket,
      kind,
      lost(reason) {
        on.fault?.(reason);
        if (room.recording?.by === room.you) room.send({ type: "record", recording: false });
        end();
      },
    });
    const drawing = setInterval(() => picture.draw(), 1000 / RATE);
    const stopped = new Promise((done) => recorder.addEventListener("stop", done, { once: true }));
    recorder.addEventListener("dataavailable", ({ data }) => sending.add(data));
    recorder.start(PART);
    return {
      async stop() {
        if (recorder.state !== "inactive") recorder.stop();
        await stopped;
        clearInterval(drawing);
        picture.close();
        sound.close();
        for (const track of seen.getTracks()) track.stop();
        return sending.end();
      },
    };
  };
  const end = () => {
    const ending = now;
    now = null;
    return ending?.stop();
  };
  // `recording.by` is who records; a page that was loaded again records on.
  const follow = () => {
    const mine = Boolean(room.recording) && room.recording.by === room.you;
    if (mine && !now) {
      if (canRecord()) now = begin();
      else on.fault?.("unsupported");
    } else if (!mine && now) end();
  };
  room.addEventListener("recording", follow);
  follow();

  return {
    get running() {
      return now !== null;
    },
    // The last part is kept before the others hear that it is over.
    async toggle() {
      if (!room.recording) return room.send({ type: "record", recording: true });
      await end();
      room.send({ type: "record", recording: false });
    },
    close() {
      room.removeEventListener("recording", follow);
      end();
    },
  };
}
