"""A conference in a notebook and on a dashboard."""

from citylib.conference.widget.panel import ConferencePanel

__all__ = ["ConferencePanel"]
