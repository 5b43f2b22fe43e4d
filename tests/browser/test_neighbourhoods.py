"""An indicator of a finer level than the districts, on the dashboard."""

import pytest

from citylib.panels.picture import reading as reads

INDICATOR = "fires_in_buildings"


@pytest.fixture
def page(dashboard):
    page = dashboard(query="?language=ko")
    page.select_option(".city-map-heading .choice select", INDICATOR)
    page.wait_for_function("document.querySelectorAll('.city-map path.area').length === 423")
    page.wait_for_function("document.querySelectorAll('path[data-paint^=class]').length > 400")
    return page


def test_every_neighbourhood_says_its_figure_and_stands_below_the_lines(page, city, read):
    array = read(INDICATOR)
    values = reads.at(array, reads.reading(array, city.code, "ko").time)
    labels = page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll('.city-map path.area')]
          .map(path => [path.dataset.area, path.getAttribute('aria-label')]))"""
    )
    assert set(labels) == set(city.levels["neighbourhood"].areas)
    for code, text in labels.items():
        value = values[code]
        shown = "자료 없음" if value != value else f"{value:.0f}"
        assert text == f"{reads.place_name(city, code, 'ko')}: {shown}"
    last = page.evaluate(
        "[...document.querySelectorAll('.city-map path')].at(-1).getAttribute('class')"
    )
    assert "basemap-" in last


def test_a_finger_chooses_a_neighbourhood(page, city, read):
    array = read(INDICATOR)
    box = page.locator("path.area-1101056").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert page.inner_text(".city-areas .tip").startswith("종로구 평창동: ")
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_selector(".city-map-heading .shown[data-area='1101056']")
    assert "종로구 평창동" in page.inner_text(".city-map-heading .place")
    found = reads.reading(array, "1101056", "ko")
    told = page.get_attribute(".city-map-heading .shown data", "value")
    assert float(told) == found.value
    page.wait_for_selector(".city-aside .rank [aria-pressed=true] .name:has-text('평창동')")


def test_tab_reaches_one_and_arrows_the_next(page):
    stops = page.locator(".city-map path.area[tabindex='0']")
    assert stops.count() == 1
    stops.focus()
    seen = [page.evaluate("document.activeElement.dataset.area")]
    for key in ("ArrowDown", "ArrowRight", "ArrowUp"):
        page.keyboard.press(key)
        seen.append(page.evaluate("document.activeElement.dataset.area"))
    assert len(set(seen)) >= 3
    assert stops.count() == 1
    assert page.locator(".city-areas .tip").is_visible()
    page.keyboard.press("Enter")
    page.wait_for_selector(f".city-map-heading .shown[data-area='{seen[-1]}']")
    assert page.evaluate("document.activeElement.dataset.area") == seen[-1], "the focus stays"


def test_back_at_the_districts_tab_reaches_each(page):
    page.select_option(".city-map-heading .choice select", "population")
    page.wait_for_function("document.querySelectorAll('.city-map path.area').length === 25")
    page.wait_for_function("document.querySelectorAll('path[data-paint^=class]').length === 25")
    assert page.locator(".city-map path.area[tabindex='0']").count() == 25
