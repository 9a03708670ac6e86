"""Streams: events of pictures and transcripts, and sound as bare bytes."""

from __future__ import annotations

from waypost.core.asked import Asked
from waypost.core.usage import Usage, with_asked
from waypost.dialects.beside import BesideRelay
from waypost.dialects.fields import parse_object
from waypost.dialects.openai.errors import parse_inline, render_stream_error
from waypost.dialects.openai_media.reply import parse_usage
from waypost.dialects.sse import parse_event
from waypost.errors import GatewayError, Truncated, UpstreamError

_ENDS = (".completed", ".done")


class EventRelay(BesideRelay):
    """Events of `stream: true`. They have no terminator: the last one is `….completed` or `….done`."""

    __slots__ = ()

    def _take(self, raw: bytes) -> bytes:
        event = parse_event(raw)
        if event.data is None:
            return raw
        if event.data.strip() == b"[DONE]":
            self.finished = True
            return raw
        try:
            fields = parse_object(event.data)
        except ValueError:
            return self._skip()
        self._garbage.row = 0
        error = fields.get("error")
        if error is not None and bytes(error) != b"null":
            self.failure = parse_inline(error)
            return b""
        kind = bytes(fields.get("type", b"")).decode("utf-8", "replace").strip('"')
        self._content(len(event.data))
        seen = parse_usage(fields.get("usage"))
        if seen is not None:
            self._seen = self.usage = with_asked(seen, self._asked.units)
        if kind.endswith(_ENDS):
            self.finished = True
            self.finish_reason = "stop"
        return raw

    def _close(self, rest: bytes) -> bytes:
        out = self._take(rest + b"\n\n") if rest.strip() else b""
        if not self._over():
            self.failure = Truncated(
                "The provider closed the stream before its end. What came so far may be incomplete; ask again."
            )
        return out

    def partial(self) -> Usage:
        """As of other streams; what is not counted in tokens as it was asked for."""
        return with_asked(super().partial(), self._asked.units)

    def fail(self, error: GatewayError) -> bytes:
        """See `StreamRelay.fail`."""
        return render_stream_error(error)


class BytesRelay:
    """A sound, as it comes. Its end is the end of the body: HTTP itself says whether it is whole."""

    __slots__ = (
        "_asked",
        "committed",
        "deltas",
        "failure",
        "finish_reason",
        "finished",
        "skipped",
        "tier",
        "usage",
    )

    def __init__(self, asked: Asked) -> None:
        self.committed = False
        self.finished = False
        self.failure: UpstreamError | None = None
        self.usage: Usage | None = None
        self.tier: str | None = None
        self.finish_reason: str | None = None
        self.deltas = 0
        self.skipped = 0
        self._asked = asked

    def feed(self, chunk: bytes) -> bytes:
        """See `StreamRelay.feed`."""
        if chunk:
            self.committed = True
            self.deltas += 1
        return chunk

    def end(self) -> bytes:
        """See `StreamRelay.end`."""
        if self.committed:
            self.finished = True
            self.finish_reason = "stop"
        elif self.failure is None:
            self.failure = Truncated("The provider's answer is empty. Try again, or another model.")
        return b""

    def partial(self) -> Usage:
        """What went in: its characters are counted, its tokens are not. Nor are those of what comes out."""
        return Usage(input=self._asked.input_estimate, source="estimated", units=self._asked.units)

    def fail(self, error: GatewayError) -> bytes:
        """Nothing: a word inside a sound would be noise. The body just ends before its end."""
        del error
        return b""
