"""Errors that a user may meet: their message alone says what was wrong, where, and what to do."""


class CityError(Exception):
    """Base of every error that the platform raises for its users.

    The command line prints the message without a traceback and exits with status 1.
    """


class ProfileError(CityError):
    """The city's profile is not as it should be; names file, key and mend."""


class SettingsError(CityError):
    """The installation's own settings are not as they should be."""
