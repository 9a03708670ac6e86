"""A Converse stream on both ends: messages pass as they came, and the meter reads beside them.

Events: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStreamOutput.html (2026-11-25).
`metadata` has the counts and is the last; `messageStop` says why the answer ended.
"""

from __future__ import annotations

import msgspec

from waypost.core.asked import Asked
from waypost.dialects.bedrock_converse.errors import parse_exception, render_exception
from waypost.dialects.bedrock_converse.eventstream import (
    Frame,
    FrameSplitter,
    decode_frame,
    encode_frame,
    is_lost,
)
from waypost.dialects.bedrock_converse.reply import read_tier
from waypost.dialects.bedrock_converse.usage import parse_usage, splice_cost
from waypost.dialects.beside import BesideRelay
from waypost.dialects.dialect import Pricer
from waypost.dialects.fields import Fields, loose_string, parse_object, render_fields
from waypost.dialects.taking import object_or_none
from waypost.errors import Garbled, GatewayError

#: What of a delta or a start a reader, or a tool, is given: a signature alone is not.
_SHOWN = ("text", "toolUse", "toolResult", "reasoningContent", "image", "citation")


class ConverseRelay(BesideRelay):
    """A `StreamRelay`."""

    __slots__ = ("_stopped",)

    def __init__(self, asked: Asked, price: Pricer) -> None:
        super().__init__(asked, price, FrameSplitter())
        self._stopped = False

    def fail(self, error: GatewayError) -> bytes:
        """See `StreamRelay.fail`."""
        return render_exception(error)

    def _close(self, rest: bytes) -> bytes:
        if self._stopped and not rest:
            self.finished = True
            return b""
        return super()._close(rest)

    def _take(self, raw: bytes) -> bytes:
        try:
            frame = decode_frame(raw)
        except Garbled as error:
            if is_lost(raw):
                self.failure = error
                return b""
            return self._skip()
        if frame.text(":message-type") not in ("event", ""):
            self.failure = parse_exception(frame)
            return b""
        try:
            fields = parse_object(frame.payload)
        except ValueError:
            return self._skip()
        self._garbage.row = 0
        return self._read(raw, frame, fields)

    def _read(self, raw: bytes, frame: Frame, fields: Fields) -> bytes:
        event = frame.text(":event-type")
        if event == "contentBlockDelta":
            self._meter(object_or_none(fields.get("delta")) or {})
        elif event == "contentBlockStart":
            self._meter(object_or_none(fields.get("start")) or {})
        elif event == "messageStop":
            self._stopped = self.committed = True
            self.finish_reason = loose_string(fields.get("stopReason"))
        elif event == "metadata":
            return self._finish(frame, fields)
        return raw

    def _meter(self, block: Fields) -> None:
        size = sum(_size(block[name]) for name in _SHOWN if name in block)
        if size:
            self._content(size)

    def _finish(self, frame: Frame, fields: Fields) -> bytes:
        """The counts with their cost. It is the bill only after the answer has ended."""
        self.tier = read_tier(fields) or self.tier
        self._seen = parse_usage(fields.get("usage")) or self._seen
        if self._stopped:
            self.finished = True
            self.usage = self._seen
        usage = self._seen or msgspec.structs.replace(self.partial(), source="estimated")
        fields["usage"] = splice_cost(fields.get("usage"), usage, self._price(usage, self.tier))
        return encode_frame(frame.headers, render_fields(fields))


def _size(raw: msgspec.Raw) -> int:
    """Bytes of what a reader sees; 0 for an empty text, and for reasoning that is a signature alone."""
    fields = object_or_none(raw)
    if fields is None:
        return max(0, len(bytes(raw)) - 2)
    fields.pop("signature", None)
    return sum(max(0, len(bytes(value)) - 2) for value in fields.values())
