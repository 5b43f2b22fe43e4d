"""Tables of records on Delta Lake: nothing is lost, and nothing is counted twice."""

from citylib.lake.delivery import Delivery, LoadReport, Preview
from citylib.lake.errors import DatasetMissing, FileFault, LakeBusy
from citylib.lake.lake import Lake, Table

__all__ = [
    "DatasetMissing",
    "Delivery",
    "FileFault",
    "Lake",
    "LakeBusy",
    "LoadReport",
    "Preview",
    "Table",
]
