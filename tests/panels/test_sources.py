"""The sources on the dashboard: what a mayor reads of them."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from support.town import build_town

from citylib.city.profile import load_city
from citylib.feeds.health import condition
from citylib.feeds.told import tell
from citylib.operations import FeedState
from citylib.panels.model import CityModel
from citylib.panels.picture.sources import sources, sources_of
from citylib.panels.sources import SourcesPanel

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
FEED = """
title = {{ en = "{title}" }}
dataset = "counts"
connector = "{connector}"
address = "https://example.org"
interval = 60
stale = 3600
enabled = {enabled}

[read]
time = {{ header = "t", formats = "%Y" }}
area = {{ level = "city" }}
columns = {{ n = "n" }}
"""
GOOD = FeedState(
    "x",
    attempted=NOW - timedelta(seconds=50),
    succeeded=NOW - timedelta(seconds=50),
    newest=NOW - timedelta(minutes=20),
    due=NOW + timedelta(seconds=10),
)


@pytest.fixture
def city(tmp_path):
    settings = build_town(tmp_path)
    folder = settings.profile / "feeds"
    folder.mkdir()
    for name in ("good", "old", "dead", "unasked", "off", "forgotten"):
        connector = "replay" if name == "good" else "socrata"
        text = FEED.format(
            title=f"{name} <b>", connector=connector, enabled=str(name != "off").lower()
        )
        (folder / f"{name}.toml").write_text(text)
    (folder / "wrong.toml").write_text("x = 1")
    return load_city(settings.profile)


STATES = {
    "good": GOOD,
    "old": replace(GOOD, newest=NOW - timedelta(days=3)),
    "dead": replace(GOOD, errors=3, error="secret technical detail"),
    "forgotten": replace(
        GOOD, attempted=NOW - timedelta(minutes=11), due=NOW - timedelta(minutes=10)
    ),
}


def test_what_needs_attention_comes_first_and_in_words(city):
    html = sources(sources_of(city, STATES, "en", NOW), "en", NOW)
    assert "Sources that need attention: 4 of 6" in html
    rows = re.findall(r'<th scope="row">(.*?)</th>.*?</span> (.*?)</td><td>(.*?)</td>', html)
    assert rows == [
        ("wrong", "set up wrongly", "none yet"),
        ("dead &lt;b&gt;", "does not deliver", "20 minutes ago"),
        ("forgotten &lt;b&gt;", "not being asked", "20 minutes ago"),
        ("old &lt;b&gt;", "out of date", "3 days ago"),
        ("unasked &lt;b&gt;", "not asked yet", "none yet"),
        ('good &lt;b&gt; <span class="badge replayed">Replayed</span>', "up to date",
         "20 minutes ago"),
        ("off &lt;b&gt;", "switched off", "none yet"),
    ]  # fmt: skip
    assert "secret" not in html


def test_all_well_is_one_quiet_line(city):
    found = [row for row in sources_of(city, STATES, "en", NOW) if row.well]
    html = sources(found, "en", NOW)
    assert "Sources up to date: 2" in html
    assert 'class="sources good"' in html
    assert "<details" in html
    assert " open>" not in html
    assert " open>" in sources(found, "en", NOW, opened=True)


def test_a_city_without_sources_has_no_line(city):
    assert sources([], "en", NOW) == ""
    off = [row for row in sources_of(city, {}, "en", NOW) if row.condition == "off"]
    assert sources(off, "en", NOW) == ""


def test_korean_has_words_of_its_own(city):
    html = sources(sources_of(city, STATES, "en", NOW), "ko", NOW)
    for word in ("자료원 6곳 중 4곳 확인 필요", "수집 실패", "오래됨", "20분 전", "설정 오류"):
        assert word in html
    assert "자료원 상태를 알 수 없습니다" in sources(None, "ko", NOW)


def test_the_panel_follows_the_states_and_stays_open(city, tmp_path):
    model = CityModel.__new__(CityModel)
    figures = SimpleNamespace()
    super(CityModel, model).__init__(language="en")
    model.city, model.figures = city, figures
    place = tmp_path / "feeds.json"
    panel = SourcesPanel(model)
    assert panel.html == ""
    panel.follow(place)
    assert "Sources that need attention: 1 of 6" in panel.html
    now = datetime.now(UTC)
    state = FeedState("x", now, now, now, now + timedelta(minutes=1), errors=3, error="secret")
    tell(place, [replace(state, feed=name, memory={"cursor": "secret"}) for name in city.feeds])
    assert "secret" not in place.read_text()
    panel.draw()
    assert "Sources that need attention: 6 of 6" in panel.html
    panel._pressed("sources")
    assert " open>" in panel.html
    panel.draw()
    assert " open>" in panel.html
    model.language = "ko"
    assert "확인 필요" in panel.html
    panel._pressed("sources")
    assert " open>" not in panel.html


@pytest.mark.parametrize("text", ["", "[]", "{", '{"old": {}}', '{"old": {"errors": 0, "due": 7}}'])
def test_what_cannot_be_read_says_that_nothing_is_known(city, tmp_path, text):
    place = tmp_path / "feeds.json"
    panel = SourcesPanel(SimpleNamespace(city=city, language="en", observe=lambda *_: None))
    panel.follow(place)
    assert "need attention" in panel.html
    place.write_text(text)
    panel.draw()
    assert "not known" in panel.html


LONG_AGO = replace(GOOD, attempted=NOW - timedelta(minutes=9))


def test_conditions(city):
    feed = city.feeds["old"]
    for state, word in [
        (None, "new"),
        (FeedState("old", due=NOW), "new"),
        (GOOD, "current"),
        (replace(GOOD, newest=None), "current"),
        (replace(GOOD, errors=2), "current"),
        (replace(GOOD, errors=3), "failing"),
        (replace(GOOD, errors=1, succeeded=None), "failing"),
        (replace(GOOD, newest=NOW - timedelta(seconds=3601)), "stale"),
        (replace(LONG_AGO, due=NOW - timedelta(seconds=170)), "current"),
        (replace(LONG_AGO, due=NOW - timedelta(seconds=190)), "silent"),
        # It takes its time, but it is being asked.
        (replace(GOOD, due=NOW - timedelta(seconds=190)), "current"),
    ]:
        assert condition(feed, state, NOW) == word
    assert condition(city.feeds["off"], GOOD, NOW) == "off"
