// How good the connections are, from 0 (lost) to 4 (good), and what is given up when they are not:
// pictures before sound, and the largest before the small.
const MEASURING = 2000; // ms between two measurements
const GIVE_UP = 2; // bad measurements in a row after which a step is given up
const TAKE_BACK = 8; // good ones after which it is taken back; twice as many each time that failed
const LONGEST = 60;
const UNEVEN = 0.012; // seconds by which packets of sound come unevenly; from then on it is played later
const EVEN = 0.004;
const LATER = 200; // ms that it is then held back

// Grade of what was measured in one direction: { loss 0..1, delay in seconds, rate in bit/s or null }.
export function gradeOf({ loss, delay, rate }) {
  if (loss > 0.2 || delay > 2) return 1;
  if (loss > 0.08 || delay > 1 || (rate !== null && rate < 90_000)) return 2;
  if (loss > 0.03 || delay > 0.45 || (rate !== null && rate < 250_000)) return 3;
  return 4;
}

// A step down after bad measurements, one up after many good ones; `most`: the last step.
export function createLadder(most) {
  let [step, bad, good, patience] = [0, 0, 0, TAKE_BACK];
  return {
    get step() {
      return step;
    },
    // Whether the step changed.
    take(grade) {
      bad = grade <= 2 ? bad + 1 : 0;
      good = grade >= 3 ? good + 1 : 0;
      if (bad >= GIVE_UP && step < most) {
        if (step > 0 || patience > TAKE_BACK) patience = Math.min(patience * 2, LONGEST);
        [step, bad] = [step + 1, 0];
        return true;
      }
      if (good >= patience && step > 0) {
        [step, good] = [step - 1, 0];
        patience = Math.min(patience * 1.5, LONGEST);
        return true;
      }
      return false;
    },
  };
}

// What comes unevenly is played a little later, so that less of it comes too late to be played.
function steady(connection, { trackIdentifier, jitter }) {
  const receiver = connection.getReceivers().find(({ track }) => track.id === trackIdentifier);
  if (!receiver || !("jitterBufferTarget" in receiver)) return;
  if (jitter > UNEVEN) receiver.jitterBufferTarget = LATER;
  else if (jitter < EVEN) receiver.jitterBufferTarget = null;
}

const marks = new WeakMap(); // connection → what its reports begin with
async function measure(connections, before) {
  const sums = { sent: { lost: 0, count: 0 }, received: { lost: 0, count: 0 } };
  const found = { delay: 0, rate: null, connected: connections.length > 0 };
  const now = new Map();
  const since = (report, name) => (report[name] ?? 0) - (before.get(report.id)?.[name] ?? 0);
  for (const { connection } of connections) {
    if (!["connected", "connecting", "new"].includes(connection.connectionState)) found.connected = false;
    if (!marks.has(connection)) marks.set(connection, crypto.randomUUID());
    const own = marks.get(connection);
    for (const stat of (await connection.getStats()).values()) {
      const report = { ...stat, id: `${own}${stat.id}` };
      if (stat.type === "inbound-rtp") {
        now.set(report.id, report);
        const lost = Math.max(0, since(report, "packetsLost"));
        sums.received.lost += lost;
        sums.received.count += lost + since(report, "packetsReceived");
        if (stat.kind === "audio") steady(connection, stat);
      } else if (stat.type === "remote-inbound-rtp" && stat.fractionLost !== undefined) {
        sums.sent.lost += stat.fractionLost;
        sums.sent.count += 1;
        found.delay = Math.max(found.delay, stat.roundTripTime ?? 0);
      } else if (stat.type === "candidate-pair" && stat.nominated && stat.state === "succeeded") {
        found.delay = Math.max(found.delay, stat.currentRoundTripTime ?? 0);
        if (stat.availableOutgoingBitrate) found.rate = Math.min(found.rate ?? Infinity, stat.availableOutgoingBitrate);
      }
    }
  }
  const part = ({ lost, count }) => (count ? lost / count : 0);
  return { ...found, now, sent: part(sums.sent), received: part(sums.received) };
}

// `connections()`: [{ connection }…]; `tell({ grade, sending, receiving, … })` after each measurement:
// `sending` is 0 all, 1 without the largest picture, 2 the smallest alone, 3 no picture; `receiving`
// 0 all, 1 nothing large, 2 no pictures.
export function createQuality({ connections, tell }) {
  const [sending, receiving] = [createLadder(3), createLadder(2)];
  let before = new Map();
  let over = false;
  const look = async () => {
    const seen = await measure(connections(), before);
    if (over) return;
    before = seen.now;
    const up = gradeOf({ loss: seen.sent, delay: seen.delay, rate: seen.rate });
    const down = gradeOf({ loss: seen.received, delay: seen.delay, rate: null });
    sending.take(up);
    receiving.take(down);
    const grade = seen.connected ? Math.min(up, down) : 0;
    tell({ grade, sending: sending.step, receiving: receiving.step, ...seen });
  };
  const timer = setInterval(() => connections().length && look().catch(() => {}), MEASURING);
  return () => {
    over = true;
    clearInterval(timer);
  };
}
