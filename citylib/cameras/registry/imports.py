"""Bringing cameras in from other systems' lists."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from citylib.cameras.registry.read import (
    RegistryError,
    bytes_of,
    read_cameras,
    rows_of_csv,
    rows_of_json,
    text_of,
    write_imported,
)
from citylib.cameras.registry.rows import Aside, Cameras
from citylib.city.profile import City, load_city
from citylib.city.secrets import keep_from_others, write_private
from citylib.city.settings import Settings

DISCOVERY = "{http://schemas.xmlsoap.org/ws/2005/04/discovery}"
ADDRESSING = "{http://schemas.xmlsoap.org/ws/2004/08/addressing}"
SCOPE = "onvif://www.onvif.org/"


def run_import(
    settings: Settings, path: Path, address: str | None = None, places: Path | None = None
) -> Cameras:
    """Import cameras from a CSV or JSON file, or from a list of ONVIF devices (`ProbeMatches`).

    Names and passwords that stand in addresses are moved into secrets. An imported camera takes
    the place of an imported one with the same id; others stay.

    Parameters
    ----------
    settings : Settings
        The installation.
    path : Path
        The file; its ending tells what it is.
    address : str, optional
        Of ONVIF devices: the address of their stream, with `{host}` in the device's place.
    places : Path, optional
        Of ONVIF devices: a CSV file with what they do not say (id, lon, lat, name_<language>).

    Returns
    -------
    Cameras
        Those of this file alone.

    Raises
    ------
    CityError
        The file cannot be read.
    """
    city = load_city(settings.profile)
    before = read_cameras(settings, city)
    data = bytes_of(path)
    read = {".csv": rows_of_csv, ".json": rows_of_json}.get(path.suffix.lower())
    if read:
        rows: Iterable[tuple[str, dict[str, Any]]] = read(path.name, data)
    elif path.suffix.lower() == ".xml":
        rows = _with_places(rows_of_onvif(path.name, data, address), places)
    else:
        raise RegistryError(f"{path}: name it .csv, .json or .xml (ONVIF) for what it is")
    secrets: dict[str, str] = {}
    new = Cameras(before.rules)
    added = new.add(_without_passwords(rows, secrets), city)
    keep_from_others(settings.secrets)
    for name in {camera.credentials for camera in added} & set(secrets):
        if name:
            write_private(settings.secrets / secret_file(name), secrets[name].encode())
    kept = {camera.id: camera for camera in _imported_before(settings, before, city)}
    write_imported(settings, list((kept | new.known).values()))
    return new


def secret_file(name: str) -> str:
    """Name of the file, in the folder of secrets, of a camera's credentials."""
    return f"camera_{name}"


def _imported_before(settings: Settings, before: Cameras, city: City) -> list[Any]:
    from citylib.cameras.registry.read import imported

    if not imported(settings).is_file():
        return []
    return Cameras(before.rules).add(
        rows_of_json("imported.json", bytes_of(imported(settings))), city
    )


def _without_passwords(
    rows: Iterable[tuple[str, dict[str, Any]]], secrets: dict[str, str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    for where, row in rows:
        key = "address" if "address" in row else "url"
        try:
            parts = urlsplit(str(row.get(key) or ""))
            named = parts.username is not None
        except ValueError:
            named = False
        if named:
            host = parts.netloc.rpartition("@")[2]
            told = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
            # The same for all cameras with the same name and password.
            name = hashlib.sha256(told.encode()).hexdigest()[:16]
            secrets[name] = told
            row = {**row, key: urlunsplit(parts._replace(netloc=host)), "credentials": name}
        yield where, row


def rows_of_onvif(
    name: str, data: bytes, address: str | None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Rows of a list of ONVIF devices, as WS-Discovery gives it (`ProbeMatches`).

    A device says its id, its name and its own address, seldom where it stands, and never the
    address of its pictures: that follows from `address`.

    Raises
    ------
    RegistryError
        It is no such list, or `address` is missing.
    """
    if address is None or "{host}" not in address:
        raise RegistryError(
            f"{name}: an ONVIF list does not say where the pictures are; give their address with "
            "{host} in the device's place, like rtsp://{host}/Streaming/Channels/102"
        )
    try:
        root = fromstring(text_of(name, data), forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise RegistryError(f"{name}: not readable as XML: {error}") from None
    for number, match in enumerate(root.iter(f"{DISCOVERY}ProbeMatch"), 1):
        told = match.findtext(f"{ADDRESSING}EndpointReference/{ADDRESSING}Address") or ""
        scopes = [s for s in (match.findtext(f"{DISCOVERY}Scopes") or "").split() if SCOPE in s]
        kinds: dict[str, str] = {}
        for scope in scopes:
            key, _, value = scope.split(SCOPE, 1)[1].partition("/")
            kinds.setdefault(key.lower(), unquote(value))
        row: dict[str, Any] = {"id": re.sub(r"[^A-Za-z0-9._-]", "-", told.split(":")[-1])}
        row["name"] = kinds.get("name", "")
        hosts = (match.findtext(f"{DISCOVERY}XAddrs") or "").split()
        try:
            host = urlsplit(hosts[0]).hostname if hosts else None
        except ValueError:
            host = None
        if host:
            row["address"] = address.replace("{host}", f"[{host}]" if ":" in host else quote(host))
        yield f"{name}, device {number}", row


def _with_places(
    rows: Iterable[tuple[str, dict[str, Any]]], places: Path | None
) -> Iterator[tuple[str, dict[str, Any]]]:
    known = {}
    if places is not None:
        known = {row["id"]: row for _, row in rows_of_csv(places.name, bytes_of(places))}
    for where, row in rows:
        yield where, {**row, **{k: v for k, v in known.get(row["id"], {}).items() if v}}


def told_aside(aside: Iterable[Aside]) -> list[str]:
    """A line for each row that was set aside."""
    return [f"  set aside: {one}" for one in aside]
