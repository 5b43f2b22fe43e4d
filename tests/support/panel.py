"""The panel's script in a page without a kernel, over a real service without a hub."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page
from support.conference import Lab, laboratory
from support.screen import watch

from citylib.conference.widget.panel import ConferencePanel, sheet, words
from citylib.look import theme

HTML = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Panel</title>
<style>THEME</style><style>SHEET</style>
<style>body { margin: 0; } .view { height: 100vh; } .view + .view { height: 50vh; }</style>
<body><script type="module">
class Model {
  constructor(values) {
    Object.assign(this, { values, handlers: [], saved: [] });
    this.widget_manager = { get_model: async (id) => streams[id] };
  }
  get(name) { return this.values[name]; }
  set(name, value) {
    this.values[name] = value;
    for (const one of this.handlers) if (one.name === `change:${name}`) one.handler();
  }
  save_changes() { this.saved.push({ ...this.values }); onSave?.(this.values); }
  on(names, handler) {
    for (const name of names.split(' ')) this.handlers.push({ name, handler });
  }
  off(names, handler) {
    const gone = (one) => names.split(' ').includes(one.name) && one.handler === handler;
    this.handlers = this.handlers.filter((one) => !gone(one));
  }
}
// As the kernel: a stream for each place.
const onSave = (values) => {
  const missing = values.participants.length - values.slots.length;
  if (missing <= 0) return;
  const more = Array.from({ length: missing }, (_, n) => {
    const id = `slot${values.slots.length + n}`;
    streams[id] = { captureStream() { throw new Error('Not implemented'); } };
    return `IPY_MODEL_${id}`;
  });
  model.set('slots', [...values.slots, ...more]);
};
globalThis.streams = {};
const at = URL.createObjectURL(new Blob([SCRIPT], { type: 'text/javascript' }));
const { default: widget } = await import(at);
globalThis.model = new Model(VALUES);
globalThis.shut = widget.initialize({ model });
globalThis.mount = () => {
  const el = Object.assign(document.createElement('div'), { className: 'view' });
  document.body.append(el);
  const remove = widget.render({ model, el });
  return { el, remove() { remove(); el.remove(); } };
};
</script></body></html>"""


@dataclass
class Hall:
    """A service in a thread of its own, and pages over it."""

    lab: Lab
    loop: asyncio.AbstractEventLoop

    def do(self, work: Any) -> Any:
        """Wait for something of the service's."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    def room(self) -> str:
        """A room into which everybody may who is invited."""
        return self.do(self.lab.room(waiting_room=False))

    def invitation(self, room: str, role: str = "speaker") -> str:
        """What a link has behind the `#`; nobody waits."""
        return self.do(self.lab.invite(room, role=role))["token"]

    def panel(self, context: BrowserContext, language: str = "en", **values: Any) -> Page:
        """A page with the panel's script; `mount()` shows it."""
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.faults = watch(page)
        traits = {
            **{
                "room": "",
                "invitation": "",
                "language": language,
                "service": "/services/conference/",
            },
            **{"stream": None, "shown": None, "view": "all", "parts": {}, "state": ""},
            **{"participants": [], "slots": [], "words": words(language)},
        } | values
        html = HTML.replace("VALUES", json.dumps(traits))
        html = html.replace("THEME", theme.sheet()).replace("SHEET", sheet())
        script = json.dumps(str(ConferencePanel._esm)).replace("<", "\\u003c")
        # Of the service's own address, as a page of the platform is.
        page.goto(self.lab.url("static/join.css"))
        page.set_content(html.replace("SCRIPT", script))
        page.wait_for_function("'mount' in globalThis")
        return page

    def guest(self, context: BrowserContext, invitation: str, name: str) -> Page:
        """Somebody on the join page, inside."""
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.faults = watch(page)
        page.goto(self.lab.url(f"join/?lang=en#{invitation}"))
        page.fill("input[name=name]", name)
        page.click("button[type=submit]")
        page.wait_for_selector(".conference .stage")
        return page


@contextmanager
def hall(folder: Path, carrier: Any = None) -> Iterator[Hall]:
    """A service while it is used."""
    ready: Any = threading.Event()
    made: list[Hall] = []

    async def serve() -> None:
        async with laboratory(folder, carrier=carrier) as lab:
            own = Hall(lab, asyncio.get_running_loop())
            own.over = asyncio.Event()
            made.append(own)
            ready.set()
            await own.over.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(60), "the service did not start"
    try:
        yield made[0]
    finally:
        made[0].loop.call_soon_threadsafe(made[0].over.set)
        thread.join(30)


def inside(page: Page, names: list[str]) -> None:
    """Wait until these are on the wall."""
    page.wait_for_function(
        """names => { const seen = [...document.querySelectorAll('.conference-seat:not([hidden])')]
          .map(one => one.querySelector('.conference-title').textContent.replace(' (you)', ''));
          return names.every(name => seen.includes(name)) && seen.length === names.length; }""",
        arg=names,
    )


MOVING = """async (who) => {
  const find = () => [...document.querySelectorAll('.conference-tile:not([hidden])')]
    .find(one => one.querySelector('.conference-title').textContent.startsWith(who))
    ?.querySelector('video');
  const pen = new OffscreenCanvas(32, 18).getContext('2d', {willReadFrequently: true});
  const seen = new Set();
  const end = performance.now() + 15000;
  while (seen.size < 4 && performance.now() < end) {
    const video = find();
    if (video && !video.hidden && video.videoWidth) {
      pen.drawImage(video, 0, 0, 32, 18);
      seen.add(String(pen.getImageData(0, 0, 32, 18).data));
    }
    await new Promise(done => setTimeout(done, 100));
  }
  return seen.size;
}"""


def moves(page: Page, who: str) -> bool:
    """Whether the picture of somebody changes."""
    return page.evaluate(MOVING, who) >= 4


def new_context(browser: Browser, size: tuple[int, int] = (1366, 768)) -> BrowserContext:
    """A browser of one participant."""
    viewport = {"width": size[0], "height": size[1]}
    return browser.new_context(
        viewport=viewport, bypass_csp=True, permissions=["camera", "microphone"]
    )
