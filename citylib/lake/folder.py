"""Files of a dataset, and what tells whether they must be read."""

from __future__ import annotations

import fnmatch
import hashlib
from collections.abc import Iterator
from pathlib import Path

from citylib.city.datasets import DatasetSpec
from citylib.city.mapping import AreaRule, Source
from citylib.city.profile import City
from citylib.lake.schema import LOADS, SET_ASIDE, delta_schema

READER = "5"
"""Raised when the code that reads files comes to read them differently: tables are made anew."""

PLAIN = (".csv", ".tsv", ".txt", ".json")
PACKED = 16
"""How much smaller other files may be than what is in them."""


def digested(files: list[tuple[Path, Source]]) -> Iterator[tuple[Path, Source, str | OSError]]:
    """Files with a digest of name and bytes, or why they cannot be read."""
    for path, source in files:
        try:
            yield path, source, _digest(path)
        except OSError as error:
            yield path, source, error


def _digest(path: Path) -> str:
    """SHA-256 of a file's name and bytes."""
    digest = hashlib.sha256(path.name.encode() + b"\0")
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def files_of(spec: DatasetSpec, failures: list[str]) -> list[tuple[Path, Source]]:
    """Files of a dataset with the way to read each; what is missing goes to the failures."""
    there = sorted(spec.folder.iterdir()) if spec.folder.is_dir() else []
    result: dict[Path, Source] = {}
    for source in spec.read:
        for pattern in source.files:
            found = [path for path in there if fnmatch.fnmatchcase(path.name, pattern)]
            if not found:
                failures.append(
                    f"{spec.folder / pattern}: there is no such file; fetch it from the publisher "
                    f"or mend `files` in {spec.path}"
                )
            for path in found:
                result.setdefault(path, source)
    for path in there:
        if path not in result and not path.name.startswith("."):
            failures.append(f"{path}: no `files` in {spec.path} names it; say how it is read")
    return sorted(result.items(), key=lambda item: item[0].name)


def size_of(spec: DatasetSpec) -> int:
    """Bytes of a dataset's files; of packed ones about what they are unpacked."""
    there = spec.folder.iterdir() if spec.folder.is_dir() else ()
    return sum(
        path.stat().st_size * (1 if path.suffix in PLAIN else PACKED)
        for path in there
        if path.is_file()
    )


def digest_of_mapping(spec: DatasetSpec, city: City) -> str:
    """Digest of all that decides how a file becomes records, and what tables say of themselves."""
    digest = hashlib.sha256(READER.encode() + city.timezone.encode())
    apart = {"folder", "path", "window", "partition"}  # these say only where records are kept
    digest.update(spec.model_dump_json(exclude=apart).encode())
    for schema in (delta_schema(spec), SET_ASIDE, LOADS):
        digest.update(schema.serialize().to_pybytes())
    levels: set[str] = set()
    for source in spec.read:
        rule: AreaRule | None = source.area
        while rule is not None:
            levels.add(rule.level)
            if rule.register_ and (path := city.folder / rule.register_).is_file():
                digest.update(path.read_bytes())
            rule = rule.within
    for level in city.levels.values():
        if levels - {"city"}:
            digest.update(level.table.read_bytes() + level.boundary.read_bytes())
    return digest.hexdigest()
