"""No page has a serious fault of accessibility: each one at each size, theme and language."""

from __future__ import annotations

import re

import pytest
from support.axe import faults
from support.screen import PUBLIC, SIZES, sign_in, watch

from citylib.panels.model import PAGES

AREA = "11130"


def each_state(page):
    """Bring an open dashboard through themes, languages and sizes; says where it is."""
    for theme in ("dark", "light"):
        if page.get_attribute("html", "data-theme") != theme:
            page.click(f"[data-press='theme:{theme}']")
            page.wait_for_selector(f"html[data-theme={theme}]", state="attached")
        for language in ("ko", "en"):
            page.click(f"[data-press='language:{language}']")
            page.wait_for_selector(f"html[lang={language}]", state="attached")
            page.wait_for_selector(f"[data-press='language:{language}'][aria-pressed=true]")
            for size, (width, height) in SIZES.items():
                page.set_viewport_size({"width": width, "height": height})
                yield f"{theme}, {language}, {size}"


@pytest.mark.parametrize("name", PAGES)
def test_pages_of_the_dashboard(dashboard, name):
    page = dashboard(query=f"?language=en&page={name}&area={AREA}")
    page.wait_for_selector(f".page-{name}:visible")
    found = [f"{where}: {fault}" for where in each_state(page) for fault in faults(page)]
    assert not found, "\n".join(found)


def test_a_page_that_stands_still_and_one_that_failed(dashboard, platform):
    page = dashboard()
    page.evaluate("cityComeBack()")
    page.wait_for_selector("#still:visible")
    assert not faults(page)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_public_pages(browser, platform, theme):
    """All kinds of them, as the first one links to them, in both languages."""
    context = browser.new_context(color_scheme=theme)
    page = context.new_page()
    said = watch(page)
    try:
        page.goto(platform.url + PUBLIC)
        links = page.eval_on_selector_all("a[href]", "all => all.map(a => a.href)")
        kinds: dict[str, str] = {}
        for link in sorted(set(links)):
            path = link.partition(PUBLIC)[2].partition("#")[0]
            if path and path.endswith("/"):
                kinds.setdefault(re.sub(r"indicator/[^/]+", "indicator/one", path), path)
        assert {"en/", "indicator/one/", "sources/"} <= {*kinds}
        paths = ["", *kinds.values()]
        paths += [f"en/{path}" for path in kinds.values() if not path.startswith("en/")]
        found = []
        for path in paths:
            assert page.goto(platform.url + PUBLIC + path).ok, path
            for size, (width, height) in SIZES.items():
                page.set_viewport_size({"width": width, "height": height})
                found += [f"{path}, {size}: {fault}" for fault in faults(page)]
        assert not found, "\n".join(found)
        assert not said
    finally:
        context.close()


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_pages_of_the_hub(browser, platform, theme):
    """Signing in, being refused, the list of dashboards, a page that is not there."""
    context = browser.new_context(color_scheme=theme)
    found = []

    def look(what):
        for size, (width, height) in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            found.extend(f"{what}, {size}: {fault}" for fault in faults(page))

    try:
        page = context.new_page()
        page.goto(f"{platform.url}/hub/login")
        look("sign-in")
        # Once: who is refused more often has to wait.
        page.fill("input[name=username]", "mayor")
        page.fill("input[name=password]", "not this")
        page.click("[type=submit]")
        page.wait_for_selector(".login_error")
        look("refused")
        sign_in(page, platform.url, "mayor", platform.accounts["mayor"])
        for path in ("/hub/dashboards", "/hub/no-such-page", "/hub/spawn"):
            page.goto(platform.url + path)
            if "/voila/" not in page.url:  # the only dashboard
                look(path)
        assert not found, "\n".join(found)
    finally:
        context.close()
