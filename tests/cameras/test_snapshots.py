"""Pictures that are kept: what is in them, who may keep and see them, when they are gone."""

from __future__ import annotations

import asyncio
import io
import os
import time

import httpx
import pytest
from PIL import Image
from support.cameras import laboratory, row, until

from citylib.cameras.gateway import snapshots


async def ask(lab, method, path, token="kim", origin=None):  # noqa: S107
    headers = {"Authorization": f"token {token}"} if token else {}
    headers["Origin"] = origin or f"http://127.0.0.1:{lab.port}"
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.request(method, lab.url(path), headers=headers)


def test_a_picture_is_kept_for_as_long_as_the_rule_says(tmp_path, monkeypatch):
    async def run():
        rows = row("gate", "simulated:rtsp", retention="2") + row("door", "simulated:mjpeg")
        rows += row("square", viewers="public")
        async with laboratory(tmp_path, rows) as lab:
            answer = await ask(lab, "POST", "snapshot/gate")
            assert answer.status_code == 404, "nobody watches it, so there is no picture"
            for name in ("gate", "door", "square"):
                watcher = await lab.watch(name)
                await until(lambda watcher=watcher: watcher.pictures > 3)
            for name in ("gate", "door"):
                told = await ask(lab, "POST", f"snapshot/{name}")
                assert told.status_code == 201, told.text
                kept = await ask(lab, "GET", told.json()["picture"].split("/cameras/")[1])
                image = Image.open(io.BytesIO(kept.content)).convert("L")
                assert (image.width, image.height > 192) == (320, True)
                below = image.crop((0, 194, 320, image.height))
                assert below.getextrema()[1] > 200, "name and time stand below the picture"
                assert image.crop((0, 0, 320, 192)).getextrema()[1] > 100
            # Who may not see the camera, who is not signed in, another site's page.
            path = told.json()["picture"].split("/cameras/")[1]
            for refused in (
                await ask(lab, "POST", "snapshot/gate", "park"),
                await ask(lab, "GET", path, "park"),
                await ask(lab, "POST", "snapshot/square", None),
                await ask(lab, "POST", "snapshot/gate", origin="http://elsewhere.example"),
            ):
                assert refused.status_code == 403
            await until(lambda: len(lab.store.audit.read(action="kept picture of camera")) == 2)
            # At its end the picture of the one with 2 hours is gone, and the other is not.
            folder = lab.settings.var / "cameras" / "snapshots"
            for file in folder.glob("*/*.jpg"):
                assert file.stat().st_mode & 0o077 == 0
                os.utime(file, (time.time() - 3 * 3600,) * 2)
            assert lab.gateway.snapshots.clean(lab.gateway.cameras.known.values()) == 1
            assert [file.parent.name for file in folder.glob("*/*.jpg")] == ["door"]
            monkeypatch.setattr(snapshots, "MOST", 1)
            assert (await ask(lab, "POST", "snapshot/gate")).status_code == 503

    asyncio.run(run())


@pytest.mark.parametrize("path", ["snapshot/gate/..%2f..%2fimported.json", "snapshot/gate/x.jpg"])
def test_nothing_else_can_be_read(tmp_path, path):
    async def run():
        async with laboratory(tmp_path, row("gate")) as lab:
            assert (await ask(lab, "GET", path)).status_code == 404

    asyncio.run(run())
