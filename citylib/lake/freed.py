"""Memory that is free again, given back to the system."""

from __future__ import annotations

import ctypes

import pyarrow as pa

_TRIM = getattr(ctypes.CDLL(None), "malloc_trim", None)


def give_back() -> None:
    """Give back what was freed in small pieces and what Arrow keeps for later.

    Long work with arrays of many sizes leaves more and more of both, so that memory grows with
    time though nothing holds it. It takes some hundredths of a second.
    """
    pa.default_memory_pool().release_unused()
    if _TRIM is not None:
        _TRIM(0)
