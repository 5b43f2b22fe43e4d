"""What the service has done besides: figures renewed, tables compacted, whatever goes wrong."""

from __future__ import annotations

import asyncio
import os
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


FIGURES = """
import os, pathlib, sys, time
log, go = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
for line in sys.stdin:
    with log.open("a") as file:
        file.write(f"{os.getpid()} {os.environ.get('TOWN_KEY')}\\n")
    while not go.exists():
        time.sleep(0.01)
    print(go.read_text(), flush=True)
"""


def program(tmp_path):
    """One that answers what a file says, as soon as there is one; and its log and that file."""
    path, log, go = tmp_path / "figures.py", tmp_path / "log", tmp_path / "go"
    path.write_text(FIGURES)
    return [sys.executable, str(path), str(log), str(go)], log, go


def lines(log):
    return log.read_text().splitlines() if log.exists() else []


async def test_figures_follow_records_and_polling_goes_on(
    town, store, scripts, tmp_path, monkeypatch
):
    """The program answers when the test wants, without the feeds' keys; it stays the same."""
    monkeypatch.setenv("TOWN_KEY", "secret-of-the-town")
    figures, log, go = program(tmp_path)
    clock, asked = Hands(), []

    async def source(request):
        asked.append(request.key)
        return [ROW | {"n": str(len(asked))}]

    scripts["a"] = source
    feed, some = feed_of("a", key="TOWN_KEY"), Chores(figures=figures)
    async with running(town, store, [feed], clock=clock, chores=some) as one:
        await until(lambda: lines(log))  # what came before the start
        for _ in range(6):
            await rest(one, 1)
            await clock.next()
        await rest(one, 1)
        assert len(asked) == 6
        assert len(lines(log)) == 1
        go.write_text("same")
        await until(lambda: len(lines(log)) == 2)
    assert len(set(lines(log))) == 1
    assert lines(log)[0].endswith(" None")
    assert set(asked) == {"secret-of-the-town"}


async def test_records_that_never_stop_coming_do_not_have_figures_made_for_each(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(chores, "SAVED", 3)
    monkeypatch.setattr(chores, "EACH", 3600.0)
    figures, log, go = program(tmp_path)
    go.write_text("done")
    one = Housekeeping(Chores(figures=figures))
    ran = asyncio.create_task(one.figures())
    for count in (1, 2, 3):
        await until(lambda count=count: len(lines(log)) == count)
        one.delivered(LoadReport("counts", 1, 1, 0, 0, 0.0))
    await until(lambda: one._fresh.is_set())
    await asyncio.sleep(0)
    assert len(lines(log)) == 3
    ran.cancel()
    await asyncio.gather(ran, return_exceptions=True)


async def test_what_is_wrong_with_figures_is_said_and_they_are_tried_again(
    tmp_path, monkeypatch, caplog
):
    monkeypatch.setattr(chores, "FAILED", 0.01)
    figures, log, go = program(tmp_path)
    go.write_text("the declaration is wrong")
    ran = []

    async def run(self, command):
        ran.append(list(command))
        return True

    monkeypatch.setattr(Housekeeping, "run", run)
    one = Housekeeping(Chores(figures=figures, pages=["pages"], every=3600.0))
    both = asyncio.gather(one.figures(), one.pages())
    await until(lambda: len(lines(log)) > 2)
    assert "the declaration is wrong" in caplog.text
    assert ran == []
    go.write_text("done")
    await until(lambda: ran == [["pages"]])
    # And when it is killed, another one begins where it was.
    before = lines(log)[-1]
    os.kill(int(before.split()[0]), signal.SIGKILL)
    one.delivered(LoadReport("counts", 1, 1, 0, 0, 0.0))
    await until(lambda: lines(log)[-1] != before)
    assert "ended by itself" in caplog.text
    both.cancel()
    await asyncio.gather(both, return_exceptions=True)


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
    one = Housekeeping(Chores(pages=[sys.executable, "-c", "open('/dev/null')"], every=0.01))
    renewing = asyncio.create_task(one.pages())
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
