from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citylib.look import figures


@pytest.mark.parametrize(
    ("units", "lang", "text"),
    [
        ("ug m-3", "ko", "µg/m³"),
        ("percent", "en", "%"),
        ("1", "en", ""),
        ("s", "ko", "초"),
        ("KRW", "ko", "원"),
        ("km-2", "en", "/km²"),
        ("kW h", "en", "kW·h"),
        ("m2 s-2", "en", "m²/s²"),
        ("per 100 people", "en", "per 100 people"),
    ],
)
def test_units_read_as_people_write_them(units, lang, text):
    assert figures.unit(units, lang) == text


@pytest.mark.parametrize(
    ("value", "ko", "en"),
    [
        (1_234_567, "123만", "1.23 M"),
        (9_736_027, "974만", "9.74 M"),
        (123_456_789, "1.23억", "123 M"),
        (-250_000, "−25.0만", "−250 k"),
        (99_999, "99,999", "99,999"),
        (23.456, "23.5", "23.5"),
        (0.0, "0", "0"),
        (0.02346, "0.0235", "0.0235"),
        (float("nan"), "–", "–"),
    ],
)
def test_numbers_fit_little_room(value, ko, en):
    assert figures.compact(value, "ko") == ko
    assert figures.compact(value, "en") == en


@given(st.floats(min_value=1e-4, max_value=1e14))
def test_a_number_is_never_rounded_by_more_than_its_digits(value):
    shown = float(figures.number(value).replace(",", ""))
    assert shown == pytest.approx(value, rel=0.006)


@given(st.floats(min_value=100_000, max_value=1e14), st.sampled_from(["ko", "en"]))
def test_compact_keeps_three_digits(value, lang):
    text = figures.compact(value, lang)
    size = {"만": 1e4, "억": 1e8, "조": 1e12, "k": 1e3, "M": 1e6, "bn": 1e9, "trn": 1e12}
    digits = text.rstrip("만억조kMbntr ")
    assert float(digits.replace(",", "")) * size[text[len(digits) :].strip()] == pytest.approx(
        value, rel=0.006
    )


def test_missing_figures_have_no_unit():
    assert figures.figure(float("nan"), "ug m-3", "en") == "–"
    assert figures.figure(12.34, "percent", "en") == "12.3%"
    assert figures.figure(12.34, "ug m-3", "ko") == "12.3 µg/m³"


@pytest.mark.parametrize(
    ("frequency", "ko", "en", "iso"),
    [
        ("year", "2022년", "2022", "2022"),
        ("month", "2022년 4월", "Apr 2022", "2022-04"),
        ("day", "2022년 4월 1일", "1 Apr 2022", "2022-04-01"),
        ("hour", "2022년 4월 1일 13시", "1 Apr 2022, 13:00", "2022-04-01T13:00"),
    ],
)
def test_periods_in_words(frequency, ko, en, iso):
    time = datetime(2022, 4, 1, 13)
    assert figures.period(time, frequency, "ko") == ko
    assert figures.period(time, frequency, "en") == en
    assert figures.iso(time, frequency) == iso


@given(
    st.datetimes(datetime(1901, 1, 1), datetime(2200, 1, 1)),
    st.sampled_from(["hour", "day", "month", "year"]),
)
def test_the_period_before_ends_where_this_one_begins(time, frequency):
    start = {
        "year": datetime(time.year, 1, 1),
        "month": datetime(time.year, time.month, 1),
        "day": datetime(time.year, time.month, time.day),
    }.get(frequency, time)
    assert figures.end_of(figures.before(start, frequency), frequency) == start


@pytest.mark.parametrize(
    ("value", "earlier", "better", "result"),
    [
        (2.0, 1.0, "lower", ("up", "bad")),
        (2.0, 1.0, "higher", ("up", "good")),
        (1.0, 2.0, "lower", ("down", "good")),
        (1.0, 2.0, "", ("down", "neutral")),
        (1.0, 1.0, "lower", ("same", "neutral")),
        (1.0, float("nan"), "lower", ("unknown", "neutral")),
    ],
)
def test_changes_are_judged_by_what_is_better(value, earlier, better, result):
    assert figures.change(value, earlier, better) == result


def test_a_period_is_old_when_a_newer_could_be_there():
    end = datetime(2022, 1, 1)
    assert not figures.stale(end, end + timedelta(days=2), "day")
    assert figures.stale(end, end + timedelta(days=4), "day")
    assert not figures.stale(end, end + timedelta(days=400), "year")
