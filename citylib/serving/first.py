"""The first bytes of a page, sent before a kernel is asked for.

What a kernel will show a second later can often be drawn without one. A function of whoever runs
the service does that; this module calls it, one call at a time, beside the service's own work.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True)
class Asked:
    """A page that a reader asks for.

    Attributes
    ----------
    notebook : str
        Path of the notebook in the service's folder.
    query : mapping of str to str
        Of the address; the last of a name counts.
    cookies : mapping of str to str
        What the reader's browser keeps, without those of the sign-in.
    reader : str
        Who is signed in.
    base_url : str
        Address of the service.
    """

    notebook: str
    query: Mapping[str, str]
    cookies: Mapping[str, str]
    reader: str
    base_url: str


First = Callable[[Asked], bytes]
"""Makes the beginning of a page: a whole document as far as it goes.

Voila's page follows it in the same answer. A second `<html>`, `<head>` or `<body>` in it is taken
by browsers as more of the first; better is a template that leaves them out.
"""


class FirstBytes:
    """Asks a function for the first bytes, outside of the service's event loop.

    Parameters
    ----------
    make : callable (Asked) -> bytes
        Called one at a time, always in the same thread.
    """

    def __init__(self, make: First) -> None:
        self._make = make
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="first bytes")

    async def __call__(self, asked: Asked) -> bytes:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._make, asked)


def failure(status: int, message: str) -> str:
    """What ends a page that could not be finished after it had begun.

    The page hears of it by the event `voila-failed` on `window`, with `status` and `message`.
    """
    told = escape(message)
    return (
        f'<p class="voila-failed" role="alert" data-status="{status}">{told}</p>\n'
        "<script>{const note = document.currentScript.previousElementSibling;\n"
        'dispatchEvent(new CustomEvent("voila-failed", {detail: '
        "{status: Number(note.dataset.status), message: note.textContent}}));}</script>\n"
    )
