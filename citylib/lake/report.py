"""`citylib load`: load, and print a true account."""

from __future__ import annotations

from collections import Counter

from rich.console import Console
from rich.table import Table as Grid

from citylib.city.errors import CityError
from citylib.city.profile import load_city
from citylib.city.settings import Settings
from citylib.lake.delivery import LoadReport
from citylib.lake.lake import Lake
from citylib.lake.several import load_each
from citylib.lake.store import reasons

NUMBERS = ("read", "stored", "duplicate", "set_aside")
REASONS = 6


def run_load(settings: Settings, names: tuple[str, ...] = ()) -> None:
    """Load datasets and print what became of every record.

    Parameters
    ----------
    settings : Settings
        Where the profile and the lake are.
    names : tuple of str
        Datasets; none: all of the profile.

    Raises
    ------
    CityError
        A file could not be read at all or a dataset not be stored (the rest is loaded), or a name
        is unknown.
    """
    city = load_city(settings.profile)
    lake = Lake(settings.lake, city, settings.secrets)
    for name in names:
        if name not in city.datasets:
            known = ", ".join(city.datasets)
            raise CityError(f"the profile has no dataset {name!r}; it has {known}")
    console = Console()
    reports, faults = [], []
    with console.status("") as status:
        wanted = list(dict.fromkeys(names or city.datasets))
        status.update(f"loading {', '.join(wanted[:3])}{' …' if len(wanted) > 3 else ''}")
        for done, (name, report) in enumerate(load_each(lake, wanted), 1):
            status.update(f"loading: {done} of {len(wanted)} datasets done")
            if isinstance(report, CityError):  # the other datasets can do nothing for it
                faults.append(f"{name}: {report}")
            else:
                reports.append(report)
    reports.sort(key=lambda report: wanted.index(report.dataset))
    console.print(_grid(reports))
    _print_reasons(console, lake, reports)
    failures = [sentence for report in reports for sentence in report.failures]
    if failures:
        count = f"{len(failures)} file{'s' if len(failures) > 1 else ''}"
        faults += [f"{count} could not be read; the rest is loaded:", *failures]
    if faults:
        raise CityError("\n".join(faults))


def run_compact(settings: Settings, names: tuple[str, ...] = ()) -> None:
    """Compact tables and print what was done.

    Parameters
    ----------
    settings : Settings
        Where the profile and the lake are.
    names : tuple of str
        Datasets; none: all that have a table.

    Raises
    ------
    CityError
        Tables could not be compacted; the others are.
    """
    lake = Lake(settings.lake, load_city(settings.profile))
    console = Console()
    grid = Grid(box=None, pad_edge=False)
    for title in ("dataset", "late records", "files before", "after", "old removed", "seconds"):
        grid.add_column(title, justify="left" if title == "dataset" else "right", no_wrap=True)
    faults = []
    with console.status("") as status:
        for name in names or lake.datasets():
            status.update(f"compacting {name} …")
            try:
                done = lake.compact(name)
            except CityError as error:
                faults.append(f"{name}: {error}")
                continue
            numbers = (done.late, done.before, done.after, done.cleaned)
            grid.add_row(name, *(f"{number:,}" for number in numbers), f"{done.seconds:.1f}")
    console.print(grid)
    if faults:
        raise CityError("\n".join(faults))


def _grid(reports: list[LoadReport]) -> Grid:
    grid = Grid(box=None, pad_edge=False)
    for title in ("dataset", "files", "read", "stored", "duplicate", "set aside", "seconds"):
        grid.add_column(title, justify="left" if title == "dataset" else "right", no_wrap=True)
    for report in reports:
        grid.add_row(
            report.dataset,
            f"{report.files:,}",
            *(f"{getattr(report, name):,}" for name in NUMBERS),
            f"{report.seconds:.1f}",
        )
    grid.add_section()
    grid.add_row(
        "total",
        f"{sum(report.files for report in reports):,}",
        *(f"{sum(getattr(report, name) for report in reports):,}" for name in NUMBERS),
        f"{sum(report.seconds for report in reports):.1f}",
        style="bold",
    )
    return grid


def _print_reasons(console: Console, lake: Lake, reports: list[LoadReport]) -> None:
    """Why records were set aside: reason, how many, and where to look at one of them."""
    for report in reports:
        found = reasons(lake.uri, report.dataset, report.digests)
        place = {one["reason"]: f"{one['file']}:{one['line']}" for one in found}
        for name, what in (("records", "set aside"), ("values", "values left out")):
            count = Counter({one["reason"]: one[name] for one in found if one[name]})
            if count:
                console.print(f"\n{report.dataset}: {count.total():,} {what}", style="bold")
                _print_counted(console, count, place)


def _print_counted(console: Console, count: Counter[str], place: dict[str, str]) -> None:
    top = count.most_common(REASONS)
    lines = [f"  {number:>9,}  {reason}  ({place[reason]})" for reason, number in top]
    if len(count) > REASONS:
        rest = count.total() - sum(number for _, number in top)
        lines.append(f"  {rest:>9,}  {len(count) - REASONS} other reasons")
    for line in lines:
        console.print(line, highlight=False, markup=False, soft_wrap=True)
