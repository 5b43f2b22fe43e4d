"""A port whose records the tests deliver."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.port import build_port, write

from citylib.lake import Lake

Deliver = Callable[..., Lake]


@pytest.fixture
def deliver(tmp_path: Path) -> Deliver:
    """Write files of the dataset `counts` (or others, by path) and return the lake."""

    def deliver(
        records: dict[str, str | bytes], zone: str = "Europe/Paris", **files: str | bytes
    ) -> Lake:
        profile = tmp_path / "profile"
        more = {f"datasets/{name}.toml": text for name, text in files.items()}
        city = build_port(profile, more, zone)
        write(
            profile / "records",
            {name if "/" in name else f"counts/{name}": text for name, text in records.items()},
        )
        return Lake(str(tmp_path / "lake"), city)

    return deliver
