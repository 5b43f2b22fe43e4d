"""What a Voila server needs to be told so that its pages look like ours."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from citylib.city.profile import City
from citylib.look.words import say

FOLDER = Path(__file__).parent
TEMPLATE = "city"
LAUNCHER = "@jupyterhub/jupyter-server-proxy"
"""JupyterLab's launcher of proxied programs, of which there are none; nothing for a dashboard."""


def voila_settings(city: City) -> dict[str, Any]:
    """Keys of `VoilaConfiguration`: template, theme, what the page says at first, and what of
    JupyterLab it does without.

    >>> voila_settings(city)["template"]  # doctest: +SKIP
    'city'
    """
    words = {}
    for lang in city.languages:
        name = city.area_name(city.code, lang)
        words[lang] = {
            "title": say(lang, "title", city=name),
            "coming": f"{say(lang, 'loading')}. {say(lang, 'loading_detail')}",
            "failed": say(lang, "failed"),
            "still": say(lang, "stands_still"),
        }
    return {
        "template": TEMPLATE,
        "theme": "dark",
        "resources": {"city": words},
        "extension_denylist": [LAUNCHER],
    }


def voila_arguments(city: City) -> list[str]:
    """The same as arguments of Voila's command line.

    >>> voila_arguments(city)[0]  # doctest: +SKIP
    '--VoilaConfiguration.template=city'
    """
    return [f"--VoilaConfiguration.{key}={value}" for key, value in voila_settings(city).items()]


def voila_environment() -> dict[str, str]:
    """Environment in which Voila finds the template: our folder before what is there already."""
    there = os.environ.get("JUPYTER_PATH")
    return {"JUPYTER_PATH": os.pathsep.join([str(FOLDER), *([there] if there else [])])}
