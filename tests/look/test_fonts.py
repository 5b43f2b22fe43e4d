"""Letters of the site's own."""

from __future__ import annotations

import re

from citylib.look.fonts import PACKAGE, SHEET, put_fonts


def test_a_site_gets_the_letters_with_their_licence(tmp_path):
    assert put_fonts(tmp_path)
    sheet = (tmp_path / SHEET).read_text("utf-8")
    files = re.findall(r"url\(([^)]+)\)", sheet)
    assert len(files) > 100
    assert all((tmp_path / SHEET).parent.joinpath(file).is_file() for file in files)
    # What the first page of a Korean city is written with.
    ranges = re.findall(r"U\+([0-9a-f]+)(?:-([0-9a-f]+))?", sheet)
    known = {code for a, b in ranges for code in range(int(a, 16), int(b or a, 16) + 1)}
    assert {ord(letter) for letter in "서울특별시 현황판 PM2.5"} <= known
    assert "SIL OPEN FONT LICENSE" in (tmp_path / SHEET).with_name("LICENSE").read_text().upper()


def test_without_the_package_a_site_does_without(tmp_path):
    assert not put_fonts(tmp_path, tmp_path / "none")
    assert [*tmp_path.iterdir()] == []
    assert PACKAGE.parts[-3:] == ("node_modules", "@fontsource-variable", "noto-sans-kr")
