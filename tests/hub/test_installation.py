from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography import x509

from citylib.city.errors import SettingsError
from citylib.city.secrets import SecretError, ensure_secret
from citylib.hub import ports, tls
from citylib.hub.demo import forget_stale_proxy
from citylib.hub.found import missing
from citylib.hub.installation import Installation
from citylib.hub.routes import first_page
from citylib.hub.spawner import prepare_workspace


def test_a_secret_is_made_once_for_its_owner_alone(tmp_path):
    path = ensure_secret(tmp_path / "secrets", "token")
    made = path.read_text()
    assert len(made) == 64
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert ensure_secret(tmp_path / "secrets", "token").read_text() == made
    assert [item.name for item in path.parent.iterdir()] == ["token"]
    path.chmod(0o640)
    with pytest.raises(SecretError, match="chmod 600"):
        ensure_secret(tmp_path / "secrets", "token")


def test_ports_stay_the_same_while_they_are_free(tmp_path):
    file = tmp_path / "hub" / "ports.json"
    chosen = ports.choose(file, "127.0.0.1")
    assert len({chosen.address, *chosen.inside()}) == 8
    assert ports.choose(file, "127.0.0.1").inside() == chosen.inside()
    with socket.create_server(("127.0.0.1", chosen.hub)):
        moved = ports.choose(file, "127.0.0.1")
    assert moved.hub != chosen.hub
    assert ports.read(file) == moved
    file.write_text('{"address": 1}')
    assert ports.read(file) is None


def test_the_address_takes_the_next_free_port(tmp_path):
    first = ports.choose(tmp_path / "a", "127.0.0.1").address
    with socket.create_server(("127.0.0.1", first)):
        assert ports.choose(tmp_path / "b", "127.0.0.1").address > first
        with pytest.raises(ports.PortError, match=str(first)):
            ports.choose(tmp_path / "c", "127.0.0.1", wanted=first)


def test_platforms_that_start_together_do_not_choose_the_same_address(tmp_path):
    chosen = {ports.choose(tmp_path / name, "127.0.0.1").address for name in "abc"}
    assert len(chosen) == 3


def test_a_certificate_names_the_machine_and_is_kept_while_it_covers(tmp_path):
    certificate, key = tls.ensure_certificate(tmp_path, ["city.example", "10.9.8.7"])
    assert key.stat().st_mode & 0o777 == 0o600
    made = x509.load_pem_x509_certificate(certificate.read_bytes())
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {"localhost", "city.example"} <= set(names.get_values_for_type(x509.DNSName))
    addresses = {str(address) for address in names.get_values_for_type(x509.IPAddress)}
    assert {"127.0.0.1", "10.9.8.7"} <= addresses
    before = certificate.read_bytes()
    tls.ensure_certificate(tmp_path, ["city.example"])
    assert certificate.read_bytes() == before
    tls.ensure_certificate(tmp_path, ["other.example"])
    assert certificate.read_bytes() != before


def test_a_certificate_that_runs_out_is_made_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(tls, "VALID", timedelta(days=20))
    certificate, _ = tls.ensure_certificate(tmp_path)
    monkeypatch.undo()
    tls.ensure_certificate(tmp_path)
    made = x509.load_pem_x509_certificate(certificate.read_bytes())
    assert made.not_valid_after_utc - datetime.now(UTC) > timedelta(days=300)


def test_a_certificate_that_is_not_there_is_named(tmp_path, monkeypatch):
    (tmp_path / "citylib.toml").write_text('profile = "city"\n')
    monkeypatch.setenv("CITYLIB_CONFIG", str(tmp_path / "citylib.toml"))
    monkeypatch.setenv("CITYLIB_TLS_CERT", "/nowhere/cert.pem")
    with pytest.raises(SettingsError, match="CITYLIB_TLS_CERT"):
        Installation.load()
    monkeypatch.setenv("CITYLIB_TLS_CERT", str(tmp_path / "citylib.toml"))
    with pytest.raises(SettingsError, match="CITYLIB_TLS_KEY"):
        Installation.load()


def test_an_analysts_work_is_never_overwritten(tmp_path):
    start = tmp_path / "notebooks"
    for name in ("tour.ipynb", "more/new.ipynb", ".hidden", "__pycache__/x.pyc"):
        (start / name).parent.mkdir(parents=True, exist_ok=True)
        (start / name).write_text("original")
    folder = tmp_path / "work"
    prepare_workspace(folder, start)
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert found == {"notebooks/tour.ipynb", "notebooks/more/new.ipynb"}
    (folder / "notebooks" / "tour.ipynb").write_text("mine")
    (folder / "notebooks" / "more" / "new.ipynb").unlink()
    prepare_workspace(folder, start)
    assert (folder / "notebooks" / "tour.ipynb").read_text() == "mine"
    assert (folder / "notebooks" / "more" / "new.ipynb").read_text() == "original"
    prepare_workspace(tmp_path / "other", tmp_path / "missing")
    assert (tmp_path / "other").is_dir()


@pytest.mark.parametrize(
    ("groups", "leads_to"),
    [
        (None, "/services/public/"),
        (["mayors"], "/hub/dashboards"),
        (["officials", "others"], "/hub/dashboards"),
        (["analysts"], "/hub/spawn"),
        ([], "/hub/no-role"),
        (["others"], "/hub/no-role"),
    ],
)
def test_the_bare_address_leads_each_role_to_its_page(groups, leads_to):
    user = None
    if groups is not None:
        user = SimpleNamespace(groups=[SimpleNamespace(name=name) for name in groups])
    handler = SimpleNamespace(settings={"base_url": "/"}, current_user=user)
    assert first_page(handler) == leads_to


@pytest.mark.parametrize("content", ["1", "99999999", "not a number", ""])
def test_a_note_of_another_process_is_not_taken_for_the_proxy(tmp_path, content):
    file = tmp_path / "proxy.pid"
    file.write_text(content)
    forget_stale_proxy(file)
    assert not file.exists()
    forget_stale_proxy(file)


def test_what_is_missing_is_named_with_its_package(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    monkeypatch.setattr(Path, "glob", lambda *_: iter(()))
    monkeypatch.setattr(Path, "rglob", lambda *_: iter(()))
    assert [line.split()[-1] for line in missing()] == [
        "chromium",
        "postgresql",
        "fonts-noto-cjk",
        "iproute2",
    ]
