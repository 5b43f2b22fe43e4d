// All cameras as points on one canvas over a leaflet map. Where each stands is worked out once, in
// the map's own flat world; a picture of the map then takes a multiplication for each.
const TILE = 256;

function flat({ lon, lat }) {
  const sine = Math.sin((lat * Math.PI) / 180);
  return [TILE * (lon / 360 + 0.5), TILE * (0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI))];
}

// `open()` gives the ids of the cameras that are open.
function createPoints({ map, open }) {
  const canvas = element("canvas", "camera-points leaflet-zoom-animated");
  canvas.setAttribute("aria-hidden", "true"); // the search says the same in words
  const pane = map.getPane("cameras") ?? map.createPane("cameras");
  pane.classList.add("camera-pane");
  pane.append(canvas);
  const context = canvas.getContext("2d");
  let all = [];
  let places = new Float64Array();
  let marked = null; // place of the camera under mouse or keys
  let drawn = null; // centre and zoom of the last picture
  let waiting = 0;

  const size = () => {
    const box = map.getContainer();
    const scale = Math.min(devicePixelRatio || 1, 2);
    const [width, height] = [box.clientWidth, box.clientHeight];
    if (canvas.width !== width * scale || canvas.height !== height * scale) {
      Object.assign(canvas, { width: width * scale, height: height * scale });
      Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
    }
    return { width, height, scale };
  };
  // Where the upper left corner of the map is in the flat world, and pixels of one of its units.
  const frame = () => {
    const factor = 2 ** map.getZoom();
    const [x, y] = flat({ lon: map.getCenter().lng, lat: map.getCenter().lat });
    const { clientWidth, clientHeight } = map.getContainer();
    return { factor, left: x * factor - clientWidth / 2, top: y * factor - clientHeight / 2 };
  };
  const radius = () => {
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize) || 16;
    return Math.min(rem / 2, Math.max(1.6, 1.8 * 2 ** ((map.getZoom() - 10.8) * 0.75)));
  };
  const colour = (name, other) => getComputedStyle(canvas).getPropertyValue(name).trim() || other;

  const draw = () => {
    waiting = 0;
    const { width, height, scale } = size();
    if (!width || !height) return;
    const { factor, left, top } = frame();
    const round = radius();
    const corner = map.containerPointToLayerPoint([0, 0]);
    canvas.style.transform = `translate3d(${corner.x}px, ${corner.y}px, 0)`;
    drawn = { corner: map.containerPointToLatLng([0, 0]), zoom: map.getZoom() };
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, height);
    const opened = new Set(open());
    const ink = colour("--accent", "#7cc7ff");
    const edge = colour("--ground", "#000");
    const path = new Path2D();
    const above = new Path2D();
    const looks = new Path2D();
    const wide = map.getZoom() > 13.5;
    for (let n = 0; n < all.length; n += 1) {
      const x = places[2 * n] * factor - left;
      const y = places[2 * n + 1] * factor - top;
      if (x < -round || y < -round || x > width + round || y > height + round) continue;
      const into = opened.has(all[n].id) || n === marked ? above : path;
      const big = into === above ? round + 3 : round;
      into.moveTo(x + big, y);
      into.arc(x, y, big, 0, 2 * Math.PI);
      if (!wide || all[n].heading === null) continue;
      const to = ((all[n].heading - 90) * Math.PI) / 180; // where it looks
      looks.moveTo(x, y);
      looks.arc(x, y, round * 3.2, to - 0.45, to + 0.45);
      looks.closePath();
    }
    context.fillStyle = ink;
    context.globalAlpha = 0.35;
    context.fill(looks);
    context.globalAlpha = 1;
    context.strokeStyle = edge;
    context.lineWidth = Math.max(1, round / 3);
    context.stroke(path);
    context.fill(path);
    context.fillStyle = colour("--first", "#fc6");
    context.stroke(above);
    context.fill(above);
    canvas.dataset.drawn = all.length;
  };
  const later = () => {
    waiting ||= requestAnimationFrame(draw);
  };
  // While leaflet moves to another zoom, the last picture goes along.
  const zooming = ({ center, zoom }) => {
    if (!drawn || !map._latLngToNewLayerPoint) return;
    const to = map._latLngToNewLayerPoint(drawn.corner, zoom, center);
    const grown = 2 ** (zoom - drawn.zoom);
    canvas.style.transform = `translate3d(${to.x}px, ${to.y}px, 0) scale(${grown})`;
  };
  map.on("move zoomend moveend resize viewreset", later);
  map.on("zoomanim", zooming);
  const themed = new MutationObserver(later);
  themed.observe(document.documentElement, { attributeFilter: ["data-theme"] });

  return {
    draw: later,
    show(list) {
      all = list;
      places = new Float64Array(list.flatMap(flat));
      draw();
    },
    mark(camera) {
      const place = camera ? all.indexOf(camera) : null;
      if (place === marked) return;
      marked = place;
      later();
    },
    // The camera at a point of the container, if there is one within `reach` pixels.
    at({ x, y }, reach) {
      const { factor, left, top } = frame();
      let best = null;
      let least = (reach + radius()) ** 2;
      for (let n = 0; n < all.length; n += 1) {
        const far = (places[2 * n] * factor - left - x) ** 2 + (places[2 * n + 1] * factor - top - y) ** 2;
        if (far < least) [best, least] = [all[n], far];
      }
      return best;
    },
    remove() {
      cancelAnimationFrame(waiting);
      themed.disconnect();
      map.off("move zoomend moveend resize viewreset", later);
      map.off("zoomanim", zooming);
      canvas.remove();
    },
  };
}
