"""axe-core on a page: what a reader who does not see or does not point would stumble over."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from playwright.sync_api import Page

SCRIPT = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
RUN = """async () => {
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const found = await axe.run(document, {
    resultTypes: ["violations"], runOnly: { type: "tag", values: tags },
  });
  return found.violations
    .filter((one) => ["serious", "critical"].includes(one.impact))
    .flatMap((one) => one.nodes.map((node) =>
      `${one.impact} ${one.id} at ${node.target.join(" ")}: ${node.html.slice(0, 160)}: ` +
      node.failureSummary.replace(/\\s+/g, " ")));
}"""


@cache
def _script() -> str:
    if not SCRIPT.is_file():
        pytest.fail("axe-core is missing; run: make setup")
    return SCRIPT.read_text("utf-8")


def faults(page: Page) -> list[str]:
    """Serious and critical faults of a page as it is now, in words."""
    still(page)
    page.evaluate(_script())
    return list(page.evaluate(RUN))


def still(page: Page) -> None:
    """Wait until nothing moves: a colour that is on its way is not one that is read."""
    page.wait_for_function("() => document.getAnimations().every(a => a.playState !== 'running')")
    page.evaluate("() => new Promise(go => requestAnimationFrame(() => requestAnimationFrame(go)))")
