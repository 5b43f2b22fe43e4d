"""What can go wrong between a file and a table."""

from citylib.city.errors import CityError


class FileFault(CityError):
    """A whole file cannot be read; the message names the file and what to do."""


class DatasetMissing(CityError):
    """There is no table of this dataset yet, or the profile has no such dataset."""


class LakeBusy(CityError):
    """Another load is writing to the same table."""
