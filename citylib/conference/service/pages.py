"""The pages, until they are there."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

JS = Path(__file__).parents[1] / "js"
POLICY = "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob: mediastream:"


def _there() -> Any:
    try:
        return import_module("citylib.conference.page")
    except ImportError:
        return None


def join_page(prefix: str) -> str:
    found = _there()
    return str(found.join_page(prefix)) if found else "<!doctype html><title>conference</title>"


def rooms_page(prefix: str) -> str:
    found = _there()
    return str(found.rooms_page(prefix)) if found else "<!doctype html><title>rooms</title>"


def static(name: str) -> tuple[bytes, str] | None:
    if found := _there():
        return found.static(name)
    path = JS / name
    if "/" in name or not path.is_file():
        return None
    return path.read_bytes(), "text/javascript" if path.suffix == ".js" else "text/css"
