// Whether the kernel behind the page still answers. When it does not, the page says so at once,
// lets nothing be touched, and comes back by itself: a figure never stands under a name that was
// chosen after it.
(() => {
  const BEAT = 5000; // ms between two questions to the kernel, and how long an answer may take
  const GIVEN_UP = 60000; // ms of silence after which a new kernel is better
  const LONGEST = 30000; // ms between two looks whether the service is back
  const TRIES = "city-dashboard-tries";

  const note = document.getElementById("still");
  let kernel = null;
  let heard = Date.now(); // when the kernel last answered
  let asked = 0; // since when it owes an answer
  let lost = false; // it will not answer any more
  let away = false; // the browser has no network
  let leaving = 0;
  let before = null; // what had the focus

  const show = (still) => {
    if (still !== note.hidden) return;
    const at = new Date(heard);
    const time = [at.getHours(), at.getMinutes()].map((n) => String(n).padStart(2, "0")).join(":");
    for (const text of note.children) {
      text.textContent = still ? text.dataset.says.replace("{time}", time) : "";
    }
    if (still) before = document.activeElement;
    note.hidden = !still;
    document.body.classList.toggle("still", still);
    for (const one of document.body.children) if (one !== note) one.inert = still;
    if (!still) before?.focus?.();
  };

  const look = () => {
    const silent = asked ? Date.now() - asked : 0;
    if (silent > GIVEN_UP) lose();
    // Who leaves the page ends its kernel; that is no news.
    show((lost || away || silent > BEAT) && Date.now() - leaving > 2000);
  };

  const ask = () => {
    if (!kernel || lost || asked) return;
    asked = Date.now();
    // The reply comes in turn after whatever was touched before.
    kernel.requestCommInfo({ target_name: "city.alive" }).then(
      () => {
        heard = Date.now();
        asked = 0;
        look();
      },
      () => {} // the connection is gone, and says so itself
    );
  };

  const lose = () => {
    if (lost) return;
    lost = true;
    look();
    comeBack();
  };

  const tries = (change) => {
    try {
      const count = Number(sessionStorage.getItem(TRIES)) || 0;
      sessionStorage.setItem(TRIES, String(change ? change(count) : count));
      return count;
    } catch {
      return 0;
    }
  };

  // Any file of the service tells that it is there and who may see it; a page costs a kernel.
  const answers = async () => {
    const file = document.querySelector("link[href*='static/voila']").href;
    const init = { method: "HEAD", cache: "no-store", redirect: "manual" };
    try {
      const answer = await fetch(file, { ...init, signal: AbortSignal.timeout(BEAT) });
      // Who has to sign in again is shown where.
      return answer.ok || answer.type === "opaqueredirect" || [401, 403].includes(answer.status);
    } catch {
      return false;
    }
  };
  const seen = () =>
    document.hidden
      ? new Promise((go) => addEventListener("visibilitychange", go, { once: true }))
      : null;
  const comeBack = async () => {
    // Many screens are lost at the same time; they do not come back in the same moment.
    for (let n = tries((count) => count + 1); ; n += 1) {
      const wait = Math.min(LONGEST, 1000 * 2 ** n) * (0.5 + Math.random());
      await new Promise((go) => setTimeout(go, wait));
      await seen();
      if (await answers()) return location.reload();
    }
  };

  const begin = (manager) => {
    kernel = manager.kernel;
    const state = () => {
      const gone = ["autorestarting", "restarting", "terminating", "dead"];
      if (gone.includes(kernel.status) || kernel.connectionStatus !== "connected") lose();
    };
    const attach = () => {
      kernel.statusChanged.connect(state);
      kernel.connectionStatusChanged.connect(state);
      setInterval(ask, BEAT);
      setInterval(look, 500);
      for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, ask, true);
      setTimeout(() => lost || tries(() => 0), 2 * GIVEN_UP);
      heard = Date.now();
      state();
    };
    if (kernel.connectionStatus === "connected") attach();
    else kernel.info.then(attach);
  };
  // Voila's application is made by the script after this one.
  const found = setInterval(() => {
    const manager = window.jupyterapp?.widgetManagerPromise;
    if (!manager) return;
    clearInterval(found);
    manager.promise.then(begin);
  }, 100);
  addEventListener("offline", () => {
    away = true;
    look();
  });
  addEventListener("online", () => {
    away = false;
    ask();
    look();
  });
  addEventListener("beforeunload", () => {
    leaving = Date.now();
  });
  window.cityComeBack = lose;
})();
