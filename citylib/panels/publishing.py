"""Publishing notebooks as dashboards, to roles, version by version; and taking them back.

What was published stays: the operations store says which version of which notebook was shown to
whom, the notebooks are files named by their contents.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from citylib.access.roles import GROUPS, Role
from citylib.city.settings import Settings
from citylib.operations.dashboards import PUBLISHED, RESTORED, TAKEN_BACK, Version
from citylib.operations.store import Store
from citylib.panels.dashboards import HOME, READERS, ROLES, bundled, folder
from citylib.panels.rehearsal import NotPublished, name_of, read, strip

LARGEST = 5_000_000
"""Bytes of a notebook, without its outputs."""


def publish(
    settings: Settings,
    name: str,
    text: str,
    roles: Sequence[str] = ROLES,
    *,
    actor: str,
    replace: bool = False,
) -> Version:
    """Show a notebook to roles from now on.

    Parameters
    ----------
    settings : Settings
        The installation.
    name : str
        Name of the notebook; in small letters it becomes the dashboard's.
    text : str
        The notebook, as `prepared` gives it.
    roles : sequence of {"mayor", "official"}
        Who may open it.
    actor : str
        Who publishes it; the audit log says so.
    replace : bool
        Take the place of somebody else's of the same name. One's own needs no leave.

    Raises
    ------
    NotPublished
        The name does not do or is somebody else's, there is no such role, or it is no notebook.

    Examples
    --------
    >>> publish(settings, "air.ipynb", text, ["mayor"], actor="kim")  # doctest: +SKIP
    """
    name = name_of(name)
    if name in (HOME, *(path.name for path in bundled(settings))):
        raise NotPublished(f"{name} is the platform's own; give yours another name")
    if len(text.encode()) > LARGEST:
        raise NotPublished(f"{name} has more than {LARGEST // 1_000_000} MB without its outputs")
    chosen = _roles(roles)
    cells = read(text, name)
    strip(cells)
    cells.metadata.pop(READERS, None)
    there = folder(settings) / name

    def allowed(newest: Version | None) -> None:
        mine = newest is not None and (newest.actor == actor or not newest.shown)
        if there.exists() and not mine and not replace:
            whose = f" of {newest.actor}" if newest else ""
            raise NotPublished(
                f"there is a dashboard {name}{whose} already; replace it, or rename yours"
            )

    written = nbformat.writes(cells)
    return _turn(settings, actor, PUBLISHED, name, _keep(settings, written), chosen, allowed)


def restore(
    settings: Settings, name: str, version: int, roles: Sequence[str] | None = None, *, actor: str
) -> Version:
    """Show an earlier version of a dashboard again, as a new one.

    Parameters
    ----------
    settings, name, actor
        As for `publish`.
    version : int
        Which; `history` tells them.
    roles : sequence of str, optional
        Who may open it; by default those that could then.

    Raises
    ------
    NotPublished
        There is no such version, or its notebook is not there any more.
    """
    name = name_of(name)
    found = {one.version: one for one in history(settings, name)}
    if version not in found:
        known = ", ".join(map(str, sorted(found)))
        raise NotPublished(f"{name} has no version {version}; it has {known}")
    one = found[version]
    _notebook(settings, one)
    chosen = _roles(one.roles if roles is None else roles)
    return _turn(settings, actor, RESTORED, name, one.digest, chosen)


def take_back(settings: Settings, name: str, *, actor: str) -> Version:
    """Show a dashboard to nobody any more. Its versions stay, and can be restored.

    Raises
    ------
    NotPublished
        It is not shown.
    """
    name = name_of(name)
    newest = history(settings, name)[0]

    def allowed(now: Version | None) -> None:
        if now is None or not now.shown:
            raise NotPublished(f"{name} is taken back already")

    return _turn(settings, actor, TAKEN_BACK, name, newest.digest, newest.roles, allowed)


def history(settings: Settings, name: str) -> list[Version]:
    """Versions of a dashboard, newest first.

    Raises
    ------
    NotPublished
        Nothing was ever published under this name.
    """
    name = name_of(name)
    with _store(settings) as store:
        found = store.dashboards.history(name)
    if not found:
        raise NotPublished(f"nobody has published {name}; see citylib dashboard list")
    return found


def newest(settings: Settings) -> list[Version]:
    """The newest version of each dashboard that is shown, by name."""
    with _store(settings) as store:
        return [version for version in store.dashboards.newest() if version.shown]


def put_right(settings: Settings) -> None:
    """Have the folder of shown dashboards say what the operations store does.

    For a start after a crash or from a backup. What was never published here stays.
    """
    with _store(settings) as store:
        for version in store.dashboards.newest():
            try:
                _show(settings, version)
            except NotPublished:  # its notebook is lost; readers are told that it is not there
                (folder(settings) / version.name).unlink(missing_ok=True)


def _turn(
    settings: Settings,
    actor: str,
    action: str,
    name: str,
    digest: str,
    roles: Sequence[str],
    allowed: Any = lambda _newest: None,
) -> Version:
    with _store(settings) as store:
        return store.dashboards.append(
            *(actor, action, name, digest, roles),
            allowed=allowed,
            done=lambda version: _show(settings, version),
        )


def _show(settings: Settings, version: Version) -> None:
    """Make a version the file that is shown; who may open it is in the file, so both change
    together.
    """
    target = folder(settings) / version.name
    if not version.shown:
        target.unlink(missing_ok=True)
        return
    cells = _notebook(settings, version)
    cells.metadata[READERS] = [GROUPS[role] for role in _roles(version.roles)]
    _write(target, nbformat.writes(cells))


def _keep(settings: Settings, text: str) -> str:
    """Keep a notebook under the digest of its contents."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    _write(_place(settings, digest), text)
    return digest


def _notebook(settings: Settings, version: Version) -> NotebookNode:
    where = f"version {version.version} of {version.name}"
    path = _place(settings, version.digest)
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise NotPublished(f"{where}: {path} cannot be read: {error.strerror}") from None
    if hashlib.sha256(text.encode()).hexdigest() != version.digest:
        raise NotPublished(f"{where}: {path} is not as it was published; bring it from a backup")
    return read(text, where)


def _place(settings: Settings, digest: str) -> Path:
    return settings.var / "dashboard-versions" / f"{digest}.ipynb"


def _write(target: Path, text: str) -> None:
    """Who reads it meanwhile reads the one before."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=target.parent, prefix=".", suffix=".new", delete=False
    ) as new:
        new.write(text)
    Path(new.name).chmod(0o644)
    Path(new.name).replace(target)


@contextmanager
def _store(settings: Settings) -> Iterator[Store]:
    with Store(settings.database) as store:
        store.migrate()
        yield store


def _roles(roles: Sequence[str]) -> list[Role]:
    known = [role for role in ROLES if role in roles]
    if not known or set(roles) - set(known):
        raise NotPublished(
            f"{', '.join(roles) or 'nobody'}: a dashboard is published to {' or '.join(ROLES)}, "
            "or to both"
        )
    return known
