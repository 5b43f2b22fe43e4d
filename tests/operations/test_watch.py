"""Whether the store was written to, asked often."""

import shutil

import pytest

from citylib.operations.store import Store, StoreError
from citylib.operations.watch import Watch


def test_a_look_says_whether_anybody_wrote_since_the_last(database_url):
    with Store(database_url) as store, Store(database_url) as other:
        store.migrate()
        watch = Watch(store)
        assert watch.moved()
        assert watch.moved() is not watch.cheap
        other.changes.append("cube", "v1")
        assert watch.moved()
        assert watch.moved() is not watch.cheap
        store.changes.append("cube", "v2")  # by another connection of the same process
        assert watch.moved()
        watch.close()
        assert watch.moved()
        watch.close()


def test_a_store_that_is_not_there_or_is_put_back_is_noticed(tmp_path):
    path, copy = tmp_path / "operations.db", tmp_path / "copy.db"
    with Store(f"sqlite:///{path}") as store:
        watch = Watch(store)
        with pytest.raises(StoreError, match="cannot be used"):
            watch.moved()
        assert not path.exists(), "a look makes no file"
        store.migrate()
        assert watch.moved()
        assert not watch.moved()
        store.close()
        shutil.copy(path, copy)
        path.unlink()
        with pytest.raises(StoreError, match="cannot be used"):
            watch.moved()
        shutil.copy(copy, path)
        assert watch.moved()
        assert not watch.moved()
        watch.close()


def test_the_newest_change_of_a_kind_is_told(database_url):
    with Store(database_url) as store:
        watch = Watch(store)
        with pytest.raises(StoreError):
            watch.newest("cube")
        store.migrate()
        assert watch.newest("cube") == 0
        number = store.changes.append("cube", "v1")
        store.changes.append("incident", "fire")
        assert watch.newest("cube") == number
        watch.close()
