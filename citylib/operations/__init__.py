"""The operations store: the change log that open screens follow, the audit log, the accounts,
and how each feed is doing.

Examples
--------
>>> store = Store("sqlite:///var/operations.db")  # doctest: +SKIP
>>> store.migrate()  # doctest: +SKIP
>>> store.changes.append("cube", "v1", {}, key="cube:v1")  # doctest: +SKIP
1
"""

from citylib.operations.audit import AuditLog, Entry
from citylib.operations.changes import Change, ChangeLog
from citylib.operations.feeds import FeedState, FeedStates
from citylib.operations.store import Store, StoreError

__all__ = [
    "AuditLog",
    "Change",
    "ChangeLog",
    "Entry",
    "FeedState",
    "FeedStates",
    "Store",
    "StoreError",
]
