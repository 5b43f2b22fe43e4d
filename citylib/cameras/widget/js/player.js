// Pictures of one camera, as near to now as they come: a <video> fed through Media Source
// Extensions, or a <canvas> where the camera sends JPEGs. It mends by itself for as long as it is open.
const BEHIND = 0.1; // seconds behind the newest picture at which it begins
const SOON = 0.3; // further behind it plays a little faster
const LATE = 1; // further behind it jumps
const KEEP = 8; // seconds of what was shown that stay in the buffer
const MOST = 8 * 2 ** 20; // bytes that wait for the buffer; then it begins anew
const DEAF = 10_000; // ms without a word after which a connection counts as lost
const PAUSES = [250, 500, 1000, 2000, 4000];
const NOT_ALLOWED = 1008;
const TOO_MUCH = 1013;

// `on.state({ state, text })`: "connecting", "waiting", "live", "fault", "lost", "refused";
// `on.picture()`: the first picture of a stream is seen.
function createPlayer({ gateway, camera, lang, words, on }) {
  const video = element("video", "camera-picture", { muted: true, playsInline: true, autoplay: true });
  video.disablePictureInPicture = true;
  const canvas = element("canvas", "camera-picture", { hidden: true });
  const sight = element("div", "camera-sight");
  sight.append(video, canvas);

  let path = camera.watch ?? `${gateway}watch/${camera.id}`;
  let socket = null;
  let media = null;
  let buffer = null;
  let queue = [];
  let waits = 0;
  let fresh = true; // nothing of this stream has been shown
  let jpegs = false;
  let tries = 0;
  let asked = false; // for another sign-in, since the last picture
  let heard = 0;
  let state = "connecting";
  let timer = 0;
  let over = false;
  let seen;
  const first = new Promise((done) => {
    seen = done;
  });

  const tell = (now, text) => {
    state = now;
    on.state({ state: now, text });
  };
  const shown = () => {
    if (over) return;
    tries = 0;
    asked = false;
    seen();
    on.picture();
  };

  // ---- video
  const prepare = () => {
    if (media) URL.revokeObjectURL(video.src);
    buffer = null;
    media = new (globalThis.ManagedMediaSource ?? MediaSource)();
    media.addEventListener("sourceopen", pump);
    video.disableRemotePlayback = true;
    video.src = URL.createObjectURL(media);
  };
  const begin = (mime) => {
    fresh = true;
    if (buffer) {
      buffer.abort();
      buffer.changeType(mime);
      if (buffer.buffered.length) buffer.remove(0, Infinity);
      else pump();
    } else {
      buffer = media.addSourceBuffer(mime);
      buffer.addEventListener("updateend", fed);
      pump();
    }
    if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(shown);
    else video.addEventListener("timeupdate", shown, { once: true });
  };
  const pump = () => {
    if (jpegs || media?.readyState !== "open" || buffer?.updating || !queue.length) return;
    const next = queue.shift();
    try {
      if (next.mime) return begin(next.mime);
      waits -= next.byteLength;
      if (buffer) buffer.appendBuffer(next);
    } catch (error) {
      if (error.name === "NotSupportedError") return tell("fault", words.unsupported);
      if (error.name !== "QuotaExceededError" || !trim(1)) renew();
    }
  };
  const trim = (keep) => {
    const held = buffer?.buffered;
    if (!held?.length || buffer.updating) return false;
    const until = held.end(held.length - 1) - keep;
    if (until - held.start(0) < 1) return false;
    buffer.remove(0, until);
    return true;
  };
  const fed = ({ target }) => {
    if (over || target !== buffer || media.readyState !== "open") return;
    follow();
    const held = buffer.buffered;
    const long = held.length && held.end(held.length - 1) - held.start(0) > 2 * KEEP;
    if (!(long && trim(KEEP))) pump();
  };
  const follow = () => {
    const held = video.buffered;
    if (!held.length) return;
    const [start, end] = [held.start(held.length - 1), held.end(held.length - 1)];
    const lag = end - video.currentTime;
    if (fresh || lag > LATE || lag < -LATE || video.currentTime < start) {
      fresh = false;
      video.currentTime = Math.max(start, end - BEHIND);
      video.playbackRate = 1;
    } else {
      const rate = lag > SOON ? 1.15 : lag < 0.5 * SOON ? 1 : video.playbackRate;
      if (rate !== video.playbackRate) video.playbackRate = rate;
    }
    if (video.paused && !document.hidden) video.play().catch(() => {}); // it is tried again
  };

  // ---- pictures that stand for themselves: while one is drawn, the newest waits
  let drawing = false;
  let newest = null;
  const draw = async (data) => {
    newest = data;
    if (drawing) return;
    drawing = true;
    while (newest && !over) {
      const blob = new Blob([newest], { type: "image/jpeg" });
      newest = null;
      try {
        const picture = await createImageBitmap(blob);
        if (canvas.width !== picture.width || canvas.height !== picture.height) {
          Object.assign(canvas, { width: picture.width, height: picture.height });
        }
        canvas.getContext("2d").drawImage(picture, 0, 0);
        picture.close();
        if (fresh) {
          fresh = false;
          shown();
        }
      } catch {
        // A picture that is none leaves the one before it.
      }
    }
    drawing = false;
  };

  // ---- the connection
  const take = ({ data }) => {
    heard = performance.now();
    if (typeof data !== "string") {
      if (jpegs) return draw(data);
      queue.push(data);
      waits += data.byteLength;
      if (waits > MOST) return renew();
      return pump();
    }
    const told = JSON.parse(data);
    if (told.type === "state") tell(told.state, told.text);
    else if (told.type === "stream") {
      jpegs = told.mime === "image/jpeg";
      video.hidden = jpegs;
      canvas.hidden = !jpegs;
      fresh = true;
      queue = jpegs ? [] : [{ mime: told.mime }];
      waits = 0;
      pump();
    } else if (told.type === "skipped") fresh = true;
    else if (told.type === "elsewhere") {
      path = told.watch;
      leave();
      connect();
    }
  };
  const leave = () => {
    const old = socket;
    socket = null;
    old?.close();
  };
  const again = (pause) => {
    clearTimeout(timer);
    timer = setTimeout(connect, pause * (0.7 + 0.6 * Math.random()));
  };
  const refused = (pause) => {
    tell("refused", words.not_allowed);
    again(pause);
  };
  const lost = async (code, opened) => {
    if (over) return;
    if (code === NOT_ALLOWED) return refused(30_000);
    tries += 1;
    if (!opened) {
      // Whether it is the gateway that is away, or the leave to see the camera.
      const answer = await fetch(camera.poster ?? `${gateway}poster/${camera.id}`).catch(() => null);
      if (over || socket) return;
      if (answer?.status === 403) {
        if (asked) return refused(30_000);
        asked = true;
        signIn(gateway, true); // the one there was may have ended
        return refused(1000);
      }
    }
    tell("lost", code === TOO_MUCH ? words.too_much : words.lost);
    again(code === TOO_MUCH ? 5000 : PAUSES[Math.min(tries, PAUSES.length) - 1]);
  };
  const connect = async () => {
    clearTimeout(timer);
    await signIn(gateway);
    if (over || socket) return;
    let opened = false;
    const mine = new WebSocket(new URL(`${path}?lang=${lang}`, location.href.replace(/^http/, "ws")));
    socket = mine;
    mine.binaryType = "arraybuffer";
    heard = performance.now();
    mine.onopen = () => {
      opened = true;
    };
    mine.onmessage = (event) => mine === socket && take(event);
    mine.onclose = ({ code }) => {
      if (mine !== socket) return;
      socket = null;
      lost(code, opened);
    };
  };
  // What was fed could not be shown: a new buffer, and the stream from its newest key picture.
  const renew = () => {
    if (over) return;
    leave();
    queue = [];
    waits = 0;
    prepare();
    lost(0, true);
  };
  const watch = setInterval(() => {
    if (socket && performance.now() - heard > (state === "fault" ? 4 : 1) * DEAF) {
      leave();
      lost(0, true);
    }
    follow();
  }, 1000);
  const back = () => {
    if (document.hidden || over) return;
    fresh = !jpegs; // what came meanwhile is not to be caught up with
    follow();
    if (!socket) connect();
  };
  document.addEventListener("visibilitychange", back);
  addEventListener("online", back);
  video.addEventListener("error", () => !over && video.src && renew());
  prepare();
  connect();

  return {
    el: sight,
    first,
    // For recorders and calls: frames as they are shown.
    async stream() {
      await first;
      if (jpegs) return canvas.captureStream();
      if (video.captureStream ?? video.mozCaptureStream) {
        return (video.captureStream ?? video.mozCaptureStream).call(video);
      }
      const mirror = document.createElement("canvas");
      const copy = () => {
        if (over) return;
        Object.assign(mirror, { width: video.videoWidth, height: video.videoHeight });
        mirror.getContext("2d").drawImage(video, 0, 0);
        video.requestVideoFrameCallback(copy);
      };
      copy();
      return mirror.captureStream();
    },
    close() {
      over = true;
      clearTimeout(timer);
      clearInterval(watch);
      document.removeEventListener("visibilitychange", back);
      removeEventListener("online", back);
      leave();
      URL.revokeObjectURL(video.src);
      video.removeAttribute("src");
      video.load();
    },
  };
}
