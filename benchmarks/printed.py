"""What every benchmark prints as its last line."""

from __future__ import annotations


def figure(
    name: str,
    value: float,
    unit: str,
    peer: str | None = None,
    peer_value: float | None = None,
    goal: float | None = None,
    better: str = "lower",
) -> dict[str, object]:
    """A figure, beside that of a peer in the same run.

    Parameters
    ----------
    goal : float, optional
        What the value is to reach.
    better : {"lower", "higher"}
        Which direction is an improvement.
    """
    return {
        "name": name,
        "value": round(value, 3),
        "unit": unit,
        "goal": None if goal is None else round(goal, 3),
        "better": better,
        "peer": peer,
        "peer_value": None if peer_value is None else round(peer_value, 3),
    }
