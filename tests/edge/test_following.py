from __future__ import annotations

import pytest

from transcript import RecordingClient
from waypost.edge.following import follow, leaving


class Answer:
    def __init__(self, *events: bytes, fault: Exception | None = None) -> None:
        self.events = [*events, b""]
        self.fault = fault
        self.left = 0

    async def next(self) -> bytes:
        if self.fault is not None:
            raise self.fault
        return self.events.pop(0)

    def leave(self) -> None:
        self.left += 1


async def test_events_are_passed_on_to_the_end() -> None:
    client, answer = RecordingClient(), Answer(b"a", b"b")
    await follow(client, answer, [(b"x-own", b"1")])
    assert client.status == 200
    assert (b"x-own", b"1") in client.headers
    assert client.chunks == [b"a", b"b"]
    assert answer.left == 0
    client.leave()
    assert answer.left == 1


async def test_who_follows_leaves_also_when_it_breaks() -> None:
    answer = Answer(fault=RuntimeError("lost"))
    with pytest.raises(RuntimeError), leaving(answer):
        await follow(RecordingClient(), answer, [])
    assert answer.left == 1
