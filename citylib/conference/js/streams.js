// The streams of all participants, and their sound. A stream is the same object for as long as the
// room is open; its tracks come and go.
const TOGETHER = { microphone: "camera", "screen-sound": "screen" }; // sound that belongs to a picture
const BENEATH = 0.15; // loudness of the floor while an interpreter is listened to

// `on.changed(who, source)`: a track came or went; `on.blocked(is)`: the browser waits for a touch.
export function createStreams({ on }) {
  const streams = new Map(); // "who/source" → MediaStream
  const tracks = new Map(); // "who/source" → MediaStreamTrack
  const players = new Map(); // "who/source" → <audio>
  let audible = true;
  let blocked = false;
  let sink = null;
  let heard = () => 1; // loudness of a participant's source, from 0 to 1

  const block = (is) => {
    if (blocked === is) return;
    blocked = is;
    on.blocked(is);
  };
  const begin = (player) =>
    player.play().then(
      () => block([...players.values()].some((one) => one.paused)),
      (error) => error.name === "NotAllowedError" && block(true),
    );
  const tune = (player, [who, source]) => {
    const loud = audible ? heard(who, source) : 0;
    player.volume = loud;
    // A phone may keep its own loudness: there it is heard or not.
    player.muted = player.volume === loud ? loud === 0 : loud < 1;
  };
  const play = (place, track) => {
    const player = Object.assign(new Audio(), { autoplay: true, srcObject: new MediaStream([track]) });
    players.set(place, player);
    tune(player, place.split("/"));
    if (sink) player.setSinkId?.(sink).catch(() => {}); // it is plugged out: the usual one plays
    begin(player);
  };
  const silence = (place) => {
    const player = players.get(place);
    if (!player) return;
    players.delete(place);
    player.pause();
    player.srcObject = null;
  };
  const stream = (who, source) => {
    const place = `${who}/${TOGETHER[source] ?? source}`;
    if (!streams.has(place)) streams.set(place, new MediaStream());
    return streams.get(place);
  };

  return {
    stream,
    track: (who, source) => tracks.get(`${who}/${source}`) ?? null,
    // All sound that is received: [{ who, source, track }…].
    sounds: () => [...players.keys()].map((place) => ({ who: place.split("/")[0], source: place.split("/")[1], track: tracks.get(place) })),
    // `own`: it is one's own, which is seen but not heard.
    set(who, source, track, own = false) {
      const place = `${who}/${source}`;
      const before = tracks.get(place) ?? null;
      if (before === track) return;
      const whole = stream(who, source);
      if (before) {
        whole.removeTrack(before);
        silence(place);
        tracks.delete(place);
      }
      if (track) {
        tracks.set(place, track);
        whole.addTrack(track);
        if (track.kind === "audio" && !own) play(place, track);
      }
      on.changed(who, source);
    },
    drop(who) {
      for (const place of [...tracks.keys()]) {
        const [whose, source] = place.split("/");
        if (whose === who) this.set(who, source, null);
      }
    },
    // The loudness of each: `loudness(who, source)`.
    mix(loudness) {
      heard = loudness;
      for (const [place, player] of players) tune(player, place.split("/"));
    },
    // With a touch of the reader's: what the browser did not begin by itself begins.
    sound(is) {
      audible = is;
      for (const [place, player] of players) {
        tune(player, place.split("/"));
        if (player.paused) begin(player);
      }
      if (!players.size) block(false);
    },
    loudspeaker(id) {
      sink = id;
      for (const player of players.values()) player.setSinkId?.(id).catch(() => {});
    },
    close() {
      for (const place of [...players.keys()]) silence(place);
      for (const whole of streams.values()) for (const track of whole.getTracks()) whole.removeTrack(track);
      tracks.clear();
    },
  };
}

// How loud a source is where `channel` is listened to (null: the floor). Who is muted, or may only
// listen, is not heard, whatever comes from there.
export function loudnessOf(channel, participant) {
  return (who, source) => {
    const { role, language, microphone } = participant(who) ?? {};
    if (role === "listener") return 0;
    if (source === "interpretation") return language === channel ? 1 : 0;
    if (source === "microphone" && microphone === false) return 0;
    return channel === null ? 1 : BENEATH;
  };
}
