"""Vehicles, trips and alerts in GTFS Realtime."""

import asyncio
import json

import pytest
from google.protobuf import text_format
from google.transit.gtfs_realtime_pb2 import FeedMessage
from hypothesis import given
from hypothesis import strategies as st
from support import hostile
from support.feeds import column, poll, reasons, sample
from support.payloads import LEAVES, broken, hostile_payloads

from citylib.feeds.connector import FeedFault
from citylib.feeds.connectors.gtfs_rt import read_page

NOON, TIME = 1777636800, "2026-05-01T12:00:00Z"
HEADER = f'header {{ gtfs_realtime_version: "2.0" timestamp: {NOON} }}'
VEHICLE = f"""entity {{ id: "v1" vehicle {{ trip {{ trip_id: "t1" }} vehicle {{ id: "7" }}
    position {{ latitude: 37.55 longitude: 126.97 }} timestamp: {NOON + 60}
    current_status: STOPPED_AT }} }}"""
TRIP = f"""entity {{ id: "u1" trip_update {{ trip {{ trip_id: "t1" }}
    stop_time_update {{ stop_sequence: 1 arrival {{ delay: 60 time: {NOON} }} }}
    stop_time_update {{ stop_sequence: 2 departure {{ delay: -5 }} }} }} }}
    entity {{ id: "u2" trip_update {{
    trip {{ trip_id: "t2" schedule_relationship: CANCELED }} }} }}"""
ALERT = f"""entity {{ id: "a1" alert {{ active_period {{ start: {NOON} }} cause: STRIKE
    informed_entity {{ route_id: "1" }} informed_entity {{ stop_id: "2" }}
    header_text {{ translation {{ text: "Streik" language: "de" }} }} }} }}"""


def message(*parts):
    return text_format.Parse("\n".join(parts), FeedMessage()).SerializePartialToString()


def read(*parts, entity="vehicle"):
    return read_page("here", message(*parts), entity).sheet


def test_vehicles():
    sheet = read(HEADER, VEHICLE, VEHICLE.replace(f"timestamp: {NOON + 60}", ""), TRIP)
    sheets = [sheet]
    assert sheet.bad == []
    assert column(sheets, "id") == ["v1", "v1"]
    assert column(sheets, "vehicle.id") == ["7", "7"]
    assert column(sheets, "trip.trip_id") == ["t1", "t1"]
    assert column(sheets, "position.latitude") == ["37.55", "37.55"]
    assert column(sheets, "current_status") == ["STOPPED_AT"] * 2
    assert column(sheets, "timestamp") == ["2026-05-01T12:01:00Z", ""]
    assert column(sheets, "time") == ["2026-05-01T12:01:00Z", TIME]
    assert column(sheets, "header.timestamp") == [TIME] * 2
    assert column(sheets, "header.incrementality") == ["FULL_DATASET"] * 2


def test_a_trip_update_is_a_row_for_each_stop_time():
    sheets = [read(HEADER, TRIP, VEHICLE, entity="trip_update")]
    assert column(sheets, "id") == ["u1", "u1", "u2"]
    assert column(sheets, "stop_time_update.stop_sequence") == ["1", "2", ""]
    assert column(sheets, "stop_time_update.arrival.delay") == ["60", "", ""]
    assert column(sheets, "stop_time_update.arrival.time") == [TIME, "", ""]
    assert column(sheets, "stop_time_update.departure.delay") == ["", "-5", ""]
    assert column(sheets, "trip.schedule_relationship") == ["", "", "CANCELED"]


def test_an_alert_is_a_row_for_each_entity_that_it_informs():
    sheets = [read(HEADER, ALERT, entity="alert")]
    assert column(sheets, "informed_entity.route_id") == ["1", ""]
    assert column(sheets, "informed_entity.stop_id") == ["", "2"]
    assert column(sheets, "active_period.0.start") == [TIME] * 2
    assert column(sheets, "header_text.translation.0.text") == ["Streik"] * 2


@pytest.mark.parametrize(
    ("entity", "reason"),
    [
        (VEHICLE.replace("37.55", "137.55"), "no place in degrees"),
        (VEHICLE.replace("37.55", "nan"), "no place in degrees"),
        (VEHICLE.replace("longitude: 126.97", ""), "no vehicle.position.longitude"),
        (VEHICLE.replace('id: "v1"', ""), "no id"),
        (VEHICLE.replace(str(NOON + 60), str(NOON * 1000)), "no time in seconds since 1970"),
        (VEHICLE.replace("vehicle {", "is_deleted: true vehicle {", 1), "it is deleted"),
        ('entity { id: "x" }', "neither vehicle nor trip_update nor alert"),
    ],
)
def test_what_is_no_row_is_bad_and_costs_no_other(entity, reason):
    sheet = read(HEADER, entity, VEHICLE)
    assert len(sheet.lines) == 1
    assert reason in sheet.bad[0][1]
    json.loads(sheet.raw(2))


def test_a_text_that_is_not_utf_8_is_bad():
    data = message(HEADER, VEHICLE).replace(b"\x02v1", b"\x02\xff\xfe")
    assert reasons([read_page("here", data).sheet]) == ["a text in it is not UTF-8"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "nothing at all"),
        (b"<html>no service</html>", "expected GTFS Realtime as protobuf"),
        (b'{"header": {}}', "expected GTFS Realtime as protobuf"),
        (message(VEHICLE), "no header"),
        (message(HEADER, VEHICLE)[:-3], "breaks off"),
        (message('header { gtfs_realtime_version: "9" }'), "GTFS Realtime '9'"),
        (message(HEADER.replace(str(NOON), str(NOON * 1000))), "no time in seconds"),
        (b"\x12" * (32 * 2**20 + 1), "more than 33,554,432 bytes"),
    ],
)
def test_what_is_no_feed_is_a_fault(data, said):
    with pytest.raises(FeedFault) as caught:
        read_page("here", data)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("options", "place"),
    [
        ({}, ("headers", "authorization", "Bearer s3cret")),
        ({"key_header": "x-api-key"}, ("headers", "x-api-key", "s3cret")),
        ({"key_parameter": "key"}, ("query", "key", "s3cret")),
    ],
)
def test_polls(options, place):
    memory = {}

    async def run():
        async with hostile.server() as source:
            source.on("/feed.pb", hostile.tagged(message(HEADER, VEHICLE)))
            own = {"entity": "vehicle", **options}
            ask = ("gtfs_rt", source.url + "/feed.pb", own, memory, "s3cret")
            return await poll(*ask), await poll(*ask), source

    first, second, source = asyncio.run(run())
    assert (column(first, "id"), second) == (["v1"], [])
    where, name, value = place
    assert all(getattr(asked, where)[name] == value for asked in source.asked)
    assert "s3cret" not in json.dumps(memory) + first[0].file


@pytest.mark.parametrize("answer", [hostile.half(message(HEADER, VEHICLE) * 20), hostile.hanging()])
def test_half_an_answer_and_none_are_faults(answer, monkeypatch):
    monkeypatch.setattr("citylib.feeds.connector._pause", lambda attempt: 0)

    async def run():
        async with hostile.server() as source:
            source.on("/feed.pb", answer)
            await poll("gtfs_rt", source.url + "/feed.pb", {"entity": "vehicle"}, timeout=0.3)

    with pytest.raises(FeedFault):
        asyncio.run(run())


@pytest.mark.parametrize("entity", ["vehicle", "trip_update", "alert"])
def test_hostile_payloads(entity):
    good = message(HEADER, VEHICLE, TRIP, ALERT)
    header = message(HEADER)

    @hostile_payloads
    @given(
        broken(good)
        | broken(good).map(lambda data: header + data)
        | st.binary(max_size=60).map(lambda data: header + data)
        | LEAVES.map(lambda leaf: repr(leaf).encode())
    )
    def holds(data):
        fault, page = "", None
        try:
            page = read_page("here", data, entity)
        except FeedFault as error:
            fault = str(error)
        assert page or "here" in fault
        if page:
            sheet = page.sheet
            lines = [*sheet.lines.tolist(), *(line for line, _ in sheet.bad)]
            assert sorted(lines) == list(range(1, len(page.rows) + 1))
            for values in sheet.columns.values():
                values.validate(full=True)
            "".join([sheet.raw(line) for line in lines] + reasons([sheet])).encode()

    holds()


@pytest.mark.parametrize(
    "language", ["python__tests", "golang__gtfs", "ruby__spec__google__transit"]
)
def test_published_samples(language):
    sheets = [read_page("here", sample(f"gtfs_rt/{language}__vehicle_position.pb")).sheet]
    assert (column(sheets, "trip.trip_id"), column(sheets, "vehicle.id")) == (["t0"], ["1"])


@pytest.mark.parametrize(
    ("name", "entity", "rows"), [("trip-updates-full", "trip_update", 5), ("alerts", "alert", 3)]
)
def test_published_texts(name, entity, rows):
    sheet = read(sample(f"gtfs/{name}.asciipb").decode(), entity=entity)
    assert (len(sheet.lines), sheet.bad) == (rows, [])
