// A room that Janus carries: one connection for what is sent, one for all that is received.
import { createQueue, encodingsOf, gathered, newConnection, thin, watchConnection } from "./peer.js";

const ANSWERING = 8000; // ms that an answer may take
const AGAIN = 1000; // ms after which what was not taken is offered again, longer each time
const STAYS = ["microphone", "camera"]; // sources whose place stays while nothing is sent

// `send(message)` to the service; `on.track(who, source, track | null)`.
export function createSfu({ send, on }) {
  const sent = new Map(); // source → track
  const got = new Map(); // "who/source" → track
  const [inTurn, receiveInTurn] = [createQueue(), createQueue()];
  let ice = [];
  let allowed = false;
  let known = false; // the service has been told that we enter, and takes offers
  let out = null; // { connection, slots: Map source → transceiver, told, answered, late, unwatch }
  let into = null; // { connection, told, late, unwatch }
  let step = 0;
  let failures = 0;
  let later = 0;

  // ---- what is sent
  const dropOut = () => {
    clearTimeout(later);
    if (!out) return;
    out.answered?.(null);
    out.unwatch();
    out.connection.close();
    out = null;
  };
  const makeOut = () => {
    const connection = newConnection(ice);
    const made = { connection, slots: new Map(), told: false, answered: null, late: [] };
    connection.onicecandidate = ({ candidate }) => {
      if (made.told && made === out) send({ type: "candidate", at: "publish", candidate: candidate?.toJSON() ?? null });
    };
    made.unwatch = watchConnection(connection, (times) => {
      if (times > 2) dropOut();
      offer({ iceRestart: true });
    });
    return made;
  };
  const fill = () => {
    for (const [source, track] of sent) {
      const slot = out.slots.get(source);
      if (slot) {
        slot.direction = "sendonly";
        slot.sender.replaceTrack(track);
        continue;
      }
      const encodings = encodingsOf(source, track, true);
      const made = out.connection.addTransceiver(track, { direction: "sendonly", sendEncodings: encodings });
      out.slots.set(source, made);
    }
    for (const [source, slot] of out.slots) {
      if (!sent.has(source) && !STAYS.includes(source)) slot.direction = "inactive";
    }
  };
  const described = () => ({
    type: "publish",
    offer: out.connection.localDescription.sdp,
    tracks: [...out.slots]
      .filter(([, slot]) => slot.direction === "sendonly")
      .map(([source, slot]) => ({ mid: slot.mid, source })),
  });
  const answer = (own) =>
    new Promise((done) => {
      own.answered = done;
      setTimeout(done, ANSWERING, null);
    });
  const tell = async () => {
    const own = out;
    const coming = answer(own);
    own.told = true;
    if (!send(described())) return;
    const said = await coming;
    own.answered = null;
    if (own !== out) return;
    if (!said) {
      // Perhaps what carries the room is just being started again.
      dropOut();
      failures += 1;
      later = setTimeout(offer, AGAIN * Math.min(failures, 5));
      return;
    }
    failures = 0;
    await own.connection.setRemoteDescription({ type: "answer", sdp: said });
    for (const candidate of own.late.splice(0)) own.connection.addIceCandidate(candidate).catch(() => {});
    await thin(own.slots.get("camera")?.sender, Math.min(step, 2));
  };
  // Before entering an offer is only made, so that it can go out in the moment of entering.
  const offer = (options = {}) =>
    inTurn(async () => {
      if (!allowed || (!out && !sent.size)) return;
      out ??= makeOut();
      fill();
      const own = out;
      await own.connection.setLocalDescription(await own.connection.createOffer(options));
      await gathered(own.connection);
      if (known && own === out) await tell();
    });

  // ---- what is received
  const assign = (tracks) => {
    const now = new Map();
    for (const { mid, who, source } of tracks) {
      const slot = into.connection.getTransceivers().find((one) => one.mid === mid);
      if (slot && who) now.set(`${who}/${source}`, slot.receiver.track);
    }
    for (const place of [...got.keys()]) {
      if (now.has(place)) continue;
      got.delete(place);
      on.track(...place.split("/"), null);
    }
    for (const [place, track] of now) {
      got.set(place, track);
      on.track(...place.split("/"), track);
    }
  };
  const dropInto = () => {
    if (!into) return;
    // A stream takes no track of the name that one in it has, and the next connection's have the same.
    for (const place of got.keys()) on.track(...place.split("/"), null);
    got.clear();
    into.unwatch();
    into.connection.close();
    into = null;
  };
  const makeInto = () => {
    const connection = newConnection(ice);
    const made = { connection, late: [], told: false };
    connection.onicecandidate = ({ candidate }) => {
      if (made.told && made === into) send({ type: "candidate", at: "subscribe", candidate: candidate?.toJSON() ?? null });
    };
    made.unwatch = watchConnection(connection, () => send({ type: "restart" }));
    return made;
  };
  const offered = (message) =>
    receiveInTurn(async () => {
      if (message.anew) dropInto();
      into ??= makeInto();
      const own = into;
      await own.connection.setRemoteDescription({ type: "offer", sdp: message.offer });
      assign(message.tracks);
      await own.connection.setLocalDescription();
      own.told = true;
      send({ type: "answer", answer: own.connection.localDescription.sdp, number: message.number });
      for (const candidate of own.late.splice(0)) own.connection.addIceCandidate(candidate).catch(() => {});
    });
  const candidate = ({ at, candidate: told }) => {
    const own = at === "publish" ? out : into;
    if (!own || !told) return;
    if (own.connection.remoteDescription) own.connection.addIceCandidate(told).catch(() => {});
    else own.late.push(told);
  };

  return {
    name: "janus",
    // At the door: what will be sent is made ready.
    prepare(servers, may) {
      ice = servers;
      allowed = may;
      offer();
    },
    // `enter` has gone out: the offer that is ready follows it.
    early() {
      known = true;
      inTurn(async () => out?.connection.localDescription && !out.told && tell());
    },
    entered({ may }) {
      allowed = may;
      known = true;
      if (!out?.told) offer();
    },
    // Whatever carried the room has forgotten us.
    renew() {
      dropOut();
      known = true;
      offer();
    },
    set(source, track) {
      const slot = out?.slots.get(source);
      if (track) sent.set(source, track);
      else sent.delete(source);
      if (slot && slot.direction === "sendonly" && (track || STAYS.includes(source))) slot.sender.replaceTrack(track);
      else if (slot || track) offer();
    },
    allow(may) {
      if (allowed === may) return;
      allowed = may;
      if (may) offer();
      else dropOut();
    },
    receive(message) {
      if (message.type === "published") out?.answered?.(message.answer);
      else if (message.type === "subscribe") offered(message);
      else if (message.type === "tracks") receiveInTurn(async () => into && assign(message.tracks));
      else if (message.type === "candidate") candidate(message);
      else if (message.type === "error" && message.about === "publish") out?.answered?.(null);
    },
    ice(servers) {
      ice = servers;
      for (const own of [out, into]) own?.connection.setConfiguration({ ...own.connection.getConfiguration(), iceServers: ice });
    },
    participant() {},
    left() {},
    thin(now) {
      step = now;
      thin(out?.slots.get("camera")?.sender, Math.min(step, 2));
    },
    hideAll() {}, // the service sends no pictures: it was asked by `want`
    levels: () => new Map(), // the service says who speaks
    connections: () =>
      [
        { side: "publish", connection: out?.connection },
        { side: "subscribe", connection: into?.connection },
      ].filter((one) => one.connection),
    close() {
      dropOut();
      dropInto();
    },
  };
}
