// A room without Janus: one connection with each other participant, by perfect negotiation. Who comes
// in offers to those who are there. Each part of an offer belongs to one source, in both directions.
import { createQueue, kindOf, newConnection, thin, tuned, watchConnection } from "./peer.js";

const ALWAYS = ["microphone", "camera"];
const LINGER = 15_000; // ms that a connection is kept of whom the service knows no more
const OFFERED = 4000; // ms after which those who are there offer by themselves
const receives = (slot) => ["sendrecv", "recvonly"].includes(slot.currentDirection);

// `send(message)` to the service; `on.track(who, source, track | null)`.
export function createMesh({ send, on }) {
  const sent = new Map(); // source → track
  const peers = new Map(); // who → peer
  const waits = new Map(); // who → timer: to offer, or to be forgotten
  const turns = new Map(); // who → queue of what concerns them
  let ice = [];
  let you = "";
  let allowed = false;
  let step = 0;
  let hidden = false;

  const inTurn = (who, work) => {
    if (!turns.has(who)) turns.set(who, createQueue());
    turns.get(who)(work);
  };
  const wait = (who, ms, work) => {
    clearTimeout(waits.get(who));
    waits.set(who, setTimeout(work, ms));
  };
  const calm = (who) => {
    clearTimeout(waits.get(who));
    waits.delete(who);
  };
  const say = (peer, what) => peer === peers.get(peer.who) && send({ type: "signal", to: peer.who, ...what });
  const describe = (peer) => {
    const { type, sdp } = peer.connection.localDescription;
    const named = [...peer.names].filter(([slot]) => slot.mid).map(([slot, source]) => [slot.mid, source]);
    const tracks = JSON.stringify(Object.fromEntries(named));
    say(peer, { description: { type, sdp, tracks, from: peer.mark, ...(peer.theirs && { to: peer.theirs }) } });
  };

  // ---- one other participant
  const forget = (who) => {
    const peer = peers.get(who);
    calm(who);
    if (!peer) return;
    peers.delete(who);
    peer.unwatch();
    peer.connection.close();
    for (const source of peer.seen.keys()) on.track(who, source, null);
  };
  const make = (who) => {
    forget(who);
    const connection = newConnection(ice);
    const peer = { who, connection, polite: you > who, mark: crypto.randomUUID(), theirs: null };
    Object.assign(peer, { names: new Map(), slots: new Map(), seen: new Map(), late: [], making: false, ignoring: false });
    peers.set(who, peer);
    connection.onnegotiationneeded = () => inTurn(who, () => offer(peer));
    connection.onicecandidate = ({ candidate }) => candidate && say(peer, { candidate: candidate.toJSON() });
    // The impolite one looks for new paths first; the other one only if that does not help.
    peer.unwatch = watchConnection(connection, (times) => {
      if (times > 3) invite(who);
      else if (!peer.polite || times > 1) connection.restartIce();
    });
    return peer;
  };
  const place = (peer, source, slot) => {
    peer.slots.set(source, slot);
    peer.names.set(slot, source);
  };
  const directionOf = (peer, source) => {
    const sends = allowed && (ALWAYS.includes(source) || sent.has(source));
    const takes = !(hidden && source === "camera");
    return sends ? (takes ? "sendrecv" : "sendonly") : takes ? "recvonly" : "inactive";
  };
  const fill = (peer) => {
    for (const source of new Set([...ALWAYS, ...sent.keys()])) {
      if (!peer.slots.has(source)) place(peer, source, peer.connection.addTransceiver(kindOf(source), { direction: "recvonly" }));
    }
    for (const [source, slot] of peer.slots) {
      if (slot.currentDirection === "stopped") continue;
      slot.sender.replaceTrack((allowed && sent.get(source)) || null);
      slot.direction = directionOf(peer, source);
    }
  };
  const offer = async (peer) => {
    if (peer.connection.signalingState !== "stable") return;
    try {
      peer.making = true;
      await peer.connection.setLocalDescription();
      describe(peer);
    } finally {
      peer.making = false;
    }
  };
  const invite = (who) => fill(make(who));
  const settle = (peer) => {
    const now = new Map();
    for (const slot of peer.connection.getTransceivers()) {
      const source = peer.names.get(slot);
      if (source && receives(slot)) now.set(source, slot.receiver.track);
    }
    for (const source of [...peer.seen.keys()].filter((one) => !now.has(one))) on.track(peer.who, source, null);
    for (const [source, track] of now) on.track(peer.who, source, track);
    peer.seen = now;
    spread();
  };
  const hear = async (who, description) => {
    let peer = peers.get(who);
    const { type, sdp, tracks, from, to } = description;
    if (peer?.theirs && peer.theirs !== from) {
      if (type !== "offer") return; // of a connection that is no more
      peer = null; // they made theirs anew
    }
    if (type !== "offer" && to !== peer?.mark) return;
    peer ??= make(who);
    const collision = type === "offer" && (peer.making || peer.connection.signalingState !== "stable");
    peer.ignoring = collision && !peer.polite;
    if (peer.ignoring) return;
    if (collision && !peer.theirs) peer = make(who); // nothing of ours is agreed: theirs counts
    peer.theirs = from;
    await peer.connection.setRemoteDescription({ type, sdp: tuned(sdp) });
    const named = JSON.parse(tracks ?? "{}");
    for (const slot of peer.connection.getTransceivers()) {
      const source = named[slot.mid];
      if (!source || peer.names.has(slot)) continue;
      if (peer.slots.has(source)) peer.names.set(slot, source);
      else place(peer, source, slot);
    }
    for (const candidate of peer.late.splice(0)) peer.connection.addIceCandidate(candidate).catch(() => {});
    if (type === "offer") {
      fill(peer);
      await peer.connection.setLocalDescription();
      describe(peer);
    }
    settle(peer);
  };
  const reached = async (who, candidate) => {
    const peer = peers.get(who);
    if (!peer) return;
    if (!peer.connection.remoteDescription) return peer.late.push(candidate);
    await peer.connection.addIceCandidate(candidate).catch(() => {}); // of an offer that was ignored
  };
  // The more there are, the less each gets: a page's way out is one for all.
  const spread = () => {
    const shared = Math.min(step + (peers.size > 3 ? 1 : 0), 2);
    for (const peer of peers.values()) thin(peer.slots.get("camera")?.sender, shared).catch(() => {});
  };
  // Somebody is there again whom the service had lost, and not this page: their tracks are the same.
  const retell = (who) => {
    for (const [source, track] of peers.get(who)?.seen ?? []) on.track(who, source, track);
  };
  const refill = () => {
    for (const peer of peers.values()) fill(peer);
  };

  return {
    name: "mesh",
    prepare(servers, may) {
      ice = servers;
      allowed = may;
    },
    early() {},
    entered({ you: own, participants, may }) {
      you = own;
      allowed = may;
      const there = participants.filter((one) => one.id !== you).map((one) => one.id);
      for (const who of there) {
        calm(who);
        if (peers.get(who)?.connection.connectionState === "connected") retell(who);
        else invite(who);
      }
      for (const who of peers.keys()) if (!there.includes(who)) wait(who, LINGER, () => forget(who));
      refill();
    },
    renew() {},
    set(source, track) {
      if (track) sent.set(source, track);
      else sent.delete(source);
      refill();
    },
    allow(may) {
      allowed = may;
      refill();
    },
    receive(message) {
      if (message.type !== "signal") return;
      const { who, description, candidate } = message;
      if (description) inTurn(who, () => hear(who, description));
      else if (candidate) inTurn(who, () => reached(who, candidate));
    },
    ice(servers) {
      ice = servers;
      for (const { connection } of peers.values()) connection.setConfiguration({ ...connection.getConfiguration(), iceServers: ice });
    },
    participant(who) {
      if (who === you) return;
      calm(who);
      retell(who);
      if (!peers.has(who)) wait(who, OFFERED, () => you < who && !peers.has(who) && invite(who));
    },
    left(who, why) {
      if (["left", "removed"].includes(why)) forget(who);
      else if (peers.has(who)) wait(who, LINGER, () => forget(who));
    },
    thin(now) {
      step = now;
      spread();
    },
    hideAll(is) {
      if (hidden === is) return;
      hidden = is;
      refill();
    },
    // How loud each other participant is, from 0 to 1.
    levels() {
      const loud = new Map();
      for (const [who, peer] of peers) {
        const slot = peer.slots.get("microphone");
        loud.set(who, slot?.receiver.getSynchronizationSources()[0]?.audioLevel ?? 0);
      }
      return loud;
    },
    connections: () => [...peers.values()].map(({ who, connection }) => ({ side: "both", who, connection })),
    close() {
      for (const who of [...peers.keys(), ...waits.keys()]) forget(who);
    },
  };
}
