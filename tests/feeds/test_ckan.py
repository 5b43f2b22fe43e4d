"""Rows of CKAN's DataStore."""

import asyncio
import json

import pytest
from support import hostile
from support.feeds import column, poll, reasons

from citylib.feeds.connector import FeedFault
from citylib.feeds.connectors.ckan import Options, read_page

SEARCH = "/api/3/action/datastore_search"


def portal(count, most=32_000, total=None, **more):
    """A portal with so many rows, of which it gives `most` at once."""

    def answer(asked):
        start, size = int(asked.query["offset"]), min(int(asked.query["limit"]), most)
        records = [{"_id": n, "name": f"n{n}"} for n in range(start, min(count, start + size))]
        said = {"total": count if total is None else total, "limit": size, **more}
        return hostile.reply({"success": True, "result": {"records": records, **said}})

    return answer


def polled(answer, memory=None, key=None, path=SEARCH, polls=1, **options):
    async def run():
        async with hostile.server() as source:
            source.on(path, answer)
            own = {"resource": "r-1", "page_size": 10} | options
            kept = {} if memory is None else memory
            for _ in range(polls):
                sheets = await poll("ckan", source.url + "/", own, kept, key)
            return sheets, source

    return asyncio.run(run())


def test_all_rows_come_also_from_a_portal_that_gives_fewer_than_asked_for():
    for most in (32_000, 7):
        sheets, source = polled(portal(25, most))
        assert column(sheets, "_id") == [str(n) for n in range(25)]
        assert source.asked[0].query["sort"] == "_id"


def test_without_a_total_an_empty_page_ends_the_poll():
    sheets, _ = polled(portal(20, total="?"))
    assert len(column(sheets, "_id")) == 20
    sheets, _ = polled(portal(20, total=90, total_was_estimated=True))
    assert len(column(sheets, "_id")) == 20


def test_rows_that_the_portal_says_it_has_and_does_not_give_are_a_fault():
    with pytest.raises(FeedFault, match="has 90 rows and gave 20"):
        polled(portal(20, total=90))


def test_the_key_and_the_filters_go_along():
    _, source = polled(portal(1), key="secret", filters={"gu": "중구"})
    assert source.asked[0].headers["authorization"] == "secret"
    assert json.loads(source.asked[0].query["filters"]) == {"gu": "중구"}


def test_the_files_of_a_data_set_are_rows_too():
    files = [{"id": "a", "format": "CSV", "url": "https://x/a.csv"}, {"id": "b", "format": "PDF"}]
    answer = hostile.reply({"success": True, "result": {"id": "d", "resources": files}})
    path = "/api/3/action/package_show"
    sheets, source = polled(answer, path=path, resource=None, dataset="d")
    assert column(sheets, "format") == ["CSV", "PDF"]
    assert source.asked[0].query == {"id": "d"}


@pytest.mark.parametrize(
    ("page", "said"),
    [
        (
            {"success": False, "error": {"__type": "Not Found", "message": "no r"}},
            "Not Found: no r",
        ),
        ({"success": False}, "it does not say why"),
        ({"success": True}, "result.*null"),
        ({"success": "yes", "result": {"records": []}}, "success and result"),
        ({"success": True, "result": {"records": "a,b"}}, "a list of rows"),
        ({"success": True, "result": {"records": {}}}, "an empty object"),
        ('{"success": true, "result": {"records": [], "records": [{}]}}', "a list of rows"),
        ([1], "a list of 1"),
        ("not json", "the text 'not json'"),
    ],
)
def test_what_is_no_page_is_a_fault(page, said):
    with pytest.raises(FeedFault, match=said):
        polled(hostile.reply(page))


def test_a_wrong_row_does_not_spoil_the_others():
    page = read_page("here", b'{"success":true,"result":{"records":[{"a":1},[2],{"a":1,"a":2}]}}')
    assert column([page.sheet], "a") == ["1"]
    assert len(reasons([page.sheet])) == 2
    assert "'a': 1" in str([page.sheet.raw(line) for line, _ in page.sheet.bad]).replace('"', "'")


def test_a_portal_that_does_not_page_is_found_out():
    def same(asked):
        return hostile.reply({"success": True, "result": {"records": [{"a": 1}] * 3, "total": 9}})

    with pytest.raises(FeedFault, match="the same 3 rows"):
        polled(same)
    with pytest.raises(FeedFault, match="2 rows were asked for and 3 came"):
        polled(same, page_size=2)


def test_a_portal_without_end_comes_to_an_end():
    with pytest.raises(FeedFault, match="still more after 3 pages"):
        polled(portal(10**6), max_pages=3)


def test_a_changed_last_page_is_seen():
    memory: dict[str, str] = {}
    polled(portal(25), memory)
    assert memory["pages"] == "3"


def test_one_of_resource_and_dataset():
    for wrong in ({}, {"resource": "a", "dataset": "b"}):
        with pytest.raises(ValueError, match="give resource or dataset"):
            Options.model_validate(wrong)
