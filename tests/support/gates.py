"""A feed of the port's gates, and what it brings."""

from citylib.lake import Delivery, Lake, LoadReport
from citylib.lake.sheet import sheet_of

FEED = """
title = { fr = "Portes", en = "Gates" }
dataset = "counts"
connector = "ckan"
address = "https://gates.example"
interval = 60

[read]
format = "json"
time = { header = "at", formats = "%Y-%m-%d %H:%M" }
area = { level = "district", header = "in" }

[read.columns]
gate = "gate"
n = "n"
speed = "speed"
"""


def deliver(lake: Lake, delivery: str = "a", hours: tuple[int, ...] = (7,)) -> LoadReport:
    """Bring a row of the feed that fits for each hour, and one that does not, always the same."""
    rows = [
        {"at": f"2022-02-05 {hour:02}:00", "in": where, "gate": gate, "n": 3, "speed": 1}
        for hour, where, gate in (*((hour, "East", "F") for hour in hours), (7, "Moon", "G"))
    ]
    reading = lake.city.feeds["gates"].read
    return lake.deliver("counts", Delivery(delivery, [(sheet_of("page", rows), reading)], "gates"))
