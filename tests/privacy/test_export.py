import pytest

from citylib.indicators.cube import Cube, CubeMissing
from citylib.privacy.export import PublicExport
from tests.indicators.conftest import make_figures


@pytest.fixture
def export(tmp_path):
    figures = {
        name: make_figures(name).assign_attrs(classification=name)
        for name in ("public", "internal", "personal")
    }
    figures["unsaid"] = make_figures("unsaid")
    cube = Cube(str(tmp_path / "cube"))
    cube.write(figures, {})
    return PublicExport(cube)


def test_only_what_is_public_leaves(export):
    assert export.ids() == ["public"]
    assert export.read("public").attrs["classification"] == "public"


@pytest.mark.parametrize("name", ["internal", "personal", "unsaid", "nothing"])
def test_what_is_not_public_looks_as_if_it_were_not_there(export, name):
    with pytest.raises(CubeMissing, match=f"^there is no public indicator '{name}'$"):
        export.read(name)


def test_an_empty_cube_exports_nothing(tmp_path):
    assert PublicExport(Cube(str(tmp_path / "none"))).empty
