"""An area's profile and an indicator's page in a real browser."""

import csv
import io

import numpy as np
import pyarrow.parquet as pq
import pytest
from support.screen import SIZES, too_small

from citylib.panels.picture import reading as reads

AREA = "11130"
PAGE = f"?language=en&page=indicator&indicator=pm25&area={AREA}"
PROFILE = f"?language=en&page=district&area={AREA}"
SURFACE = ".page-indicator .city-zoom .surface"


def opened(dashboard, size="laptop", query=PAGE):
    """The dashboard with one of the two pages in front, drawn."""
    page = dashboard(size, query)
    if "page=indicator" in query:
        page.wait_for_selector(".page-indicator:not(.away) .chart-range .bqplot g.axis .tick text")
        page.wait_for_selector(f"{SURFACE}[aria-valuetext]")
    else:
        page.wait_for_selector(".page-district:not(.away) .standing")
    return page


def span(page):
    """First and last date on the axis of the history, and what the range's keys say."""
    page.wait_for_timeout(0)
    return page.eval_on_selector_all(
        ".page-indicator .chart-range .bqplot g.axis .tick text",
        "all => all.map(e => e.textContent).filter(text => /[A-Za-z]|\\d{4}/.test(text))",
    )


def changed(page, before):
    """Wait until the dates on the axis are others."""
    page.wait_for_function(
        """before => JSON.stringify([...document.querySelectorAll(
            '.page-indicator .chart-range .bqplot g.axis .tick text')]
          .map(e => e.textContent).filter(text => /[A-Za-z]|\\d{4}/.test(text))) !== before""",
        arg=str(before).replace("'", '"').replace(", ", ","),
    )
    return span(page)


def box(page):
    return page.locator(SURFACE).bounding_box()


def test_a_card_leads_to_its_indicator_and_back_again(dashboard, city, read):
    page = opened(dashboard, query=PROFILE)
    shown = {}
    for card in page.locator(".standing").all():
        shown[card.get_attribute("data-indicator")] = card
    for name, card in shown.items():
        found = reads.reading(read(name), AREA, "en")
        value = float(card.locator(".tile-figure data").get_attribute("value"))
        assert value == found.value
        assert found.when("en") in card.inner_text()
    shown["elderly_share"].click()
    page.wait_for_selector(".page-indicator:not(.away) .shown[data-area='11130']")
    page.wait_for_url("**page=indicator**")
    value = reads.reading(read("elderly_share"), AREA, "en").value
    page.wait_for_function(
        "value => Number(document.querySelector('.page-indicator .shown data').value) === value",
        arg=value,
    )
    page.go_back()
    page.wait_for_selector(".page-district:not(.away) .standing")
    page.click(".page-district [data-press='page:glance']")
    page.wait_for_selector(".page-glance:not(.away)")


def test_a_neighbour_and_the_map_lead_to_other_profiles(dashboard, city):
    page = opened(dashboard, query=PROFILE)
    name = city.area_name("11010", "en")
    page.click(f".near [data-press='district:11010']:has-text('{name}')")
    page.wait_for_selector(f".page-district h2:text-is('{name}')", state="attached")
    page.wait_for_url("**area=11010**")
    page.select_option(".page-district select", "district:11250")
    page.wait_for_selector(".locator .place.own[data-press='district:11250']")
    page.locator(".locator .place.own").wait_for()
    page.locator(f".locator [data-press='district:{AREA}']").dispatch_event("click")
    page.wait_for_selector(f".locator .place.own[data-press='district:{AREA}']")


def test_a_link_shows_the_same_page_to_a_colleague(dashboard, city, read):
    page = opened(dashboard)
    page.click(".chart-ranks [data-area='11010']")
    page.wait_for_url("**area=11010**")
    page.focus(SURFACE)
    page.keyboard.press("ArrowLeft")
    page.wait_for_url("**time=**")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.click(".city-take .copy")
    page.wait_for_selector(".city-take .told:has-text('Link copied')")
    link = page.evaluate("navigator.clipboard.readText()")
    assert link == page.url
    other = opened(dashboard, query="?" + link.partition("?")[2])
    other.wait_for_selector(".page-indicator .shown[data-area='11010']")
    shown = other.get_attribute(".page-indicator .shown data", "value")
    assert shown == page.get_attribute(".page-indicator .shown data", "value")
    array = read("pm25")
    newest = int(np.flatnonzero(array["time"].values == reads.times_of(array)[-1])[0])
    assert float(shown) == float(array.sel(area="11010")[newest - 1])


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("name", ["fires_reached_late", "pm25"])
def test_the_file_that_is_saved_holds_the_cubes_figures(dashboard, city, read, name, kind):
    page = opened(dashboard, query=PAGE.replace("pm25", name))
    with page.expect_download() as saving:
        page.click(f".city-take [data-wanted={kind}]")
    array = read(name)
    secret = "-internal" if name == "fires_reached_late" else ""
    assert saving.value.suggested_filename == f"{city.id}-{name}{secret}.{kind}"
    data = saving.value.path().read_bytes()
    if kind == "csv":
        rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))
        values = np.array([float(row["value"] or "nan") for row in rows])
        said = {row["classification"] for row in rows}
    else:
        table = pq.read_table(io.BytesIO(data))
        values = table["value"].to_numpy()
        said = set(table["classification"].to_pylist())
    assert np.array_equal(values, array.values.ravel(), equal_nan=True)
    assert said == {"internal" if secret else "public"}


def test_the_history_is_dragged_wheeled_and_moved_by_key(dashboard):
    page = opened(dashboard)
    before = span(page)
    area = box(page)
    x, y = area["x"] + area["width"] / 2, area["y"] + area["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 300, y, steps=6)
    page.mouse.up()
    dragged = changed(page, before)
    page.mouse.wheel(0, -800)
    wheeled = changed(page, dragged)
    page.focus(SURFACE)
    page.keyboard.press("0")
    whole = changed(page, wheeled)
    assert len({date[-4:] for date in whole}) > 1, "years apart"
    page.keyboard.press("+")
    grown = changed(page, whole)
    page.keyboard.press("PageUp")
    changed(page, grown)
    page.click(".ranges [data-press='range:month']")
    page.wait_for_selector(".ranges [data-press='range:month'][aria-pressed=true]")


def test_the_history_is_pinched_by_two_fingers(dashboard):
    page = opened(dashboard, "phone")
    page.locator(SURFACE).scroll_into_view_if_needed()
    before = span(page)
    area = box(page)
    y = area["y"] + area["height"] / 2
    middle = area["x"] + area["width"] / 2
    client = page.context.new_cdp_session(page)

    def touch(kind, *xs):
        points = [{"x": x, "y": y, "id": place} for place, x in enumerate(xs)]
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", middle - 30, middle + 30)
    for reach in (50, 80, 110):
        touch("touchMove", middle - reach, middle + reach)
    touch("touchEnd")
    pinched = changed(page, before)
    touch("touchStart", middle)
    for step in (20, 50, 90):
        touch("touchMove", middle + step)
    touch("touchEnd")
    changed(page, pinched)


def test_a_touch_on_the_history_chooses_its_period(dashboard, read):
    page = opened(dashboard)
    area = box(page)
    page.mouse.click(area["x"] + area["width"] * 0.4, area["y"] + area["height"] / 2)
    page.wait_for_url("**time=**")
    time = np.datetime64(page.url.partition("time=")[2].partition("&")[0].replace("%3A", ":"))
    array = read("pm25")
    value = float(array.sel(area=AREA, time=time))
    page.wait_for_function(
        "value => Number(document.querySelector('.page-indicator .shown data').value) === value",
        arg=value,
    )
    page.wait_for_function(
        "([area, value]) => Number(document.querySelector("
        "`.chart-ranks [data-area='${area}'] data`).value) === value",
        arg=[AREA, value],
    )
    says = page.get_attribute(SURFACE, "aria-valuetext")
    assert says == page.inner_text(".city-zoom .tip")
    assert reads.reading(array, AREA, "en", time).when("en") in says


def test_without_a_mouse_every_row_is_reached(dashboard):
    page = opened(dashboard)
    page.focus(".chart-ranks [data-area='11010']")
    page.keyboard.press("Enter")
    page.wait_for_selector(".chart-ranks [data-area='11010'][aria-pressed=true]")
    assert page.evaluate("document.activeElement.dataset.press") == "area:11010"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.dataset.press").startswith("area:")
    page.focus(".chart-multiples [data-area='11020']")
    page.keyboard.press(" ")
    page.wait_for_selector(".chart-multiples [data-area='11020'][aria-pressed=true]")


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("query", [PAGE, PROFILE])
@pytest.mark.parametrize("size", list(SIZES))
def test_nothing_is_cut_or_out_of_reach(dashboard, size, query, language):
    page = opened(dashboard, size, query.replace("en", language, 1))
    wide, high = page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
    )
    assert wide <= SIZES[size][0], "nothing to scroll sideways"
    if size != "phone":
        assert high <= SIZES[size][1], "all in one view"
    small = page.evaluate(
        """() => [...document.querySelectorAll('.city-page:not(.away) :is(button, select)')]
          .filter(e => e.checkVisibility())
          .map(e => [e.className || e.tagName, e.getBoundingClientRect()])
          .filter(([, box]) => box.width < 47.9 || box.height < 47.9)
          .map(([name, box]) => `${name}: ${box.width}x${box.height}`)"""
    )
    assert small == [], "touch targets are 48 px at least"
    assert too_small(page) == [], "nor is any link or field"
    cut = page.evaluate(
        """() => [...document.querySelectorAll('.city-page:not(.away) :is(h3, p, dd, dt, li, ' +
            '.key, .standing, .standing *, .shown *, .says)')]
          .filter(e => !e.closest('svg') && !e.matches('.hidden, .hidden *') &&
            getComputedStyle(e).display !== 'inline' && e.scrollWidth > e.clientWidth + 1)
          .map(e => `${e.className || e.tagName}: ${e.textContent}`)"""
    )
    assert cut == []


@pytest.mark.parametrize("query", [PAGE, PROFILE])
def test_type_on_the_wall_is_read_from_four_metres(dashboard, query):
    page = opened(dashboard, "wall", query)
    small = page.evaluate(
        """() => [...document.querySelectorAll('.city-page:not(.away) *')]
          .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()) &&
            e.checkVisibility() && !e.matches('.hidden, .hidden *, title, option, optgroup'))
          .map(e => {
            const scale = e.closest('svg')?.getScreenCTM?.()?.a ?? 1;
            return [parseFloat(getComputedStyle(e).fontSize) * scale, e.textContent];
          })
          .filter(([size]) => size < 24)"""
    )
    assert small == []
