"""The city's profile as data."""
