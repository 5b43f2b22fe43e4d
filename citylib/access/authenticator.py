"""Sign-in to the hub with the platform's own accounts."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from jupyterhub.auth import Authenticator
from tornado.web import HTTPError
from traitlets import Set, Unicode

from citylib.access.accounts import Account, Accounts
from citylib.access.roles import GROUPS
from citylib.access.throttle import Limit, Throttle
from citylib.operations import Store

# From one place a person may mistype; many accounts from one place, or one account from many
# places, is guessing. The widest limit is generous: it also keeps out the account's owner.
HERE = Limit(tries=5, seconds=300)
ADDRESS = Limit(tries=20, seconds=600)
ACCOUNT = Limit(tries=60, seconds=900)
# Each check takes 64 MiB.
CHECKS_AT_ONCE = 2
CHECKS_WAITING = 40


class AccountAuthenticator(Authenticator):
    """Signs in with accounts of the operations store; their role becomes a group of the hub.

    Signing in and being refused go to the audit log. A changed password or role, or a removed
    account, ends what is signed in within a minute.
    """

    database = Unicode(help="URL of the operations store.").tag(config=True)
    trusted_proxies = Set(
        help="Addresses of proxies before the hub's own, whose word is taken for where a request "
        "comes from.",
    ).tag(config=True)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.store = Store(self.database)
        self.accounts = Accounts(self.store)
        self._throttle = Throttle()
        self._checks = ThreadPoolExecutor(CHECKS_AT_ONCE, "password")
        self._waiting = 0
        # Where the hub logs as well.
        self.log.addFilter(without_names)

    async def authenticate(self, handler: Any, data: dict[str, str]) -> dict[str, Any] | None:
        """What the hub should know of who signs in, or None when name or password is wrong."""
        name = (data.get("username") or "").strip().lower()[:100]
        password = data.get("password") or ""
        address = client_address(handler.request, self.trusted_proxies)
        keys = [
            (f"here {address} {name}", HERE),
            (f"address {address}", ADDRESS),
            (f"account {name}", ACCOUNT),
        ]
        if self._waiting >= CHECKS_WAITING:
            raise _too_many(10)
        if wait := self._throttle.take(keys):
            raise _too_many(wait)
        account = await self._check(name, password)
        if account is None:
            await self._record(name, "was refused sign-in", address)
            return None
        self._throttle.forgive(keys)
        await self._record(name, "signed in", address)
        return _model(account)

    async def refresh_user(self, user: Any, handler: Any = None, **_: Any) -> Any:
        """Whether what was true at sign-in still is; the hub asks at most once a minute."""
        account = await asyncio.to_thread(self.accounts.get, user.name)
        if account is None:
            return False
        state = await user.get_auth_state() or {}
        # The whole again, so that the groups of the hub are put right as well.
        model = _model(account)
        return model if state == model["auth_state"] else False

    async def _check(self, name: str, password: str) -> Account | None:
        loop = asyncio.get_running_loop()
        self._waiting += 1
        try:
            return await loop.run_in_executor(self._checks, self.accounts.check, name, password)
        finally:
            self._waiting -= 1

    async def _record(self, name: str, action: str, address: str) -> None:
        # What somebody typed as a name may be a password: only names of accounts are kept.
        known = await asyncio.to_thread(self.accounts.get, name)
        actor = name if known else "(unknown)"
        detail = {"address": address}
        await asyncio.to_thread(self.store.audit.append, actor, action, "hub", detail)


def _model(account: Account) -> dict[str, Any]:
    return {
        "name": account.name,
        "groups": [GROUPS[account.role]] if account.role in GROUPS else [],
        "auth_state": {"role": account.role, "changed": account.changed.isoformat()},
    }


def _too_many(wait: float) -> HTTPError:
    minutes = max(1, round(wait / 60))
    error = HTTPError(429, reason="Too Many Requests")
    error.jupyterhub_message = (  # type: ignore[attr-defined]
        f"Too many wrong passwords. Please try again in {minutes} minute(s)."
    )
    return error


def without_names(record: logging.LogRecord) -> bool:
    """Take out of the hub's log what was typed as a name: it may be a password.

    The audit log names the account, if there is one.
    """
    if str(record.msg).startswith("Failed login for"):
        record.msg, record.args = "Failed login", ()
    return True


def client_address(request: Any, trusted: set[str]) -> str:
    """Where a request comes from, by the word of the hub's own proxy and of `trusted` ones alone.

    Anybody may send an `X-Forwarded-For` or `X-Real-IP` of their own; each proxy adds, at the
    end of the former, whom it talks to. The hub is reached only through its own proxy, so the
    last entry is true; the one before it is only if the last is a proxy that is trusted.
    """
    told = request.headers.get_list("X-Forwarded-For")
    path = [address.strip() for value in told for address in value.split(",")]
    for address in reversed(path):
        address = address.removeprefix("::ffff:")
        if address not in trusted:
            return address[:60]
    return str(request.connection.context.address[0]) if not path else path[0][:60]
