"""Pages of the OpenAPI with the key in the path."""

import asyncio
import json

import pytest
from support import hostile
from support.feeds import column, poll, reasons, sample

from citylib.city.errors import CityError
from citylib.feeds.connector import FeedFault
from citylib.feeds.connectors.seoul_openapi import Options, read_page

KEY = "k&y/1"


def envelope(rows, total=None, code="INFO-000", name="Air"):
    total = len(rows) if total is None else total
    return {
        name: {"list_total_count": total, "RESULT": {"CODE": code, "MESSAGE": "-"}, "row": rows}
    }


NONE = {"RESULT": {"CODE": "INFO-200", "MESSAGE": "해당하는 데이터가 없습니다."}}


def polled(pages, *, size=5, tail="", memory=None, key=KEY, polls=1, **options):
    """Sheets of the last poll, and the server; `pages` are answers by their first row."""

    async def run():
        async with hostile.server() as source:
            for start, answer in pages.items():
                path = f"/{KEY}/json/Air/{start}/{start + size - 1}/{tail}"
                source.on(path, answer if callable(answer) else hostile.reply(answer))
            kept = {} if memory is None else memory
            for _ in range(polls):
                sheets = await poll(
                    "seoul_openapi",
                    source.url,
                    {"service": "Air", "page_size": size, **options},
                    kept,
                    key,
                )
            return sheets, source

    return asyncio.run(run())


def rows(count, first=1):
    return [{"N": str(first + n)} for n in range(count)]


def test_pages_are_asked_for_until_one_is_short():
    pages = {1: envelope(rows(5), 12), 6: envelope(rows(5, 6), 12), 11: envelope(rows(2, 11), 12)}
    sheets, source = polled(pages)
    assert column(sheets, "N") == [str(n) for n in range(1, 13)]
    assert len(source.asked) == 3


def test_a_total_that_counts_only_the_page_does_not_end_the_poll():
    sheets, _ = polled({1: envelope(rows(5)), 6: envelope(rows(5, 6)), 11: NONE})
    assert len(column(sheets, "N")) == 10


def test_no_data_is_no_fault():
    assert polled({1: NONE})[0] == []


def test_rows_that_the_source_says_it_has_and_does_not_give_are_a_fault():
    with pytest.raises(FeedFault, match="has 40 rows and gave 3"):
        polled({1: envelope(rows(3), 40)})


def test_the_key_is_never_shown():
    sheets, _ = polled({1: envelope(["no row"])})
    assert "***" in sheets[0].file
    echo = {"RESULT": {"CODE": "INFO-100", "MESSAGE": f"key {KEY} unknown"}}
    for page in (echo, {KEY: 1, "b": 2}, f"<x>{KEY}</x>", {"Air": {KEY: 1}}):
        with pytest.raises(FeedFault) as caught:
            polled({1: page})
        assert KEY not in str(caught.value)


def test_without_a_key_nothing_is_asked():
    with pytest.raises(FeedFault, match="needs a key"):
        polled({}, key=None)


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ({"RESULT": {"CODE": "ERROR-336", "MESSAGE": "1000건"}}, "lower `page_size` \\(1000건\\)"),
        ({"RESULT": {"CODE": "INFO-100", "MESSAGE": "?"}}, "the key of access is not valid"),
        ({"status": 500, "code": "ERROR-337", "message": "!", "total": 0}, "used up"),
        ("<RESULT><CODE>INFO-100</CODE><MESSAGE><![CDATA[키]]></MESSAGE></RESULT>", "INFO-100.*키"),
        ({"RESULT": {"CODE": "ERROR-999", "MESSAGE": "new"}}, "ERROR-999: \\(new\\)"),
        (envelope([], code="ERROR-500"), "the server failed"),
        ({"RESULT": {"CODE": ["x"]}}, "no code"),
        ({"RESULT": {"CODE": "INFO-000"}}, "no list of rows"),
        ("<html>404</html>", "expected JSON"),
        ("", "nothing at all"),
        ([], "a list of 0"),
        ({"a": {}, "b": {}}, "an object with 'a', 'b'"),
        ({"Air": {"row": []}}, "an object with RESULT"),
        ('{"Air": {"RESULT": {"CODE": "INFO-000"}}, "Air": {}}', "expected an object"),
        ("{" * 100_000, "JSON|beyond measure"),
        ("[" * 100_000, "beyond measure"),
        (b"\xff\xfe{", "fails at byte 0"),
    ],
)
def test_what_is_no_page_is_a_fault_in_plain_words(page, said):
    with pytest.raises(FeedFault, match=said):
        polled({1: page})


def test_a_wrong_row_does_not_spoil_the_others():
    sheets, _ = polled({1: envelope([{"N": "1"}, "total", None, {"N": "2"}])})
    assert column(sheets, "N") == ["1", "2"]
    assert reasons(sheets) == [
        "a row should be an object; this is the text 'total'",
        "a row should be an object; this is null",
    ]


def test_realtime_services_have_another_envelope():
    said = {"status": 200, "code": "INFO-000", "message": "-", "total": 2}
    page = {"errorMessage": said, "realtimeArrivalList": rows(2)}
    assert column(polled({1: page})[0], "N") == ["1", "2"]


def test_a_source_that_does_not_page_is_found_out():
    with pytest.raises(FeedFault, match="raise page_size"):
        polled({1: envelope(rows(9))})
    with pytest.raises(FeedFault, match="the same 5 rows"):
        polled({1: envelope(rows(5), 99), 6: envelope(rows(5), 99)})


def test_pages_without_end_come_to_an_end():
    pages = {n: envelope(rows(5, n), 10**9) for n in range(1, 60, 5)}
    with pytest.raises(FeedFault, match="still more after 4 pages"):
        polled(pages, max_pages=4)


def test_one_page_that_has_not_changed_is_not_read_again():
    def page(asked):
        return hostile.tagged(envelope(rows(2)))(asked)

    sheets, source = polled({1: page}, polls=2)
    assert sheets == []
    assert len(source.asked) == 2


def test_several_pages_are_read_even_if_the_first_has_not_changed():
    def page(asked):
        return hostile.tagged(envelope(rows(5)))(asked)

    sheets, _ = polled({1: page, 6: envelope(rows(2, 6))}, polls=2)
    assert len(column(sheets, "N")) == 7


def test_arguments_may_be_a_day():
    sheets, source = polled(
        {1: envelope(rows(1))}, tail="20260428/중구/", arguments=["%Y%m%d", "중구"], days_ago=[3]
    )
    assert len(sheets) == 1
    assert len(source.asked) == 1


def test_options_are_checked():
    for wrong in ({}, {"service": "../x"}, {"service": "A", "page_size": 1001}):
        with pytest.raises(ValueError, match="validation error"):
            Options.model_validate(wrong)
    assert issubclass(FeedFault, CityError)


@pytest.mark.parametrize(
    ("name", "count", "header"),
    [
        ("RealtimeCityAir_20210511_1500", 25, "MSRSTE_NM"),
        ("bikeList_5", 5, "stationId"),
        ("IotVdata017_1", 1, "SERIAL_NO"),
    ],
)
def test_published_samples(name, count, header):
    data = sample(f"seoul_openapi/{name}.json")
    page = read_page("here", data)
    assert len(page.sheet.lines) == count
    assert not page.sheet.bad
    assert all(page.sheet.columns[header].to_pylist())
    [service] = json.loads(data)
    assert page.total == json.loads(data)[service]["list_total_count"]
