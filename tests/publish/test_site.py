import gzip
import re
import threading
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin

import numpy as np
import pytest

from citylib.city.settings import Settings
from citylib.indicators.cube import Cube
from citylib.publish import site
from citylib.publish.swap import swap

ADDRESS = "http://city/services/public/"


@pytest.fixture
def figures(make):
    return {
        "pm25": make("pm25"),
        "fires": make("fires", "month", 24, units="1", aggregation="sum", seed=2),
        "rides": make("rides", areas=False, units="1", aggregation="sum", headline=0),
    }


@pytest.fixture
def folder(city, figures, tmp_path):
    return site.write(city, figures, tmp_path / "public", "v1", "/hub/login")


class Page(HTMLParser):
    """What a page consists of."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.links, self.styles, self.scripts = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append(tag)
        if tag == "script":
            self.scripts.append(attrs.get("src"))
        if href := attrs.get("href") or attrs.get("src"):
            self.links.append(href)
        if "style" in attrs or any(name.startswith("on") for name in attrs):
            self.styles.append((tag, attrs))


def pages(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*.html")
    }


def test_there_is_a_page_for_each_language_and_indicator(folder):
    assert set(pages(folder)) == {
        prefix + name
        for prefix in ("", "en/")
        for name in (
            "index.html",
            "indicator/pm25/index.html",
            "indicator/fires/index.html",
            "indicator/rides/index.html",
            "sources/index.html",
        )
    }


def test_figures_on_the_page_are_the_cubes(folder, figures, city):
    text = (folder / "en/index.html").read_text()
    last = figures["pm25"].isel(time=-1)
    table = dict(re.findall(r'<th scope="row">([^<]+)</th><td><data value="([^"]+)"', text))
    assert len(table) == 25
    for code in city.levels["district"].areas:
        assert float(table[city.area_name(code, "en")]) == float(last.sel(area=code))
    assert f'<data value="{float(last.sel(area=city.code))!r}">' in text


def test_nothing_is_fetched_from_elsewhere_and_nothing_is_inline(folder):
    for name, text in pages(folder).items():
        page = Page(text)
        assert page.styles == [], name
        assert not {"style", "img", "iframe"} & set(page.tags)
        assert len(page.scripts) == 1
        assert page.scripts[0].endswith(".js"), "a script is a file: the pages' policy wants it"
        assert not re.search(r'(?:src|href)="(?:https?:)?//', text)
    for sheet in folder.glob("*.css"):
        assert "url(" not in sheet.read_text()
        assert "@import" not in sheet.read_text()


def test_every_link_leads_to_a_file(folder):
    for name, text in pages(folder).items():
        for link in Page(text).links:
            if link.startswith(("#", "data:", "/hub")):
                continue
            target = urljoin(ADDRESS + name, link).removeprefix(ADDRESS).split("#")[0]
            path = folder / target
            assert (path / "index.html").is_file() or path.is_file(), f"{name}: {link}"


def test_pages_have_landmarks_one_heading_and_a_language(folder):
    for text in pages(folder).values():
        tags = Page(text).tags
        assert {"header", "main", "footer", "nav", "title"} <= set(tags)
        assert tags.count("h1") == 1
        assert re.search(r'<html lang="(ko|en)">', text)
        ids = re.findall(r' id="([^"]+)"', text)
        assert len(ids) == len(set(ids)), "ids are unique"


def test_pages_name_source_licence_and_date(folder):
    text = (folder / "en/index.html").read_text()
    assert "Source: An office" in text
    assert "Terms: Open" in text
    assert "OpenStreetMap" in text
    assert '<time datetime="2022-12-10">10 Dec 2022</time>' in text


def test_the_sources_of_what_is_shown_are_named_with_their_terms(folder, city):
    text = (folder / "index.html").read_text()
    assert '<a href="sources/">자료 출처와 이용 조건</a>' in text
    assert '<a href="sources/#notice">ATTRIBUTION.md</a>' in text
    page = (folder / "sources/index.html").read_text()
    assert page.count("<h2>대기오염도 일별 측정</h2>") == 1
    assert "<dd>서울특별시</dd>" in page
    assert "다시 배포하려면" in page
    assert '<a href="../indicator/pm25/">pm25 제목</a>' in page
    assert "화재 건수" not in page, "of what is not shown nothing is said"
    assert 'id="notice"' in page
    assert "<table>" in page, "the notice is read as Markdown"
    english = (folder / "en/sources/index.html").read_text()
    assert "<dd>Seoul Metropolitan Government</dd>" in english


def test_a_notice_cannot_bring_markup(city, figures, tmp_path):
    (tmp_path / "ATTRIBUTION.md").write_text("# Sources\n<script>x()</script>\n[a](javascript:x)")
    own = city.model_copy(update={"folder": tmp_path})
    text = (site.write(own, figures, tmp_path / "p", "v1") / "sources/index.html").read_text()
    assert "<h2>Sources</h2>" in text
    assert "<script>x" not in text
    assert "javascript:" not in text


def test_what_is_old_says_so_and_names_no_age_that_is_wrong_tomorrow(folder):
    for name, text in pages(folder).items():
        said = text.partition("<main")[2]
        assert not re.search(r"\d+ (?:day|month|year)s? ago|\d+(?:일|개월|년) 전<", said), name
    text = (folder / "en/index.html").read_text()
    stale = '<span class="stale" data-end="2022-12-11T00:00:00+09:00" data-after="259200">'
    assert stale + "not current</span>" in text


def test_pages_are_a_few_kilobytes(folder):
    for text in pages(folder).values():
        assert len(gzip.compress(text.encode())) < 20_000


def test_a_missing_figure_is_said_in_words(city, figures, tmp_path):
    figures["pm25"][-1, 3] = np.nan
    text = (site.write(city, figures, tmp_path / "p", "v1") / "en/index.html").read_text()
    assert '<data value="nan">No data</data>' in text


def test_only_public_indicators_are_published(city, make, tmp_path):
    (tmp_path / "citylib.toml").write_text(f'profile = "{city.folder}"\n')
    settings = Settings.load(tmp_path)
    arrays = {
        "open": make("open"),
        "secret": make("secret", classification="internal", long_name_en="Not for everybody"),
    }
    for array in arrays.values():
        array["area"].attrs["level"] = "district"
    Cube(settings.cube).write(arrays, {})
    folder = site.build(settings)
    assert folder == settings.public
    assert not (folder / "indicator/secret").exists()
    for text in pages(folder).values():
        assert "Not for everybody" not in text
        assert "secret" not in text


def test_without_public_figures_the_page_says_so(city, tmp_path):
    folder = site.write(city, {}, tmp_path / "public", "v1")
    assert "아직 없습니다" in (folder / "index.html").read_text()


def test_a_reader_sees_one_version_or_the_next(city, figures, tmp_path):
    folder = tmp_path / "public"
    site.write(city, figures, folder, "version-0")
    faults, seen, stop = [], set(), threading.Event()

    def look():
        while not stop.is_set():
            try:
                text = (folder / "index.html").read_text()
                seen.add(re.search(r"version-(\d)", text)[1])
                sheet = re.search(r'href="(style\.[^"]+)"', text)[1]
                if not (folder / sheet).is_file():
                    faults.append(sheet)
            except (OSError, TypeError) as error:
                faults.append(error)

    reader = threading.Thread(target=look)
    reader.start()
    for number in range(1, 4):
        site.write(city, figures, folder, f"version-{number}")
    stop.set()
    reader.join()
    assert faults == []
    assert seen
    assert [path.name for path in tmp_path.iterdir()] == ["public"], "nothing is left over"


def test_a_swap_keeps_what_was_there_for_who_asked(tmp_path):
    new, old = tmp_path / "new", tmp_path / "old"
    for path in (new, old):
        path.mkdir()
        (path / "name").write_text(path.name)
    swap(new, old)
    assert (old / "name").read_text() == "new"
    assert (new / "name").read_text() == "old"
    swap(new, Path(tmp_path / "third"))
    assert (tmp_path / "third/name").read_text() == "old"


def test_a_long_table_scrolls_and_can_be_reached_by_keyboard(city, make, tmp_path):
    figures = {"fires": make("fires", "year", 2, "2021", level="neighbourhood")}
    folder = site.write(city, figures, tmp_path / "public", "v1")
    text = (folder / "indicator/fires/index.html").read_text()
    assert '<div class="long" tabindex="0"><table>' in text
    assert text.count("<data value=") == 423 + 2  # one on the tile, one above the map
    assert "종로구 사직동</th>" in text
    assert len(gzip.compress(text.encode())) < 40_000
