"""Which cameras there are: rows of any kind, imports, what is set aside and why."""

from __future__ import annotations

import csv
import json
import time

import pytest
from support.port import build_port

from citylib.cameras.registry.imports import run_import
from citylib.cameras.registry.model import Camera
from citylib.cameras.registry.read import RegistryError, imported, read_cameras
from citylib.cameras.registry.report import run_check, run_list
from citylib.city.errors import ProfileError
from citylib.city.settings import Settings

HEAD = "id,name_fr,name_en,lon,lat,address,credentials,viewers\n"
GOOD = "gate,Porte,Gate,1,0.5,rtsp://10.1.2.3/live/one,,\n"
PROBE = """<?xml version="1.0"?>
<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"
  xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"
  xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"><e:Body><d:ProbeMatches>
<d:ProbeMatch><a:EndpointReference><a:Address>urn:uuid:aa-1</a:Address></a:EndpointReference>
<d:Scopes>onvif://www.onvif.org/name/Quay%20cam onvif://www.onvif.org/location/x</d:Scopes>
<d:XAddrs>http://10.1.2.3/onvif/device_service</d:XAddrs></d:ProbeMatch>
<d:ProbeMatch><a:EndpointReference><a:Address>urn:uuid:aa-2</a:Address></a:EndpointReference>
<d:XAddrs>http://10.1.2.4/onvif/device_service</d:XAddrs></d:ProbeMatch>
</d:ProbeMatches></e:Body></e:Envelope>"""


@pytest.fixture
def port(tmp_path):
    """An installation of the made-up city, and a function that writes its cameras."""

    def build(rows="", rules=""):
        city = build_port(tmp_path / "port", {"cameras.csv": HEAD + rows, "cameras.toml": rules})
        (tmp_path / "citylib.toml").write_text('profile = "port"\n')
        return Settings.load(tmp_path), city

    return build


def read(port, rows="", rules=""):
    return read_cameras(*port(rows, rules))


def test_a_camera_has_what_its_row_and_the_rules_say(port):
    found = read(port, GOOD, 'viewers = ["mayor"]\nretention_hours = 2\nowner = "harbour"')
    camera = found.known["gate"]
    assert (camera.name, camera.source) == ({"fr": "Porte", "en": "Gate"}, "rtsp")
    assert (camera.viewers, camera.retention_hours) == (frozenset({"mayor"}), 2)
    assert camera.owner == "harbour"
    assert found.aside == []


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("gate,P,G,1,0.5,,,", "neither address nor engine"),
        ("gate,P,G,1,0.5,http://cam.example/x,,", "say what is at the address"),
        ("gate,P,G,0.5,1.5,rtsp://10.1.2.3/,,", "outside the city; lon and lat are exchanged"),
        ("gate,P,G,55,66,rtsp://10.1.2.3/,,", "outside the city"),
        ("gate,P,G,east,0.5,rtsp://10.1.2.3/,,", "lon is no number: 'east'"),
        ("gate,P,G,nan,0.5,rtsp://10.1.2.3/,,", "lon"),
        ("gate,,,1,0.5,rtsp://10.1.2.3/,,", "it has no name"),
        ("ga te,P,G,1,0.5,rtsp://10.1.2.3/,,", "'id'"),
        ("gate,P,G,1,0.5,rtsp://10.1.2.3/,,king", "no role 'king'"),
        ("gate,P,G,1,0.5,rtsp://root:hunter2@10.1.2.3/,,", "name and password stand"),
        ("gate,P,G,1,0.5,file:///etc/passwd,,", "say what is at the address"),
        ("gate,P,G,1,0.5,rtsp://10.1.2.3/,Not A Name,", "'credentials'"),
        ("gate,P,G,1,0.5,rtsp://10.1.2.3/,,,surplus", "'further cells' is no attribute"),
    ],
)  # fmt: skip
def test_a_broken_row_is_set_aside_with_its_reason_and_hurts_no_other(port, row, reason):
    found = read(port, f"{row}\nother,P,O,1,0.5,rtsp://10.1.2.3/,,\n")
    assert list(found.known) == ["other"]
    [aside] = found.aside
    assert reason in aside.reason
    assert aside.where == "cameras.csv, line 2"
    # What is wrong is told without what must not be told.
    assert "10.1.2.3" not in str(aside)
    assert "hunter2" not in str(aside)


def test_the_second_of_two_rows_with_one_id_is_set_aside(port):
    found = read(port, GOOD + GOOD)
    assert len(found.known) == 1
    assert "give it another" in found.aside[0].reason


def test_an_address_is_in_nothing_that_is_printed(port, capsys):
    settings, city = port(GOOD)
    camera = read_cameras(settings, city).known["gate"]
    run_list(settings)
    run_check(settings)
    told = repr(camera) + str(camera) + camera.model_dump_json() + capsys.readouterr().out
    assert "10.1.2.3" not in told
    assert "gate" in told


def test_2800_cameras_load_at_once(port):
    rows = "".join(
        f"c{n},Caméra {n},Camera {n},{n / 2800:.4f},0.5,rtsp://10.1.{n // 256}.{n % 256}/s,,\n"
        for n in range(2800)
    )
    settings, city = port(rows)
    began = time.process_time()
    found = read_cameras(settings, city)
    assert len(found.known) == 2800
    assert time.process_time() - began < 2


def test_rules_that_are_wrong_name_their_key(port):
    with pytest.raises(ProfileError, match=r"cameras\.toml.*networks.*write it like"):
        read(port, GOOD, 'networks = ["10.1.2.3/8"]')
    with pytest.raises(ProfileError, match=r"engine\.x.*\{id\}"):
        read(port, GOOD, '[engine.x]\nsource = "hls"\naddress = "http://10.1.2.3/{name}"')


def test_an_import_moves_passwords_into_secrets(port, tmp_path):
    settings, city = port(GOOD)
    file = tmp_path / "list.csv"
    file.write_text(
        "id,name,lon,lat,address\n"
        "a,A,1,0.5,rtsp://root:hun%40ter@10.1.2.3/a\n"
        "b,B,1,0.5,rtsp://root:hun%40ter@10.1.2.4/b\n"
        "gate,Other,1,0.5,rtsp://10.1.2.5/c\n"
        "broken,,1,0.5,rtsp://root:lost@10.1.2.5/c\n"
    )
    new = run_import(settings, file)
    assert (list(new.known), len(new.aside)) == (["a", "b", "gate"], 1)
    known = read_cameras(settings, city).known
    assert known["gate"].name == {"fr": "Other"}
    assert known["a"].credentials == known["b"].credentials
    [secret] = settings.secrets.glob("camera_*")
    assert secret.read_text() == "root:hun@ter"
    for path in (secret, imported(settings)):
        assert path.stat().st_mode & 0o077 == 0
    assert "hun" not in imported(settings).read_text()


def test_a_json_list_of_the_open311_kind_is_imported(port, tmp_path):
    settings, city = port()
    file = tmp_path / "list.json"
    entry = {"id": "q", "name": {"en": "Quay"}, "lat": 0.5, "long": 1.5, "url": "rtsp://h.example/"}
    file.write_text(json.dumps({"cameras": [entry, 7, {"id": "x", "colour": "red"}]}))
    new = run_import(settings, file)
    assert [one.reason for one in new.aside] == [
        "'' is no attribute of a camera", "'colour' is no attribute of a camera",
    ]  # fmt: skip
    assert read_cameras(settings, city).known["q"].lon == 1.5


def test_onvif_devices_are_imported_with_their_places(port, tmp_path):
    settings, city = port()
    file, places = tmp_path / "probe.xml", tmp_path / "places.csv"
    file.write_text(PROBE)
    places.write_text("id,lon,lat\naa-1,1.5,0.5\n")
    with pytest.raises(RegistryError, match=r"\{host\}"):
        run_import(settings, file)
    new = run_import(settings, file, "rtsp://{host}/ch/2", places)
    assert [one.id for one in new.aside] == ["aa-2"]
    camera = read_cameras(settings, city).known["aa-1"]
    assert camera.name_in("en") == "Quay cam"
    assert camera.address.get_secret_value() == "rtsp://10.1.2.3/ch/2"


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("x.csv", "id,colour\n1,red\n", "no attribute of a camera is called 'colour'"),
        ("x.csv", "name,lon\nA,1\n", "no column id"),
        ("x.json", "{", "not readable as JSON"),
        ("x.json", '{"a": 1}', "write a list of cameras"),
        ("x.xml", '<!DOCTYPE a [<!ENTITY b "c">]><a/>', "not readable as XML"),
        ("x.txt", "", "name it .csv, .json or .xml"),
    ],
)
def test_a_file_that_is_no_list_changes_nothing(port, tmp_path, name, text, reason):
    settings, _ = port(GOOD)
    file = tmp_path / name
    file.write_text(text)
    with pytest.raises(RegistryError, match=reason):
        run_import(settings, file, "rtsp://{host}/")
    assert not imported(settings).exists()


def test_check_tells_missing_secrets_and_networks_that_are_not_allowed(port, capsys):
    rows = GOOD + "lock,P,L,1,0.5,rtsp://cam.example/,locks,\n"
    settings, _ = port(rows)
    assert not run_check(settings)
    out = capsys.readouterr().out
    assert "gate: its address is inside a network that is not allowed" in out
    assert "lock: there is no secret locks" in out
    settings, _ = port(rows, 'networks = ["10.0.0.0/8"]')
    settings.secrets.mkdir(parents=True)
    secret = settings.secrets / "camera_locks"
    secret.write_text("name:word")
    secret.chmod(0o600)
    assert run_check(settings)


def test_what_everybody_may_see_everybody_sees():
    values = {"id": "a", "name": {"en": "A"}, "lon": 0, "lat": 0, "address": "rtsp://h.example/"}
    roles = ("mayor", "official", "analyst", None)
    seen = {
        who: [role for role in roles if Camera(**values, viewers={who}).seen_by(role)]
        for who in ("mayor", "public")
    }
    assert seen == {"mayor": ["mayor"], "public": list(roles)}


def test_a_csv_of_another_encoding_is_told(port, tmp_path):
    settings, _ = port()
    file = tmp_path / "x.csv"
    with file.open("w", encoding="euc-kr", newline="") as out:
        csv.writer(out).writerows([["id", "name"], ["a", "서울"]])
    with pytest.raises(RegistryError, match="not UTF-8 at byte"):
        run_import(settings, file)
