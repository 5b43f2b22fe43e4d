"""The slider over periods."""

from datetime import timedelta

from support.screen import expected, settled, wait_for_colours

from citylib.look import figures
from citylib.panels.picture import reading as reads


def test_time_moves_by_button_and_by_key(dashboard, city, read):
    page = dashboard()
    array = read("pm25")
    found = reads.reading(array, city.code, "en")
    settled(page, found.value)
    page.click(".city-time .earlier")
    earlier = found.time - timedelta(days=1)
    settled(page, reads.at(array, earlier)[city.code])
    period = figures.period(earlier, "day", "en")
    page.wait_for_selector(f".city-time output:text-is('{period}')")
    wait_for_colours(page, expected(city, array, earlier))
    page.focus(".city-time input")
    page.keyboard.press("ArrowLeft")
    settled(page, reads.at(array, found.time - timedelta(days=2))[city.code])


def test_time_plays_until_it_is_stopped(dashboard):
    page = dashboard()
    page.click("[data-indicator=population]")
    page.wait_for_function("document.querySelector('.city-time output').textContent === '2020'")
    page.click(".city-time .play")
    page.wait_for_selector(".city-time .play[aria-label=Pause]")
    page.wait_for_function("Number(document.querySelector('.city-time output').textContent) < 2010")
    begun = int(page.inner_text(".city-time output"))
    page.wait_for_function(
        "begun => Number(document.querySelector('.city-time output').textContent) > begun",
        arg=begun,
    )
    page.click(".city-time .play")
    page.wait_for_selector(".city-time .play[aria-label=Play]")


def test_the_period_is_named_where_the_slider_stands(dashboard, read):
    """In every frame, while it plays and while it is dragged."""
    page = dashboard()
    page.click("[data-indicator=population]")
    page.wait_for_function("document.querySelector('.city-time output').textContent === '2020'")
    page.evaluate(
        """() => {
          const [slider] = document.querySelectorAll('.city-time input');
          const [output] = document.querySelectorAll('.city-time output');
          window.seen = new Set();
          const look = () => {
            seen.add(`${slider.value} ${output.textContent}`);
            requestAnimationFrame(look);
          };
          look();
        }"""
    )
    page.click(".city-time .play")
    page.wait_for_function("seen.size >= 5")
    page.click(".city-time .play")
    page.wait_for_selector(".city-time .play[aria-label=Play]")
    years = [str(when.year) for when in map(reads.as_datetime, reads.times_of(read("population")))]
    seen = [text.split() for text in page.evaluate("[...seen]")]
    assert [text for text in seen if years[int(text[0])] != text[1]] == []


def test_a_dragged_slider_stays_under_the_finger(dashboard, read):
    page = dashboard()
    page.click("[data-indicator=population]")
    page.wait_for_function("document.querySelector('.city-time output').textContent === '2020'")
    box = page.locator(".city-time input").bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] - 8, middle)
    page.mouse.down()
    for share in (0.8, 0.6, 0.4, 0.2):
        page.mouse.move(box["x"] + box["width"] * share, middle)
    place = int(page.input_value(".city-time input"))
    year = reads.as_datetime(reads.times_of(read("population"))[place]).year
    page.wait_for_function(
        "year => document.querySelector('.city-time output').textContent === String(year)",
        arg=year,
    )
    assert int(page.input_value(".city-time input")) == place
    page.mouse.up()
    page.click(".city-time .later")
    page.wait_for_selector(f".city-time output:text-is('{year + 1}')")
    assert int(page.input_value(".city-time input")) == place + 1
