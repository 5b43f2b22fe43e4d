"""Tables of records on Delta Lake: nothing is lost, and nothing is counted twice."""

from citylib.lake.errors import DatasetMissing, FileFault, LakeBusy
from citylib.lake.lake import Lake, Table
from citylib.lake.load import LoadReport

__all__ = ["DatasetMissing", "FileFault", "Lake", "LakeBusy", "LoadReport", "Table"]
