"""The first picture: there before a kernel is asked, and where the panels then are."""

from __future__ import annotations

import io

import pytest
from PIL import Image, ImageChops
from support.screen import DASHBOARD, SIZES, sign_in

TEMPLATE = "serving/template.py"
SHADOW = 'shadowrootmode="closed"'
FRONT_END = "**/voila/static/voila.js"


@pytest.fixture
def open_page(browser, session):
    """Opens a page on which the front end may be kept away."""
    contexts = []

    def open_it(size="laptop", **options):
        width, height = SIZES[size]
        context = browser.new_context(
            viewport={"width": width, "height": height}, storage_state=session, **options
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)
        return page

    yield open_it
    for context in contexts:
        context.close()


def picture_of(page):
    page.wait_for_function("document.fonts.status === 'loaded'")
    page.evaluate("new Promise(go => requestAnimationFrame(() => requestAnimationFrame(go)))")
    return Image.open(io.BytesIO(page.screenshot())).convert("RGB")


def differ(one, other, box):
    """Share of pixels in a box that are clearly different."""
    difference = ImageChops.difference(one.crop(box), other.crop(box)).convert("L")
    changed = sum(difference.histogram()[60:])
    return changed / (difference.width * difference.height)


def test_it_is_sent_before_a_kernel_is_there(platform):
    client = platform.client("mayor")
    client.get(DASHBOARD)
    (template,) = platform.find(TEMPLATE)
    kernels = platform.find("ipykernel_launcher")
    # Neither a new kernel nor a warm one answers.
    for process in (template, *kernels):
        process.suspend()
    try:
        with client.stream("GET", f"{DASHBOARD}?language=ko") as answer:
            assert answer.status_code == 200
            began = ""
            for part in answer.iter_text():
                began += part
                if "</main>" in began:
                    break
    finally:
        for process in (template, *kernels):
            process.resume()
    assert SHADOW in began
    assert "kernelId" not in began
    for part in ("city-map", 'data-paint="class-', "tile-figure", "mayor"):
        assert part in began, part


@pytest.mark.parametrize("size", SIZES)
def test_the_panels_take_its_place_without_a_jump(open_page, platform, size):
    page = open_page(size)
    page.route(FRONT_END, lambda route: None)
    page.goto(f"{platform.url}{DASHBOARD}?language=en", wait_until="commit")
    page.wait_for_selector("#picture")
    page.wait_for_selector("#rendered_cells", state="attached")
    before = picture_of(page)
    page.unroute_all()
    page.goto(f"{platform.url}{DASHBOARD}?language=en", wait_until="commit")
    page.wait_for_selector("#first", state="detached")
    page.wait_for_selector(".city-account:not([hidden])")
    after = picture_of(page)
    scale = page.viewport_size
    for part in (".city-header h1", ".city-map .leaflet-container"):
        box = page.locator(part).bounding_box()
        left, top = max(0, box["x"]), max(0, box["y"])
        right = min(scale["width"], box["x"] + box["width"])
        bottom = min(scale["height"], box["y"] + box["height"])
        if bottom - top > 20:
            assert differ(before, after, (left, top, right, bottom)) < 0.03, part


def test_it_shows_the_view_of_the_address_in_the_chosen_language(open_page, platform):
    page = open_page()
    page.goto(f"{platform.url}{DASHBOARD}?language=en", wait_until="commit")
    page.wait_for_selector("#first", state="detached")
    page.click("[data-press='language:ko']")
    page.wait_for_selector("html[lang=ko]")
    page.goto("about:blank")
    answer = page.request.get(f"{platform.url}{DASHBOARD}?indicator=fires").text()
    assert SHADOW in answer
    assert '<div id="picture" lang="ko"' in answer
    assert '<option value="fires" selected>' in answer


def test_what_fails_after_it_has_begun_is_said_in_the_page(open_page, platform):
    broken = platform.settings.var / "dashboards" / "broken.ipynb"
    broken.write_text('{"metadata": {}, "nbformat": 4, "nbformat_minor": 5, "cells": 7}')
    try:
        page = open_page()
        page.goto(f"{platform.url}{DASHBOARD.replace('mayor', 'broken')}", wait_until="commit")
        page.wait_for_selector(".voila-failed")
        page.wait_for_selector("#first p.failed:visible")
        assert page.locator("#first p.coming:visible").count() == 0
    finally:
        broken.unlink()


def test_a_page_that_is_begun_and_not_gone_on_with_is_asked_for_again(open_page, platform):
    page = open_page()
    page.clock.install()
    asked = []

    def answer(route):
        asked.append(route.request.url)
        if len(asked) > 1:
            route.continue_()
            return
        begun = page.request.get(route.request.url).text().partition('<div id="rendered_cells">')[0]
        assert SHADOW in begun
        route.fulfill(body=begun, content_type="text/html")

    page.route(f"**{DASHBOARD}*", answer)
    page.goto(f"{platform.url}{DASHBOARD}?language=en", wait_until="commit")
    page.wait_for_selector("#picture")
    page.clock.fast_forward(15_000)
    assert len(asked) == 1
    page.clock.fast_forward(2_000)
    page.wait_for_selector("#first", state="detached")
    assert len(asked) == 2


def test_it_names_who_is_signed_in_and_nobody_else(platform):
    for name, other in (("mayor", "official"), ("official", "mayor")):
        began = platform.client(name).get(f"{DASHBOARD}?language=ko").text.split("</main>")[0]
        assert f"<span>{name}</span>" in began
        assert f"<span>{other}</span>" not in began


def test_sign_in_comes_first(browser, platform):
    page = browser.new_context().new_page()
    page.goto(platform.url + DASHBOARD)
    assert "/hub/login" in page.url
    assert SHADOW not in page.content()
    sign_in(page, platform.url, "mayor", platform.accounts["mayor"])
    page.context.close()
