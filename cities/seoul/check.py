"""Seoul's indicators by an independent route: plain pandas over the files in `records/`.

It shares no code with the platform, so that a mistake made there is not made here again. Areas,
names and positions of stations come from the same profile.
"""

from __future__ import annotations

import csv
import json
import lzma
from pathlib import Path

import pandas as pd
from shapely.geometry import Point, shape

CITY = "11"
AIR = {"pm25": 7, "pm10": 6, "no2": 2, "o3": 3, "co": 4, "so2": 5}


def figures(profile: Path) -> dict[str, pd.DataFrame]:
    """All indicators of the profile.

    Parameters
    ----------
    profile : Path
        Folder of the profile.

    Returns
    -------
    dict of str to DataFrame
        For each indicator the columns `time` (start of the period in the city's clock), `area`
        (code of a district, or "11" for the city) and `value`. Only what is known has a row.
    """
    records = profile / "records"
    codes = _district_codes(profile)
    result = _air(records / "air_daily", codes)
    result |= _air_hourly(records / "air_hourly")
    result |= _subway(records / "subway_daily", profile)
    result |= _bus(records / "bus_hourly", profile)
    result |= _bicycles(records, codes)
    result |= _fires(records, codes)
    result |= _fires_in_buildings(records / "fire_places", profile, codes)
    result |= _covid(records / "covid_daily")
    result |= _population(records / "population_yearly", codes)
    result["fire_rate"] = _rate(result["fires_yearly"], result["population"], 100_000)
    result |= _cameras(records / "cctv_yearly", codes)
    return result


def _text(path: Path, encoding: str) -> str:
    return lzma.decompress(path.read_bytes()).decode(encoding)


def _frame(path: Path, encoding: str = "utf-8-sig", **options: object) -> pd.DataFrame:
    with lzma.open(path, "rt", encoding=encoding) as handle:
        return pd.read_csv(handle, dtype=str, keep_default_na=False, **options)


def _number(column: pd.Series) -> pd.Series:
    return pd.to_numeric(column.str.replace(",", "").str.strip(), errors="coerce")


def _district_codes(profile: Path) -> dict[str, str]:
    table = pd.read_csv(profile / "areas" / "district.csv", dtype=str)
    return dict(zip(table["name_ko"], table["code"], strict=True))


def _tidy(values: pd.Series) -> pd.DataFrame:
    """A series with the index (time, area) as the table that is compared."""
    frame = values.dropna().astype(float).rename("value").reset_index()
    frame.columns = ["time", "area", "value"]
    return frame.sort_values(["time", "area"], ignore_index=True)


def _summed(frame: pd.DataFrame, value: str) -> pd.DataFrame:
    """Sums by district, and for the city the sum over the districts."""
    known = frame[frame["area"].notna()].dropna(subset=[value])
    districts = known.groupby(["time", "area"])[value].sum()
    city = known.groupby("time")[value].sum()
    city.index = pd.MultiIndex.from_product([city.index, [CITY]])
    return _tidy(pd.concat([districts, city]))


def _averaged(frame: pd.DataFrame, value: str) -> pd.DataFrame:
    known = frame.dropna(subset=[value])
    districts = known.groupby(["time", "area"])[value].mean()
    city = known.groupby("time")[value].mean()
    city.index = pd.MultiIndex.from_product([city.index, [CITY]])
    return _tidy(pd.concat([districts, city]))


def _city_only(times: pd.Series, values: pd.Series) -> pd.DataFrame:
    index = pd.MultiIndex.from_arrays([times, [CITY] * len(times)])
    return _tidy(pd.Series(values.to_numpy(), index=index))


def _air(folder: Path, codes: dict[str, str]) -> dict[str, pd.DataFrame]:
    parts = []
    for path in sorted(folder.iterdir()):
        if path.suffix == ".xlsx":
            part = pd.read_excel(path).astype({"측정일시": str})
        else:
            part = _frame(path, "cp949")
        part.columns = range(8)
        parts.append(part)
    frame = pd.concat(parts, ignore_index=True)
    frame["time"] = pd.to_datetime(frame[0], format="%Y%m%d")
    frame["area"] = frame[1].map(codes)
    frame = frame[frame["area"].notna()]
    result = {}
    for name, place in AIR.items():
        values = pd.to_numeric(frame[place], errors="coerce")
        result[name] = _averaged(frame.assign(value=values), "value")
    year = frame["time"].dt.to_period("Y").dt.to_timestamp()
    for name in ("pm25", "pm10"):
        values = pd.to_numeric(frame[AIR[name]], errors="coerce")
        result[f"{name}_yearly"] = _averaged(frame.assign(time=year, value=values), "value")
    dust = pd.to_numeric(frame[AIR["pm25"]], errors="coerce")
    month = frame["time"].dt.to_period("M").dt.to_timestamp()
    known = frame.assign(time=month, dust=dust).dropna(subset=["dust"])
    result["pm25_bad_days"] = _averaged(known.assign(value=(known["dust"] > 35) * 100.0), "value")
    whole = known.assign(area=CITY)
    groups = pd.concat([known, whole]).groupby(["time", "area"])["dust"]
    result["pm25_worst_days"] = _tidy(groups.apply(_nineteen_of_twenty))
    return result


def _nineteen_of_twenty(values: pd.Series) -> float:
    """The smallest value that 95 % of the values do not exceed, by counting."""
    ordered = sorted(values)
    return next(v for n, v in enumerate(ordered, 1) if 20 * n >= 19 * len(ordered))


def _station_districts(profile: Path) -> dict[tuple[str, str], str]:
    """District that each station lies in; stations outside the city have none."""
    text = (profile / "areas" / "district.geojson").read_text("utf-8")
    shapes = {f["properties"]["code"]: shape(f["geometry"]) for f in json.loads(text)["features"]}
    result = {}
    with (profile / "places" / "subway_stations.csv").open(encoding="utf-8") as handle:
        for row in csv.DictReader(handle):
            if row["lon"]:
                point = Point(float(row["lon"]), float(row["lat"]))
                found = [code for code, area in shapes.items() if area.intersects(point)]
                result[row["line"], row["station"]] = found[0] if found else None
    return result


def _subway(folder: Path, profile: Path) -> dict[str, pd.DataFrame]:
    parts = [_frame(path, index_col=False, usecols=range(5)) for path in sorted(folder.iterdir())]
    frame = pd.concat(parts, ignore_index=True)
    frame.columns = ["time", "line", "station", "boardings", "alightings"]
    frame["time"] = pd.to_datetime(frame["time"], format="%Y%m%d")
    district = pd.Series(_station_districts(profile), name="area")
    frame = frame.join(district, on=["line", "station"])
    for name in ("boardings", "alightings"):
        frame[name] = pd.to_numeric(frame[name])
    result = {f"subway_{name}": _summed(frame, name) for name in ("boardings", "alightings")}
    used = frame[(frame["boardings"] > 0) & frame["area"].notna()]
    names = used.groupby(["time", "area"])["station"].agg(lambda names: len(set(names))).unstack()
    names = names.fillna(0)  # a district without a station in use
    names[CITY] = used.groupby("time")["station"].agg(lambda names: len(set(names)))
    return result | {"subway_stations": _tidy(names.stack())}


def _bus(folder: Path, profile: Path) -> dict[str, pd.DataFrame]:
    table = pd.read_csv(profile / "areas" / "district.csv", dtype=str)
    prefix = dict(zip(table["ars"], table["code"], strict=True))
    rows = []
    for path in sorted(folder.iterdir()):
        for line in _text(path, "utf-8-sig").splitlines():
            if not line[:1].isdigit():
                continue
            fields = line.split(",")
            counts = [int(count) for count in fields[-48:]]
            # The name of a stop may hold commas: its number is the nearest field that looks so.
            before = (
                f for f in reversed(fields[3:-48]) if f == "~" or (len(f), f.isdigit()) == (5, True)
            )
            rows.append((fields[0], next(before)[:2], sum(counts[0::2]), sum(counts[1::2])))
    frame = pd.DataFrame(rows, columns=["time", "prefix", "boardings", "alightings"])
    frame["time"] = pd.to_datetime(frame["time"], format="%Y%m")
    frame["area"] = frame["prefix"].map(prefix)
    return {f"bus_{name}": _summed(frame, name) for name in ("boardings", "alightings")}


def _bicycles(records: Path, codes: dict[str, str]) -> dict[str, pd.DataFrame]:
    rentals = _frame(records / "bike_rentals" / "SeoulBikeData.csv.xz")
    rentals["time"] = pd.to_datetime(rentals["Date"], format="%d-%m-%Y")
    daily = rentals.assign(value=pd.to_numeric(rentals["RentedBikeCount"]))
    daily = daily.groupby("time", as_index=False)["value"].sum()
    rows = [
        row
        for path in sorted((records / "bike_stations").iterdir())
        for row in json.loads(_text(path, "utf-8"))["stationInfo"]["row"]
    ]
    stations = pd.DataFrame(rows).drop_duplicates("RENT_ID")
    stations["area"] = stations["STA_LOC"].map(codes)
    stations["time"] = pd.Timestamp("2025-01-01")  # the year of the snapshot
    stations["racks"] = pd.to_numeric(stations["HOLD_NUM"], errors="coerce")
    return {
        "bike_rentals": _city_only(daily["time"], daily["value"]),
        "bike_stations": _summed(stations.assign(one=1), "one"),
        "bike_racks": _summed(stations, "racks"),
    }


def _fires(records: Path, codes: dict[str, str]) -> dict[str, pd.DataFrame]:
    wide = _frame(records / "fire_yearly" / "fires_2018_2023.csv.xz")
    wide["area"] = wide["자치구"].map(codes)  # none for the row of the whole city
    names = {
        "fires_yearly": ("화재건수", 1),
        "fire_deaths": ("사망", 1),
        "fire_injuries": ("부상", 1),
        "fire_damage": ("재산피해(천원)", 1000),
    }
    result = {}
    for name, (header, scale) in names.items():
        years = [
            pd.DataFrame(
                {
                    "time": pd.Timestamp(f"20{year}-01-01"),
                    "area": wide["area"],
                    "value": _number(wide[f"{year}_{header}"]) * scale,
                }
            )
            for year in range(18, 24)
        ]
        result[name] = _summed(pd.concat(years), "value")
    months = _frame(records / "fire_monthly" / "fires_by_month.csv.xz", "cp949")
    long = months.melt("자치구", var_name="month", value_name="count")
    long["time"] = pd.to_datetime(long["month"].str.replace(" ", ""), format="%Y.%m")
    long["area"] = long["자치구"].map(codes)
    result["fires"] = _summed(long.assign(value=_number(long["count"])), "value")
    events = _frame(records / "fire_events" / "golden_time.csv.xz")
    when = pd.to_datetime(events["화재발생일시"])
    events["time"] = when.dt.to_period("M").dt.to_timestamp()
    events["area"] = events["시군구명"].map(codes)
    events["value"] = pd.to_numeric(events["출동소요시간"])
    result["fire_response_time"] = _averaged(events, "value")
    counted = pd.crosstab(events["time"], events["area"]).reindex(columns=sorted(codes.values()))
    counted = counted.fillna(0)  # a district without late fires in a month had none
    counted[CITY] = events.groupby("time").size()
    result["fires_reached_late"] = _tidy(counted.stack())
    return result


def _fires_in_buildings(
    folder: Path, profile: Path, codes: dict[str, str]
) -> dict[str, pd.DataFrame]:
    """By neighbourhood; those formed after 2013 are no area here and count for the city alone."""
    table = pd.read_csv(profile / "areas" / "neighbourhood.csv", dtype=str, keep_default_na=False)
    known = {
        (row.parent, name.replace(".", "·")): row.code
        for row in table.itertuples()
        for name in [row.name_ko, *row.alias.split("|")]
    }
    parts = []
    for path in sorted(folder.iterdir()):
        wide = _frame(path, "cp949")
        counts = wide.drop(columns=["자치구", "동"]).replace("-", "0").astype(int)
        names = wide["동"].str.replace(".", "·")
        area = [known.get((codes[d], n)) for d, n in zip(wide["자치구"], names, strict=True)]
        year = pd.Timestamp(path.name.removesuffix(".csv.xz")[-4:])
        parts.append(pd.DataFrame({"time": year, "area": area, "value": counts.sum(axis=1)}))
    fires = pd.concat(parts)
    values = fires.groupby(["time", "area"])["value"].sum()
    city = fires.groupby("time")["value"].sum()
    city.index = pd.MultiIndex.from_product([city.index, [CITY]])
    return {"fires_in_buildings": _tidy(pd.concat([values, city]))}


def _covid(folder: Path) -> dict[str, pd.DataFrame]:
    frame = _frame(folder / "kr_regional_daily.csv.xz")
    frame = frame[frame["region"] == "서울"].drop_duplicates("date", keep="last")
    frame = frame[frame["date"] <= "20230831"]  # the end of daily counting
    frame = frame.sort_values("date")
    time = pd.to_datetime(frame["date"], format="%Y%m%d")
    names = {"confirmed": "confirmed", "deaths": "death", "released": "released"}
    result = {}
    for name, header in names.items():
        value = pd.to_numeric(frame[header])
        if name == "released":  # no region's number moves after this day
            value = value.where(frame["date"] <= "20220223")
        # A running total cannot halve: on some days of 2023 the source gives 0 or 1 dead.
        result[f"covid_{name}"] = _city_only(time, value.where(value * 2 >= value.cummax()))
    total = pd.Series(pd.to_numeric(frame["confirmed"]).to_numpy(), index=pd.DatetimeIndex(time))
    new = total.asfreq("D").diff()
    result["covid_new"] = _city_only(pd.Series(new.index), pd.Series(new.to_numpy()))
    # The week's rise is that of the total, by seven days; where a day is missing there is none.
    week = (total.asfreq("D") - total.asfreq("D").shift(7)) / 7
    week = week.where(new.notna().rolling(7).sum() == 7)
    result["covid_new_week"] = _city_only(pd.Series(week.index), pd.Series(week.to_numpy()))
    return result


def _rate(counts: pd.DataFrame, people: pd.DataFrame, scale: float) -> pd.DataFrame:
    """By the people of the same year, or of the newest one before that is known."""
    merged = pd.merge_asof(
        counts.sort_values("time"), people.sort_values("time"), on="time", by="area"
    )
    return counts.assign(
        value=_lined_up(merged, counts, "value_x") / _lined_up(merged, counts, "value_y") * scale
    )


def _lined_up(merged: pd.DataFrame, counts: pd.DataFrame, name: str) -> pd.Series:
    places = pd.MultiIndex.from_frame(counts[["time", "area"]])
    return pd.Series(merged.set_index(["time", "area"])[name].reindex(places).to_numpy())


def _air_hourly(folder: Path) -> dict[str, pd.DataFrame]:
    frame = _frame(folder / "seoul-air.csv.xz")
    day, clock = frame["일시"].str[:10], frame["일시"].str[11:13]
    # Hours count from the day's beginning, so that 24:00 needs no rule.
    time = pd.to_datetime(day) + pd.to_timedelta(pd.to_numeric(clock), unit="h")
    value = _number(frame["초미세먼지"]).groupby(time).mean()
    return {"pm25_hourly": _city_only(pd.Series(value.index), pd.Series(value.to_numpy()))}


def _population(folder: Path, codes: dict[str, str]) -> dict[str, pd.DataFrame]:
    path = folder / "population_by_district.txt.xz"
    frame = _frame(path, sep="\t", header=None, skiprows=3)
    frame["area"] = frame[1].map(codes)  # none for the row of totals
    frame["time"] = pd.to_datetime(frame[0], format="%Y")
    columns = {"households": 2, "population": 3, "foreign_residents": 9}
    result = {
        name: _summed(frame.assign(value=_number(frame[place])), "value")
        for name, place in columns.items()
    }
    people, elderly, land = _number(frame[3]), _number(frame[15]), _number(frame[13])
    result["elderly_share"] = _share(frame, elderly * 100, people)
    result["population_density"] = _share(frame, people, land)
    return result


def _share(frame: pd.DataFrame, above: pd.Series, below: pd.Series) -> pd.DataFrame:
    """Sum over sum, of the rows where both are known."""
    both = frame.assign(above=above, below=below).dropna(subset=["above", "below"])
    sums = [_summed(both, name).set_index(["time", "area"])["value"] for name in ("above", "below")]
    return _tidy(sums[0] / sums[1])


def _cameras(folder: Path, codes: dict[str, str]) -> dict[str, pd.DataFrame]:
    wide = _frame(folder / "cctv_installed.csv.xz", "cp949")
    wide["area"] = wide["기관명"].str.replace(" ", "").map(codes)
    long = wide.drop(columns=["기관명", "소계"]).melt("area", var_name="year")
    long["time"] = pd.to_datetime(long["year"].str[:4], format="%Y")
    long["value"] = _number(long["value"])
    long = long[long["area"].notna()].dropna(subset=["value"]).sort_values("time")
    installed = _summed(long, "value")
    running = installed.sort_values("time").copy()
    running["value"] = running.groupby("area")["value"].cumsum()
    return {"cameras": running}
