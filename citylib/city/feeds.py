"""What a profile says of a feed: where records come from, how often, and what they mean."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from citylib.city.mapping import Reading
from citylib.city.model import Plain


class FeedSpec(Plain):
    """A feed of the city: a source that is asked again and again.

    Attributes
    ----------
    id : str
        Name of the file in `feeds/`.
    title : dict of str to str
        What it brings, per language.
    dataset : str
        Dataset that its records are stored in; units, keys and classification are said there.
    connector : str
        How the source is asked: the name of a module of `citylib.feeds.connectors`.
    address : str
        URL, or folder of files.
    key : str, optional
        Name of the environment variable that holds the key of access. The key itself is never
        written in a profile.
    interval : float
        Seconds from one poll to the next.
    timeout : float
        Seconds that an answer may take.
    max_bytes : int
        Answers larger than this are refused.
    stale : float, optional
        Seconds after which the newest record is old news; by default three intervals.
    enabled : bool
        Whether the service polls it.
    options : dict
        What the connector asks for besides; its own class says which.
    read : Reading
        How its rows become records.
    path : Path
        File of this description; set by the profile.
    """

    id: str
    title: dict[str, str]
    dataset: str
    connector: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    address: str
    key: Annotated[str | None, Field(pattern=r"^[A-Z][A-Z0-9_]*$")] = None
    interval: Annotated[float, Field(ge=1)]
    timeout: Annotated[float, Field(gt=0, le=600)] = 30
    max_bytes: Annotated[int, Field(gt=0)] = 64 * 2**20
    stale: Annotated[float | None, Field(gt=0)] = None
    enabled: bool = True
    options: Annotated[dict[str, Any], Field(default_factory=dict)]
    read: Reading
    path: Path
