"""What stands behind an open dashboard dies: the page says so, and comes back as it was."""

from __future__ import annotations

from datetime import datetime

import pytest
from support.screen import SIZES, expected, open_dashboard, settled, wait_for_colours

from citylib.look import figures
from citylib.panels.picture import reading as reads

INDICATOR, AREA, TIME = "fires", "11010", datetime(2022, 11, 1)
VIEW = f"&indicator={INDICATOR}&time={TIME.isoformat(timespec='minutes')}&area={AREA}"


@pytest.fixture
def page(browser, session):
    """A page on which things may go wrong."""
    width, height = SIZES["laptop"]
    context = browser.new_context(
        viewport={"width": width, "height": height}, storage_state=session
    )
    page = context.new_page()
    page.set_default_timeout(60_000)
    yield page
    context.close()


def kernel_process(page, platform):
    kernel = page.evaluate("jupyterapp.widgetManager.kernel.id")
    (process,) = platform.find(f"kernel-{kernel}")
    return process


def shows_the_view(page, city, array, language):
    """The chosen view, to the last figure."""
    settled(page, reads.at(array, TIME)[AREA])
    wait_for_colours(page, expected(city, array, TIME))
    period = figures.period(TIME, "month", language)
    page.wait_for_selector(f".city-time output:text-is('{period}')")
    page.wait_for_selector(f"path.area-{AREA}[aria-pressed=true]")
    page.wait_for_selector(f".tile[data-indicator={INDICATOR}][aria-pressed=true]")
    assert page.input_value(".city-map-heading .choice select") == INDICATOR
    assert page.inner_text(".city-map-heading .place") == city.area_name(AREA, language)
    assert page.get_attribute("html", "lang") == language


def choose_the_view(page):
    page.click(f"[data-indicator={INDICATOR}]")
    page.wait_for_selector(f".tile[data-indicator={INDICATOR}][aria-pressed=true]")
    page.click(".city-time .earlier")
    page.focus(f"path.area-{AREA}")
    page.keyboard.press("Enter")


def is_dead(page):
    return page.evaluate("document.querySelector('.city-dashboard').closest('[inert]') !== null")


@pytest.mark.parametrize(
    ("part", "language", "says"),
    [
        ("kernel", "ko", r"^\d\d:\d\d부터 수치가 멈춰 있습니다"),
        ("-m citylib.serving", "en", r"^Figures stand still since \d\d:\d\d\."),
        ("configurable-http-proxy", "en", r"^Figures stand still since \d\d:\d\d\."),
        ("jupyterhub -f", "ko", r"^\d\d:\d\d부터 수치가 멈춰 있습니다"),
    ],
)
def test_what_is_killed_is_noticed_and_the_same_view_comes_back(
    page, platform, city, read, part, language, says
):
    array = read(INDICATOR)
    open_dashboard(page, platform.url, f"?language={language}")
    choose_the_view(page)
    shows_the_view(page, city, array, language)
    page.evaluate("window.stayed = true")
    if part == "kernel":
        kernel_process(page, platform).kill()
    else:
        (process,) = platform.find(part)
        process.kill()
    note = page.wait_for_selector(f"#still [lang={language}]:visible", timeout=15_000)
    assert page.evaluate("([text, says]) => new RegExp(says).test(text)", [note.inner_text(), says])
    assert is_dead(page)
    page.wait_for_function("!window.stayed && document.documentElement.dataset.settled")
    page.wait_for_selector("#first", state="detached")
    shows_the_view(page, city, array, language)
    assert page.locator("#still").is_hidden()
    assert not is_dead(page)
    # It is alive: the next touch changes figures again.
    page.click("[data-press=city]")
    settled(page, reads.at(array, TIME)[city.code])


def test_a_kernel_that_is_silent_is_noticed_and_goes_on_where_it_was(page, platform, city, read):
    open_dashboard(page, platform.url, "?language=en")
    page.evaluate("window.stayed = true")
    before = page.input_value(".city-map-heading .choice select")
    process = kernel_process(page, platform)
    process.suspend()
    try:
        page.select_option(".city-map-heading .choice select", "fires")
        page.click("[data-indicator=population]")
        page.click(".city-time .earlier")
        page.wait_for_selector("#still", state="visible", timeout=15_000)
        # Names of what was asked for do not stand over the figures that are still there.
        assert page.input_value(".city-map-heading .choice select") == before
        assert page.get_attribute("[data-indicator=population]", "aria-pressed") == "false"
        found = reads.reading(read(before), city.code, "en")
        period = figures.period(found.time, "day", "en")
        assert page.inner_text(".city-time output") == period
        assert is_dead(page)
    finally:
        process.resume()
    page.wait_for_selector("#still", state="hidden")
    assert not is_dead(page)
    assert page.evaluate("window.stayed")
    page.click("[data-indicator=fires]")
    settled(page, reads.reading(read("fires"), city.code, "en").value)


def test_an_address_shows_the_view_that_it_names(dashboard, city, read):
    page = dashboard(query=f"?language=ko{VIEW}")
    shows_the_view(page, city, read(INDICATOR), "ko")


def test_the_newest_period_is_not_pinned_and_an_untouched_address_stays(dashboard):
    page = dashboard(query="?language=en")
    assert page.url.endswith("?language=en")
    page.click("[data-indicator=fires]")
    page.wait_for_url("**/mayor.ipynb?language=en&indicator=fires")
    page.click(".city-time .earlier")
    page.wait_for_url("**/mayor.ipynb?language=en&indicator=fires&time=*")
    page.click(".city-time .later")
    page.wait_for_url("**/mayor.ipynb?language=en&indicator=fires")
    page.click("[data-press='language:ko']")
    page.wait_for_url("**/mayor.ipynb?language=ko&indicator=fires")


def test_an_address_that_names_nothing_shows_the_page_as_ever(dashboard, city, read):
    query = "?language=xx&indicator=nothing&area=1&time=yesterday"
    page = dashboard(query=query)
    name = page.input_value(".city-map-heading .choice select")
    settled(page, reads.reading(read(name), city.code, "en").value)
