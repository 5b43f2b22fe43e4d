"""Figures to take away."""

import csv
import io
import json
import zlib

import numpy as np
import pyarrow.parquet as pq
import pytest

from citylib.panels.download import as_csv, as_parquet, file_name, plain, table, take_away
from citylib.panels.model import CityModel

FORMULAS = ['=HYPERLINK("http://x","y")', "+1+1", "-2+3", "@SUM(A1)", "\t=1", " =1", "＝1"]
AREA = "11130"


@pytest.fixture
def array(make):
    array = make("fires", "month", 24, units="1", aggregation="sum", classification="internal")
    array[3, 5] = np.nan
    return array


def read_csv(data):
    assert data.startswith(b"\xef\xbb\xbf"), "a spreadsheet knows UTF-8 by its mark"
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))


def answers(keys, wanted):
    """Files that the browser gets: name, type, bytes."""
    sent = []
    keys.send = lambda content, buffers=(): sent.append((content, buffers))
    keys._handle_custom_msg({"wanted": wanted}, [])
    return [
        (content["name"], content["type"], zlib.decompress(bytes(buffers[0]), 31))
        for content, buffers in sent
    ]


def test_a_csv_holds_every_figure_exactly(city, array):
    rows = read_csv(as_csv(table(city, array, "en")))
    assert len(rows) == array.size
    figures = iter(array.values.ravel().tolist())
    places = ((t, a) for t in array.time.values for a in array.area.values)
    for row, value, (time, area) in zip(rows, figures, places, strict=True):
        assert row["time"] == str(time)[:19]
        assert row["area"] == area
        assert row["area_name"] == city.area_name(area, "en")
        assert (float(row["value"]) if row["value"] else None) == (
            None if np.isnan(value) else value
        )


def test_each_row_says_unit_source_terms_and_who_may_see_it(city, array):
    (said,) = {
        json.dumps(
            {k: v for k, v in row.items() if k not in ("time", "area", "area_name", "value")}
        )
        for row in read_csv(as_csv(table(city, array, "ko")))
    }
    assert json.loads(said) == {
        "time_zone": "Asia/Seoul",
        "frequency": "month",
        "unit": "1",
        "indicator": "fires",
        "title": "fires 제목",
        "classification": "internal",
        "source": "An office",
        "licence": "Open",
        "replayed": "false",
        "complete": "true",
        "computed": "2026-01-02T00:00:00+00:00",
    }
    assert file_name(city, array, "csv") == f"{city.id}-fires-internal.csv"
    public = array.assign_attrs(classification="public")
    assert file_name(city, public, "parquet") == f"{city.id}-fires.parquet"
    del public.attrs["classification"]
    assert "internal" in file_name(city, public, "csv"), "what is not said to be public is not"


def test_a_parquet_file_is_the_same_table(city, array):
    rows = pq.read_table(io.BytesIO(as_parquet(table(city, array, "en"))))
    assert rows.column_names == list(read_csv(as_csv(table(city, array, "en")))[0])
    frame = rows.to_pandas()
    shape = (array.sizes["time"], array.sizes["area"])
    assert np.array_equal(frame["value"].to_numpy().reshape(shape), array.values, equal_nan=True)
    assert rows["value"].null_count == 1
    assert (frame["time"].to_numpy().reshape(shape)[:, 0] == array.time.values).all()
    assert set(frame["classification"]) == {"internal"}


def test_replayed_and_unfinished_periods_are_told(city, make):
    attrs = {"replayed_from": "2022-11-05T00:00:00", "computed": "2022-11-09T03:00:00+00:00"}
    frame = table(city, make(periods=12, **attrs), "en").to_pandas()
    days = frame.groupby("time")[["replayed", "complete"]].first()
    assert days["replayed"].tolist() == [False] * 4 + [True] * 8
    assert days["complete"].tolist() == [True] * 8 + [False] * 4


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_text_is_a_formula_to_a_spreadsheet(city, make, formula):
    area = city.levels["district"].areas[AREA]
    before = area.name["en"]
    area.name["en"] = formula
    try:
        array = make(long_name_en=formula, source=formula, licence=formula, units=formula)
        rows = read_csv(as_csv(table(city, array, "en")))
    finally:
        area.name["en"] = before
    dangerous = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
    for row in rows:
        for key, text in row.items():
            assert key == "value" or not text.strip(" ").startswith(dangerous), (key, text)
    assert any(row["area_name"] == f"'{formula}" for row in rows)


def test_a_number_below_zero_stays_a_number(city, make):
    array = make() * -1
    array.attrs = make().attrs
    rows = read_csv(as_csv(table(city, array.rename("cold"), "en")))
    assert float(rows[0]["value"]) == float(array[0, 0]) < 0


def test_names_with_quotes_and_lines_stay_in_their_cell(city, make):
    hostile = 'a "quoted", name\nwith\r\nlines'
    rows = read_csv(as_csv(table(city, make(source=hostile), "en")))
    assert {row["source"].replace("\r\n", "\n") for row in rows} == {hostile.replace("\r\n", "\n")}


def test_the_keys_give_the_shown_indicator_in_the_readers_language(city, make, array):
    model = CityModel(city, {"pm25": make(), "fires": array})
    keys = take_away(model)
    model.language = "en"
    model.show("fires")
    ((name, kind, body),) = answers(keys, "csv")
    assert (name, kind) == (f"{city.id}-fires-internal.csv", "text/csv")
    assert body == as_csv(table(city, array, "en"))
    assert keys.words["copy"] == "Copy link"
    ((name, kind, body),) = answers(keys, "parquet")
    assert name == f"{city.id}-fires-internal.parquet"
    assert pq.read_table(io.BytesIO(body)).num_rows == array.size


@pytest.mark.parametrize("wanted", ["exe", "", None, 3, ["csv"], "../../etc/passwd"])
def test_nothing_else_is_given(city, make, wanted):
    assert answers(take_away(CityModel(city, {"pm25": make()})), wanted) == []


def test_a_files_name_has_no_way_out_of_its_folder(city, make):
    name = file_name(city, make("../x/..\\y\r\n", classification='a"b'), "csv")
    assert not set(name) & set('/\\"\r\n')


def test_a_text_that_is_no_formula_stays_as_it_is():
    assert plain("종로구") == "종로구"
    assert plain("2022-12") == "2022-12"
