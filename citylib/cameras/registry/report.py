"""`citylib camera list`, `import` and `check`, in words."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from citylib.cameras.registry.imports import run_import, told_aside
from citylib.cameras.registry.read import read_cameras
from citylib.city.profile import load_city
from citylib.city.settings import Settings


def run_list(settings: Settings) -> bool:
    """Print the cameras, without addresses; whether no row was set aside."""
    city = load_city(settings.profile)
    cameras = read_cameras(settings, city)
    for camera in cameras.known.values():
        who = "|".join(sorted(camera.viewers))
        place = f"{camera.lon:.5f} {camera.lat:.5f}"
        print(f"{camera.id}\t{camera.name_in(city.languages[0])}\t{place}\t{camera.source}\t{who}")
    print(f"{len(cameras.known):,} cameras, {len(cameras.aside):,} set aside")
    print("\n".join(told_aside(cameras.aside)), end="\n" if cameras.aside else "")
    return not cameras.aside


def run_import_of(settings: Settings, path: Path, address: str | None, places: Path | None) -> bool:
    """Import a file and print what came of it; whether no row was set aside."""
    new = run_import(settings, path, address, places)
    read = len(new.known) + len(new.aside)
    print(f"{read:,} rows read = {len(new.known):,} cameras + {len(new.aside):,} set aside")
    print("\n".join(told_aside(new.aside)), end="\n" if new.aside else "")
    return not new.aside


def run_check(settings: Settings) -> bool:
    """Print what is wrong with the list of cameras and with what it names; whether nothing is.

    No camera is asked.
    """
    from citylib.cameras.gateway.targets import Targets

    city = load_city(settings.profile)
    cameras = read_cameras(settings, city)
    targets = Targets(settings, cameras.rules)
    faults = [str(one) for one in cameras.aside]
    for camera in cameras.known.values():
        fault = targets.fault_of(camera)
        if fault:
            faults.append(f"{camera.id}: {fault}")
    count = Counter(camera.source for camera in cameras.known.values())
    sorts = ", ".join(f"{number:,} {source}" for source, number in count.most_common())
    print(f"{len(cameras.known):,} cameras ({sorts or 'none'}), {len(faults):,} faults")
    for fault in faults:
        print(f"  {fault}")
    return not faults
