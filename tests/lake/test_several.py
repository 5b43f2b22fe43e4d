"""Several datasets loaded at once."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from support.port import HEADER, build_port, write

from citylib.city.errors import CityError
from citylib.city.profile import load_city
from citylib.city.secrets import ensure_secret
from citylib.lake import Lake, several
from citylib.lake.folder import size_of
from citylib.lake.several import load_each

NAMES = ("counts", "east", "north", "zeal")


@pytest.fixture
def lake(tmp_path):
    profile = tmp_path / "port"
    build_port(profile)
    told = (profile / "datasets/counts.toml").read_text()
    write(profile, {f"datasets/{name}.toml": told for name in NAMES})
    for number, name in enumerate(NAMES, 1):
        rows = "".join(f"2022-01-05 0{hour}:00,East,A,3,1\n" for hour in range(number))
        write(profile, {f"records/{name}/a.csv": HEADER + rows})
    return Lake(str(tmp_path / "lake"), load_city(profile))


@pytest.mark.parametrize("small", [0, 1 << 20])
def test_each_is_stored_whatever_its_size(lake, monkeypatch, small):
    monkeypatch.setattr(several, "SMALL", small)
    reports = dict(load_each(lake, NAMES))
    assert [reports[name].stored for name in NAMES] == [1, 2, 3, 4]
    assert [lake.table(name).rows for name in NAMES] == [1, 2, 3, 4]


@pytest.mark.parametrize("small", [0, 1 << 20])
def test_one_that_fails_keeps_no_other_from_being_stored(lake, monkeypatch, small):
    monkeypatch.setattr(several, "SMALL", small)
    Path(lake.uri).mkdir()
    (Path(lake.uri) / "east").write_text("no folder")
    reports = dict(load_each(lake, NAMES))
    assert isinstance(reports.pop("east"), CityError)
    assert [report.stored for report in reports.values()] == [1, 3, 4]
    with pytest.raises(CityError, match="east"):
        lake.load_all()


def test_two_small_ones_are_loaded_at_the_same_time(lake, monkeypatch):
    both = Barrier(2, timeout=20)  # passed only if two wait for each other
    load = Lake.load

    def waiting(self, dataset):
        both.wait()
        return load(self, dataset)

    monkeypatch.setattr(Lake, "load", waiting)
    assert len(lake.load_all()) == 4


def test_packed_files_count_as_what_is_in_them(lake):
    spec = lake.spec("counts")
    plain = size_of(spec)
    (spec.folder / "b.csv.xz").write_bytes(b"x" * 1000)
    assert size_of(spec) == plain + 16_000


def test_threads_that_make_the_same_secret_have_the_same(tmp_path):
    for number in range(20):
        begin = Barrier(4)

        def made(_, folder=tmp_path / str(number), begin=begin):
            begin.wait()
            return ensure_secret(folder, "key").read_bytes()

        with ThreadPoolExecutor(4) as threads:
            secrets = set(threads.map(made, range(4)))
        assert len(secrets) == 1
        assert len(secrets.pop()) == 64
