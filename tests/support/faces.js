// What moves: a head and shoulders on a colour, a bar that turns.
export function drawn(number, [width, height], rate) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const pen = canvas.getContext("2d", { alpha: false });
  const unit = Math.min(width, height) / 9;
  let frame = 0;
  const draw = () => {
    frame += 1;
    const hue = (number * 47) % 360;
    pen.fillStyle = `oklch(0.62 0.07 ${hue})`;
    pen.fillRect(0, 0, width, height);
    pen.fillStyle = `oklch(0.35 0.06 ${hue + 40})`;
    pen.beginPath();
    pen.ellipse(width / 2, height * 1.05, unit * 3.4, unit * 4, 0, 0, 7);
    pen.fill();
    pen.fillStyle = "#e8bf9c";
    pen.beginPath();
    pen.ellipse(width / 2 + Math.sin(frame / 9) * unit * 0.3, height * 0.42, unit * 1.5, unit * 1.9, 0, 0, 7);
    pen.fill();
    pen.fillStyle = "#fff";
    pen.fillRect((frame * 7 + number * 31) % width, 0, 6, 6);
  };
  draw();
  setInterval(draw, 1000 / rate);
  return canvas.captureStream(rate);
}
