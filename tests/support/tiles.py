"""A page that shows participants without a conference service: `python tests/support/tiles.py`."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from citylib.look import theme
from citylib.look.words import words

HERE = Path(__file__).parent
SCRIPTS = Path(__file__).parents[2] / "citylib" / "conference" / "js"


class Handler(SimpleHTTPRequestHandler):
    """The page, the scripts as they are, colours and words."""

    def do_GET(self):
        path, _, query = self.path.partition("?")
        if path == "/theme.css":
            return self._send(theme.sheet(), "text/css")
        if path == "/words":
            said = words(query)
            told = {k.removeprefix("conference."): v for k, v in said.items()}
            return self._send(json.dumps(told), "application/json")
        return super().do_GET()

    def translate_path(self, path):
        path = path.partition("?")[0]
        if path.startswith("/js/"):
            return str(SCRIPTS / path.removeprefix("/js/"))
        return str(HERE / "tiles.html")

    def _send(self, text, kind):
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextmanager
def serving() -> Iterator[str]:
    """Its address, while it is served."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(HERE)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/tiles.html"
    server.shutdown()
    server.server_close()


if __name__ == "__main__":
    with serving() as address:
        print(f"{address}?count=45&size=wall&view=all&language=en")
        threading.Event().wait()
