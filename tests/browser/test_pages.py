"""Pages of the dashboard: domains, layers and targets, and the way between them."""

import pytest
from support.screen import SIZES, settled, too_small, wait_for_colours

from citylib.panels.domains import domains_of
from citylib.panels.picture import reading as reads

PLEDGE = ".city-pledges .pledge button"


def test_what_is_beyond_its_threshold_leads(dashboard, city, read):
    page = dashboard()
    names = page.eval_on_selector_all(".domain .tile", "all => all.map(e => e.dataset.indicator)")
    assert len(names) == len(city.domains)
    found = {name: read(name) for name in names}
    [lead, *_] = domains_of(city, found, names, "en")
    assert names[0] == lead.head.id
    assert lead.head.beyond, "an hour of bad air"
    assert page.inner_text(".domain.lead .state").strip().startswith(lead.head.grade.word)
    sizes = page.eval_on_selector_all(
        ".domain .tile-figure", "all => all.map(e => parseFloat(getComputedStyle(e).fontSize))"
    )
    assert sizes[0] > 1.8 * max(sizes[1:]), "it is the largest by far"


def test_a_domain_opens_and_closes_by_touch_and_key(dashboard, city, read):
    page = dashboard()
    page.focus("[data-press='domain:safety']")
    page.keyboard.press("Enter")
    page.wait_for_selector(".domain-top h2:has-text('Safety')")
    page.wait_for_url("**domain=safety**")
    assert page.evaluate("document.activeElement.dataset.press") == "domain:", "the way back"
    page.click("[data-indicator=fire_deaths]")
    found = reads.reading(read("fire_deaths"), city.code, "en")
    settled(page, found.value)
    page.focus("[data-press='domain:']")
    page.keyboard.press("Enter")
    page.wait_for_selector(".domain.lead")


def test_a_list_stays_where_it_was_scrolled_to(dashboard, city, read):
    page = dashboard(query="?language=en&domain=air")
    page.wait_for_selector(".domain-list")
    last = page.locator(".domain-list .tile").last
    last.scroll_into_view_if_needed()
    before = page.evaluate("document.querySelector('.domain-list').scrollTop")
    assert before > 0
    last.click()
    name = last.get_attribute("data-indicator")
    settled(page, reads.reading(read(name), city.code, "en").value)
    assert page.evaluate("document.querySelector('.domain-list').scrollTop") == before


def test_layers_are_switched_and_kept_in_the_address(dashboard, city):
    page = dashboard()
    page.click("[data-press='layer:coverage']")
    page.wait_for_selector("[data-press='layer:coverage'][aria-pressed=true]")
    page.wait_for_url("**layer=coverage**")
    page.click("[data-press='layer:neighbourhood']")
    page.wait_for_function("document.querySelectorAll('.city-map path.area').length === 423")
    page.click("[data-press='layer:district']")
    page.wait_for_function("document.querySelectorAll('.city-map path.area').length === 25")
    page.select_option(".layers select", "layer:density-bike_stations")
    page.wait_for_selector(".city-map path.cell.class-5")
    wait_for_colours(page, dict.fromkeys(city.levels["district"].areas, "plain"))
    page.click("[data-press='layer:district']")
    page.wait_for_selector(".city-map path.cell", state="detached")


def test_areas_past_the_threshold_are_edged_above_their_neighbours(dashboard, city, read):
    page = dashboard()
    array = read("pm25")
    values = reads.at(array, reads.reading(array, city.code, "en").time)
    past = [code for code in city.levels["district"].areas if values[code] > 35]
    page.select_option(".city-map-heading .choice select", "pm25")
    page.wait_for_function("count => document.querySelectorAll('path.mark').length === count",
                           arg=len(past))  # fmt: skip
    drawn = page.eval_on_selector_all("path.mark", "all => all.map(e => e.getAttribute('d'))")
    areas = [page.get_attribute(f"path.area-{code}", "d") for code in past]
    assert sorted(drawn) == sorted(areas)


def test_back_leads_from_page_to_page(dashboard):
    page = dashboard()
    page.click("[data-press='page:pledges']")
    page.wait_for_selector(PLEDGE)
    page.wait_for_url("**page=pledges**")
    page.wait_for_selector(".city-map-heading", state="hidden")
    page.go_back()
    page.wait_for_selector(".city-map-heading", state="visible")
    page.wait_for_selector("[data-press='page:glance'][aria-current=page]")
    page.go_forward()
    page.wait_for_selector(PLEDGE, state="visible")


@pytest.mark.parametrize("size", list(SIZES))
def test_the_targets_fit_every_screen(dashboard, size):
    page = dashboard(size, "?language=ko&page=pledges&area=11130")
    page.wait_for_selector(PLEDGE)
    assert too_small(page) == []
    width, _ = SIZES[size]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    cut = page.eval_on_selector_all(
        ".pledge *:not(svg *)",
        """all => all.filter(e => getComputedStyle(e).display !== 'inline' &&
          e.scrollWidth > e.clientWidth + 1 && !e.matches('.hidden, svg'))
          .map(e => e.className + e.textContent)""",
    )
    assert cut == []
    states = page.eval_on_selector_all(PLEDGE, "all => all.map(e => e.dataset.state)")
    assert {"late", "on_track", "met", "unknown"} >= set(states)
    assert len(states) >= 5


def test_a_target_leads_to_its_indicator(dashboard):
    page = dashboard(query="?language=en&page=pledges")
    page.click(PLEDGE)
    page.wait_for_url("**page=indicator**")
