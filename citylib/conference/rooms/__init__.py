"""Rooms as they are kept: who is invited, who was there, what was said, what was recorded."""
