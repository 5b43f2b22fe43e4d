"""Why there is no picture. What is told never has an address in it."""

from __future__ import annotations

from typing import Literal, get_args

Reason = Literal[
    "dead", "refused", "missing", "silent", "ended", "unreadable", "unsupported", "busy",
    "forbidden", "secret", "failed",
]  # fmt: skip
REASONS: tuple[Reason, ...] = get_args(Reason)


class Fault(Exception):
    """A camera gives no picture.

    Attributes
    ----------
    reason : str
        "dead": nobody answers at its address, or its name is unknown. "refused": it does not accept
        the credentials. "missing": it answers, but has no such stream. "silent": it answers and
        sends nothing. "ended": it ended the connection. "unreadable": what it sends is no video.
        "unsupported": video, but of a kind that cannot be shown. "busy": too many cameras are being
        converted. "forbidden": its address is in a network that is not allowed. "secret": its
        credentials are not there. "failed": something else.
    detail : str
        A few words for the operator's log, without address.
    """

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason, self.detail = reason, detail
