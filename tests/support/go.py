"""Programs in Go that tests and benchmarks start, built from Debian's packages."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
DEBIAN = Path("/usr/share/gocode")
BUILT = CHECKOUT / ".tools" / "go"


@cache
def built(folder: Path) -> Path:
    """The program of a folder with Go files; the test is skipped where there is no Go."""
    if not shutil.which("go"):
        pytest.skip("go is not installed: the Debian package is golang-go (make system)")
    BUILT.mkdir(parents=True, exist_ok=True)
    program = BUILT / folder.name
    own = BUILT / "gopath"
    _link_versions(own)
    environment = os.environ | {
        "GO111MODULE": "off",
        "GOPATH": f"{own}:{DEBIAN}",
        "GOCACHE": str(BUILT / "cache"),
        "GOFLAGS": "",
    }
    made = subprocess.run(
        ["go", "build", "-o", program, "."],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    if made.returncode:
        pytest.fail(f"{folder} cannot be built:\n{made.stderr}")
    return program


def _link_versions(own: Path) -> None:
    """Debian has pion's packages without the `/v3` that they import one another with."""
    pion = DEBIAN / "src/github.com/pion"
    for name, version in (("webrtc", "v3"),):
        source, link = pion / name, own / "src/github.com/pion" / name / version
        if source.is_dir() and not link.exists():
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(source)
