"""A lake in object storage: by its address and the environment alone, and gone at any moment."""

from __future__ import annotations

import pickle
import uuid

import pytest
from botocore.exceptions import ClientError
from support.port import COUNTS, HEADER, build_port, write
from support.store import KEYS, serving

from citylib.city.errors import CityError
from citylib.lake import Delivery, Lake, StorageFault, storage
from citylib.lake.sheet import sheet_of
from citylib.lake.storage import filesystem, storage_options
from citylib.lake.writer import Writer

FIRST = HEADER + "2022-01-05 07:00,East,A,3,1\n2022-01-05 08:00,North,A,3,1\n"
SECOND = HEADER + "2022-01-05 07:00,East,A,4,1\n2022-02-06 07:00,East,B,3,1\nx\n"


@pytest.fixture(scope="module")
def server():
    with serving() as store:
        yield store


@pytest.fixture
def store(server, monkeypatch):
    """An empty store, which this process is told of."""
    server.left, server.deaf, server.refuses = None, False, ""
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    client = server.client()
    client.create_bucket(Bucket="records")
    yield server
    server.left, server.refuses = None, ""
    for key in server.objects():
        client.delete_object(Bucket="records", Key=key)


@pytest.fixture
def lake(store, tmp_path):
    city = build_port(tmp_path, {"records/counts/1.csv": FIRST})
    return Lake(f"s3://records/{uuid.uuid4().hex}", city)


def rows(lake):
    columns = ["time", "gate", "n", "source_file"]
    found = lake.table("counts").read(columns).to_pylist()
    return sorted((r["time"].month, r["gate"], r["n"], r["source_file"]) for r in found)


def delivery(lake, name, n=3, gate="C"):
    row = {"when": "2022-03-01 07:00", "district": "East", "gate": gate, "n": n, "speed": 1}
    reading = lake.city.datasets["counts"].read[0]
    return Delivery(name, [(sheet_of(name, [row, {**row, "n": -1}]), reading)], "gates")


def test_everything_that_a_folder_does(lake, store):
    report = lake.load("counts")
    assert (report.read, report.stored, report.set_aside) == (2, 1, 1)
    assert lake.datasets() == ["counts"]
    write(lake.city.folder, {"records/counts/2.csv": SECOND})
    assert lake.load("counts").stored == 2
    assert lake.deliver("counts", delivery(lake, "a")).stored == 1
    want = [(1, "A", 4, "2.csv"), (2, "B", 3, "2.csv"), (3, "C", 3, "a")]
    assert lake.table("counts").late == 1
    assert rows(lake) == want
    assert lake.compact("counts").late == 1
    assert lake.table("counts").late == 0
    assert rows(lake) == want
    assert lake.table("counts").rows == 3
    (file,) = lake.table("counts").files()
    assert file.startswith("s3://records/")
    assert lake.set_aside("counts")["reason"].to_pylist().count("n is below 0") == 1
    assert Lake(lake.uri, lake.city).load("counts").stored == 0
    assert not [key for key in store.objects() if key.endswith("/")], "markers of folders"


def test_a_table_is_made_anew(lake):
    lake.load("counts")
    other = {"datasets/counts.toml": COUNTS.replace("max = 99", "max = 98")}
    again = Lake(lake.uri, build_port(lake.city.folder, other))
    assert again.load("counts").stored == 1
    assert rows(again) == rows(lake) == [(1, "A", 3, "1.csv")]


def test_pieces_carry_no_secret(lake):
    lake.load("counts")
    (piece,) = lake.table("counts").pieces()
    for secret in KEYS.values():
        assert secret.encode() not in pickle.dumps(piece)
    assert pickle.loads(pickle.dumps(piece)).read(["n"])["n"].to_pylist() == [3]  # noqa: S301


def test_of_two_writers_one_tries_again(lake, monkeypatch):
    """The store refuses the second commit of the same number, as the lake relies on."""
    lake.load("counts")
    other = Lake(lake.uri, lake.city)
    real, tries = Writer.judge, []

    def overtaken(self, batch, version, edge):
        tries.append(version.delta.version())
        if len(tries) == 1:
            other.deliver("counts", delivery(lake, "a"))
        return real(self, batch, version, edge)

    monkeypatch.setattr(Writer, "judge", overtaken)
    report = lake.deliver("counts", delivery(lake, "b"))
    assert (report.stored, report.duplicate) == (0, 1)
    assert rows(lake) == [(1, "A", 3, "1.csv"), (3, "C", 3, "a")]


def test_the_store_of_the_tests_puts_conditionally(store):
    put = {"Bucket": "records", "Key": "a", "Body": b"x", "IfNoneMatch": "*"}
    store.client().put_object(**put)
    with pytest.raises(ClientError, match="PreconditionFailed"):
        store.client().put_object(**put)


@pytest.mark.parametrize("deaf", [False, True], ids=["request lost", "answer lost"])
@pytest.mark.parametrize("what", ["load", "deliver", "compact"])
def test_a_store_that_goes_leaves_nothing_half_written(lake, store, monkeypatch, what, deaf):
    """It goes between the writing requests of an operation, comes back, and all is as it should.

    Every third moment; where the answer is lost other moments than where the request is.
    """
    # A store that stays away is asked twice as well as many times.
    monkeypatch.setattr(storage, "ATTEMPTS", 2)
    store.deaf = deaf
    write(lake.city.folder, {"records/counts/2.csv": SECOND})

    def once(lake):
        if what == "deliver":
            return lake.deliver("counts", delivery(lake, "a", n=5, gate="A"))
        return lake.load("counts") if what == "load" else lake.compact("counts")

    def prepared(name):
        prepared = Lake(f"{lake.uri}/{name}", lake.city)
        if what != "load":
            prepared.load("counts")
        return prepared

    whole = prepared("whole")
    once(whole)
    faults = 0
    for left in range(1 if deaf else 0, 100, 3):
        broken = prepared(str(left))
        before = rows(broken) if what != "load" else []
        store.left = left
        said = ""
        try:
            once(broken)
        except StorageFault as error:
            said = str(error)
        gone, store.left = not store.left, None
        if said:
            faults += 1
            assert "run it again" in said
            assert not [secret for secret in KEYS.values() if secret in said]
            if what == "compact":
                assert rows(broken) == before
            once(broken)
        assert rows(broken) == rows(whole), left
        assert aside(broken) == aside(whole), left
        if not gone:
            break
    else:
        pytest.fail("it always failed")
    assert faults > 1


def aside(lake):
    return sorted(map(str, lake.set_aside("counts").drop_columns(["received"]).to_pylist()))


def test_a_store_that_is_not_there_is_named(lake, store):
    store.left = 0
    with pytest.raises(StorageFault, match="see whether it is there and answers"):
        lake.load("counts")
    with pytest.raises(StorageFault, match=lake.uri):
        lake.table("counts")


def test_a_bucket_that_is_not_there_is_named(lake):
    with pytest.raises(StorageFault, match="make the bucket"):
        Lake("s3://another/lake", lake.city).load("counts")


def test_what_a_store_says_of_keys_does_not_come_into_messages(lake, store, capfd, caplog):
    caplog.set_level("DEBUG")
    key, secret = KEYS["AWS_ACCESS_KEY_ID"], KEYS["AWS_SECRET_ACCESS_KEY"]
    store.refuses = (
        f"<Error><Code>SignatureDoesNotMatch</Code><Message>{secret} of {key}</Message>"
        f"<AWSAccessKeyId>{key}</AWSAccessKeyId></Error>"
    )
    with pytest.raises(StorageFault, match="mend AWS_SECRET_ACCESS_KEY") as raised:
        lake.load("counts")
    said = str(raised.value) + "".join(capfd.readouterr()) + caplog.text
    assert key not in said
    assert secret not in said


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ALLOW_HTTP"])
def test_a_store_without_encryption_must_be_meant(store, monkeypatch, name):
    monkeypatch.setenv(
        "AWS_ENDPOINT_URL", "ftp://store" if name == "AWS_ENDPOINT_URL" else "http://s"
    )
    monkeypatch.delenv("AWS_ALLOW_HTTP")
    for opened in (storage_options, filesystem):
        with pytest.raises(CityError, match=name):
            opened("s3://records/lake")


def test_a_key_in_the_address_is_refused_and_not_repeated(tmp_path):
    with pytest.raises(CityError, match="AWS_ACCESS_KEY_ID") as raised:
        Lake("s3://mykey:mysecret@records/lake", build_port(tmp_path)).table("counts")
    assert "mysecret" not in str(raised.value)
