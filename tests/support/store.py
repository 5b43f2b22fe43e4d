"""Object storage on this machine that can be taken away at any moment."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from threading import Lock, Thread
from typing import Any

import boto3
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

KEYS = {
    "AWS_ACCESS_KEY_ID": "AKIAKEYOFTHETESTS",
    "AWS_SECRET_ACCESS_KEY": "secret-of-the-tests",
    "AWS_REGION": "us-east-1",
}
WRITING = ("PUT", "POST", "DELETE")


class Store:
    """A running store with the bucket `records`.

    Attributes
    ----------
    url : str
        Its endpoint.
    left : int or None
        Writing requests that it still answers before it is gone; None: it stays.
    deaf : bool
        When it goes, it still does what the last request asks, and only the answer is lost.
    refuses : str
        An answer that every request gets with the status 403, instead of being done.
    """

    def __init__(self, app: Callable) -> None:
        self.app = app
        self.url = ""
        self.left: int | None = None
        self.deaf = False
        self.refuses = ""
        self.lock = Lock()

    @property
    def environment(self) -> dict[str, str]:
        """What programs must be told to reach it."""
        return {**KEYS, "AWS_ENDPOINT_URL": self.url, "AWS_ALLOW_HTTP": "true"}

    def client(self) -> Any:
        """A client of Amazon's own."""
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
            region_name=KEYS["AWS_REGION"],
        )

    def objects(self, prefix: str = "") -> dict[str, bytes]:
        """All objects of the bucket by key."""
        client = self.client()
        pages = client.get_paginator("list_objects_v2").paginate(Bucket="records", Prefix=prefix)
        keys = [found["Key"] for page in pages for found in page.get("Contents", [])]
        return {key: client.get_object(Bucket="records", Key=key)["Body"].read() for key in keys}

    def __call__(self, environ: dict[str, Any], start: Callable) -> Iterable[bytes]:
        """Answer a request, or do not."""
        if self.refuses:
            start("403 Forbidden", [("Content-Type", "application/xml")])
            return [self.refuses.encode()]
        with self.lock:
            gone = self.left is not None and self.left <= 0
            if self.left and environ["REQUEST_METHOD"] in WRITING:
                self.left -= 1
                if not self.left and self.deaf:
                    list(self.app(environ, lambda *_: None))
                    gone = True
        if gone:
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            return []
        return self.app(environ, start)


@contextmanager
def serving() -> Iterator[Store]:
    """A store that serves as long as the block runs."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    store = Store(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, store, threaded=True)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    store.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield store
    finally:
        server.shutdown()
        thread.join()
