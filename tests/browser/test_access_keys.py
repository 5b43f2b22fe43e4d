"""The dashboard without a mouse: by keyboard alone, and by touch."""

from __future__ import annotations

import pytest

from citylib.panels.model import PAGES

AREA = "11130"
FOCUS = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return null;
  const style = getComputedStyle(one);
  const box = one.getBoundingClientRect();
  const name = one.getAttribute("aria-label") || one.labels?.[0]?.textContent ||
    (one.getAttribute("aria-labelledby") ?? "").split(" ")
      .map((id) => document.getElementById(id)?.textContent ?? "").join("") || one.textContent;
  const marked = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0 ||
    style.boxShadow !== "none" || parseFloat(style.strokeWidth) > 0;
  window.walked = window.walked ?? new Map();
  const again = window.walked.has(one);
  window.walked.set(one, true);
  return {
    again, marked, name: (name ?? "").trim(),
    seen: box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight &&
      style.visibility === "visible" && style.opacity !== "0",
    says: `${one.tagName} ${one.className?.baseVal ?? one.className} ` +
      JSON.stringify(one.dataset) + one.outerHTML.slice(0, 120),
    press: one.dataset.press ?? "", area: one.dataset.area ?? "", kind: one.tagName,
  };
}"""


def walk(page, most=400):
    """Everything that Tab leads to, from the top of the page until it leaves it."""
    page.evaluate("() => { window.walked = new Map(); document.activeElement?.blur?.(); }")
    found = []
    for _ in range(most):
        page.keyboard.press("Tab")
        now = page.evaluate(FOCUS)
        if now is None or now["again"]:
            break
        found.append(now)
    return found


@pytest.mark.parametrize("name", PAGES)
def test_tab_leads_through_the_page_and_out_of_it(dashboard, name):
    page = dashboard(query=f"?language=en&page={name}&area={AREA}")
    page.wait_for_selector(f".page-{name}:visible")
    found = walk(page)
    assert found[0]["press"], found[0]["says"]
    assert len(found) > 10
    assert [one["says"] for one in found if not one["name"]] == []
    assert [one["says"] for one in found if not one["seen"]] == []
    assert [one["says"] for one in found if not one["marked"]] == []
    pressed = [one["press"] for one in found]
    for target in PAGES:
        assert f"page:{target}" in pressed or target in ("district", "indicator"), target
    if name == "glance":
        assert sum(bool(one["area"]) for one in found) == 25
        assert any(one["kind"] == "INPUT" for one in found), "the time"


def test_from_page_to_page_by_keyboard_alone(dashboard):
    """What a page is for can be done without pointing at anything."""
    page = dashboard()

    def press(selector, key="Enter"):
        page.wait_for_selector(f"{selector}:visible")
        page.focus(f"{selector}:visible")
        page.keyboard.press(key)

    press(".tile[data-indicator=fires]")
    press(f"path.area-{AREA}")
    page.wait_for_selector(f"path.area-{AREA}[aria-pressed=true]")
    press(".city-time input", "ArrowLeft")
    page.wait_for_url("**time=*")
    press("[data-press='page:district']")
    page.wait_for_selector(".page-district:visible")
    press(".page-district button.standing", " ")
    page.wait_for_selector(".page-indicator:visible")
    page.wait_for_url(f"**area={AREA}**")
    press(".page-indicator [data-press^='range:']")
    press("[data-press='page:pledges']")
    page.wait_for_selector(".page-pledges:visible")
    press("[data-press='page:glance']")
    page.wait_for_selector(".page-glance:visible")
    page.go_back()
    page.wait_for_selector(".page-pledges:visible")


@pytest.mark.parametrize("size", ["wall", "phone"])
def test_from_page_to_page_by_touch(dashboard, size):
    page = dashboard(size)
    page.locator(".tile[data-indicator=fires]").tap()
    page.locator(f"path.area-{AREA}").tap()
    page.wait_for_selector(f"path.area-{AREA}[aria-pressed=true]")
    page.locator("[data-press='page:district']:visible").first.tap()
    page.wait_for_selector(".page-district:visible")
    page.locator(".page-district button.standing:visible").first.tap()
    page.wait_for_selector(".page-indicator:visible")
    page.locator("[data-press='page:glance']:visible").first.tap()
    page.wait_for_selector(".page-glance:visible")
    page.locator("[data-press='page:pledges']:visible").first.tap()
    page.wait_for_selector(".page-pledges:visible")
