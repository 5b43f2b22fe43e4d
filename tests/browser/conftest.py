from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page
from support.screen import SIZES, chromium, open_dashboard, sign_in, watch

from citylib.city.profile import load_city
from citylib.indicators.cube import Cube


@pytest.fixture(scope="package")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="package")
def session(browser: Browser, platform):
    """What the mayor's browser keeps after signing in."""
    page = browser.new_page()
    sign_in(page, platform.url, "mayor", platform.accounts["mayor"])
    state = page.context.storage_state()
    page.context.close()
    # A choice of theme or language is the test's own.
    return {**state, "origins": []}


@pytest.fixture(scope="package")
def contexts(browser: Browser, session):
    """A browser of the mayor's for each size of screen, which keeps what it has fetched."""
    return {
        size: browser.new_context(
            viewport={"width": width, "height": height},
            has_touch=size != "laptop",
            storage_state=session,
        )
        for size, (width, height) in SIZES.items()
    }


@pytest.fixture
def dashboard(contexts, session, platform):
    """Opens the mayor's dashboard; at the end, nothing may have gone wrong on any."""
    pages, faults = [], []

    def open_it(size: str = "laptop", query: str = "?language=en") -> Page:
        page = contexts[size].new_page()
        pages.append(page)
        page.set_default_timeout(30_000)
        faults.append(watch(page))
        forget_choices(page, platform.url)
        open_dashboard(page, platform.url, query)
        return page

    yield open_it
    for page in pages:
        page.close()
    for context in {page.context for page in pages}:
        context.clear_permissions()
        context.clear_cookies()
        context.add_cookies(session["cookies"])
    assert [fault for page in faults for fault in page] == []


def forget_choices(page: Page, url: str) -> None:
    """Theme and language as nobody has chosen them yet."""
    client = page.context.new_cdp_session(page)
    client.send("Storage.clearDataForOrigin", {"origin": url, "storageTypes": "local_storage"})
    client.detach()


@pytest.fixture(scope="package")
def city(platform):
    return load_city(platform.settings.profile)


@pytest.fixture(scope="package")
def read(platform) -> Callable:
    """Figures of an indicator, from the platform's own cube."""
    cube = Cube(platform.settings.cube)
    return lambda name: cube.read(name).load()
