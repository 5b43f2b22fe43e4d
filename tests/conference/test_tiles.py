"""Participants on the screen: where they stand; a picture that moves never begins anew."""

from __future__ import annotations

import pytest
from support.axe import faults as axe_faults
from support.screen import SIZES, chromium, watch
from support.tiles import serving

PLACES = """() => [...document.querySelectorAll('.conference-tile:not([hidden])')].map(one => {
  const {x, y, width, height} = one.getBoundingClientRect();
  return {x, y, width, height, who: one.dataset.who, large: one.hasAttribute('data-large')};
})"""
MOVES = """async () => {
  const pen = new OffscreenCanvas(32, 18).getContext('2d', {willReadFrequently: true});
  const seen = new Map();
  for (let n = 0; n < 12; n += 1) {
    const shown = '.conference-tile:not([hidden]) video:not([hidden])';
    for (const video of document.querySelectorAll(shown)) {
      pen.drawImage(video, 0, 0, 32, 18);
      const said = String(pen.getImageData(0, 0, 32, 18).data);
      if (!seen.has(video)) seen.set(video, new Set());
      seen.get(video).add(said);
    }
    await new Promise(done => setTimeout(done, 100));
  }
  return [...seen.values()].filter(one => one.size > 2).length;
}"""


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def page(browser):
    with serving() as address:
        page = browser.new_page()
        page.address = address
        faults = watch(page)
        yield page
        page.close()
        assert faults == []


def show(page, size, query):
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    page.goto(f"{page.address}?{query}")
    page.wait_for_function("globalThis.tiles")
    page.wait_for_selector(".conference-tile:not([hidden])")
    page.evaluate("() => new Promise(go => requestAnimationFrame(() => requestAnimationFrame(go)))")


def whole(places, size):
    """Nothing is cut off and nothing lies over another."""
    width, height = SIZES[size]
    for place, one in enumerate(places):
        assert one["x"] >= 0
        assert one["y"] >= 0
        assert one["x"] + one["width"] <= width
        assert one["y"] + one["height"] <= height
        for other in places[place + 1 :]:
            beside = (
                one["x"] + one["width"] <= other["x"] + 1
                or other["x"] + other["width"] <= one["x"] + 1
            )
            below = (
                one["y"] + one["height"] <= other["y"] + 1
                or other["y"] + other["height"] <= one["y"] + 1
            )
            assert beside or below, (one, other)


@pytest.mark.parametrize("size", ["wall", "laptop", "phone"])
def test_from_1_to_45_all_are_seen_as_large_as_they_can_be(page, size):
    show(page, size, "count=1&view=all&rate=1")
    width, height = SIZES[size]
    for count in (1, 2, 3, 5, 9, 16, 25, 36, 44, 45):
        page.evaluate("count => room.count(count)", count)
        page.wait_for_function(
            "count => document.querySelectorAll('.conference-tile:not([hidden])').length === count",
            arg=count,
        )
        places = page.evaluate(PLACES)
        whole(places, size)
        shapes = {round(one["width"] / one["height"], 1) for one in places}
        assert len(shapes) == 1
        assert min(shapes) > 0.7
        assert max(shapes) <= 1.8
        # No other number of columns gives pictures of 16:9 that are larger by more than the edges.
        best = max(
            min(width / columns, height / -(-count // columns) * 16 / 9)
            for columns in range(1, count + 1)
        )
        assert places[0]["width"] * places[0]["height"] >= 0.9 * best**2 * 9 / 16


def test_pictures_move_and_are_never_made_anew(page):
    show(page, "wall", "count=45&size=wall&view=all&rate=10")
    assert page.evaluate(MOVES) == 45 - 6, "six of them have no camera"
    page.evaluate("() => { globalThis.before = [...document.querySelectorAll('video')]; }")
    page.evaluate("() => { tiles.view('speaker'); room.say('p7'); room.screen('p3'); }")
    page.wait_for_selector(".conference-show[data-large]")
    page.evaluate("() => { tiles.view('all'); room.say('p2', 'p30'); }")
    page.wait_for_selector("[data-who=p30][data-speaks]")
    same = "() => before.every(one => one.isConnected && (one.hidden || !one.paused))"
    assert page.evaluate(same)


def test_who_speaks_is_marked_by_more_than_colour(page):
    show(page, "laptop", "count=6&view=speaker")
    page.evaluate("() => room.say('p3')")
    large = page.locator("[data-who=p3][data-large][data-speaks]")
    large.wait_for()
    assert large.locator(".conference-speaks").is_visible()
    assert large.get_attribute("aria-label") == "James O'Neill, speaks"
    assert page.evaluate("() => large.at(-1)") == "p3"
    # Who falls silent stays until somebody else speaks; oneself is never made large for it.
    page.evaluate("() => room.say()")
    page.evaluate("() => room.say('p0')")
    page.wait_for_selector("[data-who=p0][data-speaks]")
    assert page.get_attribute("[data-large]", "data-who") == "p3"
    assert page.get_attribute("[data-who=p1]", "aria-label") == "Amélie Laurent-Dubois, host"
    assert page.get_attribute("[data-who=p2]", "aria-label") == "Lee Doyun, microphone off", (
        "a quality that is fair is not worth a word"
    )


def test_what_is_shown_is_large_and_the_others_beside_it(page):
    for size in SIZES:
        show(page, size, "count=9&view=all")
        page.evaluate("() => room.screen('p3')")
        page.wait_for_selector(".conference-show[data-large][data-source=screen]")
        places = page.evaluate(PLACES)
        whole(places, size)
        assert len(places) == 10
        [shown] = [one for one in places if one["large"]]
        assert all(shown["width"] * shown["height"] > 3 * o["width"] * o["height"]
                   for o in places if not o["large"])  # fmt: skip


def test_a_material_is_an_image_that_runs_and_loads_nothing(page):
    show(page, "laptop", "count=3")
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate("""() => room.show(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 20">
      <script>parent.ran = true; globalThis.ran = true</script>
      <image href="http://192.0.2.1/pixel.png" width="1" height="1"/>
      <rect width="40" height="20" fill="#00aa00" onload="parent.ran = true"/></svg>`, "Fires")""")
    page.wait_for_function("() => document.querySelector('.conference-show img')?.naturalWidth > 0")
    assert page.get_attribute(".conference-show", "aria-label").startswith("Fires · Shown by")
    assert not [url for url in asked if not url.startswith("blob:")]
    assert not page.evaluate("() => globalThis.ran ?? false")
    page.evaluate("() => room.show(null)")
    page.wait_for_selector(".conference-show", state="detached")


def test_a_touch_makes_large_and_arrows_lead(page):
    show(page, "laptop", "count=9&view=all")
    page.click("[data-who=p4]")
    page.wait_for_selector("[data-who=p4][data-large][aria-pressed=true]")
    page.keyboard.press("Enter")
    page.wait_for_function("() => !document.querySelector('[data-large]')")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.dataset.who") == "p5"
    page.keyboard.press("ArrowUp")
    assert page.evaluate("document.activeElement.dataset.who") == "p2"
    assert axe_faults(page) == []
