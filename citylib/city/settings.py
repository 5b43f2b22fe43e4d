"""Where this installation finds its city's profile and keeps its state.

Settings are read once and passed on; nothing in the platform reads the environment elsewhere.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from citylib.city.errors import SettingsError

FILE = "citylib.toml"
KEYS = ("profile", "var", "lake", "cube", "public", "database")


class Settings(BaseModel):
    """Places of an installation.

    Attributes
    ----------
    root : Path
        Folder of `citylib.toml`; relative paths in it start here.
    profile : Path
        Folder of the city's profile.
    var : Path
        Folder for state: everything the platform writes unless told otherwise.
    lake, cube : str
        Folder or object-storage URI of the record tables and of the cube.
    public : Path
        Folder of the published pages.
    database : str
        SQLAlchemy URL of the operations store.

    Examples
    --------
    >>> settings = Settings.load()  # doctest: +SKIP
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    root: Path
    profile: Path
    var: Path
    lake: str
    cube: str
    public: Path
    database: str

    @property
    def secrets(self) -> Path:
        """Folder of the secrets, which are for their owner alone."""
        return self.var / "secrets"

    @classmethod
    def load(cls, start: Path | None = None) -> Settings:
        """Read `citylib.toml` and the environment.

        Parameters
        ----------
        start : Path, optional
            Folder to look for `citylib.toml` in and above; by default the file named by
            `CITYLIB_CONFIG`, else the working directory and above, else the folder of the package.

        Raises
        ------
        SettingsError
            No file was found, or it has a key or a value that does not belong there.
        """
        path = _find(start)
        try:
            values = tomllib.loads(path.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(f"{path}: not readable as TOML: {error}") from None
        for key in values:
            if key not in KEYS:
                raise SettingsError(f"{path}: unknown key {key!r}; known are {', '.join(KEYS)}")
        for key in KEYS:
            if value := os.environ.get(f"CITYLIB_{key.upper()}"):
                values[key] = value
        if "profile" not in values:
            raise SettingsError(f'{path}: key "profile" is missing: name the folder of the city')
        root = path.parent
        var = root / values.get("var", "var")
        try:
            return cls(
                root=root,
                profile=root / values["profile"],
                var=var,
                lake=_place(root, values.get("lake"), var / "lake"),
                cube=_place(root, values.get("cube"), var / "cube"),
                public=root / values.get("public", var / "public"),
                database=values.get("database", f"sqlite:///{var / 'operations.db'}"),
            )
        except (ValidationError, TypeError) as error:
            raise SettingsError(f"{path}: {error}") from None


def _place(root: Path, value: str | None, default: Path) -> str:
    if value is None:
        return str(default)
    return value if "://" in value else str(root / value)


def _find(start: Path | None) -> Path:
    if start is None and (named := os.environ.get("CITYLIB_CONFIG")):
        path = Path(named).resolve()
        if not path.is_file():
            raise SettingsError(f"CITYLIB_CONFIG names {path}, which is not there")
        return path
    here = (start or Path.cwd()).resolve()
    folders = [here, *here.parents]
    if start is None:
        folders.append(Path(__file__).resolve().parents[2])
    for folder in folders:
        if (folder / FILE).is_file():
            return folder / FILE
    raise SettingsError(f"no {FILE} in {here} or above; write one with the key profile")
