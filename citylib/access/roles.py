"""The roles of the platform. Who is not signed in is the public, which has no account."""

from __future__ import annotations

from typing import Literal, get_args

Role = Literal["analyst", "official", "mayor"]

ROLES: tuple[Role, ...] = get_args(Role)

# The hub gives rights to groups; an outside sign-in (OAuth, LDAP) fills the same groups.
GROUPS: dict[Role, str] = {"analyst": "analysts", "official": "officials", "mayor": "mayors"}


def role_of(groups: set[str]) -> Role | None:
    """The role that membership in these groups gives, the widest view first; None for none.

    Examples
    --------
    >>> role_of({"officials", "fire-brigade"})
    'official'
    """
    for role in ("mayor", "official", "analyst"):
        if GROUPS[role] in groups:
            return role
    return None
