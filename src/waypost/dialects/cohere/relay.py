"""A stream of Cohere's chat on both ends: events pass as they came, and the meter reads beside them.

https://docs.cohere.com/reference/chat-stream (2026-11-25). `message-end` has the counts and is the last.
"""

from __future__ import annotations

import msgspec

from waypost.dialects.beside import BesideRelay
from waypost.dialects.cohere.counts import parse_counts, splice_cost
from waypost.dialects.cohere.errors import parse_end, render_stream_error
from waypost.dialects.fields import Fields, loose_string, parse_object, render_fields
from waypost.dialects.sse import parse_event, render
from waypost.dialects.taking import object_or_none, object_raw
from waypost.errors import GatewayError

#: Events that carry something a reader, or a tool, is given.
_CONTENT = frozenset(("content-delta", "tool-plan-delta", "tool-call-start", "tool-call-delta"))
_DONE = b"[DONE]"


class CohereRelay(BesideRelay):
    """A `StreamRelay`."""

    __slots__ = ()

    def fail(self, error: GatewayError) -> bytes:
        """See `StreamRelay.fail`."""
        return render_stream_error(error)

    def _take(self, raw: bytes) -> bytes:
        event = parse_event(raw)
        if event.data is None or event.data.strip() == _DONE:
            return raw
        try:
            fields = parse_object(event.data)
        except ValueError:
            return self._skip()
        self._garbage.row = 0
        kind = loose_string(fields.get("type")) or event.event
        if kind in _CONTENT:
            self._content(len(event.data))
        elif kind == "message-end":
            return self._finish(fields)
        return raw

    def _finish(self, fields: Fields) -> bytes:
        delta = object_or_none(fields.get("delta")) or {}
        self.finish_reason = loose_string(delta.get("finish_reason"))
        self.failure = parse_end(self.finish_reason, delta.get("error"))
        if self.failure is not None:
            return b""
        self.finished = self.committed = True
        self._seen = self.usage = parse_counts(delta.get("usage"))
        usage = self.usage or msgspec.structs.replace(self.partial(), source="estimated")
        delta["usage"] = splice_cost(delta.get("usage"), usage, self._price(usage, None))
        fields["delta"] = object_raw(delta)
        return render(render_fields(fields), "message-end")
