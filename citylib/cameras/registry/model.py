"""What is known of a camera, and the city's rules for all of them."""

from __future__ import annotations

import string
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from citylib.access.roles import ROLES
from citylib.city.model import Networks, Plain

ID = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
SECRET_NAME = r"^[a-z0-9][a-z0-9_-]{0,63}$"  # noqa: S105
PUBLIC = "public"
Source = Literal["rtsp", "hls", "mjpeg", "still", "simulated"]
Simulated = Literal["rtsp", "h265", "hls", "mjpeg", "still"]
SCHEMES = {"rtsp": ("rtsp", "rtsps"), "simulated": ("simulated",)}


class Camera(Plain):
    """A camera of the city.

    Its address is a secret: it is in no message and in nothing that a browser gets.

    Attributes
    ----------
    id : str
        Letters, digits, `.`, `_` and `-`.
    name : dict of str to str
        Per language; where one is missing, the first stands for it.
    lon, lat : float
        Position in degrees, WGS 84.
    heading : float, optional
        Where it looks, in degrees clockwise from north.
    kind : str
        What it is for: "traffic", "flood", …; in the city's own words.
    owner : str
        Who answers for it.
    source : str
        What is at its address: "rtsp", "hls", "mjpeg", "still" (a JPEG that changes) or
        "simulated". Follows from the address where that tells.
    address : SecretStr
        URL without name and password. `simulated:rtsp` is one of the platform's own pictures.
    credentials : str, optional
        Name of the secret with name and password.
    engine : str, optional
        Engine of the city's rules that the camera is reached through, instead of an address.
    viewers : frozenset of str
        Roles that may see it; "public": everybody.
    retention_hours : float
        How long a picture of it may be kept.

    Examples
    --------
    >>> Camera(id="gate", name={"en": "Gate"}, lon=1, lat=2, address="rtsp://10.0.0.7/1").source
    'rtsp'
    """

    id: Annotated[str, Field(pattern=ID)]
    name: Annotated[dict[str, str], Field(min_length=1)]
    lon: Annotated[float, Field(ge=-180, le=180)]
    lat: Annotated[float, Field(ge=-90, le=90)]
    heading: Annotated[float | None, Field(ge=0, le=360)] = None
    kind: Annotated[str, Field(max_length=100)] = ""
    owner: Annotated[str, Field(max_length=200)] = ""
    source: Source
    address: SecretStr = SecretStr("")
    credentials: Annotated[str | None, Field(pattern=SECRET_NAME)] = None
    engine: str | None = None
    viewers: frozenset[str] = frozenset({"mayor", "official"})
    retention_hours: Annotated[float, Field(gt=0, le=24 * 366)] = 24

    @model_validator(mode="before")
    @classmethod
    def _told_by_address(cls, values: Any) -> Any:
        if isinstance(values, dict) and not values.get("source"):
            address = values.get("address")
            found = source_of(address) if isinstance(address, str) and address else None
            if found is None and not values.get("engine"):
                raise ValueError(
                    "say what is at the address: source rtsp, hls, mjpeg or still"
                    if address
                    else "neither address nor engine; a camera needs one of them"
                )
            values = {**values, "source": found or "rtsp"}
        return values

    @field_validator("viewers")
    @classmethod
    def _known_roles(cls, value: frozenset[str]) -> frozenset[str]:
        for role in sorted(value):
            if role not in (*ROLES, PUBLIC):
                raise ValueError(f"no role {role!r}; there are {', '.join((*ROLES, PUBLIC))}")
        return value

    @model_validator(mode="after")
    def _address_fits(self) -> Camera:
        address = self.address.get_secret_value()
        if bool(address) == bool(self.engine):
            raise ValueError("give either an address or an engine")
        if address:
            fault = address_fault(address, self.source)
            if fault:
                raise ValueError(fault)
        return self

    def name_in(self, lang: str) -> str:
        """Its name in a language, or in the first that it has one in."""
        return self.name.get(lang) or next(iter(self.name.values()))

    def seen_by(self, role: str | None) -> bool:
        """Whether somebody with this role may see it; None is who is not signed in.

        What is public everybody sees.
        """
        return PUBLIC in self.viewers or (role is not None and role in self.viewers)


class Engine(Plain):
    """Software that serves cameras already: go2rtc, MediaMTX, a video management system.

    Attributes
    ----------
    source : str
        What it gives: "rtsp", "hls", "mjpeg" or "still".
    address : SecretStr
        URL in which `{id}` stands for the camera's.
    credentials : str, optional
        Name of the secret with name and password.
    """

    source: Literal["rtsp", "hls", "mjpeg", "still"]
    address: SecretStr
    credentials: Annotated[str | None, Field(pattern=SECRET_NAME)] = None

    @field_validator("address")
    @classmethod
    def _template(cls, value: SecretStr) -> SecretStr:
        text = value.get_secret_value()
        try:
            places = {name for _, name, *_ in string.Formatter().parse(text) if name is not None}
        except ValueError:
            raise ValueError("braces do not match; write {id} for the camera's") from None
        if places != {"id"}:
            raise ValueError("write {id} where the camera's id goes, and no other braces")
        scheme = urlsplit(text).scheme
        if scheme not in ("rtsp", "rtsps", "http", "https"):
            raise ValueError("begin it with rtsp://, rtsps://, http:// or https://")
        return value


class Rules(Plain):
    """`cameras.toml` of a profile.

    Attributes
    ----------
    viewers, retention_hours, owner, kind : as of a camera
        What holds for cameras that do not say.
    networks : tuple of str
        Networks, in the form 10.20.0.0/16, in which cameras stand although they are not public.
        Others that are not public are refused, and so is the machine itself.
    transcode_at_most : int
        Cameras with pictures that browsers cannot show (H.265) that are converted at once.
    gateways : tuple of str
        Names of the services that share the cameras.
    engine : dict of str to Engine
        By name.
    """

    viewers: frozenset[str] = frozenset({"mayor", "official"})
    retention_hours: float = 24
    owner: str = ""
    kind: str = ""
    networks: Networks = ()
    transcode_at_most: Annotated[int, Field(ge=0, le=64)] = 2
    gateways: Annotated[tuple[str, ...], Field(min_length=1)] = ("cameras",)
    engine: Annotated[dict[str, Engine], Field(default_factory=dict)]


def source_of(address: str) -> Source | None:
    """What is at an address, if it tells."""
    parts = urlsplit(address)
    if parts.scheme in ("rtsp", "rtsps"):
        return "rtsp"
    if parts.scheme == "simulated":
        return "simulated"
    path = parts.path.lower()
    if path.endswith(".m3u8"):
        return "hls"
    if path.endswith((".jpg", ".jpeg")):
        return "still"
    return "mjpeg" if path.endswith((".mjpg", ".mjpeg")) else None


def address_fault(address: str, source: str) -> str | None:
    """What is wrong with an address, in words that do not repeat it."""
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "the address is no URL"
    if source == "simulated":
        kinds = get_args(Simulated)
        fits = parts.path in kinds and parts.scheme == "simulated"
        return None if fits else f"write simulated: and one of {', '.join(kinds)}"
    if parts.username is not None or parts.password is not None:
        return (
            "name and password stand in the address; keep them in a secret, and name that "
            "under credentials"
        )
    if parts.scheme not in SCHEMES.get(source, ("http", "https")):
        wanted = " or ".join(f"{scheme}://" for scheme in SCHEMES.get(source, ("http", "https")))
        return f"the address of source {source} begins with {wanted}"
    if not host or any(ord(sign) <= 32 or ord(sign) == 127 for sign in address):
        return "the address is no URL"
    return None
