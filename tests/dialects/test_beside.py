from __future__ import annotations

from waypost.core.asked import Asked
from waypost.core.usage import Usage
from waypost.dialects.beside import BesideRelay
from waypost.dialects.sse import EventSplitter
from waypost.errors import Garbled, GatewayError, Truncated


class Words(BesideRelay):
    """A dialect of one word per event; `end` is its terminator and `12` a count."""

    def _take(self, raw: bytes) -> bytes:
        word = raw.strip()
        if word == b"end":
            self.finished = True
        elif word.isdigit():
            self._seen = Usage(input=3, output=int(word))
        else:
            self._content(len(word))
        return raw

    def fail(self, error: GatewayError) -> bytes:
        return error.message.encode()


def relay(cap: int = 100) -> Words:
    return Words(Asked("m", True, {}, input_estimate=7), lambda usage, tier: 0, EventSplitter(cap))


def test_events_pass_as_they_came_however_they_were_split() -> None:
    passing = relay()
    assert passing.feed(b"hel") == b""
    assert passing.feed(b"lo\n\nyou\n\n") == b"hello\n\nyou\n\n"
    assert (passing.deltas, passing.committed, passing.finished) == (2, True, False)
    assert passing.feed(b"end\n\nlate\n\n") == b"end\n\n"
    assert passing.finished
    assert passing.feed(b"later\n\n") == passing.end() == b""


def test_an_end_before_the_end_is_a_failure() -> None:
    passing = relay()
    passing.feed(b"hello\n\n")
    assert passing.end() == b""
    assert isinstance(passing.failure, Truncated)
    assert not passing.finished


def test_an_endless_event_is_a_failure() -> None:
    passing = relay(cap=10)
    passing.feed(b"x" * 20)
    assert isinstance(passing.failure, Garbled)
    assert passing.feed(b"\n\n") == b""


def test_what_was_delivered_is_counted() -> None:
    passing = relay()
    passing.feed(b"a\n\nb\n\n")
    assert passing.partial() == Usage(input=7, output=2, source="partial")
    passing.feed(b"12\n\n")
    assert passing.partial() == Usage(input=3, output=12, source="partial")
    batched = relay()
    batched.feed(b"x" * 80 + b"\n\n")
    assert batched.partial().output == 20
