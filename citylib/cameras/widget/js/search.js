// A field that finds cameras by name: arrows and Enter, or a touch.
const FOUND = 8;
let fields = 0;

// `on.choose(camera)`; `on.look(camera)`: the keys are on it.
function createSearch({ lang, words, on }) {
  const id = `camera-found-${(fields += 1)}`;
  const el = element("div", "camera-search");
  const field = element("input", "", { type: "search", placeholder: words.search, autocomplete: "off" });
  for (const [name, value] of Object.entries({
    role: "combobox", "aria-label": words.search, "aria-expanded": "false", "aria-controls": id, "aria-autocomplete": "list",
  })) field.setAttribute(name, value);
  const list = element("ul", "camera-found", { id, hidden: true });
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", words.search);
  const count = element("span", "camera-count", { textContent: words.loading });
  count.setAttribute("role", "status");
  el.append(field, count, list);
  let all = [];
  let found = [];
  let at = -1;

  const plain = (text) => text.toLocaleLowerCase().normalize("NFC");
  const look = (place) => {
    at = place;
    [...list.children].forEach((one, n) => one.setAttribute("aria-selected", String(n === at)));
    if (at >= 0) field.setAttribute("aria-activedescendant", `${id}-${at}`);
    else field.removeAttribute("aria-activedescendant");
    list.children[at]?.scrollIntoView({ block: "nearest" });
    on.look(found[at] ?? null);
  };
  const shut = () => {
    list.hidden = true;
    field.setAttribute("aria-expanded", "false");
    look(-1);
  };
  const find = () => {
    const wish = plain(field.value.trim());
    if (!wish) return shut();
    const rank = (one) => {
      const name = plain(nameOf(one, lang));
      if (name.split(/[\s,]+/).includes(wish) || plain(one.id) === wish) return 0;
      if (name.includes(wish)) return 1;
      return [one.id, ...Object.values(one.name)].some((other) => plain(other).includes(wish)) ? 2 : 3;
    };
    const ranked = all.map((one) => [rank(one), one]).filter(([rank]) => rank < 3);
    found = ranked.sort((a, b) => a[0] - b[0]).slice(0, FOUND).map(([, one]) => one);
    list.replaceChildren(
      ...found.map((one, place) => {
        const row = element("li", "", { id: `${id}-${place}`, textContent: nameOf(one, lang) });
        row.setAttribute("role", "option");
        row.addEventListener("pointerdown", (event) => event.preventDefault()); // the field keeps the focus
        row.addEventListener("click", () => choose(one));
        return row;
      }),
    );
    if (!found.length) {
      const none = element("li", "camera-none", { textContent: words.not_found });
      none.setAttribute("role", "option");
      none.setAttribute("aria-disabled", "true");
      list.append(none);
    }
    list.hidden = false;
    field.setAttribute("aria-expanded", "true");
    look(found.length ? 0 : -1);
  };
  const choose = (camera) => {
    field.value = nameOf(camera, lang);
    shut();
    on.choose(camera);
  };
  const press = (event) => {
    event.stopPropagation(); // keys of map and wall are letters here
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && found.length && !list.hidden) look((at + step + found.length) % found.length);
    else if (event.key === "Enter" && found[at] && !list.hidden) choose(found[at]);
    else if (event.key === "Escape") shut();
    else return;
    event.preventDefault();
  };
  field.addEventListener("input", find);
  field.addEventListener("keydown", press);
  field.addEventListener("blur", shut);

  return {
    el,
    show(cameras) {
      all = cameras;
      count.textContent = cameras.length
        ? words.count.replace("{count}", cameras.length.toLocaleString(lang))
        : words.none;
      field.disabled = !cameras.length;
    },
    fail() {
      count.textContent = words.unreachable;
      field.disabled = true;
    },
  };
}
