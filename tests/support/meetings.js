// In each page of a test: camera and microphone that nobody else's can be taken for, and proofs of
// what is seen and heard.
(() => {
  const { hue, tone, devices, rate } = globalThis.proof;
  const wrong = { denied: "NotAllowedError", none: "NotFoundError", busy: "NotReadableError" }[devices];

  const picture = () => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 180 });
    const pen = canvas.getContext("2d");
    let step = 0;
    const draw = () => {
      pen.fillStyle = `hsl(${hue} 100% 50%)`;
      pen.fillRect(0, 0, 320, 180);
      pen.fillStyle = "#fff";
      pen.fillRect((step * 16) % 320, 150, 60, 30);
      step += 1;
    };
    draw();
    const timer = setInterval(draw, 1000 / rate);
    const [track] = canvas.captureStream(rate).getVideoTracks();
    const stop = track.stop.bind(track);
    track.stop = () => (clearInterval(timer), stop());
    return track;
  };
  const sound = () => {
    const context = new AudioContext();
    const [source, quieter, out] = [new OscillatorNode(context, { frequency: tone }), new GainNode(context, { gain: 0.4 }), context.createMediaStreamDestination()];
    source.connect(quieter).connect(out);
    source.start();
    return out.stream.getAudioTracks()[0];
  };
  if (navigator.mediaDevices) {
    navigator.mediaDevices.getUserMedia = async ({ audio, video }) => {
      if (wrong) throw new DOMException(devices, wrong);
      return new MediaStream([...(audio ? [sound()] : []), ...(video ? [picture()] : [])]);
    };
    navigator.mediaDevices.getDisplayMedia = async () => new MediaStream([picture()]);
  }

  // What sounds in the page: every player that it makes.
  const players = [];
  const Plain = globalThis.Audio;
  globalThis.Audio = class extends Plain {
    constructor(...told) {
      super(...told);
      players.push(this);
    }
  };

  const listened = new Map(); // track → { analyser, … }
  const listen = (id, source = "microphone") => {
    const [track] = meeting.room.stream(id, source === "microphone" ? "camera" : source).getAudioTracks();
    if (!track) return null;
    if (!listened.has(track)) {
      const context = (globalThis.proof.context ??= new AudioContext());
      const analyser = new AnalyserNode(context, { fftSize: 4096, smoothingTimeConstant: 0 });
      context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
      listened.set(track, analyser);
    }
    return listened.get(track);
  };
  const hueOf = ([r, g, b]) => {
    const [most, least] = [Math.max(r, g, b), Math.min(r, g, b)];
    if (most - least < 60) return -999;
    const part = most === r ? ((g - b) / (most - least)) % 6 : most === g ? (b - r) / (most - least) + 2 : (r - g) / (most - least) + 4;
    return (part * 60 + 360) % 360;
  };
  const videos = new Map(); // "id source" → { video, before }

  globalThis.proofs = {
    // Loudness of a tone in what is received of somebody, about 0 to 1.
    hears(id, frequency, source) {
      const analyser = listen(id, source);
      if (!analyser) return 0;
      const bins = new Float32Array(analyser.frequencyBinCount);
      analyser.getFloatFrequencyData(bins);
      const at = Math.round((frequency * analyser.fftSize) / analyser.context.sampleRate);
      const near = bins.slice(at - 1, at + 2);
      // Louder than what is beside it: this tone, and not another's.
      const beside = Math.max(bins[at - 8], bins[at + 8]);
      const best = Math.max(...near);
      return best - beside > 10 ? 10 ** (best / 20) : 0;
    },
    // How loud somebody's source is played, 0 to 1; null: it is not.
    played(id, source = "microphone") {
      const [track] = meeting.room.stream(id, source === "microphone" ? "camera" : source).getAudioTracks();
      const player = players.find((one) => track && one.srcObject?.getTracks().includes(track));
      return !player || player.paused ? null : player.muted ? 0 : player.volume;
    },
    loud(id) {
      const analyser = listen(id);
      if (!analyser) return 0;
      const samples = new Float32Array(analyser.fftSize);
      analyser.getFloatTimeDomainData(samples);
      return Math.sqrt(samples.reduce((sum, one) => sum + one * one, 0) / samples.length);
    },
    // The colour of somebody's picture, and whether it changed within the last second.
    sees(id, source = "camera") {
      const key = `${id} ${source}`;
      if (!videos.has(key)) {
        const video = Object.assign(document.createElement("video"), { muted: true, autoplay: true, srcObject: meeting.room.stream(id, source) });
        video.play().catch(() => {});
        videos.set(key, { video, before: "", changed: -Infinity });
      }
      const one = videos.get(key);
      if (one.video.paused) one.video.play().catch(() => {});
      if (!one.video.videoWidth) return { hue: -999, moved: false };
      const canvas = new OffscreenCanvas(64, 36);
      const pen = canvas.getContext("2d");
      pen.drawImage(one.video, 0, 0, 64, 36);
      const middle = pen.getImageData(32, 12, 1, 1).data;
      const line = String(pen.getImageData(0, 33, 64, 1).data);
      if (one.before !== "" && one.before !== line) one.changed = performance.now();
      one.before = line;
      const moved = performance.now() - one.changed < 1000;
      return { hue: hueOf(middle), moved };
    },
    // Whether all others, [id, tone, hue] each, are seen moving in their colour, and heard.
    met(others) {
      return others
        .map(([id, tone, hue]) => {
          const seen = this.sees(id);
          const alike = Math.abs(((seen.hue - hue + 540) % 360) - 180) < 16;
          return seen.moved && alike && this.hears(id, tone) > 0.02;
        })
        .every(Boolean);
    },
    told: () =>
      JSON.stringify({
        state: meeting.room?.state,
        people: [...(meeting.room?.participants.values() ?? [])],
        connections: meeting.room?.connections().map(({ side, connection }) => [side, connection.connectionState, connection.iceConnectionState, connection.signalingState]),
      }),
  };
})();
