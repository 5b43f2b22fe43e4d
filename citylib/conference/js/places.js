// Where participants stand: rectangles for so many pictures in a space, as large as they can be.
const WIDE = 16 / 9;

// How narrow a picture may be cut: people are still whole in the middle of it.
function narrowest(count, width, height) {
  if (width >= height) return 4 / 3;
  return count > 2 ? 1 : 3 / 4;
}

// The largest picture of those shapes in a cell.
function fit(width, height, narrow) {
  const w = Math.min(width, height * WIDE);
  return { w, h: Math.min(height, w / narrow) };
}

// Rows and columns that give the largest pictures; a last row that is not full stands in the middle.
export function grid(count, { x = 0, y = 0, width, height }, gap) {
  const narrow = narrowest(count, width, height);
  let best = { area: -1 };
  for (let columns = 1; columns <= count; columns += 1) {
    const rows = Math.ceil(count / columns);
    const cell = [(width - gap * (columns - 1)) / columns, (height - gap * (rows - 1)) / rows];
    if (cell[0] <= 0 || cell[1] <= 0) continue;
    const { w, h } = fit(...cell, narrow);
    if (w * h > best.area + 0.01) best = { area: w * h, columns, rows, w, h };
  }
  if (!best.columns) return { places: [], w: 0, h: 0 };
  const { columns, rows, w, h } = best;
  const top = y + (height - rows * h - gap * (rows - 1)) / 2;
  const places = Array.from({ length: count }, (_, n) => {
    const row = Math.floor(n / columns);
    const held = Math.min(columns, count - row * columns);
    const left = x + (width - held * w - gap * (held - 1)) / 2;
    return { x: left + (n % columns) * (w + gap), y: top + row * (h + gap), w, h };
  });
  return { places, w, h };
}

// How many of them have room when each is so wide at least.
function room(count, box, gap, least) {
  let many = count;
  while (many > 1 && grid(many, box, gap).w < least) many -= 1;
  return many;
}

// What is large and the others beside it, to the right or below, whichever leaves more to both.
// `even`: how much the others count beside what is large. Returns places of both.
export function beside(large, others, box, { gap, least, even }) {
  if (!others) return { large: stage(large, box, gap), others: [] };
  let best = null;
  for (const right of [true, false]) {
    for (let share = 0.1; share <= 0.75; share += 0.025) {
      const strip = Math.round((right ? box.width : box.height) * share);
      const [first, second] = right
        ? [{ ...box, width: box.width - strip - gap }, { ...box, x: box.x + box.width - strip, width: strip }]
        : [{ ...box, height: box.height - strip - gap }, { ...box, y: box.y + box.height - strip, height: strip }];
      if (first.width <= 0 || first.height <= 0) continue;
      const many = room(others, second, gap, least);
      const laid = grid(many, second, gap);
      const shown = grid(large, first, gap);
      const value = large * shown.w * Math.min(shown.h, shown.w / WIDE) + even * many * laid.w * laid.h;
      const worth = value * (0.5 + (0.5 * many) / others);
      if (!best || worth > best.worth) best = { worth, first, laid };
    }
  }
  return { large: stage(large, best.first, gap), others: best.laid.places };
}

// What is large takes all of its space: a screen or a map is seen whole in it, whatever its shape.
function stage(count, box, gap) {
  if (count === 1) return [{ x: box.x, y: box.y, w: box.width, h: box.height }];
  return grid(count, box, gap).places;
}
