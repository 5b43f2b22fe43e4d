"""A figure that rests on replayed records says so wherever it is shown."""

from datetime import datetime

import pytest

from citylib.panels.map import heading
from citylib.panels.model import CityModel
from citylib.panels.picture.reading import reading
from citylib.panels.picture.tile import tile
from citylib.publish import site

MARK = {"ko": "재생 자료", "en": "Replayed"}


@pytest.fixture
def figures(make):
    """Of 40 days from 2022-11-01 on, one indicator's last ten are replayed."""
    return {"live": make("live", replayed_from="2022-12-01T00:00"), "real": make("real")}


def test_a_reading_knows_from_when_on_it_is_replayed(city, figures):
    for day, replayed in [(30, False), (31, True), (40, True)]:
        time = datetime.fromisoformat(str(figures["live"]["time"].values[day - 1])[:19])
        assert reading(figures["live"], city.code, "ko", time).replayed == replayed
        assert not reading(figures["real"], city.code, "ko", time).replayed
    assert not reading(figures["real"].assign_attrs(replayed_from=""), city.code, "ko").replayed


@pytest.mark.parametrize("lang", ["ko", "en"])
def test_tile_and_map_have_the_badge_and_only_where_it_is_true(city, figures, now, lang):
    assert MARK[lang] in tile(city, figures["live"], lang, now=now)
    assert MARK[lang] not in tile(city, figures["real"], lang, now=now)
    model = CityModel(city, figures, "live")
    model.language = lang
    assert MARK[lang] in heading(model)
    model.move(10)
    assert MARK[lang] not in heading(model)


def test_public_pages_have_badge_and_explanation(city, figures, tmp_path):
    folder = site.write(city, figures, tmp_path / "public", "v1")
    live = (folder / "en/indicator/live/index.html").read_text()
    real = (folder / "en/indicator/real/index.html").read_text()
    words = "Records of another day, played as if they were of now."
    assert live.split("<main")[1].count(f'<p class="about">{words}</p>') == 1
    assert f'<p class="about">{words}</p>' not in real
    assert '<span class="badge replayed"' in live
