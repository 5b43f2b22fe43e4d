"""A dashboard in the making, shown beside its notebook in JupyterLab."""

from __future__ import annotations

from typing import Any


def show_in_lab(handler: Any, notebook: Any, cwd: str) -> None:
    """Let JupyterLab show a page of the same server's Voila in a frame.

    A hook that Voila calls before it sends a page. By itself the server of an analyst forbids all
    frames; the rest of it still does.
    """
    handler.set_header("Content-Security-Policy", "frame-ancestors 'self'")
