from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page
from support.screen import SIZES, chromium, open_dashboard, sign_in, watch

from citylib.city.profile import load_city
from citylib.indicators.cube import Cube


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def session(browser: Browser, platform):
    """What the mayor's browser keeps after signing in."""
    page = browser.new_page()
    sign_in(page, platform.url, "mayor", platform.accounts["mayor"])
    state = page.context.storage_state()
    page.context.close()
    # A choice of theme or language is the test's own.
    return {**state, "origins": []}


@pytest.fixture
def dashboard(browser: Browser, session, platform):
    """Opens the mayor's dashboard; at the end, nothing may have gone wrong on any."""
    contexts, faults = [], []

    def open_it(size: str = "laptop", query: str = "?language=en") -> Page:
        width, height = SIZES[size]
        context = browser.new_context(
            viewport={"width": width, "height": height},
            has_touch=size != "laptop",
            storage_state=session,
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)
        faults.append(watch(page))
        open_dashboard(page, platform.url, query)
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert [fault for page in faults for fault in page] == []


@pytest.fixture(scope="module")
def city(platform):
    return load_city(platform.settings.profile)


@pytest.fixture(scope="module")
def read(platform) -> Callable:
    """Figures of an indicator, from the platform's own cube."""
    cube = Cube(platform.settings.cube)
    return lambda name: cube.read(name).load()
