"""Asking a camera by HTTP: each step checked, also where it sends on to; answers with a bound."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import httpx

from citylib.cameras.gateway.auth import authorization
from citylib.cameras.gateway.faults import Fault
from citylib.cameras.gateway.targets import Target, Targets

PATIENCE = 3.0
"""Seconds that connecting and each part of an answer may take."""
REDIRECTS = 3
LARGEST = 16 * 2**20
"""Bytes of an answer."""


class Fetcher:
    """Asks for what is at a camera's addresses.

    Parameters
    ----------
    targets : Targets
        Says where may be gone to.
    """

    def __init__(self, targets: Targets) -> None:
        self._targets = targets
        timeout = httpx.Timeout(PATIENCE)
        self._client = httpx.AsyncClient(trust_env=False, timeout=timeout, follow_redirects=False)

    async def close(self) -> None:
        """Close what is open."""
        await self._client.aclose()

    @asynccontextmanager
    async def open(
        self, target: Target, headers: dict[str, str] | None = None
    ) -> AsyncIterator[tuple[httpx.Response, Target]]:
        """Ask; gives the answer, not yet read, and where it came from after all.

        Raises
        ------
        Fault
            There is no answer, or none of use.
        """
        challenges: list[str] = []
        for _ in range(REDIRECTS + 2):
            parts = urlsplit(target.url)
            path = parts.path + (f"?{parts.query}" if parts.query else "") or "/"
            address = await self._targets.resolve(target)
            place = f"[{address}]" if ":" in address else address
            own = {"Host": parts.netloc, "User-Agent": "city", "Accept-Encoding": "identity"}
            if challenges:
                own["Authorization"] = authorization(target, challenges, "GET", path)
            request = self._client.build_request(
                "GET",
                f"{parts.scheme}://{place}:{target.port}{path}",
                headers=own | (headers or {}),
                extensions={"sni_hostname": target.host} if target.encrypted else {},
            )
            try:
                response = await self._client.send(request, stream=True)
            except httpx.HTTPError as error:
                raise _fault_of(error) from None
            try:
                if response.is_redirect:
                    target, challenges = target.at(response.headers["location"]), []
                    continue
                if response.status_code == 401 and not challenges:
                    challenges = response.headers.get_list("www-authenticate")
                    # Without credentials this says so.
                    authorization(target, challenges, "GET", path)
                    continue
                _check(response.status_code)
                yield response, target
                return
            except httpx.HTTPError as error:
                raise _fault_of(error) from None
            finally:
                await response.aclose()
        raise Fault("missing", "it sends from one place to another without end")

    async def bytes(
        self, target: Target, headers: dict[str, str] | None = None
    ) -> tuple[bytes, httpx.Response, Target]:
        """Ask and read all of the answer."""
        async with self.open(target, headers) as (response, there):
            data = bytearray()
            async for part in response.aiter_raw():
                data += part
                if len(data) > LARGEST:
                    raise Fault("unreadable", "an answer without end")
            return bytes(data), response, there


def _check(status: int) -> None:
    if status in (401, 403):
        raise Fault("refused", "it does not let us in")
    if status not in (200, 304):
        raise Fault("missing", f"it answers with status {status}")


def _fault_of(error: httpx.HTTPError) -> Fault:
    if isinstance(error.__cause__, ssl.SSLError) or "CERTIFICATE" in str(error):
        return Fault("refused", "its certificate is not accepted")
    if isinstance(error, httpx.ReadTimeout):
        return Fault("silent", f"nothing for {PATIENCE:g} seconds")
    if isinstance(error, httpx.ConnectError | httpx.TimeoutException):
        return Fault("dead", "nobody answers at its address")
    if isinstance(error, httpx.RemoteProtocolError) and "without sending" in str(error):
        return Fault("dead", "it closes the connection without an answer")
    return Fault("ended", type(error).__name__)
