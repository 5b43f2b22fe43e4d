"""How a source is asked, whatever its standard."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from support import hostile
from support.feeds import feed

from citylib.feeds import connector
from citylib.feeds.connector import FeedFault, Session


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr(connector, "_pause", lambda attempt: 0.0)


def ask(*answers, memory=None, times=1, key=None, path="/rows", **keys):
    """Bodies that came, and the server that was asked."""

    async def run():
        async with hostile.server() as source, httpx.AsyncClient() as client:
            source.on("/rows", *answers)
            spec = feed("ckan", source.url, **keys)
            session = Session(spec, client, {} if memory is None else memory, key)
            return [await session.get(source.url + path) for _ in range(times)], source

    return asyncio.run(run())


def fault(*answers, **keys):
    with pytest.raises(FeedFault) as caught:
        ask(*answers, **keys)
    return caught.value


def test_an_answer_comes_with_its_headers():
    [answer], _ = ask(hostile.reply([1], X_Total="7"))
    assert answer.data == b"[1]"
    assert answer.headers["x-total"] == "7"


def test_what_may_pass_is_tried_again():
    for passing in (
        hostile.reply("", 500),
        hostile.reply("", 503),
        hostile.throttled(0),
        hostile.half([1, 2, 3]),
        hostile.throttled_until(datetime.now(UTC) - timedelta(hours=1)),
        hostile.throttled("soon"),
    ):
        [answer], source = ask(passing, hostile.reply([1]))
        assert answer.data == b"[1]"
        assert len(source.asked) == 2


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (hostile.reply("", 500), "answered 500"),
        (hostile.throttled(0), "answered 429"),
        (hostile.half([1, 2, 3]), "without sending complete"),
    ],
)
def test_it_is_given_up_after_three_times(answer, said):
    assert said in str(fault(answer))


@pytest.mark.parametrize("after", [3600, "3600"])
def test_a_source_that_asks_for_more_patience_than_a_poll_has_is_left_to_the_next(after):
    caught = fault(hostile.throttled(after))
    assert caught.wait == 3600


def test_a_date_in_retry_after_counts_from_now():
    caught = fault(hostile.throttled_until(datetime.now(UTC) + timedelta(hours=1)))
    assert 3500 < caught.wait <= 3600


@pytest.mark.parametrize("answer", [hostile.hanging(), hostile.dripping([1, 2, 3], 0.05)])
def test_no_answer_in_time(answer):
    assert "did not answer within 0.1 s" in str(fault(answer, timeout=0.1))


def test_a_redirect_is_not_followed():
    said = str(fault(hostile.redirect("http://169.254.169.254/latest/meta-data")))
    assert "leads elsewhere" in said


@pytest.mark.parametrize(
    ("status", "said"),
    [(401, "key"), (403, "key"), (404, "nothing"), (410, "nothing"), (400, "answered 400")],
)
def test_what_will_not_pass_is_not_tried_again(status, said):
    async def run():
        async with hostile.server() as source, httpx.AsyncClient() as client:
            source.on("/rows", hostile.reply("", status))
            with pytest.raises(FeedFault, match=said):
                await Session(feed("ckan", source.url), client, {}).get(source.url + "/rows")
            assert len(source.asked) == 1

    asyncio.run(run())


@pytest.mark.parametrize("modified", [None, "Fri, 01 May 2026 10:00:00 GMT"])
def test_what_is_known_is_not_sent_again(modified):
    memory: dict[str, str] = {}
    [first, second], _ = ask(hostile.tagged([1], '"v1"', modified), memory=memory, times=2)
    assert (first.modified, second.modified, second.data) == (True, False, b"")
    [third], _ = ask(hostile.tagged([2], '"v2"'), memory=dict(memory))
    assert third.modified


def test_an_answer_larger_than_the_feed_allows_is_refused():
    assert "more than 1,000 bytes" in str(fault(hostile.reply(b" " * 2000), max_bytes=1000))


def test_a_bomb_is_refused_before_it_is_large():
    assert "more than 1,000,000" in str(fault(hostile.bomb(2**28), max_bytes=1_000_000))


def test_a_bomb_within_a_bomb_is_refused_unopened():
    assert "gzip, gzip" in str(fault(hostile.bomb(2**28, times=2)))


def test_what_is_compressed_is_opened():
    [answer], _ = ask(hostile.zipped([1, 2]))
    assert answer.data == b"[1, 2]"


def test_what_is_not_compressed_as_it_says_is_a_fault():
    assert "mend" in str(fault(hostile.reply([1], Content_Encoding="gzip")))


def test_the_key_is_in_no_message_and_no_log(caplog):
    key = "s3cret/%한"
    with caplog.at_level(logging.DEBUG):
        said = str(fault(hostile.reply("", 404), key=key, path="/s3cret%2F%25%ED%95%9C/x"))
    assert "***" in said
    assert "s3cret" not in said
    assert "s3cret" not in caplog.text


def test_what_a_source_wrote_can_be_printed_anywhere():
    said = str(FeedFault("here: \ud800 \x1b[2J \u202e 중구\n" + "x" * 5000))
    said.encode()
    assert said.startswith("here: \\ud800 \\x1b[2J \\u202e 중구\\n")
    assert len(said) < 1100
