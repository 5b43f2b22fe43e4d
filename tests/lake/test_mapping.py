"""The mapping language: every way in which a file may be odd."""

import gzip
import io
import json
from datetime import UTC, date, datetime

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.port import COUNTS, HEAD, HEADER

from citylib.lake.folder import digest_of_mapping

COLUMNS = """
column = [
  { name = "place", type = "string", title = { fr = "Lieu", en = "Place" } },
  { name = "n", type = "int64", min = 0, title = { fr = "Nombre", en = "Number" } },
  { name = "m", type = "int64", min = 0, title = { fr = "Autres", en = "Others" } },
]
"""


def spec(read, key='["time", "area", "place"]', more=""):
    return f"{HEAD}key = {key}\n{more}{COLUMNS}[[read]]\n{read}"


def load(deliver, text, files, **options):
    """Account, and records as (time, area, place, n, m)."""
    lake = deliver({f"odd/{name}": content for name, content in files.items()}, odd=text, **options)
    report = lake.load("odd")
    assert report.failures == ()
    assert report.read == report.stored + report.duplicate + report.set_aside
    table = lake.table("odd").read().to_pylist()
    records = sorted(
        (
            (row["time"].strftime("%Y-%m-%dT%H"), row["area"], row["place"], row["n"], row["m"])
            for row in table
        ),
        key=str,
    )
    return report, records, lake


WIDE = """
files = "*.csv"
format = "csv"
encodings = ["utf-8", "cp949"]
time = { header = "year", formats = "%y" }
area = { level = "district", header = "area" }
set_aside = [{ header = "area", values = ["Total"], reason = "total row" }]
[read.unpivot]
pattern = '(?P<year>\\d\\d)_(?P<measure>fires|others)'
measures = { fires = "n", others = "m" }
[read.columns]
place = { constant = "all" }
n = { zero = ["-"], null = ["…"], scale = 1000, thousands = "," }
"""


def test_years_in_columns(deliver):
    text = "area,18_fires,18_others,18_x,19_fires,19_others\n"
    text += 'Total,9,9,9,9,9\nEast,"1,234",2,0,-,3\nWest,…,,7,0,\n ,,, ,,\n'
    report, records, lake = load(deliver, spec(WIDE), {"a.csv": text})
    assert (report.read, report.stored, report.set_aside) == (6, 3, 3)
    assert records == [
        ("2017-12-31T23", "9e", "all", 1_234_000, 2),
        ("2018-12-31T23", "9e", "all", 0, 3),
        ("2018-12-31T23", "9w", "all", 0, None),
    ]
    aside = [
        (row["line"], row["records"], row["reason"]) for row in lake.set_aside("odd").to_pylist()
    ]
    assert aside == [(2, 2, "total row"), (4, 1, "no value")]


def test_a_bad_cell_of_a_wide_row_costs_one_record(deliver):
    text = "area,18_fires,18_others,19_fires,19_others\nEast,many,2,3,4\nNord,1,2,3,4\n"
    report, records, lake = load(deliver, spec(WIDE), {"a.csv": text})
    assert (report.read, report.stored, report.set_aside) == (4, 1, 3)
    assert records == [("2018-12-31T23", "9e", "all", 3000, 4)]
    assert sum(row["records"] for row in lake.set_aside("odd").to_pylist()) == 3


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949"])
def test_encodings_are_tried_in_order(deliver, encoding):
    wide = WIDE.replace('"utf-8", ', '"utf-8-sig", ')
    text = "area,비고,18_fires,18_others\nEast,기타,1,2\n".encode(encoding)
    assert load(deliver, spec(wide), {"a.csv": text})[1] == [
        ("2017-12-31T23", "9e", "all", 1000, 2)
    ]


BUS = """
files = "*.txt.gz"
format = "csv"
quoting = false
header_rows = 0
names = ["month", "route", "stop", "name", "0on", "0off", "1on", "1off"]
time = { header = "month", formats = "%Y%m" }
area.level = "district"
area.header = "stop"
area.pattern = '^(\\d\\d)\\d$'
area.scheme = "bus"
area.unknown = "outside"
[read.commas]
free = ["route", "name"]
anchor = "stop"
pattern = '\\d{3}|~'
[read.unpivot]
pattern = '(?P<hour>\\d)(?P<measure>on|off)'
measures = { on = "n", off = "m" }
[read.columns]
place = { join = ["route", "stop", "name", "hour"] }
"""
DISTRICTS = "code,name_fr,name_en,bus\n9e,Est,East,01\n9w,Ouest,West,02\n"


def test_headerless_files_with_stray_commas(deliver, tmp_path):
    head = '"month,route,stop,name,0on,0off,1on,1off\n'
    body = "202201,R,011,Quay,1,2,3,4\n202201,R(a,b,c),021,Gate,5,6,7,8\n"
    body += "202201,R,031,Far,out,1,1,1,1\n202201,R,~,End,0,0,0,0\n202201,R,0x1,Odd,1,1,1,1,1\n"
    lake = deliver({}, odd=spec(BUS))
    (lake.city.folder / "areas" / "district.csv").write_text(DISTRICTS, "utf-8")
    files = {"odd/1.txt.gz": gzip.compress((head + body).encode())}
    for name, content in files.items():
        path = lake.city.folder / "records" / name
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
    from citylib.city.profile import load_city
    from citylib.lake import Lake

    lake = Lake(lake.uri, load_city(lake.city.folder))
    report = lake.load("odd")
    assert report.failures == ()
    assert (report.read, report.stored, report.set_aside) == (10, 6, 4)
    records = lake.table("odd").read().to_pylist()
    assert sorted((row["area"] or "", row["place"], row["n"], row["m"]) for row in records) == [
        ("", "R 031 Far,out 0", 1, 1),
        ("", "R 031 Far,out 1", 1, 1),
        ("9e", "R 011 Quay 0", 1, 2),
        ("9e", "R 011 Quay 1", 3, 4),
        ("9w", "R(a,b,c) 021 Gate 0", 5, 6),
        ("9w", "R(a,b,c) 021 Gate 1", 7, 8),
    ]
    reasons = {row["line"]: row["reason"] for row in lake.set_aside("odd").to_pylist()}
    assert reasons == {
        5: "no district goes by '~'",
        6: "9 fields where there should be 8",
    }


REPEATS = """
files = "*.csv"
format = "csv"
time = { header = "day", formats = "%Y%m%d" }
area = { level = "district", header = "area" }
[read.columns]
place = "place"
n = "n"
"""


def test_rows_that_repeat_a_key_can_be_parts_of_a_total(deliver):
    text = "day,area,place,n,note\n20220101,East,A,1,x\n20220101,East,A,30,x\n"
    text += "20220101,East,A,1,x\n20220101,East,A,1,y\n"
    more = 'repeats = "number"\n'
    report, records, lake = load(deliver, spec(REPEATS, more=more), {"a.csv": text})
    assert (report.read, report.stored, report.duplicate) == (4, 3, 1)
    assert sorted(row[3] for row in records) == [1, 1, 30]
    numbers = lake.table("odd").read(["occurrence"])["occurrence"].to_pylist()
    assert sorted(numbers) == [1, 2, 3]
    assert lake.load("odd").stored == 0


def test_columns_too_many_at_the_end_are_dropped(deliver):
    text = '"day","area","place","n"\r\n"20220101","East","A","1",""\n"20220102","East","A","2"\n'
    text += '"20220103","East","A","3",""\r\n"20220104","East","A","4","","x"\n'
    report, records, _ = load(deliver, spec(REPEATS), {"a.csv": text})
    assert [row[3] for row in records] == [1, 2, 3]
    assert report.set_aside == 1


def test_line_breaks_in_quotes_and_blank_lines(deliver):
    text = 'day,area,place,n\n\n20220101,East,"A\nB",1\n\n20220102,East,A,x\n'
    _, records, lake = load(deliver, spec(REPEATS), {"a.csv": text})
    assert [row[2:4] for row in records] == [("A B", 1)]
    assert lake.set_aside("odd").to_pylist()[0]["line"] == 6


def test_the_year_in_a_files_name(deliver):
    read = REPEATS.replace('"day", formats = "%Y%m%d"', '"year", formats = "%Y"')
    read = read.replace('"csv"\n', "\"csv\"\nfile_pattern = '(?P<year>\\d{4})'\n", 1)
    _, records, _ = load(deliver, spec(read), {"of_2019.csv": "area,place,n\nEast,A,1\n"})
    assert records == [("2018-12-31T23", "9e", "A", 1, None)]
    lake = deliver({"odd/none.csv": "area,place,n\nEast,A,1\n"}, odd=spec(read))
    assert "none.csv" in lake.load("odd").failures[0]


def test_three_rows_of_headers(deliver):
    read = REPEATS.replace('"csv"\n', '"csv"\nheader_rows = 3\nseparator = "\\t"\n', 1)
    read = read.replace('n = "n"', 'n = "people/all"\nm = "people/foreign"')
    text = "day\tarea\tplace\tpeople\tpeople\nday\tarea\tplace\tall\tforeign\n"
    text += "day\tarea\tplace\tall\tforeign\n20220101\tEast\tA\t1\t2\n"
    assert load(deliver, spec(read), {"a.csv": text})[1] == [("2021-12-31T23", "9e", "A", 1, 2)]


POINTS = """
files = "*.json"
format = "json"
records = "info.row"
time = { constant = "2022-01-01", formats = "%Y-%m-%d" }
[read.area]
level = "block"
lon = "X"
lat = "Y"
within = { level = "district", header = "D" }
[read.columns]
place = "P"
n = { header = "N", pattern = '(\\d+) racks' }
"""


def test_positions_count_within_the_district_named(deliver):
    places = [
        {"P": "a", "D": "East", "X": "1.2", "Y": "0.5", "N": "12 racks"},
        {"P": "b", "D": "West", "X": "1.2", "Y": "0.5", "N": None},
        {"P": "c", "D": "West", "X": "0.9", "Y": "0.5", "N": "1 racks"},
        {"P": "d", "D": "East", "X": "0.0", "Y": "", "N": "1 racks"},
        {"P": "e", "D": "North", "X": "1.2", "Y": "0.5", "N": "1 racks"},
        "no record",
    ]
    content = json.dumps({"info": {"row": places}})
    report, records, lake = load(deliver, spec(POINTS), {"a.json": content})
    assert [row[1:4] for row in records] == [
        ("9e", "d", 1),
        ("9e1", "a", 12),
        ("9w", "b", None),
        ("9w", "c", 1),
    ]
    assert (report.read, report.set_aside) == (6, 2)
    assert [row["line"] for row in lake.set_aside("odd").to_pylist()] == [5, 6]


@pytest.mark.parametrize("text", ["[", '{"info": 3}', '{"error": "no key"}', "null"])
def test_json_that_holds_no_records_is_named(deliver, text):
    lake = deliver({"odd/a.json": text}, odd=spec(POINTS))
    assert "a.json" in lake.load("odd").failures[0]


def test_points_as_text(deliver):
    read = POINTS.replace('lon = "X"\nlat = "Y"\nwithin = { level = "district", header = "D" }', "")
    read = read.replace('level = "block"', 'level = "block"\npoint = "G"')
    rows = [
        {"P": "a", "G": "POINT (1.7 0.5)", "N": ""},
        {"P": "b", "G": "POINT (0.7 0.5)", "N": ""},
        {"P": "c", "G": "POINT EMPTY", "N": ""},
    ]
    report, records, _ = load(deliver, spec(read), {"a.json": json.dumps({"info": {"row": rows}})})
    assert [row[1:3] for row in records] == [("9e2", "a"), ("9w", "b")]
    assert report.set_aside == 1


def test_stations_by_a_register(deliver):
    read = REPEATS.replace(
        '{ level = "district", header = "area" }',
        '{ level = "block", register = "places.csv", keys = ["place"], unknown = "outside" }',
    )
    lake = deliver({}, odd=spec(read))
    (lake.city.folder / "places.csv").write_text("place,lon,lat\nA,1.2,0.5\nB,,\nC,50,50\n")
    text = "day,place,n\n20220101,A,1\n20220101,B,2\n20220101,C,3\n20220101,D,4\n"
    report, records, lake = load(deliver, spec(read, key='["time", "place"]'), {"a.csv": text})
    assert [row[1:4] for row in records if row[1]] == [("9e1", "A", 1)]
    assert sorted(row[2] for row in records if not row[1]) == ["B", "C"]
    assert lake.set_aside("odd").to_pylist()[0]["reason"] == "unknown place 'D'"
    assert report.set_aside == 1


def test_the_city_and_what_lies_outside(deliver):
    read = REPEATS.replace(
        'level = "district", header', 'level = "city", unknown = "outside", header'
    )
    text = "day,area,place,n\n20220101,Portville,A,1\n20220101,Elsewhere,B,2\n"
    _, records, _ = load(deliver, spec(read, key='["time", "place"]'), {"a.csv": text})
    assert [row[1] for row in records] in (["9", None], [None, "9"])


def test_excel(deliver):
    book = openpyxl.Workbook()
    for row in [["day", "area", "place", "n"], [20220101, "East", "A", 117.0], [None] * 4]:
        book.active.append(row)
    book.active.append([20220102, "East", None, 1.5])
    stream = io.BytesIO()
    book.save(stream)
    read = REPEATS.replace("csv", "xlsx")
    report, records, lake = load(deliver, spec(read), {"a.xlsx": stream.getvalue()})
    assert records == [("2021-12-31T23", "9e", "A", 117, None)]
    (aside,) = lake.set_aside("odd").to_pylist()
    assert (aside["line"], aside["raw"]) == (4, "20220102,East,,1.5")
    assert report.read == 2


@pytest.mark.parametrize("content", [b"PK\x03\x04 broken", b"day,area\n1,2\n"])
def test_what_is_no_excel_file_is_named(deliver, content):
    read = REPEATS.replace("csv", "xlsx")
    lake = deliver({"odd/a.xlsx": content}, odd=spec(read))
    assert "XLSX" in lake.load("odd").failures[0]


def parquet(**columns):
    stream = io.BytesIO()
    pq.write_table(pa.table(columns), stream)
    return stream.getvalue()


DAYS = [date(2022, 1, day) for day in (1, 1, 1, 2)]


@pytest.mark.parametrize("more", ["", 'repeats = "number"\n'])
def test_parquet(deliver, more):
    read = REPEATS.replace('"csv"', '"parquet"').replace("*.csv", "*.parquet")
    read = read.replace("%Y%m%d", "%Y-%m-%d") + 'm = { header = "x", null = ["-1"] }\n'
    content = parquet(
        day=DAYS,
        area=["East", "West", "North", "East"],
        place=[7, 7, 7, 8],
        n=pa.array([3, None, 5, 9007199254740993]),
        x=[1.0, -1.0, 2.0, 2.5],
    )
    report, records, lake = load(deliver, spec(read, more=more), {"a.parquet": content})
    assert records == [
        ("2021-12-31T23", "9e", "7", 3, 1),
        ("2021-12-31T23", "9w", "7", None, None),
    ]
    aside = lake.set_aside("odd").to_pylist()
    assert [(row["line"], row["reason"]) for row in aside] == [
        (3, "no district goes by 'North'"),
        (4, "m is not a whole number"),
    ]
    assert json.loads(aside[1]["raw"])["n"] == 9007199254740993
    assert report.read == 4


def test_times_in_parquet_are_instants_or_the_citys_clock(deliver):
    read = REPEATS.replace('"csv"', '"parquet"').replace("*.csv", "*.parquet")
    read = read.replace('"%Y%m%d"', '["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S%z"]')
    moments = [datetime(2022, 1, 1, 12), datetime(2022, 7, 1, 12)]
    names = {"area": ["East", "East"], "place": ["A", "B"], "n": [1, 2]}
    zone = pa.timestamp("us", "Asia/Seoul")
    content = {
        "a.parquet": parquet(day=moments, **names),
        "b.parquet": parquet(day=pa.array([m.replace(tzinfo=UTC) for m in moments], zone), **names),
    }
    _, records, _ = load(deliver, spec(read), content)
    assert [row[0] for row in records] == [
        "2022-01-01T11",
        "2022-01-01T12",
        "2022-07-01T10",
        "2022-07-01T12",
    ]


def test_a_running_total_that_collapses_is_left_out(deliver):
    text = "day,area,place,n\n" + "".join(
        f"2022010{day},East,A,{n}\n" for day, n in enumerate([4, 10, 0, 9, 1, 12], 1)
    )
    head = spec(REPEATS).replace(
        '"int64", min = 0, title = { fr = "N', '"int64", running = true, title = { fr = "N'
    )
    report, records, lake = load(deliver, head, {"a.csv": text})
    assert [row[3] for row in records] == [4, 10, None, 9, None, 12]
    assert (report.stored, report.set_aside) == (6, 0)
    assert [(row["line"], row["records"]) for row in lake.set_aside("odd").to_pylist()] == [
        (4, 0),
        (6, 0),
    ]
    assert lake.load("odd").duplicate == 6


def test_a_kind_that_follows_from_the_area(deliver):
    read = COUNTS.replace('gate = "gate"', 'gate = { level = ["district", "other"] }')
    read = read.replace('header = "district"', 'header = "district", unknown = "city"')
    lake = deliver(
        {"a.csv": "when,district,n,speed\n2022-01-01 00:00,East,1,1\n2022-01-01 01:00,Roof,1,1\n"},
        counts=read,
    )
    lake.load("counts")
    rows = lake.table("counts").read(["area", "gate"]).to_pylist()
    assert sorted((row["area"], row["gate"]) for row in rows) == [
        ("9", "other"),
        ("9e", "district"),
    ]


def test_names_that_stand_for_the_whole_city_are_written_down(deliver):
    read = COUNTS.replace('header = "district"', 'header = "district", whole = ["Roof"]')
    text = "when,district,gate,n,speed\n2022-01-01 00:00,Roof,A,1,1\n2022-01-01 01:00,Rooof,A,1,1\n"
    lake = deliver({"a.csv": text}, counts=read)
    report = lake.load("counts")
    assert (report.stored, report.set_aside) == (1, 1)
    assert lake.table("counts").read(["area"]).to_pylist() == [{"area": "9"}]
    assert lake.set_aside("counts").to_pylist()[0]["reason"] == "no district goes by 'Rooof'"


KEPT_UP = """
files = "*.csv"
format = "csv"
time = { header = "t", formats = "%Y-%m-%d %H" }
area = { level = "district", header = "area" }
[read.columns]
place = { constant = "all" }
n = { header = "n", latest = 2020-01-02 }
m = "m"
"""


def test_what_a_column_repeats_after_its_end_is_left_out_and_listed(deliver):
    text = "t,area,n,m\n2020-01-02 23,East,7,1\n2020-01-03 00,East,7,2\n2020-01-04 00,East,,3\n"
    report, records, lake = load(deliver, spec(KEPT_UP), {"a.csv": text})
    assert (report.read, report.stored, report.set_aside) == (3, 3, 0)
    assert [row[3:] for row in records] == [(7, 1), (None, 2), (None, 3)]
    assert [
        (row["line"], row["records"], row["reason"]) for row in lake.set_aside("odd").to_pylist()
    ] == [(3, 0, "n was kept up until 2020-01-02 only: taken as missing")]


@pytest.mark.parametrize("column", ["speed", "gate", "n"])
def test_a_header_may_be_missing_only_where_the_mapping_says_so(deliver, column):
    rule = {"speed": '"speed", null = ["-"]', "gate": '"gate"', "n": '"n"'}[column]
    old = f"{column} = {{ header = {rule} }}" if column == "speed" else f"{column} = {rule}"
    spec = COUNTS.replace(old, f"{column} = {{ header = {rule}, optional = true }}")
    names = HEADER.strip().split(",")
    place = names.index(column)
    row = ["2022-01-05 07:00", "East", "A", "3", "1"]
    without = [",".join(cells[:place] + cells[place + 1 :]) for cells in (names, row)]
    files = {"a.csv": "\n".join(without) + "\n"}
    [fault] = deliver(files).load("counts").failures
    assert f"no column '{column}'" in fault
    assert "optional = true" in fault
    lake = deliver(files, counts=spec)
    report = lake.load("counts")
    assert report.failures == ()
    if column == "speed":
        assert lake.table("counts").read(["n", "speed"]).to_pylist() == [{"n": 3, "speed": None}]
    else:  # a part of the key, or required
        assert lake.set_aside("counts")["reason"].to_pylist() == [f"{column} is missing"]
    plain = deliver({}, counts=spec.replace(", optional = true", ""))
    digests = {digest_of_mapping(one.spec("counts"), one.city) for one in (lake, plain)}
    assert len(digests) == 1  # no table is made anew for it
