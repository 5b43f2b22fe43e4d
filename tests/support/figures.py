from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from citylib.city.profile import load_city

ROOT = Path(__file__).parents[2]
FREQUENCY = {"hour": "h", "day": "D", "month": "MS", "year": "YS"}


@pytest.fixture(scope="session")
def city():
    return load_city(ROOT / "cities/seoul")


@pytest.fixture(scope="session")
def now():
    return datetime(2023, 1, 14, 9)


@pytest.fixture(scope="session")
def make(city):
    """Figures as the cube gives them."""

    def make(
        name="pm25",
        frequency="day",
        periods=40,
        start="2022-11-01",
        units="ug m-3",
        aggregation="mean",
        areas=True,
        level="district",
        seed=1,
        **attrs,
    ):
        codes = [city.code, *(city.levels[level].areas if areas else [])]
        random = np.random.default_rng(seed)
        values = random.uniform(5, 60, (periods, len(codes)))
        if len(codes) > 1:
            total = values[:, 1:].sum(axis=1)
            values[:, 0] = total if aggregation in ("sum", "count") else total / (len(codes) - 1)
        array = xr.DataArray(
            values,
            dims=("time", "area"),
            coords={
                "time": (
                    "time",
                    pd.date_range(start, periods=periods, freq=FREQUENCY[frequency]),
                    {"time_zone": city.timezone},
                ),
                "area": np.array(codes, dtype=object),
            },
            name=name,
            attrs={
                "long_name": f"Title of {name}",
                "long_name_ko": f"{name} 제목",
                "long_name_en": f"Title of {name}",
                "units": units,
                "source": "An office",
                "licence": "Open",
                "classification": "public",
                "domain": "air",
                "dataset": "air_daily",
                "frequency": frequency,
                "aggregation": aggregation,
                "headline": 1,
                "better": "lower",
                "computed": "2026-01-02T00:00:00+00:00",
            }
            | attrs,
        )
        array["area"].attrs["level"] = level if areas else "city"
        return array

    return make
