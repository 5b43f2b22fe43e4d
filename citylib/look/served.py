"""What a Voila server needs to be told so that its pages look like ours."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, Template

from citylib.city.profile import City
from citylib.look.words import say

FOLDER = Path(__file__).parent
TEMPLATE = "city"
LEFT_OUT = ("@jupyterhub/jupyter-server-proxy", "jupyterlab_pygments")
"""JupyterLab's launcher of proxied programs, of which there are none, and its colours of code:
nothing for a dashboard."""


def voila_settings(city: City) -> dict[str, Any]:
    """Keys of `VoilaConfiguration`: template, theme, what the page says at first, and what of
    JupyterLab it does without.

    >>> voila_settings(city)["template"]  # doctest: +SKIP
    'city'
    """
    return {
        "template": TEMPLATE,
        "theme": "dark",
        "resources": {"city": _words(city)},
        "extension_denylist": [*LEFT_OUT],
    }


def voila_arguments(city: City, begun: bool = False) -> list[str]:
    """The same as arguments of Voila's command line.

    Parameters
    ----------
    begun : bool
        Whether the service sends the page's `beginning` by itself.

    Examples
    --------
    >>> voila_arguments(city)[0]  # doctest: +SKIP
    '--VoilaConfiguration.template=city'
    """
    settings = voila_settings(city)
    settings["resources"] |= {"begun": begun}
    return [f"--VoilaConfiguration.{key}={value}" for key, value in settings.items()]


def beginning(
    city: City, base_url: str, title: str, lang: str, picture: str = "", fonts: str = ""
) -> str:
    """How a page of the dashboards begins, before its kernel is asked.

    Parameters
    ----------
    city : City
        Profile.
    base_url : str
        Address of the service.
    title : str
        Of the window.
    lang : str
        Language of the picture.
    picture : str
        HTML of what the panels will show; empty: words say that they are coming.
    fonts : str
        Address of a style sheet with letters for browsers that have none; empty: there is none.

    Returns
    -------
    str
        HTML up to where Voila's part of the page begins.
    """
    return _beginning().render(
        words=_words(city),
        base_url=base_url,
        title=title,
        lang=lang,
        picture=picture,
        fonts=fonts,
    )


@cache
def _beginning() -> Template:
    # As nbconvert does, which has the same file for pages without such a service.
    environment = Environment(loader=FileSystemLoader(FOLDER))  # noqa: S701
    return environment.get_template(f"voila/templates/{TEMPLATE}/beginning.html.j2")


def _words(city: City) -> dict[str, dict[str, str]]:
    return {
        lang: {
            "title": say(lang, "title", city=city.area_name(city.code, lang)),
            "coming": f"{say(lang, 'loading')}. {say(lang, 'loading_detail')}",
            "failed": say(lang, "failed"),
            "still": say(lang, "stands_still"),
        }
        for lang in city.languages
    }


def voila_environment() -> dict[str, str]:
    """Environment in which Voila finds the template: our folder before what is there already."""
    there = os.environ.get("JUPYTER_PATH")
    return {"JUPYTER_PATH": os.pathsep.join([str(FOLDER), *([there] if there else [])])}
