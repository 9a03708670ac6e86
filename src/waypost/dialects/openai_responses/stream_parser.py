"""A target's stream of this dialect to the core's events.

https://platform.openai.com/docs/api-reference/responses-streaming (2026-11-25). Deltas are carried as they come; the
`done` events fill in what a server did not stream, so that an answer is whole whichever of the two it sends.
"""

from __future__ import annotations

import msgspec

from waypost.core.events import Event, Failed, Finished, Started, Used
from waypost.dialects.fields import NULL, Fields, loose_string
from waypost.dialects.garbage import Garbage
from waypost.dialects.openai_responses.ends import WAITING, read_finish
from waypost.dialects.openai_responses.errors import read_error_event, read_failure
from waypost.dialects.openai_responses.own import Taking
from waypost.dialects.openai_responses.reply import read_items
from waypost.dialects.openai_responses.streamed import (
    OpenItem,
    OpenMessage,
    OpenOther,
    OpenReasoning,
    open_call,
)
from waypost.dialects.openai_responses.usage import parse_usage
from waypost.dialects.sse import SseEvent, SseParser
from waypost.dialects.taking import INTEGER, TEXT, object_or_none
from waypost.errors import Garbled, Truncated, UpstreamError

_LAST = frozenset({"response.completed", "response.incomplete"})
_CALLS = ("function_call", "custom_tool_call")


class ResponsesStreamParser:
    """A `StreamParser`."""

    __slots__ = ("_garbage", "_items", "_parts", "_sse", "_started", "_waits", "failure", "finished")

    def __init__(self) -> None:
        self._sse = SseParser()
        self._garbage = Garbage()
        self._items: dict[int, OpenItem] = {}
        self._parts = 0
        self._started = False
        self._waits = False
        self.finished = False
        self.failure: UpstreamError | None = None

    @property
    def skipped(self) -> int:
        """See `StreamParser`."""
        return self._garbage.skipped

    def feed(self, chunk: bytes) -> list[Event]:
        """See `StreamParser`. Garbled: an event that is no JSON object, or over the size limit."""
        events: list[Event] = []
        try:
            for event in self._sse.feed(chunk):
                if not self.finished and self.failure is None:
                    self._read(event, events)
        except Garbled as error:
            self.failure = error
        return events

    def end(self) -> list[Event]:
        """See `StreamParser`."""
        events = self.feed(b"\n\n")  # some servers leave the last blank line out
        if not self.finished and self.failure is None:
            self.failure = Truncated(
                "The provider closed the stream before its end. What came so far may be incomplete; ask again."
            )
        return events

    def new_part(self) -> int:
        """The number of the next part."""
        self._parts += 1
        return self._parts - 1

    def _read(self, event: SseEvent, out: list[Event]) -> None:
        if event.data is None or event.data.strip() == b"[DONE]":
            return
        fields = object_or_none(msgspec.Raw(event.data))
        if fields is None:
            self.failure = self._garbage.skip()
            return
        self._garbage.row = 0
        kind = loose_string(fields.get("type")) or event.event or ""
        if kind == "error" or bytes(fields.get("error", msgspec.Raw(NULL))) != NULL:
            self._fail(read_error_event(event.data, fields), out)
            return
        response = object_or_none(fields.get("response"))
        if response is not None:
            self._read_response(kind, response, out)
            return
        if not self._started:
            self._start({}, out)
        self._read_item(kind, Taking(fields), out)

    def _fail(self, failure: UpstreamError, out: list[Event]) -> None:
        self.failure = failure
        out.append(Failed(failure.code, failure.message))

    def _start(self, response: Fields, out: list[Event]) -> None:
        self._started = True
        taking = Taking(response)
        tier = taking.take("service_tier", TEXT)
        out.append(
            Started(
                taking.take("id", TEXT) or "",
                taking.take("model", TEXT) or "",
                taking.take("created_at", INTEGER),
                # `auto` is what was asked for; which tier served is said at the end.
                None if tier == "auto" else tier,
            )
        )

    def _read_response(self, kind: str, response: Fields, out: list[Event]) -> None:
        if not self._started:
            self._start(response, out)
        usage = parse_usage(response.get("usage"))
        if usage is not None:
            out.append(Used(usage))
        if kind == "response.failed":
            self._fail(read_failure(response.get("error")), out)
        elif kind in _LAST:
            if not self._items:  # some servers send a short answer at its end only
                for index, raw in enumerate(read_items(response.get("output"))):
                    self._close(index, raw, out)
            for item in self._items.values():
                item.close(Taking({}), out)
            finish, extras = read_finish(response, self._waits)
            out.append(Finished(0, finish, extras))
            self.finished = True

    def _read_item(self, kind: str, taking: Taking, out: list[Event]) -> None:
        index = taking.take("output_index", INTEGER)
        if index is None:
            return
        if kind == "response.output_item.added":
            self._open(index, taking.rest.get("item"), out)
        elif kind == "response.output_item.done":
            self._close(index, taking.rest.get("item", msgspec.Raw(b"{}")), out)
        elif index in self._items:
            self._items[index].read(kind.removeprefix("response."), taking, out)

    def _open(self, index: int, raw: msgspec.Raw | None, out: list[Event]) -> None:
        fields = object_or_none(raw)
        if fields is None or index in self._items:
            return
        kind = loose_string(fields.get("type"))
        number = self._parts
        item: OpenItem | None = None
        if kind == "message":
            item = OpenMessage(self.new_part, fields)
        elif kind == "reasoning":
            item = OpenReasoning(number, fields)
        elif kind in _CALLS:
            item = open_call(number, fields, kind == "custom_tool_call", out)
        self._items[index] = item or OpenOther(number)
        if not isinstance(item, OpenMessage):
            self.new_part()
        self._waits = self._waits or kind in _CALLS or kind in WAITING

    def _close(self, index: int, raw: msgspec.Raw, out: list[Event]) -> None:
        """An item is done. One that was never begun is whole in here."""
        self._open(index, raw, out)
        if index in self._items:
            self._items[index].close(Taking(object_or_none(raw) or {}), out, raw)
