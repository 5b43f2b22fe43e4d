from __future__ import annotations

import gzip

import pytest
from tornado.testing import AsyncHTTPTestCase

from citylib.hub.public import application

PREFIX = "/services/public/"


class PublicPages(AsyncHTTPTestCase):
    """The service by itself, over HTTP."""

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path):
        self.folder = tmp_path / "public"

    def get_app(self):
        return application(self.folder, languages=("ko", "en"))

    def get(self, path="", **headers):
        return self.fetch(
            PREFIX + path, headers=headers, follow_redirects=False, decompress_response=False
        )

    def publish(self, name, content):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")

    def test_before_anything_is_published_a_page_says_so(self):
        answer = self.get()
        assert answer.code == 200
        assert b"nothing published yet" in answer.body
        assert "아직 공개된".encode() in answer.body
        assert b'<html lang="ko">' in answer.body
        self.publish("index.html", "now there is")
        assert self.get().body == b"now there is"

    def test_pages_are_asked_for_again_only_when_they_changed(self):
        self.publish("index.html", "one")
        tag = self.get().headers["Etag"]
        assert self.get(**{"If-None-Match": tag}).code == 304
        self.publish("index.html", "two")
        answer = self.get(**{"If-None-Match": tag})
        assert (answer.code, answer.body) == (200, b"two")

    def test_pages_are_compressed(self):
        self.publish("index.html", "a figure " * 1000)
        answer = self.get(**{"Accept-Encoding": "gzip"})
        assert answer.headers["Content-Encoding"] == "gzip"
        assert len(answer.body) < 500
        assert gzip.decompress(answer.body).startswith(b"a figure")

    def test_browsers_are_told_to_run_nothing_else(self):
        self.publish("index.html", "x")
        self.publish("map.svg", "<svg/>")
        for path in ("", "map.svg", "missing.html"):
            headers = self.get(path).headers
            assert "default-src 'none'" in headers["Content-Security-Policy"]
            assert "script-src 'self'" in headers["Content-Security-Policy"]
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["Server"] == "city"

    def test_a_missing_page_is_friendly_and_escapes_nothing_into_it(self):
        self.publish("index.html", "x")
        answer = self.get("%3Cscript%3Ealert(1)%3C/script%3E")
        assert answer.code == 404
        assert b"alert" not in answer.body
        assert b"Public page" in answer.body

    def test_folders_have_no_listing_and_hidden_files_do_not_exist(self):
        self.publish("index.html", "x")
        self.publish("ko/index.html", "서울")
        self.publish("data/figures.csv", "1,2")
        self.publish(".new/index.html", "unfinished")
        self.publish("../secret.txt", "secret")
        assert self.get("ko").headers["Location"] == f"{PREFIX}ko/"
        assert self.get("ko/").body.decode() == "서울"
        assert self.get("data/figures.csv").body == b"1,2"
        for path in ("data/", ".new/index.html", "../secret.txt", "..%2fsecret.txt", "%00"):
            answer = self.get(path)
            assert answer.code in (400, 403, 404), (path, answer.code)
            assert b"secret" not in answer.body

    def test_what_is_outside_is_not_told_of(self):
        self.publish("index.html", "x")
        self.publish("../site/index.html", "not published")
        (self.folder / "link").symlink_to(self.folder.parent / "site")
        outside = self.folder.parent
        for path in (outside, f"{outside}/site", f"{outside}/site/index.html", "/etc", "/nowhere"):
            answer = self.get(str(path))
            assert answer.code == 404, (path, answer.code)
        for path in (f"/{outside}/site", "link", "link/", "link/index.html"):
            assert self.get(path).code == 404, path

    def test_nothing_can_be_sent_to_it(self):
        self.publish("index.html", "x")
        for method in ("POST", "PUT", "DELETE"):
            body = None if method == "DELETE" else ""
            answer = self.fetch(PREFIX, method=method, body=body)
            assert answer.code == 405
