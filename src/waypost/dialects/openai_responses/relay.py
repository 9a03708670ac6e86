"""Relays a stream of this dialect and meters it beside the bytes.

Events: https://platform.openai.com/docs/api-reference/responses-streaming (2026-11-25).
"""

from __future__ import annotations

import re

import msgspec

from waypost.core.asked import Asked
from waypost.dialects.beside import BesideRelay
from waypost.dialects.dialect import Pricer
from waypost.dialects.fields import NULL, Fields, loose_string, parse_object, render_fields
from waypost.dialects.openai_responses.errors import read_error_event, read_failure, render_stream_error
from waypost.dialects.openai_responses.reply import finish_word
from waypost.dialects.openai_responses.usage import parse_usage, splice_cost
from waypost.dialects.sse import parse_event, render
from waypost.dialects.taking import object_or_none, object_raw
from waypost.errors import GatewayError

#: Items that are only a frame around the deltas that follow; any other item is a call of a tool.
_FRAMES = frozenset({"message", "reasoning"})
#: Events, besides deltas, that carry content.
_WITH_CONTENT = frozenset({"response.image_generation_call.partial_image"})

_TEXT = b'"delta":"'
_SEQUENCE = re.compile(rb'"sequence_number"\s*:\s*(\d{1,15})')
_DELTA_TEXT = re.compile(rb'"(?:delta|partial_image_b64)"\s*:\s*"((?:[^"\\]|\\.)*)"', re.DOTALL)


class ResponsesRelay(BesideRelay):
    """A `StreamRelay`. Committed by the first delta, or the first item that is a tool's."""

    __slots__ = ("_last", "_passed")

    def __init__(self, asked: Asked, price: Pricer) -> None:
        super().__init__(asked, price)
        #: How many events were sent on, and the last of them.
        self._passed = 0
        self._last = b""

    def fail(self, error: GatewayError) -> bytes:
        """See `StreamRelay.fail`."""
        found = _SEQUENCE.search(self._last)
        return render_stream_error(error, self._passed if found is None else int(found[1]) + 1)

    def _take(self, raw: bytes) -> bytes:
        if _is_delta(raw):  # nearly every event: no need to parse it
            self._delta(raw)
            self._garbage.row = 0
            return self._pass(raw)
        event = parse_event(raw)
        if event.data is None:
            return raw
        data = event.data.strip()
        if data == b"[DONE]":  # some servers send it though the format has none
            return b""
        try:
            fields = parse_object(data)
        except ValueError:
            return self._skip()
        self._garbage.row = 0
        kind = loose_string(fields.get("type")) or event.event or ""
        if kind == "error" or bytes(fields.get("error", msgspec.Raw(NULL))) != NULL:
            self.failure = read_error_event(data, fields)
            return b""
        return self._read(kind, raw, fields, event.event)

    def _read(self, kind: str, raw: bytes, fields: Fields, event: str | None) -> bytes:
        if kind.endswith(".delta") or kind in _WITH_CONTENT:
            self._delta(raw)
        elif kind == "response.output_item.added":
            item = object_or_none(fields.get("item")) or {}
            if loose_string(item.get("type")) not in _FRAMES:
                self._content(0)
        elif kind == "response.failed":
            response = object_or_none(fields.get("response")) or {}
            self._seen = parse_usage(response.get("usage")) or self._seen
            self.failure = read_failure(response.get("error"))
            return b""
        elif kind in ("response.completed", "response.incomplete"):
            return self._pass(self._finish(fields, event))
        return self._pass(raw)

    def _delta(self, raw: bytes) -> None:
        start = raw.find(_TEXT)
        if start >= 0 and b"\\" not in raw:
            start += len(_TEXT)
            self._content(raw.find(b'"', start) - start)
            return
        found = _DELTA_TEXT.search(raw)
        self._content(len(found[1]) if found is not None else 0)

    def _pass(self, raw: bytes) -> bytes:
        self._passed += 1
        self._last = raw
        return raw

    def _finish(self, fields: Fields, event: str | None) -> bytes:
        """The last event, with the cost in its usage."""
        response = object_or_none(fields.get("response")) or {}
        self.finished = self.committed = True
        self.tier = loose_string(response.get("service_tier"))
        self.finish_reason = finish_word(response)
        self.usage = parse_usage(response.get("usage"))
        counted = self.usage or msgspec.structs.replace(self.partial(), source="estimated")
        response["usage"] = splice_cost(response.get("usage"), counted, self._price(counted, self.tier))
        fields["response"] = object_raw(response)
        return render(render_fields(fields), event)

    def _close(self, rest: bytes) -> bytes:
        out = self._take(rest + b"\n\n") if rest.strip() else b""
        return out if self._over() else out + super()._close(b"")


def _is_delta(raw: bytes) -> bool:
    """Whether an event is a delta as OpenAI writes it: its name on one line, and its data, whose type comes first, on
    another."""
    end = raw.find(b"\n")
    return (
        raw.startswith(b"event: response.")
        and raw.endswith(b".delta", 0, end)
        and raw.startswith(b'data: {"type":"response.', end + 1)
        and raw.endswith(b"}\n\n")
        and raw.count(b"\n") == 3
        and b"\r" not in raw
    )
