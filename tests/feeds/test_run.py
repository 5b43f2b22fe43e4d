"""`citylib feed …` as programs: what they say, their exit status, and being killed."""

from __future__ import annotations

import json
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from click.testing import CliRunner
from support.platform import wait_until
from support.town import build_town

from citylib.city.profile import load_city
from citylib.cli import main
from citylib.feeds.chores import Chores
from citylib.feeds.run import run_service
from citylib.feeds.told import place_of, told
from citylib.lake import Lake
from citylib.operations import FeedState, Store

FEED = """
title = {{ en = "Counts, live" }}
dataset = "counts"
connector = "socrata"
address = "{address}/rows.json"
interval = 1
stale = 1e9
options = {{ incremental = true }}

[read]
time = {{ header = "day", formats = "%Y-%m-%d" }}
area = {{ level = "district", header = "district" }}
columns = {{ n = "n" }}
"""
FIRST = datetime(2000, 1, 1, tzinfo=UTC)


class Source(ThreadingHTTPServer):
    """Rows that become more with every request; it gives those changed after the time asked for."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server_port}"
        self.rows, self.asked, self.growing, self.status = 5, 0, True, 200

    def since(self, moment):
        return [
            {
                ":updated_at": (FIRST + timedelta(days=n)).isoformat(),
                "day": f"{FIRST + timedelta(days=n):%Y-%m-%d}",
                "district": "East" if n % 10 else "Nowhere",
                "n": n,
            }
            for n in range(self.rows)
            if FIRST + timedelta(days=n) > moment
        ]


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        source = self.server
        source.asked += 1
        source.rows += 3 if source.growing else 0
        where = parse_qs(urlsplit(self.path).query).get("$where", [""])[0]
        found = re.search(r"> '([^']+)'", where)
        moment = datetime.fromisoformat(found[1]) if found else datetime.min.replace(tzinfo=UTC)
        body = json.dumps(source.since(moment)).encode()
        self.send_response(source.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def source() -> Iterator[Source]:
    with Source() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def town(tmp_path, source, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    settings = build_town(tmp_path)
    (settings.profile / "feeds").mkdir()
    (settings.profile / "feeds" / "live.toml").write_text(FEED.format(address=source.address))
    return settings


def citylib(settings, *words):
    return CliRunner().invoke(main, ["--config", str(settings.root), "feed", *words])


def test_try_shows_what_would_be_stored_and_set_aside_and_stores_nothing(town, source):
    done = citylib(town, "try", "live")
    assert done.exit_code == 0, done.output
    assert "Would be stored: 7" in done.output
    assert "2000-01-02 00:00:00" in done.output
    assert "Would be set aside: 1" in done.output
    assert '"district": "Nowhere"' in done.output
    assert "read 8 = stored 7 + duplicate 0 + set aside 1; nothing was stored" in done.output
    assert Lake(town.lake, load_city(town.profile)).datasets() == []
    # It leaves no memory: the next poll asks for everything.
    assert "Would be stored: 9" in citylib(town, "try", "live").output


def test_try_fails_when_nothing_fits_or_nobody_answers(town, source):
    path = town.profile / "feeds" / "live.toml"
    text = path.read_text()
    path.write_text(text.replace('"%Y-%m-%d"', '"%d.%m.%Y"'))
    done = citylib(town, "try", "live")
    assert done.exit_code == 1
    assert "Would be set aside" in done.output
    source.status = 404
    done = citylib(town, "try", "live")
    assert done.exit_code == 1
    assert "there is nothing at this address" in done.output
    path.write_text(text.replace("dataset", "datasett"))
    done = citylib(town, "try", "live")
    assert done.exit_code == 1
    assert "did you mean 'dataset'" in done.output
    assert "it has live" not in done.output
    path.write_text(text)
    done = citylib(town, "try", "lief")
    assert (done.exit_code, "no feed 'lief'; it has live" in done.output) == (1, True)


def test_list_names_feeds_and_what_is_wrong_with_their_files(town):
    done = citylib(town, "list")
    assert done.exit_code == 0
    assert re.search(r"live +counts +socrata +1 s +yes +Counts, live", done.output)
    folder = town.profile / "feeds"
    text = (folder / "live.toml").read_text()
    (folder / "other.toml").write_text(text.replace("socrata", "telepathy"))
    (folder / "wrong.toml").write_text("x = 1")
    done = citylib(town, "list")
    assert done.exit_code == 1
    assert "no connector 'telepathy'" in done.output
    assert "key 'x' is not known" in done.output


def test_status_tells_how_feeds_are_doing_by_its_exit_status_too(town):
    assert citylib(town, "status").exit_code == 0
    now = datetime.now(UTC)
    well = FeedState("live", now, now, now, now + timedelta(minutes=1), 10, 7, 2, 1)
    with Store(town.database) as store:
        store.feeds.write([well])
        done = citylib(town, "status")
        assert done.exit_code == 0
        assert re.search(r"live +current .* 10 +7 +2 +1 +0", done.output)
        store.feeds.write([FeedState("live", now, due=now, errors=4, error="it is on fire")])
    done = citylib(town, "status")
    assert done.exit_code == 1
    assert "failing" in done.output
    assert "live: it is on fire" in done.output


def start(settings) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", PROGRAM, str(settings.root)]
    with (settings.root / "log").open("ab") as log:
        return subprocess.Popen(command, stderr=log, stdout=log)


PROGRAM = """
import sys
from pathlib import Path
from citylib.city.settings import Settings
from citylib.feeds.run import run_service
from citylib.feeds.chores import Chores
run_service(Settings.load(Path(sys.argv[1])), Chores())
"""


def test_killed_again_and_again_nothing_is_lost_and_nothing_twice(town, source):
    """A source that never gives twice what was remembered to be stored."""
    chance = random.Random(3)  # noqa: S311
    for _ in range(5):
        asked = source.asked
        process = start(town)
        wait_until(lambda asked=asked: source.asked > asked, 60, 0.01)
        time.sleep(chance.uniform(0, 1.5))  # wherever it is then
        process.kill()
        process.wait()
    source.growing, asked = False, source.asked
    process = start(town)
    wait_until(lambda: source.asked > asked, 60)
    lake = Lake(town.lake, load_city(town.profile))

    def days():
        if "counts" not in lake.datasets():
            return []
        return sorted(row["n"] for row in lake.table("counts").read(["n"]).to_pylist())

    wanted = [n for n in range(source.rows) if n % 10]
    wait_until(lambda: len(days()) >= len(wanted), 60)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    assert days() == wanted
    with Store(town.database) as store:
        state = store.feeds.read()["live"]
        memory = store.feeds.read(memory=True)["live"].memory
    assert state.read == state.stored + state.duplicate + state.set_aside
    assert state.errors == 0
    # Screens are told the same without the store, and no more than they show.
    shown = told(place_of(town))["live"]
    assert (shown.succeeded, shown.newest, shown.due) == (state.succeeded, state.newest, state.due)
    assert shown.memory == {} != memory


def test_a_second_service_is_refused_and_a_changed_file_is_taken_up(town, source):
    path = town.profile / "feeds" / "live.toml"
    process = start(town)
    try:
        wait_until(lambda: source.asked, 60)
        with pytest.raises(Exception, match="being asked already"):
            run_service(town, Chores())
        path.write_text("half a file")
        wait_until(lambda: b"not readable as TOML" in (town.root / "log").read_bytes(), 60)
        (town.profile / "feeds" / "new.toml").write_text(
            FEED.format(address=f"{source.address}/new")
        )
        with Store(town.database) as store:
            wait_until(lambda: "new" in store.feeds.read(), 60)
    finally:
        process.terminate()
        assert process.wait(30) == 0
