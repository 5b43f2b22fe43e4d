"""What is beyond its threshold comes to the front of its domain, and the domain to the front."""

import pytest

from citylib.panels.domains import domains_of
from citylib.panels.mayor import MayorDashboard
from citylib.panels.model import CityModel
from citylib.panels.picture.grade import gauge, grade, state

WORDS = {
    "threshold_words_en": ["good", "fair", "bad"],
    "threshold_words_ko": ["좋음", "보통", "나쁨"],
}
BOUNDS = {"thresholds": [15.0, 35.0], "alarm": 35.0, "threshold_source_en": "A law", **WORDS}


@pytest.fixture
def flat(make):
    """Figures that are the same everywhere, but for some areas."""

    def flat(name, value, domain="air", areas=(), **attrs):
        array = make(name, domain=domain, **attrs)
        array.values[:] = value
        for code, other in dict(areas).items():
            array.values[:, list(array["area"].values).index(code)] = other
        return array

    return flat


@pytest.mark.parametrize(
    ("value", "word", "kind"),
    [(3, "good", "within"), (15, "good", "within"), (15.1, "fair", "watch"),
     (35, "fair", "watch"), (35.1, "bad", "beyond"), (900, "bad", "beyond")],
)  # fmt: skip
def test_a_figure_has_the_class_that_the_source_gives_it(flat, value, word, kind):
    found = grade(flat("pm25", value, **BOUNDS), value, "en")
    assert (found.word, found.kind, found.beyond) == (word, kind, kind == "beyond")


@pytest.mark.parametrize(
    ("value", "word", "kind"),
    [(50, "bad", "within"), (35, "bad", "within"), (34.9, "fair", "beyond"), (15, "fair", "beyond"),
     (14, "good", "beyond")],
)  # fmt: skip
def test_where_more_is_better_what_lies_below_is_beyond(flat, value, word, kind):
    found = grade(flat("seats", value, better="higher", **BOUNDS), value, "en")
    assert (found.word, found.kind) == (word, kind)


def test_without_thresholds_or_figures_there_is_no_class(flat):
    assert grade(flat("pm25", 3), 3, "en") is None
    assert grade(flat("pm25", 3, **BOUNDS), float("nan"), "en") is None
    assert state(None, "1", "en") == gauge(None, 3, "1", "en") == ""


def test_a_state_is_said_by_sign_and_word_and_names_its_source(flat):
    html = state(grade(flat("pm25", 40, **BOUNDS), 40, "en"), "ug m-3", "en")
    assert "<svg" in html
    assert "bad" in html
    assert "above 35 µg/m³" in html
    assert "A law" in html


def test_domains_stand_in_the_citys_order(city, flat):
    figures = {
        "people": flat("people", 1, "population"),
        "fires": flat("fires", 1, "safety"),
        "dust": flat("dust", 1, "air", headline=0),
        "pm25": flat("pm25", 10, "air", **BOUNDS),
    }
    found = domains_of(city, figures, list(figures), "en")
    assert [domain.id for domain in found] == ["air", "safety", "population"]
    assert [domain.name for domain in found] == ["Air", "Safety", "Population"]
    assert [one.id for one in found[0].members] == ["pm25", "dust"], "marked ones first"


def test_what_is_beyond_its_threshold_comes_to_the_front(city, flat):
    figures = {
        "pm25": flat("pm25", 10, "air"),
        "fires": flat("fires", 1, "safety"),
        "dust": flat("dust", 40, "safety", headline=0, **BOUNDS),
        "ozone": flat("ozone", 30, "population", areas={"11010": 50}, **BOUNDS),
    }
    found = domains_of(city, figures, list(figures), "en")
    assert [domain.head.id for domain in found] == ["dust", "ozone", "pm25"]
    assert found[1].head.areas == ("11010",)
    assert not found[1].head.beyond


def test_the_glance_says_it_and_opens_a_domain(city, flat):
    figures = {
        "pm25": flat("pm25", 10, "air"),
        "fires": flat("fires", 1, "safety", classification="internal"),
        "dust": flat("dust", 40, "safety", headline=0, areas={"11010": 3}, **BOUNDS),
    }
    dashboard = MayorDashboard(CityModel(city, figures))
    html = dashboard.glance.domains.html
    assert html.index("dust") < html.index("pm25")
    assert "1개 중 1개가 기준을 넘었습니다" in html
    assert "25곳 중 24곳" in html
    assert "나쁨" in html
    assert "fires" not in html, "behind the domain's headline"
    dashboard.glance._pressed("domain:safety")
    html = dashboard.glance.domains.html
    assert 'data-indicator="fires"' in html
    assert "내부" in html
    assert "pm25" not in html
    assert dashboard.page.view["domain"] == "safety"
    dashboard.glance._pressed("domain:")
    assert "pm25" in dashboard.glance.domains.html
    dashboard.model.show("pm25")
    assert dashboard.glance.map.areas.marked == []
    dashboard.model.show("dust")
    assert set(dashboard.glance.map.areas.marked) == set(city.levels["district"].areas) - {"11010"}
    assert "기준(35 µg/m³ 초과)을 넘은 곳: 24" in dashboard.glance.map.legend.html


def test_a_new_figure_moves_its_domain_to_the_front(city, flat):
    figures = {"pm25": flat("pm25", 10, "air"), "dust": flat("dust", 10, "safety", **BOUNDS)}
    dashboard = MayorDashboard(CityModel(city, figures))
    assert "모두 기준 안에" in dashboard.glance.domains.html
    dashboard.model.show("pm25")
    figures["dust"].values[-1, 0] = 50
    dashboard.model.renew()
    html = dashboard.glance.domains.html
    assert html.index("dust") < html.index("pm25")
    assert dashboard.model.indicator == "pm25", "what the reader looked at stays"
