"""The stream of an answer that is made in the background, out of the stream of the request that makes it.

It begins with `response.created` and `response.queued`, every event has the number of its place, and a response in an
event is the one that the client knows: https://developers.openai.com/api/docs/guides/background and the events of
openai-python 3.52, `types/responses/` (2026-11-26). That format has no event for an answer that was cancelled:
`response.incomplete` tells of it, with the status `cancelled` in its response.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from waypost.dialects.fields import Fields, loose_string, parse_object, read_string, render_fields
from waypost.dialects.openai_responses.errors import read_error_event
from waypost.dialects.openai_responses.state import Status, Stored, render_stored
from waypost.dialects.sse import SseEvent, SseParser, render
from waypost.dialects.taking import object_or_none, object_raw
from waypost.errors import Garbled, GatewayError

#: Bytes of the longest event that is read: the last one holds the whole answer, pictures included.
EVENT_MOST = 64 * 1024 * 1024

_TRUE = msgspec.Raw(b"true")
_CREATED = "response.created"
_LAST: dict[str, Literal["completed", "incomplete"]] = {
    "response.completed": "completed",
    "response.incomplete": "incomplete",
}
#: The event that ends a stream with an answer of this status.
_ENDS: dict[Status, str] = {"failed": "response.failed", "completed": "response.completed"}
_ENCODER = msgspec.json.Encoder()


def owned(fields: Fields, stored: Stored) -> Fields:
    """A response as its client knows it: under the id that it was told, and as what it asked for."""
    fields["id"] = msgspec.Raw(_ENCODER.encode(stored.response_id))
    fields["background"] = fields["store"] = _TRUE
    previous = read_string(stored.fields, "previous_response_id")
    if previous is not None:
        fields["previous_response_id"] = msgspec.Raw(_ENCODER.encode(previous))
    return fields


class BackgroundStream:
    """Bytes of the inner stream to events for the client, each whole. The last event is held back, because the answer
    is to be kept before anybody is told of its end."""

    __slots__ = ("_next", "_sse", "_stored", "body", "failure", "status")

    def __init__(self, stored: Stored) -> None:
        self._stored = stored
        self._sse = SseParser(EVENT_MOST)
        self._next = 0
        #: The answer, once it is whole, and whether it was ended early.
        self.body: msgspec.Raw | None = None
        self.status: Literal["completed", "incomplete"] = "completed"
        #: What the inner stream told instead of an end.
        self.failure: GatewayError | None = None

    def begin(self) -> list[bytes]:
        """The events before there is an inner stream."""
        queued = self._response(self._stored)
        return [self._render(name, {"response": queued}) for name in (_CREATED, "response.queued")]

    def feed(self, chunk: bytes) -> list[bytes]:
        """The events that this chunk completes."""
        try:
            events = self._sse.feed(chunk)
        except Garbled as error:
            self.failure = error
            return []
        return [event for each in events if (event := self._read(each))]

    def end(self, stored: Stored) -> bytes:
        """The last event, for the answer as it is kept."""
        name = _ENDS.get(stored.status, "response.incomplete")
        return self._render(name, {"response": self._response(stored)})

    def _read(self, event: SseEvent) -> bytes:
        if event.data is None or self.body is not None or self.failure is not None:
            return b""
        try:
            fields = parse_object(event.data)
        except ValueError:
            return b""  # it passed unread, as most events do; nobody could read it
        kind = loose_string(fields.get("type")) or event.event or ""
        if kind == "error":
            self.failure = read_error_event(event.data, fields)
            return b""
        response = object_or_none(fields.get("response"))
        if response is not None:
            fields["response"] = object_raw(owned(response, self._stored))
        if kind in _LAST:
            self.body, self.status = fields.get("response"), _LAST[kind]
            return b""
        return b"" if kind == _CREATED else self._render(kind, fields)

    def _response(self, stored: Stored) -> msgspec.Raw:
        return object_raw(owned(parse_object(render_stored(stored)), self._stored))

    def _render(self, kind: str, fields: Fields) -> bytes:
        said = {"type": msgspec.Raw(_ENCODER.encode(kind)), **fields}
        said["sequence_number"] = msgspec.Raw(b"%d" % self._next)
        self._next += 1
        return render(render_fields(said), kind)
