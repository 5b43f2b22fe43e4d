"""Tables of records on Delta Lake: nothing is lost, and nothing is counted twice."""

from citylib.lake.delivery import Delivery, LoadReport, Preview
from citylib.lake.errors import DatasetMissing, FileFault, LakeBusy, SchemaChanged, StorageFault
from citylib.lake.lake import Lake
from citylib.lake.pieces import Piece
from citylib.lake.table import Table

__all__ = [
    "DatasetMissing",
    "Delivery",
    "FileFault",
    "Lake",
    "LakeBusy",
    "LoadReport",
    "Piece",
    "Preview",
    "SchemaChanged",
    "StorageFault",
    "Table",
]
