"""CAP alerts, and the indexes that lead to them."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import hostile
from support.feeds import column, poll, reasons, sample
from support.payloads import TEXTS, broken, hostile_payloads

from citylib.feeds.cap import read_answer
from citylib.feeds.connector import FeedFault

CAP = "urn:oasis:names:tc:emergency:cap:1.2"
AREA = (
    "<area><areaDesc>Quay</areaDesc><polygon>1,2 1,3 2,3 1,2</polygon><polygon>5,6 5,7 6,7 5,6"
    "</polygon><circle>1.5,2 0.5</circle><geocode><valueName>FIPS6</valueName><value>000001</value>"
    "</geocode><geocode><valueName>FIPS6</valueName><value>000002</value></geocode></area>"
)
INFO = (
    "<info><language>en</language><category>Met</category><category>Fire</category><event>Storm"
    "</event><urgency>Past</urgency><severity>Minor</severity><certainty>Likely</certainty>"
    "<effective>2026-05-01T10:00:00Z</effective><onset>2026-05-01T11:00:00+09:00</onset>"
    "<expires>2026-05-02T10:00:00-00:00</expires><headline>Wind</headline><description>Much wind"
    "</description><parameter><valueName>kind</valueName><value>watch</value></parameter>"
    f"{AREA}<area><areaDesc>Hill</areaDesc></area></info>"
)
REFERENCES = "<references>a@b.example,0,2026-04-30T09:00:00-00:00</references>"


def alert(identifier="7", kind="Alert", inner=INFO, references="", namespace=CAP):
    return (
        f"<alert xmlns='{namespace}'><identifier>{identifier}</identifier><sender>a@b.example"
        "</sender><sent>2026-05-01T09:00:00-00:00</sent><status>Actual</status>"
        f"<msgType>{kind}</msgType><scope>Public</scope>{references}{inner}</alert>"
    )


def atom(*links, updated="2026-05-01T09:00:00Z"):
    entries = "".join(
        f"<entry><updated>{updated}</updated><link href='{link}'/></entry>" for link in links
    )
    return f"<feed xmlns='http://www.w3.org/2005/Atom'>{entries}</feed>"


def read(text):
    return read_answer("here", text if isinstance(text, bytes) else text.encode())


def polled(scripts, memory=None, **options):
    """A poll of /index on a server whose paths answer as scripted; %s is the server."""

    async def run():
        async with hostile.server() as source:
            for path, reply in scripts.items():
                text = reply.replace("%s", source.url) if isinstance(reply, str) else reply
                source.on(path, hostile.reply(text) if isinstance(text, str) else text)
            sheets = []
            fault = None
            try:
                sheets = await poll("cap", source.url + "/index", options, memory, "the key")
            except FeedFault as error:
                fault = error
            return sheets, source, fault

    return asyncio.run(run())


def test_a_row_for_each_area_of_each_info():
    page = read(alert("8", "Update", INFO + INFO.replace("en", "ko", 1), REFERENCES)).page
    sheets = [page.sheet]
    assert column(sheets, "area_desc") == ["Quay", "Hill", "Quay", "Hill"]
    assert column(sheets, "language") == ["en", "en", "ko", "ko"]
    assert column(sheets, "info") == ["0", "0", "1", "1"]
    assert column(sheets, "area") == ["0", "1", "0", "1"]
    assert column(sheets, "msgType") == ["Update"] * 4
    assert column(sheets, "references") == ["a@b.example,0,2026-04-30T09:00:00-00:00"] * 4
    assert column(sheets, "category") == ["Met Fire"] * 4
    assert column(sheets, "polygon")[0] == "1,2 1,3 2,3 1,2; 5,6 5,7 6,7 5,6"
    assert column(sheets, "circle")[0] == "1.5,2 0.5"
    assert column(sheets, "geocode.FIPS6")[:2] == ["000001 000002", ""]
    assert column(sheets, "geocodes")[0] == "FIPS6=000001 000002"
    assert column(sheets, "parameter.kind") == ["watch"] * 4
    assert page.sheet.bad == []


def test_a_cancellation_without_info_is_a_row():
    sheets = [read(alert("9", "Cancel", "", REFERENCES)).page.sheet]
    assert (column(sheets, "identifier"), column(sheets, "msgType")) == (["9"], ["Cancel"])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (alert(kind="Update"), "Update without references"),
        (alert(kind="Cancel", references="<references>x</references>"), "not sender,identifier"),
        (alert(identifier="a b"), "identifier has a space"),
        (alert(identifier=""), "no identifier"),
        (alert().replace("Actual", "Real"), "status is 'Real'"),
        (alert().replace("09:00:00-00:00", "09:00:00"), "no time with its distance"),
        (alert().replace("Past", ""), "no urgency"),
        (alert().replace(">Met<", ">Weather<"), "category is 'Weather'"),
        (alert().replace("1,3 2,3", "1,3 2,"), "polygon has a corner"),
        (alert().replace("1,2 1,3 2,3 1,2", "1,2 1,3 2,3 1,4"), "does not end where it begins"),
        (alert().replace("1.5,2 0.5", "91,2 0.5"), "circle is no latitude"),
        (alert().replace("<areaDesc>Quay</areaDesc>", ""), "no area_desc"),
        (alert().replace("<event>", "<event>Fire</event><event>"), "event stands twice"),
        (alert(namespace="http://www.incident.com/cap/1.0"), "not CAP 1.1 or 1.2"),
    ],
)
def test_what_is_wrong_is_set_aside_with_its_reason(text, reason):
    sheet = read(text).page.sheet
    assert reason in sheet.bad[0][1]
    assert len(sheet.bad) + len(sheet.lines) == 2  # the rows of both areas


def test_alerts_in_an_envelope_and_in_entries():
    inside = alert("1") + alert("2", kind="Update")
    for name in ("EDXLDistribution", "alerts"):
        page = read(f"<{name}><contentObject>{inside}</contentObject></{name}>").page
        assert column([page.sheet], "identifier") == ["1", "1"]
        assert len(page.sheet.bad) == 2
    index = read(f"<rss><channel><item>{alert('3')}</item><item/></channel></rss>")
    assert column([index.page.sheet], "identifier") == ["3", "3"]
    assert reasons([index.page.sheet]) == ["the entry has neither an alert nor a link to one"]


BOMB = "".join(f"<!ENTITY l{n} '{f'&l{n - 1};' * 10}'>" for n in range(1, 10))


@pytest.mark.parametrize(
    "declared",
    [
        f"<!DOCTYPE alert [<!ENTITY l0 'ha'>{BOMB}]>",
        "<!DOCTYPE alert [<!ENTITY l9 SYSTEM 'file:///etc/passwd'>]>",
        "<!DOCTYPE alert SYSTEM 'http://127.0.0.1:9/alert.dtd'>",
        "<!DOCTYPE alert [<!ENTITY % all SYSTEM 'http://127.0.0.1:9/x'> %all;]>",
    ],
)
def test_entities_and_document_types_are_refused(declared):
    with pytest.raises(FeedFault, match="document type of its own"):
        read(declared + alert(identifier="&l9;"))


def test_an_info_is_not_repeated_beyond_memory():
    long = INFO.replace("Much wind", "x" * 2**20).replace(AREA, AREA * 70)
    with pytest.raises(FeedFault, match="characters; refused"):
        read(alert(inner=long))


def test_alerts_are_fetched_from_the_index_and_only_once():
    memory = {}
    scripts = {"/index": atom("/1", "%s/2"), "/1": alert("1"), "/2": alert("2")}
    sheets, source, fault = polled(scripts, memory)
    assert fault is None
    assert sorted(column(sheets, "identifier")) == ["1", "1", "2", "2"]
    assert {asked.headers.get("authorization") for asked in source.asked} == {"Bearer the key"}
    sheets, source, _ = polled({"/index": atom("/1", "/3"), "/3": alert("3")}, memory)
    assert (column(sheets, "identifier"), source.paths()) == (["3", "3"], ["/index", "/3"])
    changed = {"/index": atom("/1", updated="2026-05-02T09:00:00Z"), "/1": alert("4")}
    assert column(polled(changed, memory)[0], "identifier") == ["4", "4"]


def test_links_to_other_hosts_are_not_followed_unless_named():
    async def run():
        async with hostile.server() as index, hostile.server() as other:
            away = [f"{other.url}/1", "file:///etc/passwd", "http://169.254.169.254/x"]
            index.on("/index", hostile.reply(atom(*away)))
            other.on("/1", hostile.reply(alert("1")))
            refused = await poll("cap", index.url + "/index", {}, {}, "the key")
            none = other.paths()
            hosts = {"hosts": [other.url.removeprefix("http://")]}
            followed = await poll("cap", index.url + "/index", hosts, {}, "the key")
            return refused, none, followed, other

    refused, none, followed, other = asyncio.run(run())
    assert none == []
    assert len(reasons(refused)) == 3
    assert "not among `hosts`" in reasons(refused)[0]
    assert column(followed, "identifier")[-2:] == ["1", "1"]
    assert other.paths() == ["/1"]
    assert "authorization" not in other.asked[0].headers
    assert len(reasons(followed)) == 2


def test_an_alert_that_cannot_be_had_is_told_and_asked_for_again():
    memory = {}
    scripts = {"/index": atom("/gone", "/1"), "/1": alert("1")}
    _, source, fault = polled(scripts, memory)
    assert "/gone answered 404" in str(fault)
    assert source.paths().count("/1") == 1
    assert "links" not in memory


def test_what_is_no_alert_at_a_link_does_not_cost_the_others():
    scripts = {"/index": atom("/a", "/1", "/b"), "/a": "<html/>", "/1": alert("1")}
    sheets, _, fault = polled(scripts | {"/b": atom("/index")})
    assert fault is None
    assert column(sheets, "identifier") == ["1", "1"]
    no_alert, an_index = reasons(sheets)
    assert "expected CAP alerts" in no_alert
    assert "an index again" in an_index


def test_an_index_of_too_many_is_at_fault():
    _, source, fault = polled({"/index": atom("/1", "/2", "/3")}, max_links=2)
    assert "leads to 3 alerts; raise max_links" in str(fault)
    assert source.paths() == ["/index"]


@hostile_payloads
@given(
    st.sampled_from([alert(references=REFERENCES), atom("/1"), f"<x>{alert()}</x>"]).flatmap(
        lambda text: broken(text.encode())
    )
    | st.binary(max_size=60)
    | st.tuples(TEXTS, TEXTS).map(
        lambda pair: (
            alert()
            .replace("Quay", pair[0].translate({60: None, 38: None}))
            .replace("1,2", pair[1].translate({60: None, 38: None}))
            .encode("utf-8", "replace")
        )
    )
)
def test_hostile_payloads(data):
    page, said = None, ""
    try:
        page = read_answer("here", data).page
    except FeedFault as fault:
        said = str(fault)
    assert page or "here" in said
    if not page:
        return
    sheet = page.sheet
    lines = sheet.lines.tolist() + [line for line, _ in sheet.bad]
    assert sorted(lines) == list(range(1, len(page.rows) + 1))
    for values in sheet.columns.values():
        values.validate(full=True)
    "".join([sheet.raw(line) for line in lines] + reasons([sheet])).encode()


@pytest.mark.parametrize(
    ("name", "good", "bad", "links"),
    [
        ("amber.atom", 1, 0, 0),
        ("bushfire_invalid.edxlde", 5, 2, 0),
        ("bushfire_valid.edxlde", 7, 0, 0),
        ("canada.cap", 4, 0, 0),
        ("canada_errors.cap", 0, 1, 0),
        ("canada_signed.atom", 4, 0, 0),
        ("earthquake-iso8859-1.cap", 1, 0, 0),
        ("earthquake_index.atom", 0, 0, 1),
        ("invalid.rss", 0, 1, 0),
        ("no_optional_fields.cap", 1, 0, 0),
        ("noaa_errors.cap", 0, 1, 0),
        ("ny_index.rss", 0, 0, 2),
        ("weather_index.atom", 0, 0, 2),
    ],
)
def test_published_samples(name, good, bad, links):
    found = read(sample(f"cap/{name}"))
    sheet = found.page.sheet
    assert (len(sheet.lines), len(sheet.bad), len(found.links)) == (good, bad, links)


def test_a_published_attack_is_refused():
    for name in ("cap/xee.atom", "cap/xee.cap"):
        with pytest.raises(FeedFault, match="document type of its own"):
            read(sample(name))
