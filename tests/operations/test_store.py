from __future__ import annotations

import math
import multiprocessing
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import delete, text, update
from sqlalchemy.exc import DBAPIError

from citylib.operations import Store, StoreError
from citylib.operations.tables import audit, metadata


@pytest.fixture
def store(database_url):
    with Store(database_url) as store:
        store.migrate()
        yield store


def test_migrations_lead_to_the_tables_of_the_code(store):
    store.migrate()
    with store.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_changes_come_back_in_order_with_their_detail(store):
    before = datetime.now(UTC)
    assert store.changes.latest() == 0
    first = store.changes.append("cube", "v1", {"이름": "서울", "n": [1, 2.5, None]})
    second = store.changes.append("incident", "7")
    assert second > first > 0
    change, other = store.changes.since(0)
    assert (change.number, change.kind, change.subject) == (first, "cube", "v1")
    assert change.detail == {"이름": "서울", "n": [1, 2.5, None]}
    assert other.detail == {}
    assert before - timedelta(seconds=1) < change.time <= datetime.now(UTC) + timedelta(seconds=1)
    assert change.time.utcoffset() == timedelta(0)
    assert store.changes.since(first) == [other]
    assert store.changes.since(0, kind="incident") == [other]
    assert store.changes.since(0, limit=1) == [change]
    assert store.changes.latest() == second


def test_a_key_makes_writing_twice_harmless(store):
    first = store.changes.append("cube", "v1", key="cube:v1")
    assert store.changes.append("cube", "v1", {"again": True}, key="cube:v1") == first
    assert store.changes.append("cube", "v2", key="cube:v2") > first
    assert len(store.changes.since(0)) == 2


def test_detail_that_is_not_json_is_refused(store):
    with pytest.raises(Exception, match=r"(?i)json"):
        store.changes.append("cube", "v1", {"value": math.nan})
    assert store.changes.latest() == 0


def _write(url: str, writer: int, count: int) -> None:
    with Store(url) as store:
        for turn in range(count):
            store.changes.append("test", f"{writer}/{turn}", key=f"{turn % 3 or writer}:{turn}")


def test_a_follower_sees_every_change_of_concurrent_writers(store, database_url):
    """The number that a reader has seen is never followed by a lower one appearing later."""
    processes = [
        multiprocessing.get_context("spawn").Process(target=_write, args=(database_url, n, 60))
        for n in range(1, 5)
    ]
    for process in processes:
        process.start()
    seen: list[int] = []
    while any(process.is_alive() for process in processes):
        seen += [change.number for change in store.changes.since(seen[-1] if seen else 0)]
    seen += [change.number for change in store.changes.since(seen[-1] if seen else 0)]
    assert [process.exitcode for process in processes] == [0, 0, 0, 0]
    assert seen == [change.number for change in store.changes.since(0)]
    # Keys are shared by the writers in two turns of three: 40 shared, 4 x 20 of their own.
    assert len(seen) == 40 + 80


def test_a_slow_writer_is_never_overtaken(store):
    """PostgreSQL numbers rows before they are committed: the later number must wait."""
    with ThreadPoolExecutor(1) as pool:
        with store.write() as connection:
            connection.execute(
                text(
                    "insert into changes (time, kind, subject, detail) "
                    "values (current_timestamp, 'slow', 's', '{}')"
                )
            )
            fast = pool.submit(store.changes.append, "fast", "f")
            with pytest.raises(TimeoutError):
                fast.result(timeout=0.3)
            assert store.changes.since(0) == []
        fast.result(timeout=20)
    assert [change.kind for change in store.changes.since(0)] == ["slow", "fast"]


def test_the_audit_log_is_append_only(store):
    store.audit.append("mayor", "signed in", "hub", {"address": "127.0.0.1"})
    for attempt in (update(audit).values(actor="nobody"), delete(audit)):
        with pytest.raises(DBAPIError, match="append only"), store.write() as connection:
            connection.execute(attempt)
    (entry,) = store.audit.read()
    assert (entry.actor, entry.action, entry.subject) == ("mayor", "signed in", "hub")


def test_the_audit_log_is_read_newest_first_by_page(store):
    for n in range(5):
        store.audit.append("a" if n % 2 else "b", "did", str(n))
    newest = store.audit.read(limit=2)
    assert [entry.subject for entry in newest] == ["4", "3"]
    assert [e.subject for e in store.audit.read(before=newest[-1].number)] == ["2", "1", "0"]
    assert [e.subject for e in store.audit.read(actor="a")] == ["3", "1"]


def _migrate(url: str) -> None:
    with Store(url) as store:
        store.migrate()


def test_several_processes_may_migrate_at_once(database_url):
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_migrate, args=(database_url,)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0, 0]


def test_a_newer_database_is_refused_with_advice(store, database_url):
    with store.write() as connection:
        connection.execute(text("update alembic_version set version_num = '9999'"))
    with pytest.raises(StoreError, match=r"9999.*newer version"):
        store.migrate()


def test_a_store_without_tables_says_what_to_do(database_url):
    with pytest.raises(StoreError, match="citylib serve"):
        Store(database_url).changes.latest()


@pytest.mark.parametrize("url", ["mysql://host/db", "operations.db", "postgresql//x:secret@h"])
def test_other_urls_are_refused_without_their_password(url):
    with pytest.raises(StoreError, match="sqlite") as caught:
        Store(url)
    assert "secret" not in str(caught.value)


def test_an_unreachable_server_is_named_without_its_password():
    store = Store("postgresql://city:geheim@127.0.0.1:1/x")
    with pytest.raises(StoreError, match=r"127\.0\.0\.1:1") as caught:
        store.migrate()
    assert "geheim" not in str(caught.value)


def test_a_folder_that_cannot_hold_the_file_is_named(tmp_path):
    with pytest.raises(StoreError, match="cannot be used"):
        Store(f"sqlite:///{tmp_path}/missing/x.db").changes.latest()
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be used"):
        Store(f"sqlite:///{tmp_path}/file/x.db").migrate()


def test_sqlite_is_private_and_lets_readers_pass_writers(tmp_path: Path):
    path = tmp_path / "folder" / "operations.db"
    with Store(f"sqlite:///{path}") as store:
        store.migrate()
        assert path.stat().st_mode & 0o777 == 0o600
        with store.write():
            assert store.changes.latest() == 0
        with store.read() as connection:
            assert connection.execute(text("pragma foreign_keys")).scalar() == 1
    with sqlite3.connect(path) as raw:
        assert raw.execute("pragma journal_mode").fetchone()[0] == "wal"
