"""What the service has done besides: figures renewed, tables compacted, whatever goes wrong."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys

import pytest
from deltalake import DeltaTable
from support.clock import Hands, until
from support.platform import wait_until
from support.port import write
from support.service import ROW, Ledger, feed_of, rest, running

from citylib.city.profile import load_city
from citylib.feeds import chores
from citylib.feeds.chores import Chores, Housekeeping
from citylib.lake import Lake
from citylib.lake.delivery import LoadReport

pytestmark = pytest.mark.anyio


async def test_figures_are_renewed_after_new_records_and_polling_goes_on(
    town, store, scripts, tmp_path, monkeypatch
):
    """The program runs as long as the test wants, without the feeds' keys."""
    monkeypatch.setenv("TOWN_KEY", "secret-of-the-town")
    log, go = tmp_path / "log", tmp_path / "go"
    program = (
        "import os, sys, time, pathlib\n"
        f"open({str(log)!r}, 'a').write(str(os.environ.get('TOWN_KEY')) + '\\n')\n"
        f"while not pathlib.Path({str(go)!r}).exists(): time.sleep(0.01)\n"
    )
    clock, asked = Hands(), []

    async def source(request):
        asked.append(request.key)
        return [ROW | {"n": str(len(asked))}]

    scripts["a"] = source
    chores = Chores(renew=[sys.executable, "-c", program], every=0.01)
    feed = feed_of("a", key="TOWN_KEY")
    async with running(town, store, [feed], clock=clock, chores=chores) as one:
        await rest(one, 1)
        await clock.next()
        await until(lambda: log.exists() and log.read_text())
        for _ in range(5):
            await rest(one, 1)
            await clock.next()
        await rest(one, 1)
        assert len(asked) == 6
        assert log.read_text() == "None\n"
        go.touch()
        await until(lambda: len(log.read_text().splitlines()) == 2)
    assert set(asked) == {"secret-of-the-town"}


@pytest.mark.parametrize("stored", [1, 0])
async def test_a_table_is_compacted_after_so_many_deliveries(
    town, store, scripts, monkeypatch, stored
):
    """Those that store nothing leave rows set aside, and entries in logs."""
    monkeypatch.setattr(chores, "LOOK_EVERY", 0.01)
    ran, clock, asked = [], Hands(), []

    async def run(self, command):
        ran.append(list(command))
        return True

    monkeypatch.setattr(Housekeeping, "run", run)

    class Bad(Ledger):
        def deliver(self, dataset, delivery):
            return LoadReport(dataset, 1, stored, 0, 1 - stored, 0.0)

    async def source(_request):
        asked.append(1)
        return [ROW | {"n": str(len(asked))}]

    scripts["a"] = source
    some = Chores(compact=["compact"], after=3)
    async with running(town, store, [feed_of("a")], Bad(), clock, some) as one:
        for _ in range(3):
            assert ran == []
            await rest(one, 1)
            await clock.next()
        await until(lambda: ran)
        assert ran == [["compact", "counts"]]


PROGRAM = """
import sys
from pathlib import Path
from citylib.city.settings import Settings
from citylib.feeds import chores
from citylib.feeds.run import run_service
chores.LOOK_EVERY, chores.FIRST_ROUND = 0.1, 0.0
command = [sys.executable, "-m", "citylib.cli", "--config", sys.argv[1], "lake", "compact"]
run_service(Settings.load(Path(sys.argv[1])), chores.Chores(compact=command))
"""


def test_the_service_compacts_what_loads_have_left(town):
    """The service as it is, and tables that no feed delivers to."""
    lake = Lake(town.lake, load_city(town.profile))
    for day in range(3):
        name = f"records/counts/{day}.csv"
        row = f"day,district,n\n2020-01-0{day + 5},East,{day}\n2020-01-0{day + 5},Moon,1\n"
        write(town.profile, {name: row})
        lake.load("counts")
    before = lake.table("counts").read()
    tables = [f"{lake.uri}/{name}counts" for name in ("", "_set_aside/", "_loads/")]

    def several():
        """Files more than there are folders of them, by table."""
        found = [DeltaTable(table).file_uris() for table in tables]
        return [len(files) - len({file.rpartition("/")[0] for file in files}) for files in found]

    assert min(several()) > 0
    with (town.root / "log").open("ab") as log:
        command = [sys.executable, "-c", PROGRAM, str(town.root)]
        process = subprocess.Popen(command, stderr=log, stdout=log)
    try:
        wait_until(lambda: max(several()) == 0, 60, 0.1)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert lake.table("counts").read().sort_by("time").equals(before.sort_by("time"))
    assert lake.set_aside("counts").num_rows == 3


async def test_a_program_that_cannot_be_started_is_tried_again(monkeypatch, caplog):
    real, fails = asyncio.create_subprocess_exec, [1, 1]

    async def start(*command, **options):
        if fails:
            fails.pop()
            raise BlockingIOError(11, "Resource temporarily unavailable")
        return await real(*command, **options)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", start)
    one = Housekeeping(Chores(renew=[sys.executable, "-c", "open('/dev/null')"], every=0.01))
    renewing = asyncio.create_task(one.renew())
    ran = []
    run = one.run

    async def counted(command):
        ran.append(await run(command))
        return ran[-1]

    one.run = counted
    await until(lambda: True in ran)
    renewing.cancel()
    assert ran == [False, False, True]
    assert caplog.text.count("not started: [Errno 11]") == 2


async def test_a_program_that_never_ends_is_ended(monkeypatch, caplog):
    monkeypatch.setattr(chores, "LONGEST", 0.5)
    one = Housekeeping(Chores())
    assert not await one.run([sys.executable, "-c", "import time; time.sleep(60)"])
    assert "ran for more than 0.5 s" in caplog.text
