"""Entities of an NGSI-LD broker."""

import asyncio
import json

import pytest
from support import hostile
from support.feeds import column, poll, reasons, sample

from citylib.feeds.connector import FeedFault
from citylib.feeds.connectors.ngsi_ld import Options, read_page

PATH = "/ngsi-ld/v1/entities"
CONTEXT = "https://example.org/context.jsonld"


class Broker:
    """So many entities; it may say that there are more."""

    def __init__(self, count, said=None):
        self.count = count
        self.said = count if said is None else said

    def __call__(self, asked):
        start, size = int(asked.query["offset"]), int(asked.query["limit"])
        entities = [
            {
                "id": f"urn:ngsi-ld:Noise:{n}",
                "type": "Noise",
                "laeq": {"type": "Property", "value": n},
            }
            for n in range(start, min(self.count, start + size))
        ]
        if asked.query.get("options") == "keyValues":
            entities = [entity | {"laeq": entity["laeq"]["value"]} for entity in entities]
        if asked.headers["accept"] == "application/geo+json":
            features = [
                {"id": entity["id"], "type": "Feature", "geometry": None, "properties": entity}
                for entity in entities
            ]
            return hostile.reply({"type": "FeatureCollection", "features": features})
        return hostile.reply(entities, NGSILD_Results_Count=str(self.said))


def polled(answer, key=None, **options):
    async def run():
        async with hostile.server() as source:
            source.on(PATH, answer)
            own = {"type": ["Noise"], "page_size": 10, **options}
            return await poll("ngsi_ld", source.url + "/ngsi-ld/v1/", own, {}, key), source

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("representation", "header"),
    [
        ("normalized", "laeq.value"),
        ("keyValues", "laeq"),
        ("geojson", "properties.laeq.value"),
    ],
)
def test_all_entities_in_each_representation(representation, header):
    sheets, source = polled(Broker(25), representation=representation)
    assert column(sheets, header) == [str(n) for n in range(25)]
    assert [asked.query["offset"] for asked in source.asked] == ["0", "10", "20"]


def test_what_the_broker_wants_goes_along():
    _, source = polled(
        Broker(1), key="k", attrs=["laeq"], q="laeq>1", context=CONTEXT, tenant="city"
    )
    asked = source.asked[0]
    assert (asked.query["type"], asked.query["attrs"], asked.query["q"]) == (
        "Noise",
        "laeq",
        "laeq>1",
    )
    assert asked.headers["ngsild-tenant"] == "city"
    assert asked.headers["authorization"] == "Bearer k"
    assert asked.headers["link"].startswith(f"<{CONTEXT}>; rel=")


def test_entities_that_the_broker_counts_and_does_not_give_are_a_fault():
    with pytest.raises(FeedFault, match="has 30 rows and gave 25"):
        polled(Broker(25, said=30))


def test_a_broker_that_does_not_page_is_found_out():
    same = [{"id": f"urn:{n}", "type": "Noise"} for n in range(10)]
    with pytest.raises(FeedFault, match="the same 10 rows"):
        polled(hostile.reply(same))
    with pytest.raises(FeedFault, match="9 rows were asked for and 10 came"):
        polled(hostile.reply(same), page_size=9)


@pytest.mark.parametrize(
    ("page", "said"),
    [
        (
            {"type": "https://x/BadRequest", "title": "no type", "detail": "give one"},
            "no type: give",
        ),
        ({"type": "FeatureCollection", "features": {}}, "a list of features"),
        ({"id": "urn:1"}, "a list of entities"),
        ("nothing", "expected JSON"),
        ('{"id": "urn:1", "id": "urn:2", "type": "Noise"}', "a list of entities"),
    ],
)
def test_what_is_no_page_is_a_fault(page, said):
    with pytest.raises(FeedFault, match=said):
        polled(hostile.reply(page))


def test_what_is_no_entity_is_bad():
    page = read_page("here", json.dumps([{"id": "urn:1"}, {"type": "x"}, "urn:2", {}]).encode())
    assert len(reasons([page.sheet])) == 4
    assert "an entity has an type; this has none" in reasons([page.sheet])


def test_options_are_checked():
    for wrong in ({}, {"type": ["a"], "context": "x>; y"}, {"type": ["a"], "tenant": "a\r\nb"}):
        with pytest.raises(ValueError, match="validation error"):
            Options.model_validate(wrong)


@pytest.mark.parametrize("model", ["AirQualityObserved", "NoiseLevelObserved", "WaterObserved"])
@pytest.mark.parametrize(
    "form",
    ["geojsonfeature.json", "normalized.json", "normalized.jsonld", "json", "jsonld"],
)
def test_published_samples(model, form):
    name = f"example.{form}" if form.startswith("json") else f"example-{form}"
    page = read_page("here", sample(f"ngsi_ld/{model}__{name}"))
    assert (len(page.sheet.lines), page.sheet.bad) == (1, [])
    assert len(page.sheet.columns) > 5
