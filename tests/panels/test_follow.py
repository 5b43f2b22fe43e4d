"""New figures reach an open screen, and what the user was looking at stays."""

import asyncio
import re
import time

import numpy as np
import pytest
from support.town import build_town

from citylib.indicators.cube import Cube
from citylib.indicators.refresh import run_compute
from citylib.lake.report import run_load
from citylib.operations.store import Store
from citylib.panels import follow as following
from citylib.panels.mayor import MayorDashboard
from citylib.panels.model import CityModel


@pytest.fixture
def town(tmp_path, monkeypatch):
    monkeypatch.setattr(following, "ASK", 0.02)
    settings = build_town(tmp_path)
    run_load(settings, ())
    run_compute(settings)
    return settings


def add(settings, row):
    number = len(list((settings.profile / "records" / "counts").iterdir())) + 1
    path = settings.profile / "records" / "counts" / f"{number}.csv"
    path.write_text(f"day,district,n\n{row}\n")
    run_load(settings, ())
    run_compute(settings)


async def until(condition):
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.02)


def shown(page):
    glance = next(child.made["glance"] for child in page.children if hasattr(child, "made"))
    tiles = re.findall(r'data-indicator="(.+?)".*?</button>', glance.domains.html)
    return dict(zip(tiles, glance.domains.html.split("</button>"), strict=False))


def test_an_open_dashboard_shows_a_new_commit(town):
    async def watch():
        page = MayorDashboard.open(town)
        assert "99" not in shown(page)["total"]
        add(town, "2020-01-04,West,99")
        await until(lambda: "99" in shown(page)["total"])

    asyncio.run(watch())


def test_a_log_that_cannot_be_read_is_followed_when_it_can(tmp_path, monkeypatch):
    monkeypatch.setattr(following, "ASK", 0.02)
    told, asked = [], []

    def stale():
        asked.append(1)
        return False

    async def watch(store):
        task = asyncio.create_task(following.follow(store, 0, lambda: told.append(1), stale))
        await until(lambda: len(asked) > 2)
        store.migrate()
        store.changes.append("cube", "next")
        await until(lambda: told)
        task.cancel()

    with Store(f"sqlite:///{tmp_path / 'operations.db'}") as store:
        asyncio.run(watch(store))
    assert told == [1]


def test_a_log_that_nobody_writes_to_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(following, "LOOK", 0.001)
    told, read, looks = [], [], []
    moved = following.Watch.moved
    monkeypatch.setattr(following.Watch, "moved", lambda self: looks.append(1) or moved(self))

    async def watch(store):
        newest = following.Watch.newest
        monkeypatch.setattr(
            following.Watch, "newest", lambda self, kind: read.append(1) or newest(self, kind)
        )
        task = asyncio.create_task(
            following.follow(store, 0, lambda: told.append(1), lambda: False)
        )
        await until(lambda: len(looks) > 50)
        assert len(read) == 1
        with Store(f"sqlite:///{tmp_path / 'operations.db'}") as other:
            other.changes.append("incident", "fire")
            await until(lambda: len(read) == 2)
            other.changes.append("cube", "next")
            await until(lambda: told == [1])
        task.cancel()

    with Store(f"sqlite:///{tmp_path / 'operations.db'}") as store:
        store.migrate()
        asyncio.run(watch(store))


def test_a_screen_that_is_drawn_slowly_rests(tmp_path, monkeypatch):
    """What comes meanwhile is drawn once, when the rest is over."""
    monkeypatch.setattr(following, "LOOK", 0.001)
    pauses, told = [], []
    sleep = asyncio.sleep

    async def slept(seconds):
        pauses.append(seconds)
        await sleep(0.001)

    monkeypatch.setattr(following.asyncio, "sleep", slept)

    def changed():
        told.append(len(pauses))
        time.sleep(0.05)

    async def watch(store):
        task = asyncio.create_task(following.follow(store, 0, changed, lambda: False))
        for _ in range(3):
            store.changes.append("cube", "next")
        async with asyncio.timeout(20):
            while not told:
                await sleep(0.001)
            await sleep(0.05)
        task.cancel()

    with Store(f"sqlite:///{tmp_path / 'operations.db'}") as store:
        store.migrate()
        asyncio.run(watch(store))
    assert len(told) == 1
    assert pauses[told[0]] >= 4 * 0.05


def test_who_looks_back_stays_and_who_looks_at_the_end_moves_on(town):
    from citylib.city.profile import load_city

    cube = Cube(town.cube)
    figures = {"total": cube.read("total").load()}
    city = load_city(town.profile)
    back, end = CityModel(city, figures), CityModel(city, figures)
    back.move(0)
    back.touch("1e")
    before = back.time
    add(town, "2019-12-31,East,5")
    add(town, "2020-02-01,East,6")
    cube.refresh()
    figures["total"] = cube.read("total").load()
    for model in (back, end):
        model.renew()
    assert (back.time, back.area) == (before, "1e")
    assert end.time.isoformat().startswith("2020-02-01")
    assert np.isfinite(end.reading().value)


def test_a_town_without_any_figure_is_told_what_to_run(tmp_path):
    settings = build_town(tmp_path)
    for path in (settings.profile / "records" / "counts").iterdir():
        path.write_text("day,district,n\n2020-01-01,Nowhere,1\n")
    run_load(settings, ())
    run_compute(settings)
    page = MayorDashboard.open(settings)
    assert "citylib load" in " ".join(getattr(child, "html", "") for child in page.children)


def test_a_screen_that_must_not_read_the_log_follows_the_cube(town):
    blind = town.model_copy(update={"database": f"sqlite:///{town.var / 'empty.db'}"})

    async def watch():
        page = MayorDashboard.open(blind)
        add(town, "2020-01-04,West,99")
        await until(lambda: "99" in shown(page)["total"])

    asyncio.run(watch())
