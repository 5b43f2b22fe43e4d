"""Times: what is read at once for a whole file is what is read for each text by itself."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from citylib.city.mapping import TimeRule
from citylib.lake.clock import instant_of, plain_times, times

NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)
FORMATS = [
    ("%Y-%m-%d %H:%M",),
    ("%Y%m%d",),
    ("%Y%m%d%H%M%S",),
    ("%Y-%m-%dT%H:%M:%S%z",),
    ("%Y-%m-%dT%H:%M:%S.%f",),
    ("%m/%d/%Y %I:%M:%S %p",),
    ("%d-%m-%Y", "%m-%d-%Y"),
    ("%Y년 %m월 %d일",),
    ("%Y",),
    ("%d %b %Y",),
    ("%Y-%m-%d  %H",),
]
ZONES = ["Asia/Seoul", "Europe/Paris", "America/New_York", "America/Sao_Paulo", "Africa/Monrovia"]
MOMENT = st.datetimes(datetime(1600, 1, 1), datetime(2300, 1, 1))
MESS = st.sampled_from(
    ["", " ", "  ", "0", "24:00", "Z", "+0900", "-23:59", "1", "x", "٣", "\u00a0"]
)


@st.composite
def written(draw, formats):
    """A time as a file may write it, with or without something odd."""
    form = draw(st.sampled_from(formats))
    text = draw(MOMENT).strftime(form)
    if "%z" in form:
        text += draw(st.sampled_from(["Z", "+09:00", "-0330", "+2400", "+00:60", "", "z"]))
    if draw(st.booleans()):
        at = draw(st.integers(0, len(text)))
        cut = draw(st.integers(0, 2))
        text = text[:at] + draw(MESS) + text[at + cut :]
    return text


@pytest.mark.parametrize("formats", FORMATS, ids=str)
@settings(max_examples=150, deadline=None)
@given(st.data())
def test_together_as_one_by_one(formats, data):
    texts = data.draw(st.lists(written(formats), min_size=1, max_size=20))
    zone = ZoneInfo(data.draw(st.sampled_from(ZONES)))
    rule = TimeRule(formats=formats, constant="", earliest=date(1850, 1, 1))
    if data.draw(st.booleans()):
        rule = rule.model_copy(update={"latest": date(2100, 1, 1)})
    stamps, good = plain_times(pa.array(texts), rule, zone, NOW)
    for text, stamp, is_good in zip(texts, stamps.tolist(), good.tolist(), strict=True):
        if is_good:
            assert (stamp, "") == instant_of(text, rule, zone, NOW), text


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(ZONES), st.datetimes(datetime(1850, 1, 1), datetime(2100, 1, 1)))
@example("Europe/Paris", datetime(2022, 3, 27, 2, 30))
@example("Europe/Paris", datetime(2022, 10, 30, 2, 30))
@example("America/Sao_Paulo", datetime(2018, 11, 4))
@example("Asia/Seoul", datetime(1988, 5, 8, 2, 30))
@example("Africa/Monrovia", datetime(1972, 1, 7, 0, 10))
def test_summer_time(zone, moment):
    for form in ("%Y-%m-%d %H:%M", "%Y-%m-%d"):
        rule = TimeRule(formats=form, constant="", latest=date(2200, 1, 1))
        text = moment.strftime(form)
        stamps, good = plain_times(pa.array([text]), rule, ZoneInfo(zone), NOW)
        if good[0]:
            assert (stamps[0], "") == instant_of(text, rule, ZoneInfo(zone), NOW)


@pytest.mark.parametrize("formats", FORMATS[:9], ids=str)
def test_plain_times_are_read_at_once(formats):
    """Otherwise nothing above would have been tried out."""
    moments = [datetime(2000, 1, 1), datetime(2024, 2, 29, 23, 59, 59)]
    texts = [moment.strftime(formats[0]) for moment in moments]
    if "%z" in formats[0]:
        texts = [f"{text}{zone}" for text in texts for zone in ("Z", "+0900", "-03:30")]
    rule = TimeRule(formats=formats, constant="")
    assert plain_times(pa.array(texts), rule, ZoneInfo("Asia/Seoul"), NOW)[1].all()


def test_the_first_format_that_fits_is_meant():
    rule = TimeRule(formats=("%d-%m-%Y", "%m-%d-%Y"), constant="")
    text = pa.array(["03-04-2020", "03-25-2020", "25-03-2020"]).dictionary_encode()
    found, faults = times(text, rule, "UTC")
    assert [f"{value:%m-%d}" for value in found.to_pylist()] == ["04-03", "03-25", "03-25"]
    assert faults == []


def test_reasons_are_given_for_the_rows_that_they_concern():
    texts = ["2020-01-01", "2020-02-30", "", "2020-01-01", "soon", "3020-01-01"]
    rule = TimeRule(formats="%Y-%m-%d", constant="")
    found, faults = times(pa.array(texts).dictionary_encode(), rule, "UTC")
    assert [value is not None for value in found.to_pylist()] == [True, False, False, True] + [
        False
    ] * 2
    assert {reason: np.flatnonzero(mask).tolist() for reason, mask in faults} == {
        "time does not exist in calendar or clock": [1],
        "time is missing": [2],
        "time is not written as %Y-%m-%d": [4],
        "time is too far from today": [5],
    }
