"""Answers as rows, whatever stands in them."""

import json

import pytest
from support.feeds import column, reasons, sent

from citylib.feeds import rows as feed_rows
from citylib.feeds.connector import FeedFault
from citylib.feeds.payload import json_of, what, xml_of
from citylib.feeds.rows import sheet_from


def sheet(rows, make=None):
    text = rows if isinstance(rows, str) else json.dumps(rows)
    return sheet_from("here", json_of("here", text.encode()), make)


def test_numbers_that_no_float_holds_stay_as_they_were_sent():
    text = "[NaN, -Infinity, 1e999, -1e999, 1.10, " + "9" * 5000 + ", 12345678901234567890123]"
    values = json_of("here", text.encode())
    assert values[:4] == ["NaN", "-Infinity", "1e999", "-1e999"]
    assert values[4] == 1.1
    assert values[5] == "9" * 5000
    assert values[6] == 12345678901234567890123


def test_a_name_that_stands_twice_makes_a_bad_row_whose_raw_text_has_both():
    page = sheet('[{"n": 1}, {"n": 2, "n": 3}, {"m": [{"n": 4, "n": 4}]}]')
    assert column([page], "n") == ["1"]
    assert len(reasons([page])) == 2
    assert page.raw(2) == '{"n": 2, "n": 3}'


def test_two_values_that_come_to_have_one_name_make_a_bad_row():
    page = sheet([{"a": {"b": 1}, "a.b": 2}, {"a": {"b": 1}}])
    assert column([page], "a.b") == ["1"]
    assert reasons([page]) == ["two of its values come to be called 'a.b'"]


def test_positions_stay_together():
    ring = [[1.5, 2], [3, 4]]
    page = sheet([{"at": {"coordinates": [1, 2]}, "area": {"coordinates": [ring]}}])
    assert column([page], "at.coordinates.1") == ["2"]
    assert column([page], "area.coordinates") == ["[[[1.5, 2], [3, 4]]]"]
    assert sent(page)[0]["area"]["coordinates"] == [ring]


def test_rows_may_be_made_into_others_but_their_raw_text_is_what_was_sent():
    page = sheet([{"n": 1}, {"n": 2}], lambda row: "too small" if row["n"] < 2 else {"m": "x"})
    assert column([page], "m") == ["x"]
    assert reasons([page]) == ["too small"]
    assert sent(page) == [{"n": 2}, {"n": 1}]


def test_half_characters_are_set_aside_and_can_be_written():
    page = sheet(
        '[{"a": "\\ud83d\\ude00"}, {"a": "\\ud83d"}, {"\\ude00": 1}, {"b": {"c": ["\\udfff"]}}]'
    )
    assert column([page], "a") == ["😀"]
    assert reasons([page]) == ["text with half a character"] * 3
    assert page.raw(page.bad[0][0]).encode() == b'{"a": "\\ud83d"}'


def test_values_within_values_have_a_measure():
    def nested(depth):
        value: object = 1
        for _ in range(depth - 1):
            value = {"a": value}
        return value

    assert len(sheet([nested(64)]).lines) == 1
    with pytest.raises(FeedFault, match="beyond 64"):
        sheet([{"n": 1}, nested(70)])
    with pytest.raises(FeedFault, match="beyond measure"):
        json_of("here", b"[" * 10**6)


def test_what_would_take_all_memory_is_refused(monkeypatch):
    with pytest.raises(FeedFault, match="more than 1,000,000 objects and lists"):
        json_of("here", b"[" + b"{}," * 1_000_001)
    with pytest.raises(FeedFault, match="more than 1,000,000 tags"):
        xml_of("here", b"<a>" + b"<b/>" * 1_000_000)
    monkeypatch.setattr(feed_rows, "CELLS", 20)
    assert len(sheet([{str(n): n} for n in range(10)]).bad) == 8
    monkeypatch.undo()
    monkeypatch.setattr(feed_rows, "ROWS", 10)
    with pytest.raises(FeedFault, match="11 rows in one answer"):
        sheet([{"n": 1}] * 11)


def test_a_page_has_so_many_headers_and_no_more():
    page = sheet([{"n": 1}, *({f"h{n}": n} for n in range(2500))])
    assert len(page.columns) == 2000
    assert len(page.bad) == 501
    assert "more than 2,000 different headers" in page.bad[0][1]
    [wide] = reasons([sheet([{"list": list(range(3000))}])])
    assert wide == "more than 2,000 values in it"


def test_another_encoding_is_named_or_a_fault():
    data = json.dumps([{"a": "중구"}], ensure_ascii=False).encode("cp949")
    assert json_of("here", data, ("utf-8", "cp949")) == [{"a": "중구"}]
    with pytest.raises(FeedFault, match="utf-8-sig fails at byte 8"):
        json_of("here", data)
    assert json_of("here", b"\xef\xbb\xbf[]") == []


def test_xml_may_not_bring_entities():
    for text in ('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', '<!DOCTYPE a SYSTEM "file:///x"><a/>'):
        with pytest.raises(FeedFault, match="refused"):
            xml_of("here", text.encode())
    for data in (b"", b"<a>", b"\xff\xfe", b'<?xml version="1.0" encoding="no-such"?><a/>'):
        with pytest.raises(FeedFault, match="expected XML"):
            xml_of("here", data)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "null"),
        (True, "true"),
        (3, "the number 3"),
        ("a\n", "the text 'a\\n'"),
        ("a" * 99, "the text '" + "a" * 80 + "…'"),
        ([1], "a list of 1"),
        ({}, "an empty object"),
        (dict.fromkeys("abcdefgh"), "an object with 'a', 'b', 'c', 'd', 'e', 'f'"),
    ],
)
def test_what_came_is_said_in_a_few_words(value, said):
    assert what(value) == said
