"""Observations of a SensorThings service."""

import asyncio
import json
from datetime import timedelta

import pytest
from support import hostile
from support.feeds import NOW, column, poll, reasons

from citylib.feeds.connector import FeedFault
from citylib.feeds.connectors.sensorthings import Options, read_page

PATH = "/v1.1/Observations"


def observation(minutes_ago, **more):
    time = (NOW - timedelta(minutes=minutes_ago)).isoformat().replace("+00:00", "Z")
    return {
        "@iot.id": minutes_ago,
        "phenomenonTime": time,
        "result": 1.5,
        "resultTime": None,
    } | more


class Service:
    """One observation a minute; pages are linked."""

    def __init__(self, count, link="{url}"):
        self.rows = [observation(n) for n in reversed(range(count))]
        self.link = link
        self.url = ""

    def __call__(self, asked):
        skip, top = int(asked.query.get("$skip", 0)), min(int(asked.query["$top"]), 10)
        since = asked.query.get("$filter", "").partition(" ge ")[2]
        found = [row for row in self.rows if row["phenomenonTime"] >= since.replace(".000", "")]
        query = "&".join(f"{name}={text}" for name, text in asked.query.items() if name != "$skip")
        page = {"value": found[skip : skip + top]}
        if skip + top < len(found):
            place = self.link.format(url=self.url)
            page["@iot.nextLink"] = f"{place}{PATH}?{query}&$skip={skip + top}"
        return hostile.reply(page)


def polled(answer, memory=None, key=None, path="Observations", **options):
    async def run():
        async with hostile.server() as source:
            answer.url = source.url
            source.on("/v1.1/" + path, answer)
            kept = {} if memory is None else memory
            own = {"path": path, **options}
            return await poll("sensorthings", source.url + "/v1.1", own, kept, key), source

    return asyncio.run(run())


def linked(*pages):
    """A service that gives these pages, one after the other; {url} is its own address."""

    def answer(asked):
        page = pages[min(int(asked.query.get("n", 0)), len(pages) - 1)]
        return hostile.reply(json.dumps(page).replace("{url}", answer.url))

    return answer


def test_pages_are_followed_by_their_links():
    sheets, source = polled(Service(25), key="token", expand="Datastream", filter="result gt 1")
    assert len(column(sheets, "result")) == 25
    first = source.asked[0]
    assert first.headers["authorization"] == "Bearer token"
    assert (first.query["$expand"], first.query["$filter"]) == ("Datastream", "result gt 1")


def test_links_may_be_relative_or_written_for_a_port_behind_a_proxy():
    for link in ("", "http://127.0.0.1", "https://127.0.0.1:9"):
        assert len(column(polled(Service(25, link))[0], "result")) == 25


def test_a_link_to_another_host_is_not_followed():
    with pytest.raises(FeedFault, match="not on this host"):
        polled(Service(25, "http://169.254.169.254"), key="token")


def test_links_in_a_circle_are_found_out():
    page = {"value": [observation(1)], "@iot.nextLink": "{url}/v1.1/Observations?n=1"}
    other = {"value": [observation(2)], "@iot.nextLink": "{url}/v1.1/Observations?n=1"}
    with pytest.raises(FeedFault, match="in a circle"):
        polled(linked(page, other))


def test_pages_without_end_come_to_an_end():
    def endless(asked):
        n = int(asked.query.get("n", 0)) + 1
        link = f"{endless.url}{PATH}?n={n}"
        return hostile.reply({"value": [observation(n)], "@iot.nextLink": link})

    with pytest.raises(FeedFault, match="still more after 5 pages"):
        polled(endless, max_pages=5)

    def empty(asked):
        n = int(asked.query.get("n", 0)) + 1
        return hostile.reply({"value": [], "@iot.nextLink": f"{empty.url}{PATH}?n={n}"})

    with pytest.raises(FeedFault, match="still more after 5 pages"):
        polled(empty, max_pages=5)


def test_only_what_is_newer_less_what_may_be_late():
    service, memory = Service(300), {}
    options = {"time": "phenomenonTime", "days": 0.125, "overlap": 600}
    assert len(column(polled(service, memory, **options)[0], "result")) == 181
    assert memory["time"] == NOW.isoformat()
    sheets, source = polled(service, memory, **options)
    assert len(column(sheets, "result")) == 11
    assert source.asked[0].query["$orderby"] == "phenomenonTime asc"


def test_a_clock_that_runs_ahead_does_not_silence_the_others():
    service, memory = Service(3), {}
    service.rows.append(observation(-60 * 24 * 365))
    polled(service, memory, time="phenomenonTime")
    assert memory["time"] == NOW.isoformat()


def test_an_interval_counts_from_its_beginning():
    page = linked(
        {"value": [observation(0, phenomenonTime="2026-05-01T10:00:00Z/2026-05-01T11:00:00Z")]}
    )
    memory: dict[str, str] = {}
    polled(page, memory, time="phenomenonTime")
    assert memory["time"] == "2026-05-01T10:00:00+00:00"


def test_a_row_without_the_time_asked_for_is_bad():
    sheets, _ = polled(linked({"value": [observation(1)]}), time="resultTime")
    assert reasons(sheets) == ["no time in resultTime"]


def test_what_was_expanded_is_in_dotted_headers():
    stream = {"name": "PM10", "Observations": [observation(1)], "Observations@iot.nextLink": "…"}
    sheets, _ = polled(linked({"value": [stream]}), path="Datastreams")
    assert column(sheets, "Observations.0.result") == ["1.5"]
    assert column(sheets, "Observations@iot.nextLink") == ["…"]


@pytest.mark.parametrize(
    ("page", "said"),
    [
        (observation(1), "a collection"),
        ({"value": {}}, "value.*a collection.*an empty object"),
        ({"value": [], "@iot.nextLink": 7}, "an address"),
        ({"code": 404, "type": "error", "message": "nothing found"}, "404: nothing found"),
        ([], "a list of 0"),
        ({"value": [], "@iot.nextLink": "http://[:::"}, "not on this host"),
    ],
)
def test_what_is_no_page_is_a_fault(page, said):
    with pytest.raises(FeedFault, match=said):
        polled(linked(page))


def test_rows_that_are_none_are_bad():
    page = read_page("here", b'{"value": [{"a": NaN}, [[1]], {"b": 1e999}, {"c": "\\ud800"}, {}]}')
    assert column([page.sheet], "a") == ["NaN", ""]
    assert column([page.sheet], "b") == ["", "1e999"]
    assert sorted(reasons([page.sheet])) == [
        "a row should be an object; this is a list of 1",
        "an empty object",
        "text with half a character",
    ]
    assert '{"c": "\\ud800"}' in [page.sheet.raw(line) for line, _ in page.sheet.bad]


def test_paths_are_checked():
    for wrong in ("../x", "Observations?$top=1", "http://x", "Datastreams(1)/../x"):
        with pytest.raises(ValueError, match="path"):
            Options.model_validate({"path": wrong})
    Options.model_validate({"path": "Datastreams('a-b')/Observations"})
