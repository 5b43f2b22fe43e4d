from datetime import datetime, timedelta

import pytest
from hypothesis import example, given
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


@pytest.mark.parametrize(
    ("value", "earlier", "units", "ko", "en"),
    [
        (15.82, 14.84, "percent", "1.0%p", "1.0 points"),  # not 6.6 percent of a percentage
        (14.84, 15.82, "%", "1.0%p", "1.0 points"),
        (15.87, 15.84, "percent", "0.03%p", "0.03 points"),
        (550.0, 368.0, "1", "49.5%", "49.5%"),
        (6_751_223.0, 6_742_659.0, "1", "0.1%", "0.1%"),
        (100.04, 100.0, "1", "0.04%", "0.04%"),
        (50.0, 1.0, "1", "4,900%", "4,900%"),
        (30.0, -10.0, "1", "40", "40"),  # a share of a negative figure means nothing
        (5.0, 0.0, "ug m-3", "5 µg/m³", "5 µg/m³"),
        (12.0, 10.0, "degC", "2 °C", "2 °C"),
    ],
)
def test_a_difference_is_said_as_the_unit_allows(value, earlier, units, ko, en):
    assert figures.difference(value, earlier, units, "ko") == ko
    assert figures.difference(value, earlier, units, "en") == en


@pytest.mark.parametrize(
    ("values", "ko", "en"),
    [
        ([0, 50_000, 100_000], ["0", "5만", "10만"], ["0", "50 k", "100 k"]),
        ([0, 5e7, 1.5e8], ["0", "0.5억", "1.5억"], ["0", "50 M", "150 M"]),
        ([0, 20_000, 80_000], ["0", "20,000", "80,000"], ["0", "20,000", "80,000"]),
        ([-0.5, 0, 1], ["−0.5", "0", "1.0"], ["−0.5", "0", "1.0"]),
        ([0.01, 0.015, 0.02], ["0.010", "0.015", "0.020"], ["0.010", "0.015", "0.020"]),
        ([2_000_000, 3], ["2,000,000", "3"], ["2,000,000", "3"]),  # 3 is not 0.00 M
    ],
)
def test_numbers_that_stand_together_are_written_alike(values, ko, en):
    assert figures.alike(values, "ko") == ko
    assert figures.alike(values, "en") == en


def test_figures_in_rows_have_the_decimals_of_the_largest():
    assert figures.alike([23.456, 9.8765, float("nan")], "en", 3) == ["23.5", "9.9", "–"]
    assert figures.alike([812_345, 45_678], "ko", 3) == ["81.2만", "4.6만"]
    assert figures.alike([661_596_560.24, 560_396_333.33], "en", 3) == ["662 M", "560 M"]
    assert figures.alike([812_345, 45_678], "ko", 3, short=False) == ["812,345", "45,678"]


@given(st.lists(st.floats(-1e12, 1e12).map(lambda v: round(v, 2)), min_size=1, max_size=8))
@example([-999_999_998_501.0, -999_999_998_502.0])
@example([999_999_999_999.01, 999_999_999_999.02])
def test_different_numbers_never_look_the_same(values):
    shown = dict(zip(values, figures.alike(values, "en"), strict=True))
    assert len(set(shown.values())) == len({v or 0.0 for v in shown})
