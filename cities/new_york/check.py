"""New York's indicators by an independent route: plain pandas over the files in `records/`.

It shares no code with the platform, so that a mistake made there is not made here again. Areas
come from the same profile.
"""

from __future__ import annotations

import lzma
from pathlib import Path

import pandas as pd

CITY = "NYC"
BOROUGHS = ("MN", "BX", "BK", "QN", "SI")
NAMES = ("MANHATTAN", "BRONX", "BROOKLYN", "QUEENS", "STATEN ISLAND")
OF_NAME = dict(zip(NAMES, BOROUGHS, strict=True))
OF_NUMBER = dict(zip("12345", BOROUGHS, strict=True))


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
        (code of an area, or "NYC" for the city) and `value`. Only what is known has a row.
    """
    records = profile / "records"
    result = _covid_by_day(records / "covid_daily")
    result |= _covid_totals(records)
    result["covid_week_rate"] = _week_rate(result["covid_cases"], result["population_boroughs"])
    result |= _food(records, profile)
    result |= _requests(records / "service_requests")
    result |= _streets(records, profile)
    return result


def _frame(path: Path) -> pd.DataFrame:
    with lzma.open(path, "rt", encoding="utf-8") as handle:
        return pd.read_csv(handle, dtype=str, keep_default_na=False)


def _codes(profile: Path, level: str) -> list[str]:
    return pd.read_csv(profile / "areas" / f"{level}.csv", dtype=str)["code"].tolist()


def _tidy(values: pd.Series) -> pd.DataFrame:
    """A series with the index (time, area) as the table that is compared."""
    frame = values.dropna().astype(float).rename("value").reset_index()
    frame.columns = ["time", "area", "value"]
    return frame.sort_values(["time", "area"], ignore_index=True)


def _with_city(areas: pd.Series, city: pd.Series) -> pd.DataFrame:
    city = city.copy()
    city.index = pd.MultiIndex.from_product([city.index, [CITY]])
    return _tidy(pd.concat([areas, city]))


def _averaged(frame: pd.DataFrame) -> pd.DataFrame:
    """Means of `value` by area, and for the city the mean of all rows."""
    known = frame.dropna(subset=["value"])
    return _with_city(
        known[known["area"] != ""].groupby(["time", "area"])["value"].mean(),
        known.groupby("time")["value"].mean(),
    )


def _counted(frame: pd.DataFrame, kept: pd.Series, codes: list[str]) -> pd.DataFrame:
    """Rows that are kept; an area without any is 0 in a period that has rows of some area."""
    known = frame["area"].isin(codes)
    counts = kept[known].groupby([frame["time"], frame["area"]]).sum().unstack()
    areas = counts.reindex(columns=codes).fillna(0).stack()
    return _with_city(areas, kept.groupby(frame["time"]).sum())


def _shares(frame: pd.DataFrame, above: str, below: str, scale: float) -> pd.DataFrame:
    """Sum over sum."""
    inside = frame[frame["area"] != ""].groupby(["time", "area"])[[above, below]].sum()
    city = frame.groupby("time")[[above, below]].sum()
    return _with_city(
        scale * inside[above] / inside[below].where(inside[below] > 0),
        scale * city[above] / city[below].where(city[below] > 0),
    )


def _covid_by_day(folder: Path) -> dict[str, pd.DataFrame]:
    """The publisher's own columns for the city and each borough; nothing is added up."""
    days = _frame(folder / "data-by-day.csv.xz")
    days.index = pd.to_datetime(days["date_of_interest"], format="%m/%d/%Y")
    headers = {
        "covid_cases": "CASE_COUNT",
        "covid_hospitalized": "HOSPITALIZED_COUNT",
        "covid_deaths": "DEATH_COUNT",
    }
    result = {}
    for name, header in headers.items():
        table = days[[f"{code}_{header}" for code in BOROUGHS]].set_axis(BOROUGHS, axis=1)
        table = table.assign(**{CITY: days[header]}).astype(int)
        result[name] = _tidy(table.stack())
        if name != "covid_hospitalized":
            result[f"{name}_total"] = _tidy(table.cumsum().stack())
    return result


def _week_rate(cases: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """From the running totals a week apart, by the only estimate of the population."""
    table = cases.pivot(index="time", columns="area", values="value")
    total = table.cumsum()
    week = (total - total.shift(7).fillna(0)).iloc[6:]
    return _tidy((week / people.set_index("area")["value"] * 100_000)[table.columns].stack())


def _covid_totals(records: Path) -> dict[str, pd.DataFrame]:
    time = pd.Timestamp("2025-01-01")  # the year of the totals
    groups = _frame(records / "covid_groups" / "group-data-by-boro.csv.xz")
    row = groups[(groups["group"] == "Age") & (groups["subgroup"] == "75+")].iloc[0]
    deaths = {code: float(row[f"{code}_DEATH_COUNT"]) for code in BOROUGHS}
    deaths[CITY] = sum(deaths.values())
    old = pd.DataFrame({"time": time, "area": deaths.keys(), "value": deaths.values()})
    zips = _frame(records / "covid_zip" / "data-by-modzcta.csv.xz")
    table = pd.DataFrame({"time": time, "area": zips["MODIFIED_ZCTA"]})
    table["cases"] = zips["COVID_CONFIRMED_CASE_COUNT"].astype(float)
    table["deaths"] = zips["COVID_DEATH_COUNT"].astype(float)
    table["people"] = zips["POP_DENOMINATOR"].astype(float)
    boroughs = zips.groupby("BOROUGH_GROUP")["POP_DENOMINATOR"].agg(lambda p: p.astype(float).sum())
    boroughs.index = boroughs.index.str.upper().map(OF_NAME)
    boroughs[CITY] = boroughs.sum()
    people = pd.DataFrame({"time": time, "area": boroughs.index, "value": boroughs.to_numpy()})
    return {
        "population_boroughs": people,
        "covid_deaths_75": old,
        "covid_case_rate": _shares(table, "cases", "people", 100_000),
        "covid_death_rate": _shares(table, "deaths", "people", 100_000),
        "population": _with_city(
            table.set_index(["time", "area"])["people"], table.groupby("time")["people"].sum()
        ),
    }


def _food(records: Path, profile: Path) -> dict[str, pd.DataFrame]:
    visits = _frame(records / "food_inspections" / "inspections.csv.xz")
    cited = _frame(records / "food_violations" / "violations.csv.xz")
    tables = []
    for table in (visits, cited):
        day = pd.to_datetime(table["inspection_date"])
        table["time"] = day.dt.to_period("M").dt.to_timestamp()
        table["area"] = table["boro"].map(OF_NAME).fillna("")
        tables.append(table[day > "1900-01-01"])
    visits, cited = tables
    cited = cited[cited["violation_code"] != ""]
    # Twice the same row is one record.
    cited = cited.drop_duplicates()
    first = visits[visits["inspection_type"] == "Cycle Inspection / Initial Inspection"]
    boroughs = list(BOROUGHS)
    every = pd.Series(True, index=visits.index)
    return {
        "food_score": _averaged(first.assign(value=pd.to_numeric(first["score"]))),
        "food_inspections": _counted(visits, every, boroughs),
        "food_closures": _counted(visits, visits["action"].isin(["closed", "reclosed"]), boroughs),
        "food_violations": _counted(cited, cited["violation_code"] != "", boroughs),
        "food_mice": _counted(cited, cited["violation_code"] == "04L", boroughs),
        "food_critical_share": _critical(cited, profile),
    }


def _critical(cited: pd.DataFrame, profile: Path) -> pd.DataFrame:
    """From the rows of violations, where the platform has the sums of inspections."""
    listed = pd.read_csv(profile / "areas" / "zip_area.csv", dtype=str)
    area, parent = {}, {}
    for row in listed.itertuples():
        for zip_code in row.zip.split("|"):
            area[zip_code], parent[zip_code] = row.code, row.parent
    inside = cited["zipcode"].map(parent) == cited["area"]
    table = pd.DataFrame(
        {
            "time": cited["time"].dt.to_period("Y").dt.to_timestamp(),
            "area": cited["zipcode"].map(area).where(inside, "").fillna(""),
            "critical": cited["critical"].astype(float),
            "all": 1.0,
        }
    )
    return _shares(table, "critical", "all", 100)


def _requests(folder: Path) -> dict[str, pd.DataFrame]:
    table = pd.concat([_frame(path) for path in sorted(folder.iterdir())], ignore_index=True)
    made = pd.to_datetime(table["created"])
    table["area"] = table["borough"].map(OF_NAME).fillna("")
    boroughs = list(BOROUGHS)
    by_day = table.assign(time=made.dt.normalize())
    by_hour = table.assign(time=made.dt.floor("h"))
    by_month = table.assign(time=made.dt.to_period("M").dt.to_timestamp())
    hours = pd.to_numeric(table["hours"])
    return {
        "requests_311": _counted(by_day, pd.Series(True, index=table.index), boroughs),
        "requests_311_noise": _counted(
            by_hour, table["complaint_type"].str.startswith("Noise"), boroughs
        ),
        "requests_311_hours": _averaged(by_month.assign(value=hours.where(hours >= 0))),
        "requests_311_in_a_day": _averaged(
            by_month.assign(value=((hours <= 24) * 100.0).where(hours >= 0))
        ),
    }


def _streets(records: Path, profile: Path) -> dict[str, pd.DataFrame]:
    hydrants = _frame(records / "hydrants" / "data_hydrants.csv.xz").rename(columns={"cb": "area"})
    hydrants["time"] = pd.Timestamp("2025-01-01")
    spots = _frame(records / "wifi_hotspots" / "data_wifi_hotspots.csv.xz")
    spots = spots.rename(columns={"ntacode": "area"}).assign(time=pd.Timestamp("2019-01-01"))
    trees = _frame(records / "street_trees" / "data_street_trees.csv.xz")
    trees = trees[trees["status"] != "Stump"].rename(columns={"nta": "area"})
    trees["time"] = pd.to_datetime(trees["created_at"]).dt.to_period("Y").dt.to_timestamp()
    trees["value"] = pd.to_numeric(trees["tree_dbh"])
    living = trees[(trees["status"] == "Alive") & (trees["spc_common"] != "")]
    kinds = living.drop_duplicates(["time", "area", "spc_common"])
    city = living.drop_duplicates(["time", "spc_common"]).groupby("time").size()
    neighbourhoods = kinds.groupby(["time", "area"]).size().unstack()
    neighbourhoods = neighbourhoods.reindex(columns=_codes(profile, "neighbourhood")).fillna(0)
    return {
        "tree_species": _with_city(neighbourhoods.stack(), city),
        "hydrants": _counted(
            hydrants, hydrants["unitid"] != "", _codes(profile, "community_district")
        ),
        "wifi_hotspots": _counted(spots, spots["objectid"] != "", _codes(profile, "neighbourhood")),
        "tree_diameter": _averaged(trees),
    }
