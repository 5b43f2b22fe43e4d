"""The public pages: files, without sign-in and without a kernel.

Run by the hub: `python -m citylib.hub.public FOLDER LANGUAGE…`, the city's languages.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from html import escape
from pathlib import Path
from urllib.parse import urlsplit

from tornado.web import Application, HTTPError, RequestHandler, StaticFileHandler

from citylib.look.words import say

# The pages share an address with the hub, so nothing may run in them but their own files.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Server": "city",
}
PAGE = """<!doctype html>
<html lang="{lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>
body {{ font: 1.2rem/1.5 system-ui, sans-serif; margin: 15vh auto; max-width: 34rem; padding: 1rem;
  color: #1a2733; background: #f5f7f9 }}
a {{ color: #0b5cad }}
</style>
</head>
<body><main>{parts}</main></body>
</html>
"""


class PublicFiles(StaticFileHandler):
    """Serves published files; answers with a page of its own where there is none."""

    absolute_path: str | None = None

    def set_default_headers(self) -> None:
        """Say what browsers may do with what they get."""
        for name, value in HEADERS.items():
            self.set_header(name, value)

    def set_extra_headers(self, path: str) -> None:
        """Ask again every time, by ETag: pages are published anew; letters are not."""
        kept = "public, max-age=604800" if path.startswith("fonts/") else "no-cache"
        self.set_header("Cache-Control", kept)

    async def get(self, path: str, include_body: bool = True) -> None:
        """Send a file."""
        # Names with a leading dot are unfinished work of the publisher, or not for the public.
        if {"\\", "\0"} & set(path) or any(part.startswith(".") for part in path.split("/")):
            raise HTTPError(404)
        root = Path(self.root)
        # Asked of no file before it is known to be below: the answer would tell that it exists.
        if path.startswith("/") or not (root / path).resolve().is_relative_to(root.resolve()):
            raise HTTPError(404)
        if path in ("", "index.html") and not (root / "index.html").is_file():
            self._answer(200, "not_published")
            return
        if path and not path.endswith("/") and (root / path / "index.html").is_file():
            self.redirect(f"{self.request.path}/")
            return
        await super().get(path, include_body)

    def compute_etag(self) -> str | None:
        """The file's ETag; none for the answers made here."""
        return super().compute_etag() if self.absolute_path else None

    def write_error(self, status_code: int, **kwargs: object) -> None:
        """Answer with a page that a citizen can read."""
        self._answer(status_code, "not_found")

    def _answer(self, status: int, what: str) -> None:
        languages, home = self.settings["languages"], escape(self.settings["prefix"])
        parts = "".join(
            f'<div lang="{lang}"><h1>{say(lang, what)}</h1><p>{say(lang, f"{what}_detail")}</p>'
            f'<p><a href="{home}">{say(lang, "public_page")}</a> · '
            f'<a href="/hub/login">{say(lang, "sign_in")}</a></p></div>'
            for lang in languages
        )
        title = " · ".join(say(lang, what) for lang in languages)
        self.set_status(status)
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Cache-Control", "no-cache")
        self.finish(PAGE.format(lang=languages[0], title=title, parts=parts))


class _Elsewhere(RequestHandler):
    def prepare(self) -> None:
        self.redirect(self.settings["prefix"])


def application(
    folder: Path, prefix: str = "/services/public/", languages: Sequence[str] = ("en",)
) -> Application:
    """The pages of `folder` under `prefix`; what it says itself is in the city's `languages`."""
    options = {"path": str(folder.resolve()), "default_filename": "index.html"}
    return Application(
        [(f"{prefix}(.*)", PublicFiles, options), (".*", _Elsewhere)],
        compress_response=True,
        # Files are published anew under the same name.
        static_hash_cache=False,
        prefix=prefix,
        languages=languages,
    )


async def serve(folder: Path, languages: Sequence[str]) -> None:
    """Serve until SIGTERM; address and prefix come from the hub."""
    url = urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"])
    app = application(folder, os.environ["JUPYTERHUB_SERVICE_PREFIX"], languages)
    app.listen(url.port or 0, url.hostname, max_body_size=0)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), sys.argv[2:]))
