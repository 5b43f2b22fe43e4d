"""Where the lake is: a folder, or object storage by its address. The one place that tells the
libraries how it is reached.

What object storage needs is told by the environment, in the names that its tools share:
`AWS_ENDPOINT_URL` (of a store that is not Amazon's), `AWS_REGION`, `AWS_ACCESS_KEY_ID`,
`AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, and `AWS_ALLOW_HTTP=true` for an endpoint without
encryption. Without keys both libraries look where Amazon's own tools do, such as the role of the
machine.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow.fs as pafs

from citylib.city.errors import CityError

S3 = ("s3://", "s3a://")
SECRETS = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID")
NAMES = (*SECRETS, "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ALLOW_HTTP")
REGION = "us-east-1"
"""What a store that knows no regions is told."""
ATTEMPTS = 3
"""How often a request is tried before the store counts as gone."""
CONNECT, ANSWER = 5, 60
"""Seconds to wait for a connection, and for an answer."""


def storage_options(uri: str) -> dict[str, str] | None:
    """What `deltalake` must be told to open a table; None for a folder.

    Commits put the next entry of a table's log only if it is not there yet, which the store must
    support (Amazon's, MinIO and most others do): of two writers one loses and tries again.

    Raises
    ------
    CityError
        The address or the environment cannot be used; no secret is in the message.

    Examples
    --------
    >>> storage_options("/srv/lake/air_daily") is None
    True
    """
    if not uri.startswith(S3):
        return None
    told = _told(uri)
    region = told.get("AWS_REGION") or told.get("AWS_DEFAULT_REGION") or REGION
    return {
        **told,
        "AWS_REGION": region,
        "aws_conditional_put": "etag",
        "max_retries": str(ATTEMPTS - 1),
        "retry_timeout": f"{ANSWER}s",
        "connect_timeout": f"{CONNECT}s",
        "timeout": f"{ANSWER}s",
    }


def filesystem(uri: str) -> tuple[pafs.FileSystem, str]:
    """The storage that a table is in, and the table's place there.

    Raises
    ------
    CityError
        As `storage_options`.

    Examples
    --------
    >>> filesystem("/srv/lake/air_daily")[1]
    '/srv/lake/air_daily'
    """
    if uri.startswith(S3):
        told = tuple(sorted(_told(uri).items()))
        return _store(told), uri.split("://", 1)[1].rstrip("/")
    if "://" in uri:
        system, place = pafs.FileSystem.from_uri(uri)
        return system, place
    return pafs.LocalFileSystem(), str(Path(uri).absolute())


def without_secrets(text: str) -> str:
    """The text without what the environment says of keys, for messages and logs."""
    for name in SECRETS:
        if value := os.environ.get(name):
            text = text.replace(value, "…")
    return text


def _told(uri: str) -> dict[str, str]:
    """What the environment says of object storage."""
    if "@" in urlsplit(uri).netloc:
        raise CityError(
            "the address of the lake has a key in it, which would come into logs: take it out, "
            "and set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        )
    told = {name: value for name in NAMES if (value := os.environ.get(name))}
    endpoint = told.get("AWS_ENDPOINT_URL", "https://")
    scheme = urlsplit(endpoint).scheme
    if scheme not in ("http", "https"):
        raise CityError("AWS_ENDPOINT_URL must begin with https:// (or http://)")
    if scheme == "http" and told.get("AWS_ALLOW_HTTP", "").lower() not in ("true", "1"):
        raise CityError(
            "AWS_ENDPOINT_URL is without encryption: use https://, or set AWS_ALLOW_HTTP=true if "
            "nobody else is on the way to it"
        )
    return told


@lru_cache(maxsize=4)
def _store(told: tuple[tuple[str, str], ...]) -> pafs.S3FileSystem:
    said = dict(told)
    endpoint = urlsplit(said.get("AWS_ENDPOINT_URL", "https://"))
    return pafs.S3FileSystem(
        access_key=said.get("AWS_ACCESS_KEY_ID"),
        secret_key=said.get("AWS_SECRET_ACCESS_KEY"),
        session_token=said.get("AWS_SESSION_TOKEN"),
        region=said.get("AWS_REGION") or said.get("AWS_DEFAULT_REGION") or REGION,
        scheme=endpoint.scheme,
        endpoint_override=f"{endpoint.netloc}{endpoint.path.rstrip('/')}" or None,
        connect_timeout=CONNECT,
        request_timeout=ANSWER,
        retry_strategy=pafs.AwsStandardS3RetryStrategy(max_attempts=ATTEMPTS),
    )
