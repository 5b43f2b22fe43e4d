// What the connections of both carriers have in common.
const FULL = 720; // lines of a camera's picture that are sent in three sizes
const GATHERING = 250; // ms that an offer waits for the page's own addresses
const PATIENCE = 2000; // ms that a disturbed connection has to mend before new paths are looked for
const SLOW = 8000; // ms that a connection may take to come about
const BITRATES = { h: 1_100_000, m: 350_000, l: 120_000, screen: 2_500_000, mesh: 700_000 };

export function newConnection(ice) {
  // No iceCandidatePoolSize: with it a connection that answers at once now and then finds no address.
  return new RTCPeerConnection({ iceServers: ice, bundlePolicy: "max-bundle" });
}

export const kindOf = (source) => (["camera", "screen", "city-camera"].includes(source) ? "video" : "audio");

// How a source is encoded; `layers`: a camera goes out in several sizes, of which each reader gets one.
export function encodingsOf(source, track, layers) {
  if (source === "screen" || source === "city-camera") return [{ maxBitrate: BITRATES.screen, maxFramerate: 30 }];
  if (source !== "camera") return [{ networkPriority: "high", priority: "high" }];
  if (!layers) return [{ maxBitrate: BITRATES.mesh }];
  const lines = track?.getSettings().height ?? FULL;
  // Browsers leave out the smallest of three sizes where the picture is small already.
  if (lines < 500) {
    return [
      { rid: "h", maxBitrate: BITRATES.m * 1.5 },
      { rid: "l", scaleResolutionDownBy: 2, maxBitrate: BITRATES.l },
    ];
  }
  return [
    { rid: "h", maxBitrate: BITRATES.h },
    { rid: "m", scaleResolutionDownBy: 2, maxBitrate: BITRATES.m },
    { rid: "l", scaleResolutionDownBy: 4, maxBitrate: BITRATES.l },
  ];
}

// What the other side said, so that our sound is sent with forward error correction and, in
// silence, hardly at all.
export function tuned(sdp) {
  const opus = /^a=rtpmap:(\d+) opus\/48000/im.exec(sdp)?.[1];
  if (!opus) return sdp;
  const line = new RegExp(`^a=fmtp:${opus} (.*)$`, "gm");
  const wanted = "useinbandfec=1;usedtx=1";
  const without = (said) => said.split(";").filter((part) => !/^\s*(useinbandfec|usedtx)=/.test(part));
  if (line.test(sdp)) {
    return sdp.replace(line, (_, said) => `a=fmtp:${opus} ${[...without(said.trim()), wanted].join(";")}`);
  }
  return sdp.replace(new RegExp(`^(a=rtpmap:${opus} .*)$`, "gm"), `$1\r\na=fmtp:${opus} ${wanted}`);
}

// Waits until the page's addresses are in its description, but not for long: others follow.
export function gathered(connection) {
  if (connection.iceGatheringState === "complete") return Promise.resolve();
  return new Promise((done) => {
    const late = setTimeout(done, GATHERING);
    connection.addEventListener("icegatheringstatechange", () => {
      if (connection.iceGatheringState !== "complete") return;
      clearTimeout(late);
      done();
    });
  });
}

// One after the other: what is begun while something runs waits, and failing stops nothing.
export function createQueue() {
  let last = Promise.resolve();
  return (work) => {
    const now = last.then(work);
    last = now.catch((error) => console.warn("conference:", error?.message ?? error));
    return now.catch(() => {});
  };
}

// Calls `mend(times)` while a connection is disturbed, again and again, until it is well.
export function watchConnection(connection, mend) {
  let timer = 0;
  let times = 0;
  const look = () => {
    const state = connection.connectionState;
    clearTimeout(timer);
    if (state === "new") return;
    if (state === "connected" || state === "closed") times = 0;
    else if (state === "failed") act();
    else timer = setTimeout(act, state === "disconnected" ? PATIENCE : SLOW);
  };
  const act = () => {
    if (["connected", "closed"].includes(connection.connectionState)) return;
    times += 1;
    mend(times);
    clearTimeout(timer);
    timer = setTimeout(act, PATIENCE + 1500 * Math.min(times, 4));
  };
  connection.addEventListener("connectionstatechange", look);
  return () => {
    clearTimeout(timer);
    connection.removeEventListener("connectionstatechange", look);
  };
}

// How much of one's own picture is sent: 0 all, 1 without the largest size, 2 the smallest alone.
export async function thin(sender, step) {
  const parameters = sender?.getParameters();
  const encodings = parameters?.encodings ?? [];
  if (!sender?.track || !encodings.length) return;
  if (encodings.length > 1) {
    encodings.forEach((encoding, place) => {
      encoding.active = step === 0 || (step === 1 ? place > 0 : place === encodings.length - 1);
    });
  } else {
    encodings[0].maxBitrate = [BITRATES.mesh, BITRATES.m, BITRATES.l][step];
    encodings[0].scaleResolutionDownBy = [1, 2, 4][step];
  }
  await sender.setParameters(parameters);
}
