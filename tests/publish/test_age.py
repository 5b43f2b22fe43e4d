"""Ages on published pages, in a browser, under the policy that the pages are served with."""

import mimetypes
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from support.screen import chromium, watch

from citylib.hub.public import HEADERS
from citylib.publish import site


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture
def visit(browser, city, make, tmp_path):
    """Opens the English page at a moment of the reader's clock."""
    folder = site.write(city, {"pm25": make("pm25")}, tmp_path / "public", "v1")

    def serve(route):
        path = folder / urlsplit(route.request.url).path.removeprefix("/")
        path = path / "index.html" if path.is_dir() else path
        headers = {**HEADERS, "Content-Type": mimetypes.guess_type(path.name)[0]}
        route.fulfill(body=path.read_bytes(), headers=headers)

    contexts = []

    def visit(moment, **options):
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.faults = watch(page)
        page.route("**/*", serve)
        page.clock.set_fixed_time(moment)
        page.goto("http://127.0.0.1/en/")
        return page

    yield visit
    for context in contexts:
        context.close()


# The newest figure is of 10 December 2022; its day ended at 15:00 UTC.
@pytest.mark.parametrize(
    ("moment", "says"),
    [
        (datetime(2022, 12, 12, tzinfo=UTC), []),
        (datetime(2022, 12, 13, 14, 59, tzinfo=UTC), []),
        (datetime(2022, 12, 13, 15, 1, tzinfo=UTC), ["3 days ago"] * 2),
        (datetime(2024, 1, 1, tzinfo=UTC), ["1 year ago"] * 2),
    ],
)
def test_an_age_is_by_the_readers_clock(visit, moment, says):
    page = visit(moment)
    assert page.locator(".stale:visible").all_inner_texts() == says
    assert page.faults == []


def test_without_a_script_an_old_figure_says_that_it_is_old(visit):
    page = visit(datetime(2022, 12, 12, tzinfo=UTC), java_script_enabled=False)
    assert page.locator(".stale:visible").all_inner_texts() == ["not current"] * 2
    assert page.locator("time >> text=10 Dec 2022").count() == 2
