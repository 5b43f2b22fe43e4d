"""The public site: figures that are public, as pictures and tables, in each language."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from citylib.city.profile import City, load_city
from citylib.city.settings import Settings
from citylib.look import theme
from citylib.look.fonts import put_fonts
from citylib.panels.picture.reading import districts
from citylib.privacy.export import PublicExport
from citylib.publish.frame import SOURCES, Site
from citylib.publish.pages import page
from citylib.publish.sources import sources
from citylib.publish.swap import swap

KINDS = ("css", "js")
SCRIPT = Path(__file__).with_name("age.js")


def build(settings: Settings, sign_in: str = "/hub/login") -> Path:
    """Make the public site anew from the public indicators.

    Readers get the site as it was or as it is, never half of each.

    Parameters
    ----------
    settings : Settings
        `public` is the folder that is replaced.
    sign_in : str
        Where staff sign in; empty: the pages do not say.

    Returns
    -------
    Path
        The folder: `index.html` in the city's own language, `<language>/index.html` in others,
        `indicator/<id>/index.html` and `sources/index.html` below each.

    Raises
    ------
    CubeMissing
        Nothing has been computed yet.
    """
    city = load_city(settings.profile)
    export = PublicExport.open(settings)
    figures = {} if export.empty else {name: export.read(name).load() for name in export.ids()}
    return write(city, figures, settings.public, export.version, sign_in)


def write(
    city: City, figures: dict[str, Any], folder: Path, version: str, sign_in: str = ""
) -> Path:
    """Write the pages of these figures into `folder`, in the place of what is there.

    Parameters
    ----------
    figures : dict of str to xarray.DataArray
        Public indicators by id, dims `(time, area)`.
    version : str
        What the pages are made from.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        style = _put(new, "style", "css", _sheet())
        script = _put(new, "age", "js", SCRIPT.read_text("utf-8"))
        site = Site(city, figures, style, script, version, sign_in, put_fonts(new))
        for path, text in _pages(site):
            (new / path).parent.mkdir(parents=True, exist_ok=True)
            (new / path).write_text(text, "utf-8")
        # Who has the page before still asks for its style and script.
        for old in folder.iterdir() if folder.is_dir() else ():
            if old.suffix[1:] in KINDS and not (new / old.name).exists():
                shutil.copyfile(old, new / old.name)
        new.chmod(0o755)
        swap(new, folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return folder


def _put(folder: Path, name: str, kind: str, text: str) -> str:
    """Write a file whose name changes with its text, so that no reader has an old one."""
    own = f"{name}.{hashlib.sha256(text.encode()).hexdigest()[:10]}.{kind}"
    (folder / own).write_text(text, "utf-8")
    return own


def first_of(city: City, figures: dict[str, Any]) -> str | None:
    """What the first page shows: a headline that is known by area, else whatever there is."""
    marked = [name for name, array in figures.items() if int(array.attrs.get("headline") or 0)]
    by_area = [name for name in marked if districts(figures[name], city.code)]
    return next(iter([*by_area, *marked, *figures]), None)


def _pages(site: Site) -> Iterator[tuple[str, str]]:
    for lang in site.city.languages:
        yield site.file(lang), page(site, lang, first_of(site.city, site.figures), first=True)
        yield site.file(lang, SOURCES), sources(site, lang)
        for name in site.figures:
            yield site.path(lang, name), page(site, lang, name)


def _sheet() -> str:
    colours = f":root{{color-scheme:dark;{theme.variables('dark')}}}"
    dark = f"@media (prefers-color-scheme:dark){{{colours}}}"
    parts = theme.css("picture", "public", default="light").splitlines()
    return "\n".join(
        [dark if line.startswith(':root[data-theme="dark"]') else line for line in parts]
    )
