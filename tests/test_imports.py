"""The house's rule: which room may import which."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "citylib"

BASE = {"city"}
PANELS = {
    "city", "look", "operations", "access", "lake", "feeds", "indicators", "privacy", "cameras",
    "conference",
}  # fmt: skip
MAY_IMPORT = {
    "city": set(),
    "serving": set(),
    "look": BASE,
    "operations": BASE,
    "access": {"operations", "city"},
    "lake": {"operations", "city"},
    "feeds": {"lake", "operations", "city"},
    "indicators": {"lake", "operations", "city"},
    "privacy": {"indicators", "lake", "operations", "city"},
    "cameras": {"access", "operations", "look", "city"},
    "conference": {"cameras", "access", "operations", "look", "city"},
    "panels": PANELS,
    "command": {"panels"} | PANELS,
    "publish": {"look", "panels", "privacy", "city"},
    "hub": {"command", "panels", "publish", "serving"} | PANELS,
    "cli": {"hub", "command", "panels", "publish", "serving"} | PANELS,
}
ROOMS = sorted(p.name for p in PACKAGE.iterdir() if p.is_dir() and (p / "__init__.py").exists())


def imported_rooms(path: Path) -> set[str]:
    """Rooms of citylib that a file names in an import, wherever in the file it stands."""
    names = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: write imports in full"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return {name.split(".")[1] for name in names if name.startswith("citylib.")}


def test_every_room_has_a_rule():
    assert set(ROOMS) <= set(MAY_IMPORT)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_what_it_may(room):
    for path in sorted((PACKAGE / room).rglob("*.py")):
        beyond = imported_rooms(path) - MAY_IMPORT[room] - {room}
        assert not beyond, f"{path.relative_to(PACKAGE)} imports {sorted(beyond)}"


def test_no_file_of_the_package_names_a_city():
    profiles = [path.name for path in (PACKAGE.parent / "cities").iterdir() if path.is_dir()]
    for path in PACKAGE.rglob("*"):
        if path.suffix in {".py", ".js", ".css", ".html", ".j2", ".toml"}:
            code = "\n".join(
                line for line in path.read_text("utf-8").lower().splitlines() if ">>>" not in line
            )
            for name in profiles:
                assert name not in code, f"{path} names the city {name}"
