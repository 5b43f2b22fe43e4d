"""A whole installation in a folder: a town of two districts, one dataset, two indicators."""

import json
from pathlib import Path

from citylib.city.settings import Settings

CITY = """
id = "town"
code = "1"
name = { en = "Town" }
languages = ["en"]
timezone = "Asia/Seoul"
bounds = [0.0, 0.0, 2.0, 1.0]
attribution = { en = "the town" }

[[level]]
id = "district"
name = { en = "District" }
table = "areas/district.csv"
boundary = "areas/district.geojson"
"""

DATASET = """
title = { en = "Counts" }
publisher = "the town"
source = "its office"
licence = "open"
classification = "public"
key = ["time", "area"]

[[column]]
name = "n"
type = "float64"
title = { en = "Number" }

[[read]]
files = "*.csv"
format = "csv"
encodings = ["utf-8"]
time = { header = "day", formats = "%Y-%m-%d" }
area = { level = "district", header = "district" }

[read.columns]
n = "n"
"""

INDICATORS = """
[total]
title = { en = "Total" }
domain = "air"
dataset = "counts"
measure = "n"
aggregation = "sum"
frequency = "day"
units = "1"

[mean]
title = { en = "Mean" }
domain = "air"
dataset = "counts"
measure = "n"
aggregation = "mean"
frequency = "month"
units = "1"
"""

CHECK = """
import pandas as pd


def figures(profile):
    files = sorted((profile / "records" / "counts").glob("*.csv"))
    rows = pd.concat([pd.read_csv(file) for file in files]).drop_duplicates()
    rows["time"] = pd.to_datetime(rows["day"])
    rows["area"] = rows["district"].map({"East": "1e", "West": "1w"})
    both = pd.concat([rows, rows.assign(area="1")])
    total = both.groupby(["time", "area"])["n"].sum()
    both["time"] = both["time"].dt.to_period("M").dt.to_timestamp()
    mean = both.groupby(["time", "area"])["n"].mean()
    return {k: v.rename("value").reset_index() for k, v in [("total", total), ("mean", mean)]}
"""

PUBLISHED = """
[[figure]]
title = "All of January"
indicator = "total"
area = "1"
period = "2020-01"
over_time = "sum"
value = "10"
published_by = "the town's paper"
"""


def _square(west: float) -> dict:
    ring = [[west, 0], [west + 1, 0], [west + 1, 1], [west, 1], [west, 0]]
    return {"type": "Polygon", "coordinates": [ring]}


def build_town(folder: Path) -> Settings:
    """Write the profile and `citylib.toml`; return the settings."""
    profile = folder / "cities" / "town"
    features = [
        {"type": "Feature", "id": code, "properties": {"code": code}, "geometry": _square(west)}
        for code, west in (("1e", 1), ("1w", 0))
    ]
    for name, text in {
        "city.toml": CITY,
        "areas/district.csv": "code,name_en\n1e,East\n1w,West\n",
        "areas/district.geojson": json.dumps({"type": "FeatureCollection", "features": features}),
        "datasets/counts.toml": DATASET,
        "records/counts/1.csv": "day,district,n\n2020-01-01,East,1\n2020-01-01,West,2\n",
        "records/counts/2.csv": "day,district,n\n2020-01-03,East,7\n2020-01-01,West,2\n",
        "indicators/all.toml": INDICATORS,
        "check.py": CHECK,
        "figures.toml": PUBLISHED,
    }.items():
        path = profile / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    (folder / "citylib.toml").write_text('profile = "cities/town"\n', "utf-8")
    return Settings.load(folder)
