"""States of feeds, in either database system."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import event

from citylib.operations import FeedState, Store

NOON = datetime(2026, 1, 2, 12, 0, 0, 250_000, tzinfo=UTC)


@pytest.fixture
def store(database_url):
    with Store(database_url) as store:
        store.migrate()
        yield store


def test_a_state_comes_back_as_it_was_written(store):
    state = FeedState(
        "air",
        attempted=NOON,
        succeeded=NOON - timedelta(minutes=1),
        newest=datetime(2026, 1, 2, 20, tzinfo=timezone(timedelta(hours=9))),
        due=NOON + timedelta(minutes=1),
        read=2**40,
        stored=2**40 - 3,
        duplicate=2,
        set_aside=1,
        errors=3,
        error="응답 없음",
        sequence=7,
        memory={"etag https://a/b?c=ü": 'W/"1"'},
    )
    store.feeds.write([state])
    assert store.feeds.read(memory=True) == {"air": state}
    assert store.feeds.read() == {"air": replace(state, memory={})}
    assert store.feeds.read()["air"].newest.utcoffset() == timedelta(0)


def test_a_new_state_takes_the_place_of_the_old_one(store):
    store.feeds.write([FeedState("a", read=1, memory={"x": "1"}), FeedState("b", read=2)])
    store.feeds.write([FeedState("a", read=5), FeedState("c")])
    assert {name: state.read for name, state in store.feeds.read().items()} == {
        "a": 5, "b": 2, "c": 0,
    }  # fmt: skip
    assert store.feeds.read(memory=True)["a"].memory == {}


def test_three_hundred_states_are_one_transaction(store):
    commits = []
    event.listen(store.engine, "commit", lambda _: commits.append(1))
    store.feeds.write(FeedState(f"feed{n}", attempted=NOON, read=n) for n in range(300))
    assert len(commits) == 1
    assert sum(state.read for state in store.feeds.read().values()) == sum(range(300))
    store.feeds.write([])
    assert len(commits) == 2  # of the reading


def test_a_long_error_is_cut(store):
    store.feeds.write([FeedState("a", error="x" * 5000)])
    assert store.feeds.read()["a"].error == "x" * 1000
