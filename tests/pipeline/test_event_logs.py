from __future__ import annotations

import asyncio

import pytest

from transcript import FakeClock
from waypost.errors import InvalidRequest
from waypost.pipeline import event_logs
from waypost.pipeline.event_logs import KEPT_S, EventLogs, Follower


async def all_of(follower: Follower) -> bytes:
    out = b""
    while piece := await follower.next():
        out += piece
    return out


async def test_who_follows_is_told_what_was_and_what_comes() -> None:
    logs = EventLogs(FakeClock())
    log = logs.open("a")
    logs.add(log, b"0")
    one, two = logs.follow("a"), logs.follow("a", 0)
    assert await one.next() == b"0"
    waiting = asyncio.ensure_future(two.next())
    await asyncio.sleep(0)
    logs.add(log, b"1")
    logs.add(log, b"2")
    assert await waiting == b"12"
    logs.end("a", log)
    assert await all_of(one) == b"12"
    assert await all_of(two) == b""
    assert await all_of(logs.follow("a", 1)) == b"2"
    assert await all_of(logs.follow("a", 2)) == b""


async def test_who_leaves_is_told_nothing_more() -> None:
    logs = EventLogs(FakeClock())
    log = logs.open("a")
    follower = logs.follow("a")
    waiting = asyncio.ensure_future(follower.next())
    await asyncio.sleep(0)
    follower.leave()
    assert await waiting == b""
    assert not log.followers


@pytest.mark.parametrize(
    ("response_id", "after", "param"), [("b", None, "stream"), ("a", 1, "starting_after")]
)
def test_what_is_not_there_can_not_be_followed(response_id: str, after: int | None, param: str) -> None:
    logs = EventLogs(FakeClock())
    logs.add(logs.open("a"), b"0")
    with pytest.raises(InvalidRequest) as caught:
        logs.follow(response_id, after)
    assert caught.value.param == param


def test_events_are_kept_for_a_while_after_the_end() -> None:
    clock = FakeClock()
    logs = EventLogs(clock)
    logs.end("a", logs.open("a"))
    running = logs.open("b")
    clock.now += KEPT_S
    assert logs.follow("a")
    clock.now += 1
    with pytest.raises(InvalidRequest):
        logs.follow("a")
    assert logs.follow("b")
    assert running.ended_at is None


async def test_of_a_long_answer_the_last_events_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_logs, "MOST_BYTES", 10)
    logs = EventLogs(FakeClock())
    log = logs.open("a")
    slow, quick = logs.follow("a"), logs.follow("a")
    for number in range(5):
        logs.add(log, b"%04d" % number)
        await quick.next()
    assert (log.first, log.next, log.size, logs._size) == (3, 5, 8, 8)
    assert b"too slowly" in await slow.next()
    assert await slow.next() == b""
    with pytest.raises(InvalidRequest) as caught:
        logs.follow("a", 1)
    assert "3 to 4" in caught.value.message
    assert await logs.follow("a", 2).next() == b"00030004"


def test_all_together_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_logs, "TOTAL_BYTES", 10)
    logs = EventLogs(FakeClock())
    running, old, new = logs.open("running"), logs.open("old"), logs.open("new")
    for log in (running, old, new):
        logs.add(log, b"123")
    logs.end("new", new)
    logs.end("old", old)
    logs.add(running, b"456")
    assert len(logs) == 2, "the one that ended first went"
    logs.add(running, b"7" * 9)
    assert (len(logs), logs._size, running.first) == (1, 9, 2)
    logs.forget("running")
    logs.add(running, b"more")
    logs.forget("running")
    assert logs._size == 0
