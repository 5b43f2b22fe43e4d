"""Figures from records in object storage."""

from support.store import serving
from support.town import build_town

from citylib.city.profile import load_city
from citylib.city.settings import Settings
from citylib.indicators.cube import Cube
from citylib.indicators.refresh import run_compute
from citylib.lake import Lake
from citylib.lake.report import run_load


def test_figures_come_from_a_lake_in_object_storage(tmp_path, monkeypatch):
    root = build_town(tmp_path).root
    file = root / "citylib.toml"
    file.write_text(file.read_text("utf-8") + 'lake = "s3://records/town"\n', "utf-8")
    settings = Settings.load(root)
    with serving() as store:
        for name, value in store.environment.items():
            monkeypatch.setenv(name, value)
        store.client().create_bucket(Bucket="records")
        run_load(settings)
        run_compute(settings)
        assert Lake(settings.lake, load_city(settings.profile)).table("counts").rows == 3
        for key in store.objects():
            store.client().delete_object(Bucket="records", Key=key)
    total = Cube(settings.cube).read("total").sel(time="2020-01-01", area="1")
    assert float(total) == 3
    assert not (settings.var / "lake").exists()
