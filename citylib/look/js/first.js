// What a page shows before its kernel has spoken gives way to the panels once they are drawn; when
// they do not come, the page says so.
(() => {
  const root = document.documentElement;
  const first = document.getElementById("first");
  const picture = document.getElementById("picture");
  const whole = ".city-dashboard:not(.city-notebook)";
  const output = "#rendered_cells :is(.jupyter-widgets, .jp-RenderedText, .jp-RenderedHTMLCommon)";
  let other = false;
  let waiting = false;
  // The picture was made for a language that the browser's own memory may know better.
  if (picture && picture.lang !== root.lang) {
    picture.remove();
    first.classList.remove("pictured");
  }
  // The city's dashboard once its map has colours and its charts are drawn; any other page soon
  // after something of it is there.
  const ready = () =>
    document.querySelector(".city-notice h1") ||
    (root.dataset.settled && document.querySelector(".city-map path[data-paint]")) ||
    (other && !document.querySelector(whole));
  const show = () => {
    if (!waiting && document.querySelector(output)) {
      waiting = true;
      setTimeout(() => {
        other = true;
        show();
      }, 1500);
    }
    if (!first.isConnected || !ready()) return;
    seen.disconnect();
    first.remove();
    document.body.classList.remove("waiting");
    dispatchEvent(new Event("resize"));
  };
  const seen = new MutationObserver(show);
  seen.observe(root, {
    subtree: true,
    childList: true,
    attributeFilter: ["data-paint", "data-settled"],
  });
  // Voila's front end calls these.
  window.voila_heartbeat = window.update_loading_text = window.voila_process = () => {};
  window.display_cells = window.voila_finish = show;
  const fail = (again = 90000) => {
    if (!first.isConnected || first.classList.contains("failed")) return;
    first.classList.add("failed");
    for (const text of first.querySelectorAll("p")) text.hidden = text.className === "coming";
    if (again) setTimeout(() => first.isConnected && window.cityComeBack(), again);
  };
  addEventListener("error", () => fail(), { once: true });
  // The service tells what went wrong after it had begun the page.
  addEventListener("voila-failed", ({ detail }) => fail(detail.status >= 500 ? 20000 : 0));
  setTimeout(fail, 30000);
  // The service has begun the page and does not go on with it: asking again is quicker.
  setTimeout(() => {
    if (!document.getElementById("rendered_cells")) window.cityComeBack();
  }, 15000);
  // Letters come when nothing else is to be done; a browser that has such fetches none.
  const letters = () => {
    const sheet = Object.assign(document.createElement("link"), { rel: "stylesheet" });
    sheet.href = root.dataset.fonts;
    document.head.append(sheet);
  };
  if (root.dataset.fonts) (window.requestIdleCallback ?? setTimeout)(letters);
  // The next picture is in what is chosen now.
  addEventListener("pagehide", () => {
    for (const [name, value] of [["language", root.lang], ["theme", root.dataset.theme]]) {
      document.cookie = `city-dashboard-${name}=${value}; path=${location.pathname}; max-age=31536000; SameSite=Lax`;
    }
  });
})();
