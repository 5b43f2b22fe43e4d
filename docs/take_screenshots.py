"""Pictures of the running platform for the documentation.

Run `python docs/take_screenshots.py`: it starts the platform on a folder of its own over the
records and figures that are there already (brought up to date first), signs in as the mayor,
and writes into `docs/screenshots/`.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page

CHECKOUT = Path(__file__).parents[1]
sys.path.insert(0, str(CHECKOUT / "tests"))

from support.platform import Platform, running  # noqa: E402
from support.screen import (  # noqa: E402
    PUBLIC,
    SIZES,
    WITH_MEDIA,
    chromium,
    open_dashboard,
    sign_in,
)
from support.tiles import HERE, serving  # noqa: E402

from citylib.city.profile import load_city  # noqa: E402
from citylib.city.settings import Settings  # noqa: E402
from citylib.hub.data import bring_up_to_date  # noqa: E402
from citylib.indicators.densities import place_of, tell_densities  # noqa: E402
from citylib.lake import Lake  # noqa: E402
from citylib.publish.site import build  # noqa: E402

FOLDER = Path(__file__).parent / "screenshots"
# Name, size, theme, language, and what the address asks for.
DASHBOARDS = [
    ("dashboard", "wall", "dark", "ko", "&area=11010"),
    ("dashboard", "wall", "light", "en", ""),
    ("dashboard", "laptop", "dark", "en", "&area=11010"),
    ("dashboard", "laptop", "light", "ko", ""),
    ("dashboard", "phone", "dark", "ko", ""),
    ("dashboard", "phone", "light", "en", "&area=11010"),
    ("domain", "laptop", "dark", "ko", "&domain=air&indicator=pm10"),
    ("density", "laptop", "light", "en", "&layer=density-bike_stations"),
    ("cameras", "laptop", "dark", "en", "&layer=cameras&area=11010"),
    ("cameras", "phone", "light", "ko", "&layer=cameras&area=11010"),
    ("pledges", "wall", "dark", "ko", "&page=pledges"),
    ("pledges", "phone", "light", "en", "&page=pledges"),
    ("district", "wall", "light", "ko", "&page=district&area=11010"),
    ("district", "laptop", "dark", "en", "&page=district&area=11010"),
    ("district", "phone", "dark", "ko", "&page=district&area=11010"),
    ("indicator", "wall", "dark", "ko", "&page=indicator&indicator=pm25&area=11010"),
    ("indicator", "laptop", "light", "en", "&page=indicator&indicator=pm25&area=11010"),
    ("indicator", "phone", "light", "ko", "&page=indicator&indicator=pm25&area=11010"),
]
# Name, size, language, and what the page of made-up participants is to show.
ROOMS = [
    ("participants", "wall", "ko", "count=45&size=wall&view=all", "room.say('p5')"),
    ("participants", "phone", "en", "count=9&view=speaker", "room.say('p5')"),
]
CONFERENCES = [("wall", "dark", "ko"), ("laptop", "light", "en"), ("phone", "dark", "en")]
GUESTS = {"ko": ("김서연", "이도윤", "박지후"), "en": ("Kim Seoyeon", "Lee Doyun", "Park Jihu")}
INVITE = """async () => {
  const headers = { "Content-Type": "application/json" };
  const ask = async (method, path, body) => {
    const more = { method, headers, body: body && JSON.stringify(body) };
    return (await fetch(`/services/conference/${path}`, more)).json();
  };
  const { rooms } = await ask("GET", "rooms");
  const room = rooms.find(one => one.inside).id;
  await ask("PATCH", `rooms/${room}`, { waiting_room: false });
  return (await ask("POST", `rooms/${room}/invitations`, { role: "speaker" })).invitation.link;
}"""
# Nothing has moved or been drawn anew for a while: widgets of a page come one after the other.
STILL = """() => new Promise((go) => {
  let timer = setTimeout(go, 800, true);
  new MutationObserver(() => {
    clearTimeout(timer);
    timer = setTimeout(go, 800, true);
  }).observe(document.querySelector(".city-pages"), {
    subtree: true, childList: true, attributeFilter: ["d", "class", "data-paint", "transform"] });
})"""
PAGES = [
    ("laptop", "light", "ko", ""),
    ("laptop", "dark", "en", "en/"),
    ("phone", "light", "en", "en/"),
    ("phone", "dark", "ko", ""),
]


def main() -> None:
    """Take all pictures."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        settings = _installation(Path(folder))
        # Figures of an earlier version of the programs would be pictures of it.
        if errors := bring_up_to_date(settings):
            raise errors[0]
        build(settings)
        city = load_city(settings.profile)
        tell_densities(Lake(settings.lake, city), city, place_of(settings))
        with running(settings) as platform, chromium(*WITH_MEDIA) as browser:
            _dashboards(browser, platform)
            _public(browser, platform)
            _conferences(browser, platform)
            _participants(browser)


def _installation(folder: Path) -> Settings:
    """State of its own, records and figures of the checkout."""
    own = Settings.load(CHECKOUT)
    values = {"profile": own.profile, "lake": own.lake, "cube": own.cube}
    lines = [f'{key} = "{value}"\n' for key, value in values.items()]
    (folder / "citylib.toml").write_text("".join(lines), "utf-8")
    for name in ("dashboards", "notebooks"):
        (folder / name).symlink_to(CHECKOUT / name)
    return Settings.load(folder)


def _dashboards(browser: Browser, platform: Platform) -> None:
    page = browser.new_page()
    sign_in(page, platform.url, "mayor", platform.accounts["mayor"])
    state = page.context.storage_state()
    page.context.close()
    for name, size, theme, language, asked in DASHBOARDS:
        width, height = SIZES[size]
        context = browser.new_context(
            viewport={"width": width, "height": height},
            has_touch=size == "phone",
            storage_state={**state, "origins": []},
        )
        page = context.new_page()
        open_dashboard(page, platform.url, f"?language={language}&theme={theme}{asked}")
        page.wait_for_selector(".city-page:not(.away)")
        if "layer=density" in asked:
            page.wait_for_selector("path.cell")
        if "layer=cameras" in asked:
            four = "document.querySelectorAll('.camera-tile[data-state=live]').length === 4"
            page.wait_for_function(four)
        page.wait_for_function(STILL)
        _shoot(page, f"{name}-{size}-{theme}-{language}", full=size == "phone")
        context.close()


def _public(browser: Browser, platform: Platform) -> None:
    for size, theme, language, path in PAGES:
        width, height = SIZES[size]
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if theme == "dark" else "light",
        )
        page = context.new_page()
        page.goto(platform.url + PUBLIC + path)
        _shoot(page, f"public-{size}-{theme}-{language}", full=False)
        context.close()


def _face(number: int) -> str:
    """Script of a page whose camera is a drawn face."""
    script = (HERE / "faces.js").read_text("utf-8").replace("export ", "")
    return f"""{script}
      const own = drawn({number}, [640, 360], 10);
      navigator.mediaDevices.getUserMedia = async () => own.clone();"""


def _conferences(browser: Browser, platform: Platform) -> None:
    for size, theme, language in CONFERENCES:
        width, height = SIZES[size]
        mayor = browser.new_page(viewport={"width": width, "height": height})
        mayor.add_init_script(_face(0))
        sign_in(mayor, platform.url, "mayor", platform.accounts["mayor"])
        open_dashboard(mayor, platform.url, f"?language={language}&theme={theme}")
        mayor.click("[data-press='conference:open']")
        mayor.click(".rooms-choice .key.main")
        mayor.click(".conference form [type=submit]")
        mayor.wait_for_selector(".conference .stage")
        link = mayor.evaluate(INVITE)
        guests = []
        for number, name in enumerate(GUESTS[language], 1):
            guest = browser.new_page(viewport={"width": 640, "height": 480})
            guest.add_init_script(_face(number))
            guest.goto(link)
            guest.fill("input[name=name]", name)
            guest.click("button[type=submit]")
            guests.append(guest)
        four = "document.querySelectorAll('.conference-seat video:not([hidden])').length === 4"
        mayor.wait_for_function(four)
        mayor.locator(".notice, .conference-note").first.wait_for(state="detached")
        _shoot(mayor, f"conference-{size}-{theme}-{language}", full=False)
        for page in (mayor, *guests):
            page.context.close()


def _participants(browser: Browser) -> None:
    with serving() as address:
        for name, size, language, asked, done in ROOMS:
            width, height = SIZES[size]
            page = browser.new_page(viewport={"width": width, "height": height})
            page.goto(f"{address}?{asked}&language={language}")
            page.wait_for_function("globalThis.tiles")
            page.evaluate(f"() => {done}")
            page.wait_for_selector("[data-speaks]")
            page.wait_for_function("document.querySelectorAll('video:not([hidden])').length > 6")
            _shoot(page, f"{name}-{size}-dark-{language}", full=False)
            page.close()


def _shoot(page: Page, name: str, full: bool) -> None:
    page.mouse.move(1, 1)
    page.wait_for_function("() => document.getAnimations().every(a => a.playState === 'finished')")
    path = FOLDER / f"{name}.png"
    image = Image.open(io.BytesIO(page.screenshot(full_page=full))).convert("RGB")
    # Flat colours: a palette of the most frequent keeps what is seen in a third of the bytes.
    counted = image.getcolors(image.width * image.height) or []
    palette = Image.new("P", (1, 1))
    palette.putpalette([part for _, colour in sorted(counted)[-256:] for part in colour])
    image.quantize(palette=palette, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path.relative_to(CHECKOUT)}  {path.stat().st_size // 1024} KB", flush=True)


if __name__ == "__main__":
    main()
