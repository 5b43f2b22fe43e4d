from itertools import pairwise

import pytest

from citylib.look import theme


@pytest.mark.parametrize("name", theme.THEMES)
@pytest.mark.parametrize(("one", "other", "least"), theme.PAIRS)
def test_what_is_read_has_contrast(name, one, other, least):
    colours = theme.THEMES[name]
    assert theme.contrast(colours[one], colours[other]) >= least


def test_contrast_agrees_with_wcag():
    assert theme.contrast("#ffffff", "#000000") == pytest.approx(21)
    # The lightest grey that WCAG's own examples accept on white.
    assert theme.contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


def test_themes_name_the_same_colours():
    assert set(theme.THEMES["dark"]) == set(theme.THEMES["light"])


def lightness(colour):
    y = theme.luminance(colour)
    return 116 * (y ** (1 / 3) if y > 0.008856 else 7.787 * y + 16 / 116) - 16


@pytest.mark.parametrize("name", theme.CLASSES)
def test_classes_rise_in_even_steps_of_lightness(name):
    steps = [lightness(b) - lightness(a) for a, b in pairwise(theme.CLASSES[name])]
    assert all(step > 0 for step in steps) or all(step < 0 for step in steps)
    assert max(map(abs, steps)) / min(map(abs, steps)) < 1.6


@pytest.mark.parametrize("name", theme.CLASSES)
def test_neighbouring_classes_differ_without_red_and_green(name):
    """Seen in lightness alone, as in print or by a reader without colour, each step shows."""
    for one, other in pairwise(theme.CLASSES[name]):
        assert abs(lightness(one) - lightness(other)) > 9


def test_a_style_sheet_holds_both_themes_and_its_parts():
    sheet = theme.css("picture", default="light")
    assert ':root[data-theme="dark"]' in sheet
    assert "--ink:" in sheet
    assert sheet.count("{") == sheet.count("}")
    assert "http" not in sheet


def test_the_file_that_templates_include_is_made_of_the_same_colours():
    assert (theme.FOLDER / "css/theme.css").read_text() == theme.sheet(), (
        "run: python -m citylib.look.theme"
    )
