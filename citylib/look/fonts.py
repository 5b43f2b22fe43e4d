"""Letters for browsers that have none: Noto Sans KR, which has Korean and Latin ones.

It is cut into a hundred files; a browser fetches those whose letters a page has, and none where
the system has such letters. It comes with `npm ci` (SIL Open Font License 1.1); pages do without
where that was not run.
"""

from __future__ import annotations

import shutil
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "node_modules" / "@fontsource-variable" / "noto-sans-kr"
FOLDER = "fonts"
SHEET = f"{FOLDER}/index.css"
"""The style sheet that names the letters, from the top of a published site."""


def put_fonts(site: Path, package: Path = PACKAGE) -> bool:
    """Put the letters, with their licence, into the folder of a site.

    Returns
    -------
    bool
        Whether there are any.

    Examples
    --------
    >>> put_fonts(Path("var/public"))  # doctest: +SKIP
    True
    """
    if not (package / "index.css").is_file():
        return False
    target = site / FOLDER
    shutil.copytree(package / "files", target / "files")
    for name in ("index.css", "LICENSE"):
        shutil.copyfile(package / name, target / name)
    return True
