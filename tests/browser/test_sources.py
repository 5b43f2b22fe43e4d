"""The sources on the mayor's dashboard, touched in a browser."""

import pytest
from support.screen import SIZES


@pytest.mark.parametrize("size", SIZES)
def test_a_touch_opens_the_list_of_sources_and_another_closes_it(dashboard, city, size):
    page = dashboard(size)
    line = page.locator(".city-sources summary")
    line.wait_for()
    assert line.inner_text().strip().endswith(f": {len(city.feeds)}")
    assert line.bounding_box()["height"] >= 48
    table = page.locator(".city-sources table")
    assert not table.is_visible()
    line.click()
    # In one step: the kernel draws the list again meanwhile.
    box = page.wait_for_function(
        """() => {
          const box = document.querySelector(".city-sources table").getBoundingClientRect();
          return box.width ? box.toJSON() : null;
        }"""
    ).json_value()
    width = page.viewport_size["width"]
    assert 0 <= box["x"] <= box["x"] + box["width"] <= width
    for feed in city.feeds.values():
        assert feed.title["en"] in table.inner_text()
    # The kernel draws it again, and it stays as it was left.
    page.locator("[data-press='language:ko']").click()
    page.wait_for_function(
        "document.querySelector('.city-sources caption')?.innerText == '자료원 현황'"
    )
    assert table.is_visible()
    line.click()
    table.wait_for(state="hidden")
