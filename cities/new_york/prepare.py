"""How this folder's files were made from the publishers' files.

    python cities/new_york/prepare.py FOLDER

FOLDER holds what ATTRIBUTION.md lists, under the publishers' names, in the folders `boundary`,
`complaints`, `covid`, `inspections` and `places`. Everything in `areas/`, `basemap/` and `records/`
is written anew; the same files come out each time. Besides the platform's packages it needs
`rdata`, which reads files of R.
"""

from __future__ import annotations

import csv
import io
import json
import lzma
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import shapely
from shapely.geometry import mapping, shape

HERE = Path(__file__).parent
GRID = 1e-5
"""Degrees; about a metre."""
TOLERANCE = 0.00035
"""Degrees; corners of smaller triangles (Visvalingam) are left out."""
ROOM = 18
"""Letters of a ZIP code area's name beside its number."""
BOROUGHS = {
    "MN": ("1", "Manhattan", "061", "New York County"),
    "BX": ("2", "Bronx", "005", "The Bronx|Bronx County"),
    "BK": ("3", "Brooklyn", "047", "Kings County"),
    "QN": ("4", "Queens", "081", "Queens County"),
    "SI": ("5", "Staten Island", "085", "Richmond County"),
}
OF_NUMBER = {number: code for code, (number, *_) in BOROUGHS.items()}
OF_NAME = {name.upper(): code for code, (_, name, *_) in BOROUGHS.items()}
COUNTS = ("CASE_COUNT", "PROBABLE_CASE_COUNT", "HOSPITALIZED_COUNT", "DEATH_COUNT")


def main(source: Path) -> None:
    """Write areas, basemap and records from the publishers' files."""
    land = boroughs(source)
    community_districts(source)
    neighbourhoods(source)
    zip_areas(source)
    water(source, land)
    covid(source / "covid")
    inspections(source / "inspections")
    service_requests(source / "complaints")
    places(source / "places")


# --- areas ---------------------------------------------------------------------------------------


def boroughs(source: Path) -> list[shapely.Geometry]:
    """The five boroughs; gives their shapes."""
    shapes = {
        OF_NAME[f["properties"]["borough"]]: shape(f["geometry"])
        for f in _features(source / "boundary" / "borough.geojson")
    }
    shapes = _simplified({code: shapes[code] for code in BOROUGHS})
    rows = [
        [code, name, number, f"36{fips}|{fips}", alias]
        for code, (number, name, fips, alias) in BOROUGHS.items()
    ]
    _area_files("borough", ["code", "name_en", "boro", "fips", "alias"], rows, shapes)
    return list(shapes.values())


def community_districts(source: Path) -> None:
    """The 59 districts that have a community board; the file has no others."""
    features = _features(source / "boundary" / "community_district.geojson")
    features.sort(key=lambda f: f["properties"]["boro_cd"])
    shapes = {str(f["properties"]["boro_cd"]): shape(f["geometry"]) for f in features}
    rows = []
    for feature in features:
        own = feature["properties"]
        code, number, upper = str(own["boro_cd"]), own["district_number"], own["borough"]
        parent = OF_NAME[upper]
        alias = f"{parent}{number:02}|{own['geography_value']}|{own['name']}"
        rows.append([code, parent, f"CD {number}", f"{number:02} {upper}", alias])
    _area_files(
        "community_district",
        ["code", "parent", "name_en", "board", "alias"],
        rows,
        _simplified(shapes),
    )


def neighbourhoods(source: Path) -> None:
    """Neighbourhood tabulation areas of 2010, whose boundaries are simplified already."""
    features = _features(source / "boundary" / "nta2010.geojson")
    features.sort(key=lambda f: f["properties"]["nta2010"])
    rows = []
    for feature in features:
        own = feature["properties"]
        parent = OF_NUMBER[str(own["borough_code"])]
        name = re.sub("^park-cemetery-etc-.*", "Parks and cemeteries", own["name"])
        name = "Airports" if name == "Airport" else name
        rows.append([own["nta2010"], parent, name, own["name"] if name != own["name"] else ""])
    shapes = {f["properties"]["nta2010"]: shape(f["geometry"]) for f in features}
    _area_files("neighbourhood", ["code", "parent", "name_en", "alias"], rows, shapes)


def zip_areas(source: Path) -> None:
    """ZIP code areas as the Health Department groups them (MODZCTA); 99999 has no residents."""
    listed = pd.read_csv(source / "covid" / "data-by-modzcta.csv", dtype=str)
    features = _features(source / "covid" / "MODZCTA_2010_WGS1984.geo.json")
    shapes = {f["properties"]["MODZCTA"]: shape(f["geometry"]) for f in features}
    rows = [
        [
            row.MODIFIED_ZCTA,
            OF_NAME[row.BOROUGH_GROUP.upper()],
            f"{row.MODIFIED_ZCTA} {_short(row.NEIGHBORHOOD_NAME)}",
            row.label.replace(", ", "|"),
            row.NEIGHBORHOOD_NAME,
        ]
        for row in listed.sort_values("MODIFIED_ZCTA").itertuples()
    ]
    kept = {row[0]: shapes[row[0]] for row in rows}
    _area_files("zip_area", ["code", "parent", "name_en", "zip", "alias"], rows, _simplified(kept))


def _short(name: str) -> str:
    """As many of the places that a name lists as a label has room for, at least one."""
    places = name.split("/")
    while len("/".join(places)) > ROOM and len(places) > 1:
        places.pop()
    return "/".join(places)


def water(source: Path, land: list[shapely.Geometry]) -> None:
    """Water in the city's box, without what the (much more exact) boroughs cover."""
    parts = [
        shapely.make_valid(shape(f["geometry"]))
        for f in _features(source / "boundary" / "water.geojson")
    ]
    rest = shapely.union_all(parts).difference(shapely.union_all(land).buffer(GRID))
    # The source is drawn to 250 metres: its slivers along the shore mean nothing.
    opened = rest.buffer(-0.0006).buffer(0.0006).intersection(rest)
    # Ponds elsewhere are drawn as triangles; they help nobody to find their way.
    shore = shapely.union_all(land).buffer(0.005)
    kept = [
        p
        for p in _polygons(opened.simplify(0.0002))
        if p.area > (2e-6 if p.intersects(shore) else 5e-4)
    ]
    features = [
        _feature({}, shapely.set_precision(p, GRID)) for p in sorted(kept, key=lambda p: -p.area)
    ]
    _write_geojson(HERE / "basemap" / "water.geojson", features)


def _features(path: Path) -> list[dict]:
    return json.loads(path.read_text("utf-8"))["features"]


def _polygons(geometry: shapely.Geometry) -> list[shapely.Geometry]:
    parts = shapely.get_parts(shapely.get_parts(geometry))
    return [p for p in parts if p.geom_type == "Polygon"]


def _simplified(shapes: dict[str, shapely.Geometry]) -> dict[str, shapely.Geometry]:
    """Fewer corners, and still no gap or overlap between neighbours.

    The publishers' borders between two areas are not the same points on both sides. So all lines
    are laid on one grid and cut where they meet; each face goes to the area that it lies in; then
    every border is simplified once, for both of its sides.
    """
    codes = list(shapes)
    given = [
        shapely.multipolygons(_polygons(shapely.set_precision(shapely.make_valid(g), GRID)))
        for g in shapes.values()
    ]
    lines = shapely.union_all([g.boundary for g in given], grid_size=GRID)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(lines)))
    tree = shapely.STRtree(given)
    face, area = tree.query(shapely.point_on_surface(faces), predicate="within")
    # Where two areas overlap, the smaller one has the face.
    size = shapely.area(np.array(given))[area]
    order = np.argsort(-size, kind="stable")
    owner = dict(zip(face[order].tolist(), area[order].tolist(), strict=True))
    held: dict[int, list[shapely.Geometry]] = {}
    for number, index in owner.items():
        held.setdefault(index, []).append(faces[number])
    whole = [shapely.union_all(held[index]) for index in range(len(codes))]
    if not shapely.coverage_is_valid(whole):
        raise SystemExit("borders do not fit together")
    simple = shapely.coverage_simplify(whole, TOLERANCE)
    # Islets of less than about a hectare are specks on any screen.
    large = [
        shapely.multipolygons([p for p in _polygons(g) if p.area > 1e-6] or _polygons(g))
        for g in simple
    ]
    return dict(zip(codes, large, strict=True))


def _area_files(
    name: str, head: list[str], rows: list[list[str]], shapes: dict[str, shapely.Geometry]
) -> None:
    folder = HERE / "areas"
    folder.mkdir(exist_ok=True)
    with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle, lineterminator="\n").writerows([head, *rows])
    features = [_feature({"code": row[0]}, shapes[row[0]]) for row in rows]
    _write_geojson(folder / f"{name}.geojson", features)


def _feature(properties: dict[str, str], geometry: shapely.Geometry) -> dict:
    parts = _polygons(geometry)
    plain = parts[0] if len(parts) == 1 else shapely.multipolygons(parts)
    value = mapping(plain)
    coordinates = _rounded(value["coordinates"])
    shaped = {"type": value["type"], "coordinates": coordinates}
    own = {"id": properties["code"]} if "code" in properties else {}
    return {"type": "Feature", **own, "properties": properties, "geometry": shaped}


def _rounded(value: object) -> object:
    if isinstance(value, float):
        return round(value, 5)
    return [_rounded(part) for part in value]  # type: ignore[attr-defined]


def _write_geojson(path: Path, features: list[dict]) -> None:
    path.parent.mkdir(exist_ok=True)
    lines = ",\n".join(json.dumps(f, separators=(",", ":")) for f in features)
    path.write_text(f'{{"type":"FeatureCollection","features":[\n{lines}\n]}}\n', "utf-8")


# --- records -------------------------------------------------------------------------------------


def covid(folder: Path) -> None:
    """The publisher's files, and a file of what by day belongs to no borough."""
    _copy(folder / "data-by-day.csv", "covid_daily")
    _copy(folder / "group-data-by-boro.csv", "covid_groups")
    _copy(folder / "data-by-modzcta.csv", "covid_zip")
    days = pd.read_csv(folder / "data-by-day.csv")
    rest = days[["date_of_interest"]].copy()
    for count in COUNTS:
        rest[count] = days[count] - days[[f"{code}_{count}" for code in BOROUGHS]].sum(axis=1)
    if (rest[list(COUNTS)] < 0).any(axis=None):
        raise SystemExit("a day has more cases in the boroughs than in the city")
    _write(rest, "covid_daily", "no-borough.csv")


def inspections(folder: Path) -> None:
    """From R's format to CSV: all rows and what speaks of the inspection.

    Names, addresses and telephone numbers of establishments are left out. A second file has one
    row for each inspection: establishment, day and type; of the few that have two scores or
    results, what stands first.
    """
    import rdata

    rows = rdata.read_rda(folder / "Violations.rda")["Violations"].reset_index(drop=True)
    codes = rdata.read_rda(folder / "ViolationCodes.rda")["ViolationCodes"]
    critical = set(codes.loc[codes["critical_flag"] == "Critical", "violation_code"].dropna())
    day = pd.to_datetime(rows["inspection_date"], unit="s").dt.strftime("%Y-%m-%d")
    table = pd.DataFrame(
        {
            "camis": rows["camis"].astype("Int64"),
            "boro": rows["boro"],
            "zipcode": rows["zipcode"].astype("Int64"),
            "inspection_date": day,
            "inspection_type": rows["inspection_type"],
            "violation_code": rows["violation_code"],
            "critical": rows["violation_code"].isin(critical).astype(int),
            "score": rows["score"].astype("Int64"),
            "grade": rows["grade"],
            "action": rows["action"].map(_result),
        }
    )
    visit = ["camis", "inspection_date", "inspection_type"]
    table = table.sort_values(visit, kind="stable", ignore_index=True)
    cited = ["camis", "boro", "zipcode", *visit[1:], "violation_code", "critical"]
    _write(table[cited], "food_violations", "violations.csv")
    table["violations"] = table["violation_code"].notna().astype(int)
    table["critical"] *= table["violations"]
    groups = table.groupby(visit, sort=False, dropna=False)
    first = groups[["boro", "zipcode", "score", "grade", "action"]].first()
    once = table.drop_duplicates([*visit, "violation_code"])
    sums = once.groupby(visit, sort=False, dropna=False)[["violations", "critical"]].sum()
    _write(first.join(sums).reset_index(), "food_inspections", "inspections.csv")


def _result(action: object) -> str:
    text = str(action)
    words = {
        "re-opened": "reopened",
        "re-closed": "reclosed",
        "Closed": "closed",
        "No viol": "none",
    }
    words["were cited"] = "cited"
    return next((word for part, word in words.items() if part in text), "")


def service_requests(folder: Path) -> None:
    """Requests to 311 without address, position, parcel, free text and number of the request."""
    full = pd.read_csv(folder / "data_nyc311.csv", dtype=str, keep_default_na=False)
    short = pd.read_csv(folder / "nyc_311_17k.csv", dtype=str, keep_default_na=False, header=None)
    form = "%m/%d/%Y %I:%M:%S %p"
    early = pd.DataFrame(
        {
            "created": pd.to_datetime(full["created_date"]),
            "closed": pd.to_datetime(full["closed_date"]),
            "agency": full["agency"],
            "complaint_type": full["complaint_type"],
            "board": full["community_board"],
            "borough": full["borough"],
            "channel": full["open_data_channel_type"],
        }
    )
    late = pd.DataFrame(
        {
            "created": pd.to_datetime(short[1], format=form),
            "closed": pd.to_datetime(short[2], format=form),
            "agency": "",
            # Rows with a comma in a field before: the word that moved here is of another field.
            "complaint_type": short[3].where(~short[3].str.contains('"'), ""),
            "board": short[4].where(short[4].str.fullmatch(r"\d\d [A-Z ]+"), ""),
            "borough": short[4].map(_borough),
            "channel": "",
        }
    )
    for name, table in (("2019-12-31.csv", early), ("2020.csv", late)):
        hours = _local(table["closed"]) - _local(table["created"])
        hours = (hours.dt.total_seconds() / 3600).round(2)
        table["hours"] = hours.where(hours >= 0)
        table["created"] = table["created"].dt.strftime("%Y-%m-%d %H:%M:%S")
        table = table.drop(columns="closed").sort_values(
            ["created", "complaint_type", "borough", "board", "hours"], kind="stable"
        )
        # Their own numbers would lead to the address.
        table.insert(0, "request", [f"{name[:-4]}/{n}" for n in range(1, len(table) + 1)])
        _write(table, "service_requests", name)


def _local(clock: pd.Series) -> pd.Series:
    zone = ZoneInfo("America/New_York")
    return clock.dt.tz_localize(zone, ambiguous=np.ones(len(clock), bool), nonexistent="NaT")


def _borough(text: str) -> str:
    """Borough from its name, a community board, or a parcel's number (whose first digit it is)."""
    if re.fullmatch(r"[1-5]\d{9}", text):
        return BOROUGHS[OF_NUMBER[text[0]]][1].upper()
    name = re.sub(r"^(\d+|Unspecified) ", "", text)
    return name if name in OF_NAME else "Unspecified"


def places(folder: Path) -> None:
    """Hydrants and hotspots as they were; trees without the addresses that they stand at."""
    _copy(folder / "data_hydrants.csv", "hydrants")
    _copy(folder / "data_wifi_hotspots.csv", "wifi_hotspots")
    trees = pd.read_csv(folder / "data_street_trees.csv", dtype=str, keep_default_na=False)
    kept = "tree_id created_at tree_dbh stump_diam curb_loc status health spc_latin spc_common "
    kept += "guards sidewalk user_type cb_num borocode boroname nta nta_name latitude longitude"
    _write(trees[kept.split()], "street_trees", "data_street_trees.csv")


def _copy(path: Path, dataset: str) -> None:
    _store(path.read_bytes(), dataset, path.name)


def _write(table: pd.DataFrame, dataset: str, name: str) -> None:
    text = io.StringIO()
    table.to_csv(text, index=False, lineterminator="\n")
    _store(text.getvalue().encode(), dataset, name)


def _store(data: bytes, dataset: str, name: str) -> None:
    folder = HERE / "records" / dataset
    folder.mkdir(parents=True, exist_ok=True)
    packed = lzma.compress(data)
    (folder / f"{name}.xz").write_bytes(packed)


def _arguments(given: Iterable[str]) -> Path:
    folders = [Path(text) for text in given]
    if len(folders) != 1 or not folders[0].is_dir():
        raise SystemExit(__doc__)
    return folders[0]


if __name__ == "__main__":
    main(_arguments(sys.argv[1:]))
