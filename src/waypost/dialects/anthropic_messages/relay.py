"""Relays a stream and meters it beside the bytes.

https://platform.claude.com/docs/en/build-with-claude/streaming (2026-11-25).
"""

from __future__ import annotations

import msgspec

from waypost.core.asked import Asked
from waypost.dialects.anthropic_messages.errors import parse_inline, render_stream_error
from waypost.dialects.anthropic_messages.reply import content_size
from waypost.dialects.anthropic_messages.usage import merge, parse_usage, splice_cost, tier_of
from waypost.dialects.beside import BesideRelay, Splitter
from waypost.dialects.dialect import Pricer
from waypost.dialects.fields import Fields, loose_string, parse_object, render_fields
from waypost.dialects.sse import parse_event, render
from waypost.dialects.taking import object_or_none, object_raw
from waypost.errors import Garbled, GatewayError, Truncated

MESSAGE_STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
#: An error where a stream should be: JSON without an event around it.
_BARE = (b"{", b"[")


class _Delta(msgspec.Struct, gc=False):
    """What is read of a `content_block_delta`. Each field is of one kind of delta."""

    text: str = ""
    partial_json: str = ""
    thinking: str = ""
    signature: str = ""
    citation: msgspec.Raw = msgspec.Raw()
    content: msgspec.Raw = msgspec.Raw()

    def size(self) -> int:
        """Bytes that somebody is given, or that show that the model is at work; 0: it is empty."""
        whole = bytes(self.citation) or bytes(self.content)
        return len(self.text) + len(self.partial_json) + len(self.thinking) + len(self.signature) + len(whole)


class _DeltaEvent(msgspec.Struct, gc=False):
    delta: _Delta


_DELTA = msgspec.json.Decoder(_DeltaEvent)


class AnthropicRelay(BesideRelay):
    """A `StreamRelay`. Committed by the first text, thinking or tool input, or by a block that starts with content."""

    __slots__ = ("_counts", "_stopped")

    def __init__(self, asked: Asked, price: Pricer, splitter: Splitter | None = None) -> None:
        super().__init__(asked, price, splitter)
        self._counts: Fields = {}
        self._stopped = False

    def fail(self, error: GatewayError) -> bytes:
        """See `StreamRelay.fail`."""
        return render_stream_error(error)

    def _take(self, raw: bytes) -> bytes:
        event = parse_event(raw)
        if event.data is None:
            return raw
        if event.event == "content_block_delta":
            try:
                size = _DELTA.decode(event.data).delta.size()
            except ValueError:
                return self._read(raw, event.data, event.event)
            self._garbage.row = 0
            if size:
                self._content(size)
            return raw
        return self._read(raw, event.data, event.event)

    def _read(self, raw: bytes, data: bytes, name: str | None) -> bytes:
        try:
            fields = parse_object(data)
        except ValueError:
            return self._skip()
        self._garbage.row = 0
        kind = loose_string(fields.get("type")) or name
        if kind == "error" or name == "error":
            self.failure = parse_inline(data)
            return b""
        if kind == "message_start":
            self._start(fields)
        elif kind == "content_block_start":
            size = content_size(fields.get("content_block", msgspec.Raw(b"{}")))
            if size:
                self._content(size)
        elif kind == "message_delta":
            return self._end_message(raw, fields, name)
        elif kind == "message_stop":
            self._finish()
        return raw

    def _start(self, fields: Fields) -> None:
        message = object_or_none(fields.get("message")) or {}
        self._count(message.get("usage"))

    def _count(self, raw: msgspec.Raw | None) -> None:
        self._counts = merge(self._counts, raw)
        counts = object_raw(self._counts)
        self._seen = parse_usage(counts) or self._seen
        self.tier = tier_of(counts) or self.tier

    def _end_message(self, raw: bytes, fields: Fields, name: str | None) -> bytes:
        delta = object_or_none(fields.get("delta")) or {}
        reason = loose_string(delta.get("stop_reason"))
        if reason is not None:
            self.finish_reason = reason
            self._stopped = self.committed = True
        usage = object_or_none(fields.get("usage"))
        self._count(fields.get("usage"))
        counted = self._seen
        if not self._stopped:
            return raw
        if usage is None or counted is None:
            counted = msgspec.structs.replace(self.partial(), source="estimated")
        else:
            self.usage = counted
        fields["usage"] = splice_cost(usage or {}, counted, self._price(counted, self.tier))
        return render(render_fields(fields), name)

    def _finish(self) -> None:
        self.finished = self.committed = True
        self.usage = self._seen if self._stopped else self.usage

    def _close(self, rest: bytes) -> bytes:
        """A message that was stopped is whole even without its terminator; the last event may lack its blank line."""
        out = b""
        if rest.lstrip().startswith(_BARE):
            self.failure = parse_inline(rest) if b'"error"' in rest else _no_stream()
            return out
        data = parse_event(rest).data
        if data is not None and object_or_none(msgspec.Raw(data)) is not None:
            out = self._take(rest.rstrip(b"\r\n") + b"\n\n")
            if self._over():
                return out
        if self._stopped:
            self._finish()
            return out + MESSAGE_STOP
        self.failure = Truncated(
            "The provider closed the stream before its end. What came so far may be incomplete; ask again."
        )
        return out


def _no_stream() -> Garbled:
    return Garbled("The provider answered with something that is no event stream. Try another model.")
