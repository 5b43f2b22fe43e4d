"""What carries the rooms of this installation."""

from __future__ import annotations

import logging

from citylib.city.settings import Settings
from citylib.conference.media.carrier import Carrier
from citylib.conference.media.janus import Janus
from citylib.conference.media.janus_process import JanusMissing
from citylib.conference.media.mesh import Mesh
from citylib.conference.settings import Media

log = logging.getLogger(__name__)


def choose_carrier(settings: Settings, media: Media) -> Carrier:
    """Janus where it is installed and wanted, else a mesh, whose `missing` says why.

    Raises
    ------
    CityError
        Janus is there, but cannot be used as the installation stands.
    """
    if not media.janus:
        return Mesh("conference.toml says janus = false")
    try:
        return Janus(settings, media)
    except JanusMissing as why:
        log.warning("%s; rooms hold six, and pages send to each other", why)
        return Mesh(str(why))
