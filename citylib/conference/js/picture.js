// A part of a page as a picture of its own: SVG with everything in it, sharp at any size. Nothing in it
// runs, and nothing is loaded for it: what the page shows from elsewhere is put in, or left out.
export const LONGEST = 390_000; // characters; the service takes no longer picture
const INLINED = 60_000; // characters of one picture in it
const STYLED = new Set("svg path polygon polyline line circle ellipse rect text tspan g use stop".split(" "));
const KEPT = ["colspan", "rowspan", "dir", "lang", "start", "value"];
const LEFT_OUT = "script, style, noscript, iframe, object, embed, link, audio, template, [data-shared=not]";
// What is written down of each element: what a reader sees. What is as it always is, is left out.
const SEEN = [
  ..."display position left top right bottom z-index float clear width height min-width min-height max-width".split(" "),
  ..."max-height box-sizing margin padding overflow-x overflow-y visibility opacity transform transform-origin".split(" "),
  ..."translate scale rotate color background-color background-image background-size background-position".split(" "),
  ..."background-repeat border-top border-right border-bottom border-left border-top-left-radius".split(" "),
  ..."border-top-right-radius border-bottom-left-radius border-bottom-right-radius border-collapse".split(" "),
  ..."border-spacing outline box-shadow font-family font-size font-style font-weight font-variant-numeric".split(" "),
  ..."line-height letter-spacing text-align text-decoration-line text-transform text-overflow text-shadow".split(" "),
  ..."text-wrap-mode white-space-collapse word-break overflow-wrap vertical-align list-style-type".split(" "),
  ..."flex-direction flex-wrap flex-grow flex-shrink flex-basis justify-content align-items align-self".split(" "),
  ..."align-content order row-gap column-gap grid-template-columns grid-template-rows grid-template-areas".split(" "),
  ..."grid-auto-flow grid-auto-rows grid-auto-columns grid-column-start grid-column-end grid-row-start".split(" "),
  ..."grid-row-end justify-items justify-self place-content aspect-ratio object-fit object-position".split(" "),
  ..."clip-path mix-blend-mode writing-mode direction".split(" "),
];
const DRAWN = [
  ..."fill fill-opacity fill-rule stroke stroke-width stroke-opacity stroke-dasharray stroke-linecap".split(" "),
  ..."stroke-linejoin opacity visibility display font-family font-size font-weight font-style text-anchor".split(" "),
  ..."dominant-baseline transform transform-origin paint-order letter-spacing stop-color stop-opacity".split(" "),
];
const BEFORE_AND_AFTER = ["::before", "::after"];
const OF_DRAWINGS = "http://www.w3.org/2000/svg";
const OF_PAGES = "http://www.w3.org/1999/xhtml";

// Another page may have other type, a little wider: what stands in one line does so there too.
function inOneLine(element) {
  if (![...element.childNodes].some((one) => one.nodeType === Node.TEXT_NODE && one.data.trim())) return false;
  const range = document.createRange();
  range.selectNodeContents(element);
  const { height } = range.getBoundingClientRect();
  return height > 0 && height < 1.9 * parseFloat(getComputedStyle(element).fontSize);
}

// What each kind of element looks like when nobody has said anything, and its class in the picture.
function createStyles(box) {
  const plain = new Map();
  const classes = new Map(); // what is said of an element → its class
  const frame = Object.assign(document.createElement("iframe"), { tabIndex: -1, ariaHidden: "true" });
  Object.assign(frame.style, { position: "absolute", width: 0, height: 0, border: 0, visibility: "hidden" });
  box.append(frame);
  const usual = (element, names) => {
    const key = `${element.namespaceURI} ${element.localName}`;
    if (!plain.has(key)) {
      const made = frame.contentDocument.createElementNS(element.namespaceURI, element.localName);
      frame.contentDocument.body.append(made);
      const style = frame.contentWindow.getComputedStyle(made);
      plain.set(key, new Map(names.map((name) => [name, style.getPropertyValue(name)])));
      made.remove();
    }
    return plain.get(key);
  };
  // What an attribute of a drawing says counts only where no style does.
  const said = (style, names, before, element = null) => {
    let text = "";
    for (const name of names) {
      const value = style.getPropertyValue(name);
      const plainly = value === before?.get(name) && !element?.hasAttribute(name);
      if (value && !plainly && !value.includes("url(\"http")) text += `${name}:${value};`;
    }
    return text;
  };
  const named = (text) => {
    if (!classes.has(text)) classes.set(text, `s${classes.size.toString(36)}`);
    return classes.get(text);
  };
  return {
    of(element) {
      const names = element.namespaceURI === OF_DRAWINGS && element.localName !== "svg" ? DRAWN : SEEN;
      let text = said(getComputedStyle(element), names, usual(element, names), names === DRAWN ? element : null);
      if (names === SEEN && inOneLine(element)) text += "white-space:nowrap;";
      if (element.localName === "button") text += "display:flex;align-items:center;justify-content:center;";
      if (names === SEEN) {
        for (const part of BEFORE_AND_AFTER) {
          const style = getComputedStyle(element, part);
          const content = style.content;
          if (!["none", "normal"].includes(content)) text += `|${part}|content:${content};${said(style, SEEN, null)}`;
        }
      }
      return text && named(text);
    },
    sheet() {
      let sheet = "";
      for (const [text, name] of classes) {
        const [own, ...parts] = text.split("|");
        sheet += `.${name}{${own}}`;
        for (let place = 0; place < parts.length; place += 2) sheet += `.${name}${parts[place]}{${parts[place + 1]}}`;
      }
      return sheet;
    },
    close: () => frame.remove(),
  };
}

// Something drawn, as an image that is in the text itself; null where the browser does not give it.
function inlined(element, width, height) {
  const scale = Math.min(1, 1200 / Math.max(width, height, 1));
  const canvas = Object.assign(document.createElement("canvas"), { width: Math.max(1, width * scale), height: Math.max(1, height * scale) });
  try {
    canvas.getContext("2d").drawImage(element, 0, 0, canvas.width, canvas.height);
    const kinds = element.localName === "canvas" ? [["image/webp", 0.9], ["image/png"]] : [["image/webp", 0.75], ["image/jpeg", 0.75]];
    return kinds.map((kind) => canvas.toDataURL(...kind)).find((text) => text.length < INLINED) ?? null;
  } catch {
    return null; // not of this page, or nothing in it yet
  }
}

function imaged(element) {
  const width = element.naturalWidth ?? (element.videoWidth || element.width);
  const height = element.naturalHeight ?? (element.videoHeight || element.height);
  const data = inlined(element, width, height);
  if (!data) return null;
  const copy = document.createElementNS(OF_PAGES, "img");
  copy.setAttribute("src", data);
  return copy;
}

// Fields keep no life of their own: what is in them is text.
function written(element) {
  const copy = document.createElementNS(OF_PAGES, "div");
  if (element.localName === "select") copy.append(element.selectedOptions[0]?.text ?? "");
  else if (!["checkbox", "radio", "range", "color", "password"].includes(element.type)) copy.append(element.value || element.placeholder);
  return copy;
}

function attributes(element, copy) {
  const drawing = element.namespaceURI === OF_DRAWINGS;
  for (const { name, value } of element.attributes) {
    const kept = drawing ? !/^(on|style$|class$|tabindex$|role$|aria-|data-)/.test(name) : KEPT.includes(name);
    if (kept && (!/href$/.test(name) || value.startsWith("#"))) copy.setAttribute(name, value);
  }
}

function copied(node, styles) {
  if (node.nodeType === Node.TEXT_NODE) return document.createTextNode(node.data);
  if (node.nodeType !== Node.ELEMENT_NODE || node.matches(LEFT_OUT) || !node.checkVisibility({ opacityProperty: true })) return null;
  const leaf = ["img", "canvas", "video"].includes(node.localName) ? imaged : ["input", "textarea", "select"].includes(node.localName) ? written : null;
  const copy = leaf ? leaf(node) : document.createElementNS(node.namespaceURI, node.localName === "button" ? "div" : node.localName);
  if (!copy) return null;
  if (!leaf) attributes(node, copy);
  if (node.namespaceURI !== OF_DRAWINGS || STYLED.has(node.localName)) {
    const name = styles.of(node);
    if (name) copy.setAttribute("class", name);
  }
  for (const child of leaf ? [] : node.childNodes) {
    const made = copied(child, styles);
    if (made) copy.append(made);
  }
  return copy;
}

// The text of an SVG that looks as the element does now; longer than `LONGEST` it is of no use.
export function pictureOf(element) {
  const { width, height } = element.getBoundingClientRect();
  const styles = createStyles(document.body);
  try {
    const copy = copied(element, styles);
    if (!copy) return "";
    // It stands by itself: where it stood in the page is nothing to those who see it.
    copy.setAttribute("style", `position:relative;inset:auto;margin:0;transform:none;width:${width}px;height:${height}px;`);
    const size = `width="${Math.round(width)}" height="${Math.round(height)}"`;
    const inner = new XMLSerializer().serializeToString(copy);
    const ground = backgroundOf(element);
    return (
      `<svg xmlns="${OF_DRAWINGS}" ${size} viewBox="0 0 ${Math.round(width)} ${Math.round(height)}">` +
      `<style>${styles.sheet().replaceAll("&", "&amp;").replaceAll("<", "&lt;")}</style>` +
      `<rect width="100%" height="100%" fill="${ground}"/>` +
      `<foreignObject width="100%" height="100%">${inner}</foreignObject></svg>`
    );
  } finally {
    styles.close();
  }
}

// The colour on which it stands.
function backgroundOf(element) {
  for (let one = element; one; one = one.parentElement) {
    const colour = getComputedStyle(one).backgroundColor;
    if (!/, 0\)$|^transparent$/.test(colour)) return colour;
  }
  return "#fff";
}
