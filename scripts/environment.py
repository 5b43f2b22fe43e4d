"""Write the conda environments from the lock, so that conda and uv install the same versions."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
TARGETS = {"environment.yml": ".", "binder/environment.yml": ".."}

HEAD = """\
# Made from requirements.lock by `make lock`; change pyproject.toml, not this file.
#   conda env create -f environment.yml && conda activate citylib
name: citylib
channels:
  - conda-forge
dependencies:
  - python=3.11
  - pip
  - pip:
"""


def pins(lock: str) -> list[str]:
    """Each `name==version` of a lock, extras left out, in its order."""
    return re.findall(r"^([A-Za-z0-9_.-]+==[^\s\\;]+)", re.sub(r"\[[^]]*\]", "", lock), re.M)


def main() -> None:
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    for name, checkout in TARGETS.items():
        lines = [*pins(lock), f"-e {checkout}"]
        (ROOT / name).write_text(HEAD + "".join(f"      - {line}\n" for line in lines), "utf-8")


if __name__ == "__main__":
    main()
