"""`conference.toml` of a profile: how long things are kept, and how media reach people."""

from __future__ import annotations

import ipaddress
from typing import Annotated

from pydantic import Field, field_validator, model_validator

from citylib.city.model import Networks, Plain, parse, read_toml
from citylib.city.profile import City

FILE = "conference.toml"
Port = Annotated[int, Field(ge=1, le=65535)]
Kilobits = Annotated[int, Field(ge=50, le=20_000)]


class Media(Plain):
    """How pictures and sound travel between browsers and this machine.

    Attributes
    ----------
    janus : bool
        Whether Janus carries the rooms where it is installed; without it rooms hold six.
    ports : tuple of int
        First and last UDP port of Janus, for each participant two at most.
    addresses : tuple of str
        Addresses that browsers reach this machine by, where it does not know them itself because
        it stands behind a router that hands on what comes to them.
    interfaces : tuple of str
        Names or addresses of the network interfaces that are used; none: all.
    stun : tuple of str
        STUN servers for browsers that talk to each other, as `host:port`.
    camera_kbit, screen_kbit : int
        What a participant may send of each, in kb/s.
    """

    janus: bool = True
    ports: tuple[Port, Port] = (42_000, 43_999)
    addresses: tuple[str, ...] = ()
    interfaces: tuple[str, ...] = ()
    stun: tuple[str, ...] = ()
    camera_kbit: Kilobits = 1700
    screen_kbit: Kilobits = 2500

    @field_validator("ports")
    @classmethod
    def _in_order(cls, value: tuple[int, int]) -> tuple[int, int]:
        return _range(value)

    @field_validator("addresses")
    @classmethod
    def _are_addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _addresses(value)

    @field_validator("stun")
    @classmethod
    def _name_a_port(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            host, _, port = text.rpartition(":")
            if not (host and port.isdecimal()):
                raise ValueError(f"{text!r}: write host:port, like stun.example.org:3478")
        return value


class Turn(Plain):
    """The relay for browsers whose network lets nothing else through.

    Attributes
    ----------
    run : bool
        Whether coturn is run here, where it is installed.
    host : str, optional
        Name that browsers reach the relay by; by default the one they opened the page with.
        Required with `outside`.
    outside : bool
        The relay is another machine's: only credentials are made here, with the secret
        `var/secrets/conference_turn` that it shares.
    listen : tuple of str
        Addresses that it listens on; none: those of the platform. With an address of its own it
        can have port 443.
    port, tls_port : int
        Plain (UDP and TCP), and TLS. 443 gets through where nothing else does.
    relay_ports : tuple of int
        First and last UDP port that the relay sends from.
    networks : tuple of str
        Networks, in the form 10.20.0.0/16, that it may relay to although they are not public.
        Itself it knows where Janus listens.
    """

    run: bool = True
    host: Annotated[str | None, Field(max_length=253, pattern=r"^[A-Za-z0-9.:-]+$")] = None
    outside: bool = False
    listen: tuple[str, ...] = ()
    port: Port = 3478
    tls_port: Port = 5349
    relay_ports: tuple[Port, Port] = (44_000, 45_999)
    networks: Networks = ()

    @field_validator("relay_ports")
    @classmethod
    def _in_order(cls, value: tuple[int, int]) -> tuple[int, int]:
        return _range(value)

    @field_validator("listen")
    @classmethod
    def _are_addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _addresses(value)

    @model_validator(mode="after")
    def _outside_has_a_name(self) -> Turn:
        if self.outside and not self.host:
            raise ValueError("outside = true needs host: the name of the machine that relays")
        return self


class Rules(Plain):
    """`conference.toml` of a profile; every key may be left out.

    Attributes
    ----------
    recording_days : float
        How long a recording is kept.
    recording_gigabytes : float
        What all recordings take together at most.
    minutes_days : float
        How long attendance and chat are kept after a conference.
    invitation_days : float
        How long an invitation holds that names no end.
    most_rooms : int
        Rooms that are open at once.
    media : Media
        How pictures and sound travel.
    turn : Turn
        The relay.
    """

    recording_days: Annotated[float, Field(gt=0, le=3660)] = 30
    recording_gigabytes: Annotated[float, Field(gt=0, le=100_000)] = 20
    minutes_days: Annotated[float, Field(gt=0, le=3660)] = 365
    invitation_days: Annotated[float, Field(gt=0, le=366)] = 7
    most_rooms: Annotated[int, Field(ge=1, le=1000)] = 20
    media: Media = Media()
    turn: Turn = Turn()


def read_rules(city: City) -> Rules:
    """The rules of a city's conferences; what it does not say is as in `Rules`.

    Raises
    ------
    ProfileError
        The file names something that is not known, or a value that cannot be.

    Examples
    --------
    >>> read_rules(load_city(settings.profile)).recording_days  # doctest: +SKIP
    30.0
    """
    path = city.folder / FILE
    return parse(Rules, read_toml(path) if path.is_file() else {}, path)


def _addresses(value: tuple[str, ...]) -> tuple[str, ...]:
    for text in value:
        try:
            ipaddress.ip_address(text)
        except ValueError:
            raise ValueError(f"{text!r} is no IP address; write it like 203.0.113.7") from None
    return value


def _range(value: tuple[int, int]) -> tuple[int, int]:
    if value[0] >= value[1]:
        raise ValueError("write the first and the last port, like [42000, 43999]")
    return value
