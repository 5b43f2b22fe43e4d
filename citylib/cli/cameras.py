"""Commands for cameras."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def camera() -> None:
    """Cameras: which there are, and the service that brings their pictures."""


@camera.command("list")
@click.pass_obj
def camera_list(settings: Any) -> None:
    """The cameras, without their addresses. The exit status is 1 if a row was set aside."""
    from citylib.cameras.registry.report import run_list

    sys.exit(0 if run_list(settings()) else 1)


@camera.command("import")
@click.argument("file", type=FILE)
@click.option("--address", help="ONVIF: address of the pictures, with {host} for the device.")
@click.option("--places", type=FILE, help="ONVIF: CSV with id, lon, lat and names.")
@click.pass_obj
def camera_import(settings: Any, file: Path, address: str | None, places: Path | None) -> None:
    """Take in cameras from a CSV, JSON or ONVIF (XML) file.

    The exit status is 1 if a row was set aside.
    """
    from citylib.cameras.registry.report import run_import_of

    sys.exit(0 if run_import_of(settings(), file, address, places) else 1)


@camera.command("check")
@click.pass_obj
def camera_check(settings: Any) -> None:
    """What is wrong with the list of cameras. The exit status is 1 if something is."""
    from citylib.cameras.registry.report import run_check

    sys.exit(0 if run_check(settings()) else 1)


@camera.command("run")
@click.pass_obj
def camera_run(settings: Any) -> None:
    """The service that brings pictures, until Ctrl-C. The hub starts it by itself."""
    from citylib.cameras.gateway.service import run_gateway

    run_gateway(settings())


@camera.command("simulate")
@click.option("--port", type=int, default=0, help="Port on this machine; by default a free one.")
@click.pass_obj
def camera_simulate(settings: Any, port: int) -> None:
    """Simulated cameras on this machine, until Ctrl-C. The hub starts them by itself."""
    from citylib.cameras.simulator.service import run_simulator

    run_simulator(settings(), port)
