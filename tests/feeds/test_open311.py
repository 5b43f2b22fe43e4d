"""Requests and services of Open311."""

import asyncio
from datetime import datetime, timedelta

import pytest
from support import hostile
from support.feeds import NOW, column, poll, reasons, sample, sent

from citylib.feeds.connector import FeedFault
from citylib.feeds.connectors.open311 import read_page


def made(hours_ago, **more):
    time = (NOW - timedelta(hours=hours_ago)).strftime("%Y-%m-%dT%H:%M:%SZ")
    row = {"service_request_id": f"r{hours_ago}", "requested_datetime": time}
    return row | {"updated_datetime": time} | more


class Endpoint:
    """So many requests, one an hour before now; answers are cut off at `cut`."""

    def __init__(self, hours, cut=1000):
        self.rows = [made(n) for n in range(1, hours + 1)]
        self.cut = cut

    def __call__(self, asked):
        query = asked.query
        low, high = query.get("start_date", ""), query.get("end_date", "9")
        found = [row for row in self.rows if low <= row["requested_datetime"] <= high]
        if "start_date" in query:
            span = datetime.fromisoformat(high) - datetime.fromisoformat(low)
            assert timedelta() < span <= timedelta(days=90)
        if since := query.get("updated_after"):
            found = [row for row in found if row["updated_datetime"] >= since]
        if "page" in query:
            size, number = int(query["page_size"]), int(query["page"])
            return hostile.reply(found[size * (number - 1) : size * number])
        return hostile.reply(found[: self.cut])


def polled(answer, memory=None, key=None, path="/v2/requests.json", **options):
    async def run():
        async with hostile.server() as source:
            source.on(path, answer)
            kept = {} if memory is None else memory
            return await poll("open311", source.url + "/v2", options, kept, key), source

    return asyncio.run(run())


def ids(sheets):
    return set(column(sheets, "service_request_id"))


def test_a_span_longer_than_the_standard_allows_is_asked_for_in_parts():
    endpoint = Endpoint(0)
    endpoint.rows = [made(24 * day) for day in range(1, 200)]
    sheets, source = polled(endpoint, days=200)
    assert len(ids(sheets)) == 199
    assert len(source.asked) == 3


def test_an_answer_that_was_cut_off_is_asked_for_again_in_halves():
    sheets, source = polled(Endpoint(300, cut=50), cut=50, days=30)
    assert len(ids(sheets)) == 300
    assert len(source.asked) > 6


def test_more_at_one_moment_than_the_server_gives_is_a_fault():
    endpoint = Endpoint(0, cut=5)
    endpoint.rows = [made(1, service_request_id=f"r{n}") for n in range(9)]
    with pytest.raises(FeedFault, match="cuts its answer off"):
        polled(endpoint, cut=5, days=1)


def test_pages_where_a_server_has_them():
    sheets, source = polled(Endpoint(25), page_size=10, days=2)
    assert len(ids(sheets)) == 25
    assert [asked.query["page"] for asked in source.asked] == ["1", "2", "3"]


def test_only_what_was_updated_since():
    endpoint, memory = Endpoint(20), {}
    options = {"updated": "updated_after", "days": 5}
    assert len(ids(polled(endpoint, memory, **options)[0])) == 20
    assert memory["updated_datetime"] == "2026-05-01T11:00:00+00:00"
    endpoint.rows[9]["updated_datetime"] = "2026-05-01T11:59:00Z"
    sheets, source = polled(endpoint, memory, **options)
    assert ids(sheets) == {"r1", "r2", "r10"}
    assert source.asked[0].query == {"updated_after": "2026-05-01T10:00:00Z"}
    endpoint.rows[2]["updated_datetime"] = "2099-01-01T00:00:00Z"
    polled(endpoint, memory, **options)
    assert memory["updated_datetime"] == "2026-05-01T11:59:00+00:00"


def test_what_the_server_wants_goes_along():
    _, source = polled(
        Endpoint(1),
        key="k",
        jurisdiction_id="city.example",
        service_code=["006", "007"],
        status=["open"],
        extra={"extensions": "true"},
    )
    query = source.asked[0].query
    assert query["jurisdiction_id"] == "city.example"
    assert query["service_code"] == "006,007"
    assert (query["status"], query["extensions"], query["api_key"]) == ("open", "true", "k")


def test_services_are_rows_too():
    services = [{"service_code": "006", "metadata": False}, {"service_name": "?"}]
    sheets, _ = polled(hostile.reply(services), path="/v2/services.json", resource="services")
    assert column(sheets, "service_code") == ["006"]
    assert reasons(sheets) == ["no service_code"]


def test_a_request_that_is_still_being_processed_is_set_aside():
    sheets, _ = polled(hostile.reply([made(1), {"token": "t", "service_request_id": None}]))
    assert len(column(sheets, "lat") + reasons(sheets)) == 2
    assert "still processing" in reasons(sheets)[0]


XML = """<?xml version="1.0" encoding="utf-8"?>
<service_requests>
  <request>
    <service_request_id>638344</service_request_id>
    <description></description>
    <address>8TH AVE &amp; JUDAH ST</address>
    <lat>37.762</lat>
    <notes><note><type>opened</type></note><note type="x">closed <b>now</b></note></notes>
  </request>
  <request><service_request_id></service_request_id></request>
  <!-- no row -->
</service_requests>"""


def test_xml_answers_are_the_same_rows():
    path = "/v2/requests.xml"
    sheets, _ = polled(hostile.reply(XML), path=path, format="xml")
    assert column(sheets, "address") == ["8TH AVE & JUDAH ST"]
    assert column(sheets, "notes.note.0.type") == ["opened"]
    assert column(sheets, "notes.note.1.@type") == ["x"]
    assert sent(sheets[0])[0]["description"] == ""
    assert len(reasons(sheets)) == 1


ENTITIES = (
    '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    "<service_requests><request>&b;</request></service_requests>"
)


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ([{"code": 403, "description": "Invalid api_key"}], "says no: 403: Invalid api_key"),
        (
            "<errors><error><code>400</code><description>no</description></error></errors>",
            "400: no",
        ),
        ({"errors": [{"code": 1, "description": "x"}]}, "1: x"),
        ({"requests": []}, "a list of requests"),
        ("<html><body/></html>", "expected <service_requests>"),
        ("<service_requests><request>", "expected XML"),
        (ENTITIES, "a document type of its own"),
        ("<service_requests>" + "<a>" * 99 + "</a>" * 99 + "</service_requests>", "beyond 64"),
        ('[{"service_code":001}]', "expected JSON"),
    ],
)
def test_what_is_no_page_is_a_fault(page, said):
    with pytest.raises(FeedFault, match=said):
        polled(hostile.reply(page))


def test_pages_without_end_come_to_an_end():
    def endless(asked):
        return hostile.reply([made(int(asked.query["page"]) * 10 + n) for n in range(5)])

    with pytest.raises(FeedFault, match="still more after 3 pages"):
        polled(endless, page_size=5, max_pages=3)


def test_published_samples():
    text = sample("open311/open311_georeport_v2.md").decode()
    begin = text.index("<?xml", text.index("{: .tab-pane .active #xml-service-requests}"))
    xml, _, rest = text[begin:].partition("~~~~")
    page = read_page("here", xml.encode())
    assert column([page.sheet], "service_request_id") == ["638344", "638349"]
    # The standard's own example of JSON is none: it has numbers that begin with a nought.
    with pytest.raises(FeedFault, match="expected JSON"):
        read_page("here", rest[rest.index("[\n") :].partition("~~~~")[0].encode())
