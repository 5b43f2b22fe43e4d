// How loud one is, and who speaks, by the energy of the sound.
const LISTENING = 100; // ms between two looks
const LOUD = 0.02; // from which on somebody speaks
const HOLD = 800; // ms of quiet after which somebody speaks no more
const RECENT = 9;

// Tells `tell(level)`, 0 to 1, ten times a second while a microphone's track lives.
export function createMeter(track, tell) {
  const context = new AudioContext();
  const source = context.createMediaStreamSource(new MediaStream([track]));
  const analyser = new AnalyserNode(context, { fftSize: 1024 });
  source.connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const wake = () => context.state === "suspended" && context.resume();
  addEventListener("pointerdown", wake);
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    let sum = 0;
    for (const sample of samples) sum += sample * sample;
    // From the quietest that is heard (-60 dB) to the loudest.
    const level = Math.sqrt(sum / samples.length);
    tell(Math.min(1, Math.max(0, 1 + Math.log10(Math.max(level, 1e-6)) / 3)), level);
  }, LISTENING);
  return () => {
    clearInterval(timer);
    removeEventListener("pointerdown", wake);
    source.disconnect();
    context.close().catch(() => {});
  };
}

// Tells `tell({ now, recent })` when that changes; `levels()`: loudness by participant, 0 to 1.
export function createSpeaking({ levels, tell }) {
  const last = new Map(); // who → when heard last
  let now = [];
  let recent = [];
  const timer = setInterval(() => {
    const time = Date.now();
    for (const [who, level] of levels()) if (level > LOUD) last.set(who, time);
    const speaking = [...last].filter(([, when]) => time - when < HOLD).map(([who]) => who);
    if (speaking.length === now.length && speaking.every((who) => now.includes(who))) return;
    const begun = speaking.filter((who) => !now.includes(who));
    now = speaking;
    recent = [...begun, ...recent.filter((who) => !begun.includes(who))].slice(0, RECENT);
    tell({ now, recent });
  }, LISTENING);
  return () => clearInterval(timer);
}
