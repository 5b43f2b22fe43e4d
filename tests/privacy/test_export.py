import pytest
from support.town import build_town

from citylib.city.settings import Settings
from citylib.indicators.cube import CubeMissing
from citylib.indicators.refresh import run_compute
from citylib.lake.report import run_load
from citylib.privacy.export import PublicExport


@pytest.fixture
def town(tmp_path) -> Settings:
    settings = build_town(tmp_path)
    declare(
        settings,
        lambda text: text.replace(
            'units = "1"\n\n[mean]', 'units = "1"\nclassification = "internal"\n\n[mean]'
        ),
    )
    run_load(settings, ())
    run_compute(settings)
    return settings


def declare(settings, change):
    path = settings.profile / "indicators" / "all.toml"
    path.write_text(change(path.read_text()))


def classify(settings, classification):
    path = settings.profile / "datasets" / "counts.toml"
    path.write_text(path.read_text().replace('"public"', f'"{classification}"'))


def test_only_what_is_public_leaves(town):
    export = PublicExport.open(town)
    assert export.ids() == ["mean"]
    assert export.read("mean").attrs["classification"] == "public"


@pytest.mark.parametrize("name", ["total", "nothing"])
def test_what_is_not_public_looks_as_if_it_were_not_there(town, name):
    with pytest.raises(CubeMissing, match=f"^there is no public indicator '{name}'$"):
        PublicExport.open(town).read(name)


@pytest.mark.parametrize(
    "change",
    [
        lambda town: classify(town, "internal"),
        lambda town: declare(town, lambda text: text.replace("[mean]", "[other]")),
        lambda town: declare(town, lambda text: text + 'classification = "internal"\n'),
        lambda town: declare(town, lambda text: text.replace('"mean"\nfreq', '"max"\nfreq')),
    ],
    ids=["records closed", "withdrawn", "closed", "declared otherwise"],
)
def test_what_changed_since_the_figures_were_made_does_not_leave(town, change):
    change(town)
    export = PublicExport.open(town)
    assert export.ids() == []
    assert export.empty
    with pytest.raises(CubeMissing):
        export.read("mean")


def test_what_was_internal_does_not_leave_before_it_is_computed_again(town):
    declare(town, lambda text: text.replace('classification = "internal"\n', ""))
    assert PublicExport.open(town).ids() == ["mean"]
    run_compute(town)
    assert PublicExport.open(town).ids() == ["total", "mean"]


def test_an_empty_cube_exports_nothing(tmp_path):
    assert PublicExport.open(build_town(tmp_path)).empty
