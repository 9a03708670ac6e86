"""Same dialect on both ends: events pass as the bytes they came in, and the meter reads beside them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Protocol

import msgspec

from waypost.core.asked import Asked
from waypost.core.usage import Usage
from waypost.dialects.cross import BYTES_PER_TOKEN
from waypost.dialects.dialect import Pricer
from waypost.dialects.garbage import Garbage
from waypost.dialects.sse import EventSplitter
from waypost.errors import Garbled, GatewayError, Truncated, UpstreamError

#: Text per delta, in bytes, above which a provider is taken to send many tokens in one event.
_BATCHED_BYTES = 32


class Splitter(Protocol):
    """Cuts a byte stream into whole events; `sse.EventSplitter` for server-sent ones."""

    overflow: bool

    def feed(self, chunk: bytes) -> list[bytes]: ...

    def flush(self) -> bytes: ...


class BesideRelay(ABC):
    """A `StreamRelay`. A dialect's own says in `_take` what one event means: sets `committed`, `finished`, `failure`,
    `tier` and `finish_reason`, counts content with `_content` and usage with `_seen`, and returns the bytes to send.
    An event that can not be read is `_skip`ped; after one that can, `_garbage.row` is 0."""

    __slots__ = (
        "_asked",
        "_garbage",
        "_late",
        "_price",
        "_seen",
        "_size",
        "_splitter",
        "committed",
        "deltas",
        "failure",
        "finish_reason",
        "finished",
        "tier",
        "usage",
    )

    def __init__(self, asked: Asked, price: Pricer, splitter: Splitter | None = None) -> None:
        self.committed = False
        self.finished = False
        self.failure: UpstreamError | None = None
        self.usage: Usage | None = None
        self.tier: str | None = None
        self.finish_reason: str | None = None
        self.deltas = 0
        self._asked = asked
        self._price = price
        self._garbage = Garbage()
        #: Events that came behind the end.
        self._late = 0
        self._splitter = EventSplitter() if splitter is None else splitter
        #: What the provider counted so far; `usage` once it is the bill.
        self._seen: Usage | None = None
        self._size = 0

    @abstractmethod
    def _take(self, raw: bytes) -> bytes:
        """One whole event in, the bytes for it out."""

    @abstractmethod
    def fail(self, error: GatewayError) -> bytes:
        """See `StreamRelay.fail`."""

    def _close(self, rest: bytes) -> bytes:
        """The upstream closed before the terminator; `rest` is an event that nothing ended. Sets `failure`, or
        `finished` where the answer is whole all the same."""
        del rest
        self.failure = Truncated(
            "The provider closed the stream before its end. What came so far may be incomplete; ask again."
        )
        return b""

    def feed(self, chunk: bytes) -> bytes:
        """See `StreamRelay.feed`."""
        if self._over():
            self._late += len(self._splitter.feed(chunk))
            return b""
        out = [self._take(raw) if not self._over() else self._drop() for raw in self._splitter.feed(chunk)]
        if self._splitter.overflow and not self._over():
            self.failure = Garbled("The provider sent a stream event over the size limit. Try another model.")
        return b"".join(out)

    @property
    def skipped(self) -> int:
        """See `StreamRelay.skipped`."""
        return self._garbage.skipped + self._late

    def _drop(self) -> bytes:
        self._late += 1
        return b""

    def _skip(self) -> bytes:
        """An event that can not be read."""
        self.failure = self._garbage.skip()
        return b""

    def end(self) -> bytes:
        """See `StreamRelay.end`."""
        if self._over():
            return b""
        return self._close(self._splitter.flush())

    def partial(self) -> Usage:
        """Output: a token per delta, or per four bytes of text where deltas carry far more than a token. What the
        provider counted so far, where that is more."""
        output = self.deltas
        if self._size > output * _BATCHED_BYTES:
            output = -(-self._size // BYTES_PER_TOKEN)
        seen = self._seen
        if seen is None:
            return Usage(input=self._asked.input_estimate, output=output, source="partial")
        return msgspec.structs.replace(seen, output=max(seen.output, output), source="partial")

    def _content(self, size: int) -> None:
        """A delta of `size` bytes that a reader, or a tool, is given."""
        self.committed = True
        self.deltas += 1
        self._size += size

    def _over(self) -> bool:
        return self.finished or self.failure is not None
