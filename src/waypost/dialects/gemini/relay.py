"""Relays a Gemini stream and meters it beside the bytes.

There is no terminator. A stream is over when its body is, and whole when every candidate it began has a finish reason,
or the prompt was blocked; nothing is waited for but the end of the body, which HTTP frames.
"""

from __future__ import annotations

import msgspec

from waypost.core.asked import Asked
from waypost.core.usage import Usage
from waypost.dialects.beside import BesideRelay
from waypost.dialects.dialect import Pricer
from waypost.dialects.fields import parse_object, render_fields
from waypost.dialects.gemini.chunk import ABSENT, CHUNK, Candidate, Chunk, is_ordinary
from waypost.dialects.gemini.errors import find_error, parse_inline, render_error
from waypost.dialects.gemini.framing import Framing
from waypost.dialects.gemini.usage import parse_tier, parse_usage, splice_cost
from waypost.dialects.sse import SseEvent, parse_event
from waypost.errors import Garbled, GatewayError

_COUNTS = b'"usageMetadata"'


class GeminiRelay(BesideRelay):
    """A `StreamRelay`. Upstream it is always server-sent events; an array client gets their data as elements."""

    __slots__ = ("_began", "_blocked", "_counted", "_ended", "_envelope", "_framing")

    def __init__(self, asked: Asked, price: Pricer) -> None:
        super().__init__(asked, price)
        self._framing = Framing(asked.form)
        self._began: set[int] = set()
        self._ended: set[int] = set()
        self._blocked = False
        #: The last event with counts in it. Every one counts anew, so they are read when they are wanted.
        self._counted = b""
        #: What an event weighs without its text, once one was read.
        self._envelope: int | None = None

    def partial(self) -> Usage:
        """See `BesideRelay.partial`."""
        self._seen = parse_usage(self._counts())
        return super().partial()

    def fail(self, error: GatewayError) -> bytes:
        """See `StreamRelay.fail`."""
        return self._framing.fail(render_error(error))

    def _take(self, raw: bytes) -> bytes:
        if (
            self._envelope is not None
            and self._asked.choices <= 1
            and not self._garbage.row
            and is_ordinary(raw)
        ):
            self._content(max(1, len(raw) - self._envelope))
            if _COUNTS in raw:
                self._counted = raw
            return self._framing.event(raw[6:-2]) if self._framing.array else raw
        event = parse_event(raw)
        if event.data is None:
            return self._not_data(event)
        data = event.data.strip()
        try:
            data.decode()
            chunk = CHUNK.decode(data)
        except msgspec.ValidationError:
            # JSON of a shape we do not know: the client may.
            chunk = Chunk()
        except (ValueError, RecursionError):
            return self._skip()
        self._garbage.row = 0
        if chunk.has_error():
            self.failure = parse_inline(chunk.error)
            return b""
        for candidate in chunk.candidates or ():
            self._meter(candidate, len(raw))
        reason = chunk.finish_reason()
        if reason is not None:
            self.finish_reason = reason
            self._blocked = self._blocked or not chunk.candidates
        return self._pass(raw, data, chunk)

    def _not_data(self, event: SseEvent) -> bytes:
        """A comment or a ping; or an error, which Google may write as bare JSON into a stream."""
        error = find_error(event.raw)
        if error is not None:
            self.failure = parse_inline(error)
            return b""
        return b"" if self._framing.array else event.raw

    def _meter(self, candidate: Candidate, weight: int) -> None:
        self._began.add(candidate.index)
        size = candidate.content_size()
        if size:
            self._content(size)
            self._envelope = weight - size
        if candidate.ended():
            self.committed = True
            self._ended.add(candidate.index)

    def _whole(self) -> bool:
        return self._blocked or (bool(self._began) and self._began <= self._ended)

    def _pass(self, raw: bytes, data: bytes, chunk: Chunk) -> bytes:
        if chunk.has_usage():
            self._counted = raw
            # Before every candidate has ended it is a running count, not the bill.
            if self._whole():
                usage = self._bill()
                if usage is not None:
                    return self._framing.event(self._priced(data, chunk, usage))
        return self._framing.event(data) if self._framing.array else raw

    def _bill(self) -> Usage | None:
        counts = self._counts()
        self.usage = parse_usage(counts) or self.usage
        self.tier = parse_tier(counts) or self.tier
        return self.usage

    def _counts(self) -> msgspec.Raw:
        try:
            return CHUNK.decode((parse_event(self._counted).data or b"").strip()).usage_metadata
        except (ValueError, RecursionError):
            return ABSENT  # none came, or an ordinary event was no JSON after all

    def _priced(self, data: bytes, chunk: Chunk, usage: Usage) -> bytes:
        fields = parse_object(data)
        cost = self._price(usage, self.tier)
        fields["usageMetadata"] = splice_cost(chunk.usage_metadata, usage, cost)
        return render_fields(fields)

    def _close(self, rest: bytes) -> bytes:
        out = self._last(rest) if rest.strip() else b""
        if self.failure is not None:
            return out
        if not self._whole():
            return out + super()._close(b"")
        self.finished = True
        self._bill()
        return out + self._framing.end()

    def _last(self, rest: bytes) -> bytes:
        """Bytes that no blank line followed: a careless last event, or no event stream at all."""
        error = find_error(rest)
        if error is not None:
            self.failure = parse_inline(error)
        elif rest.lstrip()[:1] in (b"{", b"[", b"<"):
            self.failure = Garbled(
                "The provider answered with something that is no event stream. Try another model."
            )
        elif _is_whole(parse_event(rest).data):
            return self._take(rest.rstrip(b"\r\n") + b"\n\n")
        return b""


def _is_whole(data: bytes | None) -> bool:
    try:
        CHUNK.decode(data or b"")
    except (ValueError, RecursionError):
        return False
    return True
