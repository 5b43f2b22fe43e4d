"""A certificate made for the occasion, for when there is none from an authority."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from citylib.city.secrets import write_private

VALID = timedelta(days=365)
RENEW_BEFORE = timedelta(days=30)


def ensure_certificate(folder: Path, hosts: Iterable[str] = ()) -> tuple[Path, Path]:
    """Certificate and key for this machine's names and addresses, and for `hosts` besides.

    Made anew when it runs out within a month or does not cover them all. Browsers warn of it,
    since no authority signed it.

    Returns
    -------
    tuple of Path
        Files of the certificate and of its key, in PEM.
    """
    wanted = sorted({*machine_hosts(), *hosts})
    certificate, key = folder / "certificate.pem", folder / "certificate.key"
    if not (key.is_file() and certificate.is_file() and _covers(certificate, wanted)):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        made, private = _make(wanted)
        write_private(key, private)
        certificate.write_bytes(made)
    return certificate, key


def machine_hosts() -> list[str]:
    """The names and addresses by which this machine is reached."""
    found = {"localhost", socket.gethostname()}
    for addresses in psutil.net_if_addrs().values():
        for address in addresses:
            if address.family in (socket.AF_INET, socket.AF_INET6):
                found.add(address.address.split("%")[0])
    return sorted(found)


def _make(hosts: list[str]) -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "city platform")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # Clocks of phones and walls differ a little.
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + VALID)
        .add_extension(x509.SubjectAlternativeName([_general(host) for host in hosts]), False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
        .add_extension(x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH]), False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return made.public_bytes(serialization.Encoding.PEM), private


def _general(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _covers(file: Path, hosts: list[str]) -> bool:
    try:
        found = x509.load_pem_x509_certificate(file.read_bytes())
    except ValueError:
        return False
    if found.not_valid_after_utc - datetime.now(UTC) < RENEW_BEFORE:
        return False
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {_general(host) for host in hosts} <= set(names)
