"""A page that shows participants without a conference service: `python tests/support/tiles.py`."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

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

    def do_POST(self):
        """A part of a recording; `faults` are answered first."""
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        state, number = self.server.state, int(self.headers["X-Part"])
        if state.faults:
            return self._send("{}", "application/json", state.faults.pop(0))
        if number == state.next:
            state.body += body
            state.next += 1
        status = 200 if number == state.next - 1 else 409
        return self._send(json.dumps({"next": state.next}), "application/json", status)

    def translate_path(self, path):
        path = path.partition("?")[0]
        if path.startswith("/js/"):
            return str(SCRIPTS / path.removeprefix("/js/"))
        return str(HERE / ("faces.js" if path == "/faces.js" else "tiles.html"))

    def _send(self, text, kind, status=200):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Serving(str):
    """Its address; and what came of a recording."""

    state: SimpleNamespace


@contextmanager
def serving() -> Iterator[Serving]:
    """The page, while it is served."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(HERE)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = Serving(f"http://127.0.0.1:{server.server_address[1]}/tiles.html")
    address.state = server.state = SimpleNamespace(body=b"", next=0, faults=[])
    yield address
    server.shutdown()
    server.server_close()


if __name__ == "__main__":
    with serving() as address:
        print(f"{address}?count=45&size=wall&view=all&language=en")
        threading.Event().wait()
