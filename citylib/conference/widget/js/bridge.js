// Streams of ipywebrtc in, and out.
const idOf = (reference) => reference?.replace("IPY_MODEL_", "");

// The stream of a trait, with what is known of it; null: there is none.
export async function streamOf(model, name) {
  const id = idOf(model.get(name));
  if (!id) return null;
  const source = await model.widget_manager.get_model(id);
  return { stream: await source.captureStream(), source: source.shows ?? "screen", title: source.shownAs?.() ?? "" };
}

// Who is in which place: each keeps theirs, who comes takes the first that is free.
export function createPlaces() {
  let places = [];
  return {
    fill(participants) {
      places = places.map((id) => (participants.has(id) ? id : null));
      for (const id of participants.keys()) {
        if (places.includes(id)) continue;
        const free = places.indexOf(null);
        if (free < 0) places.push(id);
        else places[free] = id;
      }
      while (places.length && places.at(-1) === null) places.pop();
      return places;
    },
    at: (place) => places[place] ?? null,
  };
}

// Each slot of the model gives the stream of the participant in its place.
export function fillSlots(model, streamAt) {
  const filled = new Set();
  const fill = () => {
    model.get("slots").forEach(async (reference, place) => {
      if (filled.has(reference)) return;
      filled.add(reference);
      const slot = await model.widget_manager.get_model(idOf(reference));
      slot.captureStream = async () => {
        const stream = streamAt(place);
        if (!stream) throw new Error(`nobody is in place ${place + 1}`);
        return stream;
      };
    });
  };
  fill();
  model.on("change:slots", fill);
  return () => model.off("change:slots", fill);
}
