"""A made-up city for tests of profile and lake: two districts in a zone with summer time."""

import json
from pathlib import Path

from citylib.city.profile import City, load_city

CITY = """
id = "port"
code = "9"
name = {{ fr = "Le Port", en = "The Port" }}
alias = ["Portville"]
languages = ["fr", "en"]
timezone = "{zone}"
bounds = [0.0, 0.0, 2.0, 1.0]
attribution = {{ fr = "le port", en = "the port" }}

[[level]]
id = "district"
name = {{ fr = "Quartier", en = "District" }}
table = "areas/district.csv"
boundary = "areas/district.geojson"

[[level]]
id = "block"
name = {{ fr = "Îlot", en = "Block" }}
parent = "district"
table = "areas/block.csv"
boundary = "areas/block.geojson"

[[basemap]]
id = "harbour"
title = {{ fr = "Bassin", en = "Harbour" }}
kind = "water"
path = "basemap/harbour.geojson"
"""

HEAD = """
title = { fr = "Passages", en = "Passages" }
publisher = "the port"
source = "its office"
licence = "open"
classification = "public"
"""

COUNTS = (
    HEAD
    + """
key = ["time", "gate"]

[[column]]
name = "gate"
type = "string"
title = { fr = "Porte", en = "Gate" }

[[column]]
name = "n"
type = "int64"
units = "people"
min = 0
required = true
title = { fr = "Passages", en = "Passages" }

[[column]]
name = "speed"
type = "float64"
units = "m/s"
max = 99
title = { fr = "Vitesse", en = "Speed" }

[[read]]
files = "*.csv"
format = "csv"
time = { header = "when", formats = "%Y-%m-%d %H:%M", midnight24 = true }
area = { level = "district", header = "district" }

[read.columns]
gate = "gate"
n = "n"
speed = { header = "speed", null = ["-"] }
"""
)
HEADER = "when,district,gate,n,speed\n"


def square(west: float, width: float = 1) -> dict:
    ring = [[west, 0], [west + width, 0], [west + width, 1], [west, 1], [west, 0]]
    return {"type": "Polygon", "coordinates": [ring]}


def collection(shapes: dict[str, dict]) -> str:
    features = [
        {"type": "Feature", "properties": {"code": code}, "geometry": shape}
        for code, shape in shapes.items()
    ]
    return json.dumps({"type": "FeatureCollection", "features": features})


def write(folder: Path, files: dict[str, str | bytes]) -> None:
    """Write files of a profile; text as UTF-8."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def build_port(
    folder: Path, files: dict[str, str | bytes] | None = None, zone: str = "Europe/Paris"
) -> City:
    """Write the profile, with more files or other ones, and read it.

    East (9e) holds the blocks 9e1 and 9e2 side by side, west (9w) the block 9w1, which covers
    only its western half.
    """
    write(
        folder,
        {
            "city.toml": CITY.format(zone=zone),
            "areas/district.csv": (
                "code,name_fr,name_en,alias,post\n"
                "9e,Est,East,Orient|E st 2,75011\n9w,Ouest,West,,75012\n"
            ),
            "areas/district.geojson": collection({"9w": square(0), "9e": square(1)}),
            "areas/block.csv": (
                "code,parent,name_fr,name_en\n"
                "9e1,9e,Quai,Quay\n9e2,9e,Phare,Lighthouse\n9w1,9w,Quai,Quay\n"
            ),
            "areas/block.geojson": collection(
                {"9e1": square(1, 0.5), "9e2": square(1.5, 0.5), "9w1": square(0, 0.5)}
            ),
            "basemap/harbour.geojson": collection({}),
            "datasets/counts.toml": COUNTS,
            **(files or {}),
        },
    )
    return load_city(folder)
