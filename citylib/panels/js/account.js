// Who is signed in, and the way out. The service behind the page says it; a page that is served
// by something else shows nothing.
function render({ model, el }) {
  el.classList.add("city-account");
  el.hidden = true;
  const name = document.createElement("span");
  const out = document.createElement("a");
  out.className = "key";
  el.append(name, out);
  const draw = () => {
    const words = model.get("words");
    el.setAttribute("aria-label", words.account ?? "");
    out.textContent = words.sign_out ?? "";
  };
  const ask = async () => {
    const base = document.body.dataset.baseUrl;
    if (!base) return;
    const answer = await fetch(new URL("../reader", new URL(base, location.href)));
    if (!answer.ok) return;
    const reader = await answer.json();
    name.textContent = name.title = reader.name;
    out.href = reader.sign_out;
    el.hidden = false;
  };
  el.setAttribute("role", "group");
  draw();
  ask().catch(() => {}); // The page is good without it.
  model.on("change:words", draw);
  return () => model.off("change:words", draw);
}
export default { render };
