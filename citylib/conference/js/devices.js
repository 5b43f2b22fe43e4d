// Camera and microphone: which there are, which were chosen, and what is refused and why.
const CHOICE = "conference-devices"; // what was chosen the last time
const WEAK = 4; // processors below which a picture of 360 lines is sent, not 720

// What this browser and this page can do.
export function abilities() {
  const devices = navigator.mediaDevices;
  return {
    secure: isSecureContext,
    webrtc: typeof RTCPeerConnection === "function" && "addTransceiver" in RTCPeerConnection.prototype,
    devices: Boolean(devices?.getUserMedia),
    screen: Boolean(devices?.getDisplayMedia),
    loudspeakers: "setSinkId" in HTMLMediaElement.prototype,
  };
}

const REASONS = {
  NotAllowedError: "denied",
  SecurityError: "denied",
  NotFoundError: "none",
  OverconstrainedError: "none",
  NotReadableError: "busy",
  AbortError: "busy",
};
// Why a device was not given: "denied", "none", "busy", "insecure", "unsupported" or "failed".
export function refusal(error) {
  const { secure, devices } = abilities();
  if (!secure) return "insecure";
  if (!devices) return "unsupported";
  return REASONS[error?.name] ?? "failed";
}

export function chosen() {
  try {
    return JSON.parse(localStorage.getItem(CHOICE)) ?? {};
  } catch {
    return {}; // private windows may keep nothing
  }
}
export function choose(kind, id) {
  try {
    localStorage.setItem(CHOICE, JSON.stringify({ ...chosen(), [kind]: id }));
  } catch {
    // then it is asked again the next time
  }
}

function wanted(kind) {
  const deviceId = chosen()[kind];
  const which = deviceId ? { deviceId: { ideal: deviceId } } : {};
  if (kind === "microphone") {
    return { audio: { ...which, echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 } };
  }
  const lines = (navigator.hardwareConcurrency ?? WEAK) < WEAK ? 360 : 720;
  const size = { width: { ideal: (lines * 16) / 9 }, height: { ideal: lines }, frameRate: { ideal: 24, max: 30 } };
  return { video: { ...which, ...size, facingMode: "user" } };
}

// Asks for one of "microphone", "camera": { track } or { refused: reason }.
export async function openDevice(kind) {
  try {
    const stream = await navigator.mediaDevices.getUserMedia(wanted(kind));
    return { track: stream.getTracks()[0] };
  } catch (error) {
    return { refused: refusal(error) };
  }
}

// Asks for both with one question; where that fails, for each by itself, so that one that is missing
// does not cost the other.
export async function openDevices() {
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ ...wanted("microphone"), ...wanted("camera") });
    return { microphone: { track: stream.getAudioTracks()[0] }, camera: { track: stream.getVideoTracks()[0] } };
  } catch (error) {
    const why = refusal(error);
    if (why === "insecure" || why === "unsupported") return { microphone: { refused: why }, camera: { refused: why } };
    return { microphone: await openDevice("microphone"), camera: await openDevice("camera") };
  }
}

// The screen, or a window of it: { picture, sound }, or { refused }; stopping is the browser's key too.
export async function openScreen() {
  try {
    const stream = await navigator.mediaDevices.getDisplayMedia({
      video: { frameRate: { ideal: 15, max: 30 } },
      audio: true,
      selfBrowserSurface: "exclude",
    });
    const [picture] = stream.getVideoTracks();
    picture.contentHint = "detail";
    return { picture, sound: stream.getAudioTracks()[0] ?? null };
  } catch (error) {
    return { refused: refusal(error) };
  }
}

// { microphone: [{ id, name }…], camera: […], loudspeaker: […] }; names are empty before permission.
export async function listDevices() {
  const kinds = { audioinput: "microphone", videoinput: "camera", audiooutput: "loudspeaker" };
  const found = { microphone: [], camera: [], loudspeaker: [] };
  const all = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
  for (const { kind, deviceId, label } of all) {
    if (deviceId && deviceId !== "communications") found[kinds[kind]].push({ id: deviceId, name: label });
  }
  return found;
}

// Calls `changed()` when something is plugged in or out.
export function watchDevices(changed) {
  navigator.mediaDevices?.addEventListener?.("devicechange", changed);
  return () => navigator.mediaDevices?.removeEventListener?.("devicechange", changed);
}
