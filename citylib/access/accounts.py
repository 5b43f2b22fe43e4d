"""The platform's own accounts: name, role, and the hash of a password, in the operations store.

Passwords are made here, told once, and never written down: the store holds an argon2 hash.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, insert, select, update

from citylib.access.roles import ROLES, Role
from citylib.city.errors import CityError
from citylib.operations import Store
from citylib.operations.tables import accounts

NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
# Without letters that are mistaken for one another when read from a screen.
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
LONGEST_PASSWORD = 1024

_hasher = PasswordHasher()
# Checked in place of an account that does not exist, so that both take the same time.
_nobody = _hasher.hash(secrets.token_urlsafe())


class AccountError(CityError):
    """An account cannot be made, changed or found."""


@dataclass(frozen=True)
class Account:
    """An account; `changed` (UTC) is when its password or role was last set."""

    name: str
    role: Role
    created: datetime
    changed: datetime


class Accounts:
    """The accounts in an operations store.

    Examples
    --------
    >>> accounts = Accounts(store)  # doctest: +SKIP
    >>> accounts.ensure("mayor", "mayor")  # doctest: +SKIP
    'k7mq-x2vd-9fhw-r3np'
    >>> accounts.ensure("mayor", "mayor") is None  # doctest: +SKIP
    True
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def ensure(self, name: str, role: str) -> str | None:
        """Make the account if there is none of this name.

        Returns
        -------
        str or None
            The new account's password, to be told to its owner now: it is kept nowhere.
            None when the account was there already; it is left as it is.

        Raises
        ------
        AccountError
            The name or the role is not one that an account can have.
        """
        name, role = _checked_name(name), _checked_role(role)
        password = new_password()
        hashed = _hasher.hash(password)
        now = datetime.now(UTC)
        with self._store.write() as connection:
            if connection.scalar(select(accounts.c.name).where(accounts.c.name == name)):
                return None
            connection.execute(
                insert(accounts).values(
                    name=name, role=role, password=hashed, created=now, changed=now
                )
            )
        self._store.audit.append("platform", "made account", name, {"role": role})
        return password

    def reset_password(self, name: str) -> str:
        """Give the account a new password and return it; whoever is signed in has to sign in again.

        Raises
        ------
        AccountError
            There is no such account.
        """
        password = new_password()
        self._change(name, password=_hasher.hash(password))
        self._store.audit.append("platform", "reset password", name)
        return password

    def set_role(self, name: str, role: str) -> None:
        """Give the account another role; whoever is signed in has to sign in again."""
        role = _checked_role(role)
        self._change(name, role=role)
        self._store.audit.append("platform", "changed role", name, {"role": role})

    def remove(self, name: str) -> None:
        """Remove the account; what its owner wrote stays."""
        with self._store.write() as connection:
            done = connection.execute(delete(accounts).where(accounts.c.name == name))
        if done.rowcount == 0:
            raise AccountError(f"there is no account {name!r}")
        self._store.audit.append("platform", "removed account", name)

    def get(self, name: str) -> Account | None:
        """The account of this name, or None."""
        query = select(accounts).where(accounts.c.name == name)
        with self._store.read() as connection:
            row = connection.execute(query).one_or_none()
        return Account(row.name, row.role, row.created, row.changed) if row else None

    def all(self) -> list[Account]:
        """All accounts, by name."""
        with self._store.read() as connection:
            rows = connection.execute(select(accounts).order_by(accounts.c.name)).all()
        return [Account(row.name, row.role, row.created, row.changed) for row in rows]

    def check(self, name: str, password: str) -> Account | None:
        """The account, if the password is its own; else None.

        Takes the same time (some tens of milliseconds, and 64 MiB) whether or not there is such
        an account. Does not count guesses: `citylib.access.throttle` does.
        """
        if len(password) > LONGEST_PASSWORD:
            return None
        query = select(accounts.c.password).where(accounts.c.name == name)
        with self._store.read() as connection:
            hashed = connection.scalar(query)
        try:
            _hasher.verify(hashed or _nobody, password)
        except (VerificationError, InvalidHashError, UnicodeEncodeError):
            return None
        return self.get(name) if hashed else None

    def _change(self, name: str, **values: str) -> None:
        query = update(accounts).where(accounts.c.name == name)
        with self._store.write() as connection:
            done = connection.execute(query.values(changed=datetime.now(UTC), **values))
        if done.rowcount == 0:
            known = ", ".join(account.name for account in self.all()) or "none"
            raise AccountError(f"there is no account {name!r}; known: {known}")


def new_password() -> str:
    """A password nobody guesses (79 bits) and a person can type.

    Examples
    --------
    >>> len(new_password())
    19
    """
    groups = ["".join(secrets.choice(ALPHABET) for _ in range(4)) for _ in range(4)]
    return "-".join(groups)


def _checked_name(name: str) -> str:
    # It becomes the name of a folder and a part of addresses.
    if not NAME.fullmatch(name):
        raise AccountError(
            f"account name {name!r}: write up to 32 of a-z, 0-9, - and _, starting with a letter"
        )
    return name


def _checked_role(role: str) -> Role:
    for known in ROLES:
        if role == known:
            return known
    raise AccountError(f"role {role!r} is not known; known are {', '.join(ROLES)}")
