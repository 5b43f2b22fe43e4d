// Participants of a conference in one page, for tests: each has a connection of its own to the
// service, sends a picture of one colour that moves and a tone, and says what it receives.

const people = {};

class Person {
  constructor(who, { room, publish = true, may = publish, want = null, colour = "red", tone = 440, ice = [], relay = false, size = [160, 120] }) {
    Object.assign(this, { who, room, colour, tone, ice, publish, may, want });
    this.policy = relay ? "relay" : "all";
    this.size = size;
    this.got = new Map();
    this.errors = [];
    this.log = [];
    this.speaking = { now: [], recent: [] };
    this.began = performance.now();
    this.times = {};
    this.offers = 0;
  }

  async begin() {
    this.media = new MediaStream();
    if (this.publish) this.makeMedia();
    this.open();
  }

  makeMedia() {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = this.size;
    const pen = canvas.getContext("2d");
    let turn = 0;
    this.painting = setInterval(() => {
      pen.fillStyle = this.colour;
      pen.fillRect(0, 0, canvas.width, canvas.height);
      pen.fillStyle = "white";
      pen.fillRect((turn++ * 7) % canvas.width, 0, 12, 12);
    }, 100);
    this.sound = Person.audio();
    const gain = (this.gain = this.sound.createGain());
    const note = this.sound.createOscillator();
    const out = this.sound.createMediaStreamDestination();
    note.frequency.value = this.tone;
    gain.gain.value = 0;
    note.connect(gain).connect(out);
    note.start();
    this.camera = canvas.captureStream(10).getVideoTracks()[0];
    this.microphone = out.stream.getAudioTracks()[0];
  }

  static audio() {
    return (Person.context ??= new AudioContext());
  }

  speak(loud) {
    this.gain.gain.value = loud ? 0.5 : 0;
  }

  open() {
    this.socket = new WebSocket(`ws://${location.host}/socket?room=${this.room}&who=${this.who}&publish=${+this.may}`);
    this.socket.onmessage = (event) => this.take(JSON.parse(event.data));
    this.socket.onopen = () => {
      if (this.want) this.say({ type: "want", ...this.want });
      if (this.publish) this.offer();
    };
  }

  say(message) {
    this.socket.send(JSON.stringify(message));
  }

  async take(message) {
    if (message.type === "subscribe") {
      this.offers++;
      if (message.anew) this.receive();
      const receiver = this.receiver;
      this.slots(message.tracks);
      await receiver.setRemoteDescription({ type: "offer", sdp: message.offer });
      await receiver.setLocalDescription(await receiver.createAnswer());
      this.say({ type: "answer", answer: receiver.localDescription.sdp, number: message.number });
    } else if (message.type === "tracks") this.slots(message.tracks);
    else if (message.type === "published") {
      this.times.published ??= performance.now() - this.began;
      await this.sender.setRemoteDescription({ type: "answer", sdp: message.answer });
    } else if (message.type === "speaking") this.speaking = message;
    else if (message.type === "media") {
      this.log.push(message.state);
      if (message.state === "back" && this.publish) this.offer(true);
    } else if (message.type === "error") this.errors.push(message.reason);
  }

  slots(tracks) {
    this.tracks = Object.fromEntries(tracks.map((one) => [`${one.who}/${one.source}`, one.mid]));
  }

  connection(at) {
    const made = new RTCPeerConnection({ bundlePolicy: "max-bundle", iceServers: this.ice, iceTransportPolicy: this.policy });
    made.onicecandidate = ({ candidate }) =>
      candidate?.candidate && this.say({ type: "candidate", at, candidate: candidate.toJSON() });
    return made;
  }

  receive() {
    this.receiver?.close();
    this.receiver = this.connection("subscribe");
    this.receiver.ontrack = ({ track, transceiver }) => {
      const element = document.createElement(track.kind);
      Object.assign(element, { muted: track.kind === "video", autoplay: true, srcObject: new MediaStream([track]) });
      element.play().catch(() => {});
      if (track.kind === "video")
        element.requestVideoFrameCallback(() => (this.times.picture ??= performance.now() - this.began));
      this.got.set(transceiver.mid, element);
    };
  }

  async offer(anew = !this.sender) {
    if (anew) {
      this.sender?.close();
      this.sender = this.connection("publish");
      this.sender.addTransceiver(this.microphone, { direction: "sendonly" });
      const encodings = this.size[0] > 320
        ? [{ rid: "h" }, { rid: "m", scaleResolutionDownBy: 2 }, { rid: "l", scaleResolutionDownBy: 4 }]
        : [{}];
      this.sender.addTransceiver(this.camera, { direction: "sendonly", sendEncodings: encodings });
    }
    await this.sender.setLocalDescription(await this.sender.createOffer());
    this.say({ type: "publish", offer: this.sender.localDescription.sdp, tracks: this.sending() });
  }

  sending() {
    const sources = [["microphone", this.microphone], ["camera", this.camera]];
    return this.sender.getTransceivers().map((one) => ({
      mid: one.mid,
      source: sources.find(([, track]) => track === one.sender.track)[0],
    }));
  }

  // What is seen of each of the others: colour in the middle, size, and frames so far.
  seen() {
    const found = {};
    const pen = (Person.probe ??= document.createElement("canvas").getContext("2d", { willReadFrequently: true }));
    for (const [name, mid] of Object.entries(this.tracks ?? {})) {
      const element = this.got.get(mid);
      if (!name.endsWith("/camera") || !element?.videoWidth) continue;
      pen.drawImage(element, 0, 0, 8, 8);
      const [red, green, blue] = pen.getImageData(4, 6, 1, 1).data;
      const quality = element.getVideoPlaybackQuality();
      found[name.split("/")[0]] = { red, green, blue, width: element.videoWidth, frames: quality.totalVideoFrames };
    }
    return found;
  }

  // The energy of the sound that came from each of the others so far, or another figure of it.
  async heard(figure = "totalAudioEnergy", source = "microphone") {
    const report = this.receiver ? await this.receiver.getStats() : new Map();
    const found = {};
    for (const entry of report.values())
      if (entry.type === "inbound-rtp") found[entry.mid] = entry[figure];
    return Object.fromEntries(
      Object.entries(this.tracks ?? {})
        .filter(([name]) => name.endsWith(`/${source}`))
        .map(([name, mid]) => [name.split("/")[0], found[mid] ?? 0]),
    );
  }

  // The kinds and transports of the addresses that sending runs over.
  async paths(connection = this.sender) {
    const report = await connection.getStats();
    for (const entry of report.values())
      if (entry.type === "candidate-pair" && entry.nominated) {
        const local = report.get(entry.localCandidateId);
        return { kind: local.candidateType, transport: local.relayProtocol ?? local.protocol, state: entry.state };
      }
    return null;
  }

  leave() {
    this.say({ type: "leave" });
    this.socket.close();
    clearInterval(this.painting);
    this.sender?.close();
    this.receiver?.close();
    delete people[this.who];
  }
}

async function enter(who, options) {
  people[who] = new Person(who, options);
  await people[who].begin();
}
