"""Stations and vehicles by GBFS."""

import asyncio
import json
from datetime import timedelta

import httpx
import pytest
from support import hostile
from support.feeds import NOW, column, poll, reasons, sample

from citylib.feeds.connector import FeedFault
from citylib.feeds.connectors.gbfs import _place, addresses, read_page, stations_of

LATER = NOW + timedelta(seconds=90)


def envelope(data, version="2.3", ttl=60, updated=None):
    updated = int(NOW.timestamp()) if updated is None else updated
    return {"last_updated": updated, "ttl": ttl, "version": version, "data": data}


def index(source, *names, version="2.3", language="en"):
    feeds = {"feeds": [{"name": name, "url": f"{source.url}/{name}"} for name in names]}
    return envelope({language: feeds} if version < "3" else feeds, version)


STATUS = [
    {"station_id": "1", "num_bikes_available": 4, "last_reported": 1777636800},
    {"station_id": "2", "num_bikes_available": 0, "last_reported": 1777636800},
]
PLACES = [
    {"station_id": "1", "name": "Quay", "lat": 1.5, "lon": 2.5},
    {"station_id": "2", "name": "Park", "lat": 1.6, "lon": 2.6},
]


async def system(source, version="2.3", status=STATUS, places=PLACES, **more):
    """A system with two stations."""
    names = ["station_status", "station_information", *more]
    source.on("/gbfs.json", hostile.reply(index(source, *names, version=version)))
    source.on("/station_status", hostile.reply(envelope({"stations": status}, version)))
    source.on("/station_information", hostile.reply(envelope({"stations": places}, version, 3600)))
    for name, answer in more.items():
        source.on(f"/{name}", answer)


def polled(setup=system, memory=None, key=None, options=None, **more):
    async def run():
        async with hostile.server() as source:
            await setup(source, **more)
            kept = {} if memory is None else memory
            return await poll("gbfs", source.url + "/gbfs.json", options, kept, key), source

    return asyncio.run(run())


@pytest.mark.parametrize("version", ["2.3", "3.0"])
def test_status_comes_with_what_is_known_of_the_station(version):
    [sheet], source = polled(version=version, key="k")
    assert column([sheet], "name") == ["Quay", "Park"]
    assert column([sheet], "num_bikes_available") == ["4", "0"]
    assert column([sheet], "last_reported") == ["2026-05-01T12:00:00Z"] * 2
    assert json.loads(sheet.raw(1)) == STATUS[0]
    assert {asked.headers["authorization"] for asked in source.asked} == {"Bearer k"}


def test_a_station_that_is_not_known_is_set_aside():
    rows = [*STATUS, {"station_id": "3"}, {"station_id": 4}, {"num": 1}, "5"]
    sheets, _ = polled(status=rows, places=[*PLACES, PLACES[1]])
    assert len(column(sheets, "name")) == 1
    assert reasons(sheets) == [
        "the station is twice in station_information",
        "the station is not in station_information",
        "the station is not in station_information",
        "no station_id",
        "a row should be an object; this is the text '5'",
    ]


def test_names_are_in_the_language_chosen():
    names = [{"text": "Quay", "language": "en"}, {"text": "부두", "language": "ko"}]
    places = [{"station_id": "1", "name": names}, {"station_id": "2", "name": names[:1]}]
    for language, found in ((None, "Quay"), ("ko", "부두")):
        sheets, _ = polled(version="3.0", places=places, options={"language": language})
        assert column(sheets, "name") == [found, "Quay"]


def test_before_version_3_each_language_has_its_own_files():
    data = {"en": {"feeds": []}, "ko": {"feeds": [{"name": "x", "url": "u"}]}}
    page = json.dumps(envelope(data)).encode()
    assert addresses("here", page)[0] == {}
    assert addresses("here", page, "ko")[0] == {"x": "u"}
    with pytest.raises(FeedFault, match="nothing in language 'fr'; there are 'en', 'ko'"):
        addresses("here", page, "fr")


def test_a_file_is_not_asked_for_before_its_time_is_over():
    async def run():
        async with hostile.server() as source, httpx.AsyncClient() as client:
            await system(source)
            address, memory = source.url + "/gbfs.json", {}
            for now in (NOW, NOW + timedelta(seconds=59), LATER):
                await poll("gbfs", address, {}, memory, now=now, client=client)
            return source.paths()

    paths = asyncio.run(run())
    assert paths == [
        "/gbfs.json",
        "/station_status",
        "/station_information",
        "/gbfs.json",
        "/station_status",
    ]


def test_a_station_opened_since_is_asked_for():
    async def run():
        async with hostile.server() as source, httpx.AsyncClient() as client:
            await system(source)
            address, memory = source.url + "/gbfs.json", {}
            await poll("gbfs", address, {}, memory, client=client)
            await system(
                source,
                status=[*STATUS, {"station_id": "3"}],
                places=[*PLACES, {"station_id": "3", "name": "New"}],
            )
            sheets = await poll("gbfs", address, {}, memory, now=LATER, client=client)
            return column(sheets, "name"), source.paths()[3:]

    names, paths = asyncio.run(run())
    assert names == ["Quay", "Park", "New"]
    assert paths == ["/gbfs.json", "/station_status", "/station_information"]


def test_a_time_to_live_without_end_does_not_silence_the_feed():
    _, life = read_page(
        "here", json.dumps(envelope({"stations": []}, ttl=10**14)).encode(), "station_status"
    )
    assert life.until(NOW) == NOW + timedelta(days=1)


def test_what_has_not_changed_is_not_read_again():
    def status(asked):
        return hostile.tagged(envelope({"stations": STATUS}, ttl=0))(asked)

    async def run():
        async with hostile.server() as source:
            await system(source)
            source.on("/station_status", status)
            memory: dict[str, str] = {}
            address = source.url + "/gbfs.json"
            return [await poll("gbfs", address, {}, memory, now=now) for now in (NOW, LATER)]

    first, second = asyncio.run(run())
    assert (len(first), len(second)) == (1, 0)


def test_vehicles_are_found_by_either_name():
    bikes = hostile.reply(envelope({"bikes": [{"bike_id": "b", "lat": 1}, {"lat": 2}]}))
    sheets, _ = polled(options={"feed": "vehicle_status"}, free_bike_status=bikes)
    assert column(sheets, "bike_id") == ["b"]
    assert column(sheets, "last_updated") == ["2026-05-01T12:00:00Z"]
    assert reasons(sheets) == ["no bike_id"]


@pytest.mark.parametrize(
    "place",
    [
        "file:///etc/passwd",
        "http://169.254.169.254/latest",
        "http://localhost:8000/hub",
        "http://127.1:8000/hub",
        "http://2130706433:8000/hub",
        "http://0x7f000001:8000/hub",
        "http://[::ffff:10.0.0.1]/hub",
        "http://10.0.0.1/x",
        "http://[::1]/x",
        "http://[:::",
        "ftp://example.org/x",
    ],
)
def test_files_are_not_looked_for_where_only_this_machine_can_reach(place):
    async def elsewhere(source):
        feeds = [{"name": "station_status", "url": place}]
        source.on("/gbfs.json", hostile.reply(envelope({"en": {"feeds": feeds}})))

    with pytest.raises(FeedFault, match="is not looked for"):
        polled(elsewhere)


def test_the_key_goes_to_no_other_host():
    async def run():
        async with hostile.server() as one, hostile.server() as other:
            feeds = [{"name": "station_status", "url": f"{other.url}/s"}]
            one.on("/gbfs.json", hostile.reply(envelope({"en": {"feeds": feeds}})))
            other.on("/s", hostile.reply(envelope({"stations": STATUS})))
            await poll("gbfs", one.url + "/gbfs.json", {}, {}, "k")
            return one.asked[0].headers, other.asked[0].headers

    own, foreign = asyncio.run(run())
    assert own["authorization"] == "Bearer k"
    assert "authorization" not in foreign


@pytest.mark.parametrize(
    ("page", "said"),
    [
        (envelope({"stations": []}, version="1.1"), "GBFS '1.1'; 2.x and 3.x are read"),
        (envelope({"stations": []}, ttl=-1), "a number of seconds; what came is the number -1"),
        (envelope({"stations": {}}), "a list of stations"),
        (envelope([]), "a GBFS file"),
        ({"last_updated": 0, "ttl": 0, "data": {}}, "a GBFS file"),
        ([], "a GBFS file"),
    ],
)
def test_what_is_no_file_is_a_fault(page, said):
    with pytest.raises(FeedFault, match=said):
        read_page("here", json.dumps(page).encode(), "station_status")


def test_a_system_without_the_file_says_what_it_has():
    with pytest.raises(FeedFault, match="offers no system_alerts; it offers station_information"):
        polled(options={"feed": "system_alerts"})


@pytest.mark.parametrize(
    ("file", "name", "count"),
    [
        ("v2.3__station_status", "station_status", 2),
        ("v2.3__station_information", "station_information", 2),
        ("v2.3__free_bike_status", "free_bike_status", 1),
        ("v2.3__system_alerts", "system_alerts", 1),
        ("v2.3__system_hours", "system_hours", 3),
        ("v2.3__geofencing_zones", "geofencing_zones", 1),
        ("v3.0__station_information", "station_information", 23),
        ("v3.0__station_status", "station_status", 1),
        ("v3.0__vehicle_status", "vehicle_status", 7),
        ("v3.0__geofencing_zones", "geofencing_zones", None),
        ("v3.1-RC3__station_status", "station_status", 2),
        ("v3.1-RC3__vehicle_availability", "vehicle_availability", 1),
    ],
)
def test_published_samples(file, name, count):
    data = sample(f"gbfs/{file}.json")
    page, _ = read_page("here", data, name)
    assert page.sheet.bad == []
    assert len(page.sheet.lines) == (count or len(page.rows)) > 0
    assert len(page.sheet.columns) < 60


def test_published_samples_fit_together():
    for version, known in (("v2.3", True), ("v3.1-RC3", False)):
        places, _ = stations_of("here", sample(f"gbfs/{version}__station_information.json"))
        status = sample(f"gbfs/{version}__station_status.json")
        page, _ = read_page("here", status, "station_status", None, places)
        assert (len(page.sheet.lines), len(page.sheet.bad)) == ((2, 0) if known else (0, 2))
        files, _ = addresses("here", sample(f"gbfs/{version}__gbfs.json"))
        assert "station_status" in files


def test_a_name_that_leads_to_this_network_is_not_asked(monkeypatch):
    async def named(_loop, host, *_, **__):
        return [(0, 0, 0, "", ("fe80::1%eth0" if host == "six.example" else "10.1.2.3", 0))]

    monkeypatch.setattr(asyncio.SelectorEventLoop, "getaddrinfo", named)
    for name in ("inside.example", "six.example"):
        place = _place("https://bikes.example/gbfs.json", {"x": f"http://{name}/x"}, "x")
        with pytest.raises(FeedFault, match="where it is not looked for"):
            asyncio.run(place)
