import pytest
from support.screen import PUBLIC, SIZES, watch

from citylib.panels.picture import reading as reads


@pytest.fixture
def visit(browser, platform):
    """Opens public pages without signing in; nothing may go wrong on them."""
    contexts, faults = [], []

    def open_it(path="", size="laptop", **options):
        width, height = SIZES[size]
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        faults.append(watch(page))
        page.goto(platform.url + PUBLIC + path)
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert [fault for page in faults for fault in page] == []


def test_a_citizen_comes_from_the_front_door_to_a_coloured_map(browser, platform, city, read):
    page = browser.new_page()
    page.goto(platform.url)
    assert PUBLIC in page.url
    fills = page.evaluate(
        "[...document.querySelectorAll('svg.map path.area')].map(p => getComputedStyle(p).fill)"
    )
    assert len(fills) == 25
    assert len(set(fills)) >= 4
    box = page.locator("svg.map").bounding_box()
    assert box["height"] > 200
    page.close()


def test_a_tile_leads_to_its_map_and_the_figures_are_the_cubes(visit, city, read):
    page = visit("en/")
    page.click(".tile:has-text('Population')")
    array = read("population")
    found = reads.reading(array, city.code, "en")
    assert page.inner_text("h1") == "Population"
    for code, value in reads.at(array, found.time).items():
        if code != city.code:
            path = page.locator(f"svg.map path[data-area='{code}']")
            assert float(path.get_attribute("data-value")) == value
            row = page.locator("tr", has_text=city.area_name(code, "en")).first
            assert float(row.locator("data").get_attribute("value")) == value


def test_nothing_that_is_not_public_is_reachable(visit, platform, read):
    page = visit("en/")
    assert "Internal" not in page.inner_text("body")
    assert platform.client().get(f"{PUBLIC}indicator/fire_response_time/").status_code == 404


@pytest.mark.parametrize("path", ["", "en/", "en/indicator/population/"])
def test_a_phone_scrolls_down_only_and_has_room_for_fingers(visit, path):
    page = visit(path, "phone")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    low = page.evaluate(
        """() => [...document.querySelectorAll('nav a, a.tile')]
          .filter(a => a.getBoundingClientRect().height < 47.9).map(a => a.textContent)"""
    )
    assert low == []


def test_it_is_read_without_scripts_and_in_the_dark(visit):
    page = visit("en/", java_script_enabled=False, color_scheme="dark")
    assert page.locator("svg.map path.area").count() == 25


@pytest.mark.parametrize("where", ["public", "dashboard"])
def test_a_browser_without_korean_letters_gets_them_here(visit, dashboard, where):
    page = visit() if where == "public" else dashboard()
    page.wait_for_function(
        """async () => (await document.fonts.load('16px "Noto Sans KR Variable"', '서울'))
          .some((face) => face.status === "loaded")"""
    )
