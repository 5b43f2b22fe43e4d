"""Makes cameras.csv: a simulated camera at each of 2,800 public bicycle stations.

    python cities/seoul/prepare_cameras.py

The stations are those of records/bike_stations. Where the city's own cameras stand is not
published; these are real public places, and what is seen there is generated and says so.
"""

from __future__ import annotations

import csv
import json
import lzma
from pathlib import Path

HERE = Path(__file__).parent
COUNT = 2800
KINDS = {0: "h265", 25: "hls", 50: "mjpeg", 75: "still"}
"""What each hundredth camera gives; the others RTSP with H.264."""


def main() -> None:
    with (HERE / "areas" / "district.csv").open(encoding="utf-8") as file:
        english = {row["name_ko"]: row["name_en"] for row in csv.DictReader(file)}
    stations = []
    for path in (HERE / "records" / "bike_stations").glob("*.json.xz"):
        with lzma.open(path, "rt", encoding="utf-8") as file:
            stations += json.load(file)["stationInfo"]["row"]
    stations.sort(key=lambda row: int(row["RENT_ID"].removeprefix("ST-")))
    rows = []
    for row in stations:
        district = english.get(row["STA_LOC"])
        lon, lat = float(row["STA_LONG"]), float(row["STA_LAT"])
        if not district or not 126.73 < lon < 127.2 or not 37.4 < lat < 37.72:
            continue
        number = len(rows)
        rows.append(
            {
                "id": row["RENT_ID"],
                "name_ko": row["RENT_NM"],
                "name_en": f"Bicycle station {row['RENT_NO'].lstrip('0')}, {district}",
                "lon": f"{lon:.6f}",
                "lat": f"{lat:.6f}",
                "heading": number * 137 % 360,
                "kind": "street",
                "address": f"simulated:{KINDS.get(number % 100, 'rtsp')}",
                "viewers": "public" if number % 20 == 7 else "",
            }
        )
    with (HERE / "cameras.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows[:COUNT])


if __name__ == "__main__":
    main()
