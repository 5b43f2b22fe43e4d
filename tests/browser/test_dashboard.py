import math
import re

import pytest
from support.screen import (
    SIZES,
    colours_seen,
    expected,
    open_dashboard,
    settled,
    sign_in,
    too_small,
    wait_for_colours,
)

from citylib.indicators.cube import Cube
from citylib.indicators.refresh import announce
from citylib.look import figures
from citylib.operations.store import Store
from citylib.panels.picture import reading as reads
from citylib.panels.picture.grade import grade


def middle_of(page, code):
    """A point of the screen at which this area is what is touched."""
    return page.evaluate(
        """code => {
          const box = document.querySelector(`path.area-${code}`).getBoundingClientRect();
          for (let i = 1; i < 12; i++) for (let j = 1; j < 12; j++) {
            const x = box.left + box.width * i / 12, y = box.top + box.height * j / 12;
            if (document.elementFromPoint(x, y)?.dataset?.area === code) return [x, y];
          }
        }""",
        code,
    )


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_every_district_has_the_colour_of_its_figure(dashboard, city, read, theme):
    page = dashboard(query=f"?language=en&theme={theme}")
    page.click("[data-indicator=population]")
    classes = expected(city, read("population"))
    wait_for_colours(page, classes)
    page.mouse.move(1, 1)
    assert colours_seen(page, theme) == classes


def test_a_tile_switches_map_figure_and_time(dashboard, city, read):
    page = dashboard()
    array = read("fires")
    found = reads.reading(array, city.code, "en")
    tile = page.locator("[data-indicator=fires]")
    assert float(tile.locator("data").get_attribute("value")) == found.value
    tile.click()
    settled(page, found.value)
    assert tile.get_attribute("aria-pressed") == "true"
    period = figures.period(found.time, "month", "en")
    page.wait_for_selector(f".city-time output:text-is('{period}')")
    wait_for_colours(page, expected(city, array))


def test_a_district_switches_figure_and_charts(dashboard, city, read):
    page = dashboard()
    code = list(city.levels["district"].areas)[-1]
    array = read(page.input_value(".city-map-heading .choice select"))
    time = reads.reading(array, city.code, "en").time
    page.mouse.click(*middle_of(page, code))
    values = reads.at(array, time)
    settled(page, values[code])
    name = city.area_name(code, "en")
    assert page.inner_text(".city-map-heading .place") == name
    page.wait_for_selector(f".city-trend .key-first:has-text('{name}')")
    order = reads.ranked(values, reads.districts(array, city.code))
    note = f"{order.index(code) + 1} of 25"
    page.wait_for_selector(f".city-ranks .key-first:has-text('{note}')")
    row = page.locator(f".city-ranks [data-press='area:{code}'][aria-pressed=true]")
    assert float(row.locator("data").get_attribute("value")) == values[code]
    row.click()
    settled(page, values[city.code])
    page.mouse.click(*middle_of(page, code))
    settled(page, values[code])
    page.click("[data-press=city]")
    settled(page, values[city.code])


def test_a_district_can_be_chosen_by_key_and_says_what_it_is(dashboard, city, read):
    page = dashboard()
    code = "11010"
    array = read(page.input_value(".city-map-heading .choice select"))
    found = reads.reading(array, city.code, "en")
    value = reads.at(array, found.time)[code]
    path = page.locator(f"path.area-{code}")
    path.focus()
    says = f"{city.area_name(code, 'en')}: {figures.figure(value, found.units, 'en')}"
    says += f" · {grade(array, value, 'en').word}"
    assert path.get_attribute("aria-label") == says
    assert page.inner_text(".tip") == says
    page.keyboard.press("Enter")
    settled(page, value)
    page.wait_for_selector(f"path.area-{code}[aria-pressed=true]")
    assert page.evaluate("document.activeElement.dataset.area") == code
    # Its edge is whole, above its neighbours, and goes with the map.
    same = "document.querySelector('path.edge').getAttribute('d') === " + (
        f"document.querySelector('path.area-{code}').getAttribute('d')"
    )
    assert page.evaluate(same)
    before = path.get_attribute("d")
    page.click(".leaflet-control-zoom-in")
    page.wait_for_function(
        "([path, d]) => path.getAttribute('d') !== d", arg=[path.element_handle(), before]
    )
    page.wait_for_function(same)
    # The next one by key is its neighbour in the list, as before.
    path.focus()
    page.keyboard.press("Tab")
    codes = list(city.levels["district"].areas)
    following = codes[codes.index(code) + 1]
    assert page.evaluate("document.activeElement.dataset.area") == following
    page.keyboard.press(" ")
    settled(page, reads.at(array, found.time)[following])
    assert page.evaluate("document.activeElement.dataset.area") == following


def test_who_is_signed_in_is_said_and_signs_out(browser, platform):
    context = browser.new_context()
    page = context.new_page()
    try:
        sign_in(page, platform.url, "official", platform.accounts["official"])
        open_dashboard(page, platform.url, "?language=en")
        page.wait_for_selector(".city-account a")
        assert page.locator(".city-account").inner_text().split() == ["official", "Sign", "out"]
        page.click(".city-account a")
        page.wait_for_url("**/hub/login**")
        page.goto(platform.url + "/services/dashboards/")
        page.wait_for_url("**/hub/login**")
    finally:
        context.close()


def test_language_and_theme_are_switched_on_the_page_and_kept(dashboard, city):
    page = dashboard()
    page.click("[data-press='language:ko']")
    name = city.area_name(city.code, "ko")
    page.wait_for_selector(f"h1:has-text('{name}')")
    assert page.get_attribute("html", "lang") == "ko"
    page.wait_for_selector(f".city-ranks .name:has-text('{city.area_name('11020', 'ko')[-1]}')")
    page.click("[data-press='theme:light']")
    page.wait_for_selector("html[data-theme=light]")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert min(map(int, re.findall(r"\d+", ground))) > 200
    page.goto(page.url.split("?")[0])
    page.wait_for_selector(".city-header [data-press='language:ko'][aria-pressed=true]")
    assert page.get_attribute("html", "data-theme") == "light"


def test_an_indicator_without_a_tile_is_found_in_the_list(dashboard, city, read):
    page = dashboard()
    page.select_option(".city-map-heading .choice select", "population_density")
    array = read("population_density")
    settled(page, reads.reading(array, city.code, "en").value)
    wait_for_colours(page, expected(city, array))


def test_every_tile_says_the_cubes_figure(dashboard, city, read):
    page = dashboard()
    for tile in page.locator(".tile").all():
        found = reads.reading(read(tile.get_attribute("data-indicator")), city.code, "en")
        value = float(tile.locator("data").get_attribute("value"))
        assert value == found.value or (math.isnan(value) and math.isnan(found.value))
        assert figures.compact(found.value, "en") in tile.inner_text()
        assert found.when("en") in tile.inner_text()


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("size", list(SIZES))
def test_nothing_is_cut_or_out_of_reach(dashboard, size, language):
    page = dashboard(size, f"?language={language}")
    page.wait_for_selector(".city-account a")
    wide, high = page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
    )
    width, height = SIZES[size]
    assert wide <= width, "nothing to scroll sideways"
    if size != "phone":
        assert high <= height, "all in one view"
    small = page.evaluate(
        """() => [...document.querySelectorAll('button, select, input, a')]
          .filter(e => e.checkVisibility())
          .map(e => [e.className || e.tagName, e.getBoundingClientRect()])
          .filter(([, box]) => box.width < 47.9 || box.height < 47.9)
          .map(([name, box]) => `${name}: ${box.width}x${box.height}`)"""
    )
    assert small == [], "touch targets are 48 px at least"
    cut = page.evaluate(
        """() => [...document.querySelectorAll(
            '.tile, .tile *, h1, h2, h3, .city-time output, .city-account *, p, .edge, .pledge *')]
          .filter(e => !e.closest('svg') && !e.matches('.hidden, .hidden *') &&
            e.checkVisibility({visibilityProperty: true}) &&
            (e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== 'inline' ||
             e.matches('.tile') && e.scrollHeight > e.clientHeight + 1))
          .map(e => `${e.className}: ${e.textContent}`)"""
    )
    assert cut == []
    over = page.evaluate(
        """() => {
          const boxes = [...document.querySelectorAll(
            'h1, .city-header nav, .city-clock, .choices, .city-sources, .city-account')]
            .filter(e => e.checkVisibility())
            .map(e => e.getBoundingClientRect());
          return boxes.some((a, i) => boxes.slice(i + 1).some(b => a.left < b.right - 1 &&
            b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1));
        }"""
    )
    assert not over, "nothing at the top lies over something else"
    page.focus("path.area-11130")
    page.keyboard.press("Enter")
    page.wait_for_selector("path.area-11130[aria-pressed=true]")
    assert too_small(page) == [], "with an area chosen"


def test_type_on_the_wall_is_read_from_four_metres(dashboard):
    """3840 px are 3.63 m: what carries meaning is at least 24 px, headline figures 50 px high."""
    page = dashboard("wall")
    small = page.evaluate(
        """() => [...document.querySelectorAll(
            '.tile *, .city-map-heading *, .city-legend *, .city-time output, .city-ranks *,' +
            '.city-trend h3, .verdict, .city-header *, .city-footer *')]
          .filter(e => e.textContent.trim() && e.checkVisibility() &&
            !e.matches('.hidden, option, optgroup'))
          .map(e => [parseFloat(getComputedStyle(e).fontSize), e.textContent])
          .filter(([size]) => size < 24)"""
    )
    assert small == []
    # Letters of an SVG grow with it.
    small = page.evaluate(
        """() => [...document.querySelectorAll('.city-trend text')]
          .map(e => parseFloat(getComputedStyle(e).fontSize) * e.getScreenCTM().a)
          .filter(size => size < 24)"""
    )
    assert small == []
    figure = "parseFloat(getComputedStyle(document.querySelector('.tile-figure')).fontSize)"
    assert page.evaluate(figure) >= 50


def test_the_first_bytes_say_what_is_coming(platform, city):
    client = platform.client("mayor")
    with client.stream("GET", "/services/dashboards/voila/render/mayor.ipynb") as answer:
        text = "".join(answer.iter_text())
    first = text[: text.index('rendered_cells">')]
    assert f"{city.area_name(city.code, 'ko')} 현황판" in first
    assert "잠시만 기다려 주세요" in first
    assert "https://" not in re.sub(r"<style>.*?</style>", "", text, flags=re.S)


def test_new_figures_appear_without_a_reload(dashboard, platform):
    page = dashboard()
    page.evaluate("window.stayed = true")
    page.click(".city-domains .tile[data-indicator=fires]")
    page.wait_for_selector(".city-domains .tile[data-indicator=fires][aria-pressed=true]")
    cube = Cube(platform.settings.cube)
    before = {name: cube.read(name).load() for name in cube.ids()}
    changed = {name: array.copy() for name, array in before.items()}
    changed["fires"][-1, 0] = 12_345
    with Store(platform.settings.database) as store:
        try:
            cube.write(changed, cube.attrs)
            announce(cube, store)
            page.wait_for_selector(".tile[data-indicator=fires]:has-text('12,345')")
            assert page.evaluate("window.stayed")
            assert page.locator(".tile[data-indicator=fires][aria-pressed=true]").count() == 1
        finally:
            cube.write(before, cube.attrs)
            announce(cube, store)
        page.wait_for_selector(".tile[data-indicator=fires]:not(:has-text('12,345'))")


def test_a_figure_of_the_city_alone_leaves_no_bars_of_another(dashboard):
    page = dashboard()
    page.select_option(".city-map-heading .choice select", "fire_damage")
    page.wait_for_selector(".city-ranks .bar")
    page.select_option(".city-map-heading .choice select", "covid_confirmed")
    page.wait_for_selector(".city-ranks .bar", state="detached")
    page.select_option(".city-map-heading .choice select", "no2")
    page.wait_for_selector(".city-ranks .bar")
