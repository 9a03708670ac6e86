"""A chat stream to the core's events: the cross-dialect lane. https://docs.cohere.com/reference/chat-stream
(2026-11-25)."""

from __future__ import annotations

import msgspec

from waypost.core.events import Event, Failed, Finished, PartDelta, PartEnded, PartStarted, Started, Used
from waypost.core.request import Text, Thinking
from waypost.core.response import Finish, ReplyPart
from waypost.dialects.cohere.counts import parse_counts
from waypost.dialects.cohere.errors import parse_end
from waypost.dialects.cohere_chat.own import Taking
from waypost.dialects.cohere_chat.response import PLAN, parse_call, parse_citations, read_finish
from waypost.dialects.fields import Fields, loose_string
from waypost.dialects.garbage import Garbage
from waypost.dialects.sse import SseEvent, SseParser
from waypost.dialects.taking import TEXT, object_or_none
from waypost.errors import Garbled, Truncated, UpstreamError

_PLAN = "plan"


class CohereStreamParser:
    """A `StreamParser`. One part is open at a time; a text stays open until the next part, since its citations may
    come after its last word."""

    __slots__ = ("_garbage", "_open", "_parts", "_sse", "_started", "failure", "finished")

    def __init__(self) -> None:
        self._sse = SseParser()
        self._garbage = Garbage()
        self._open: str = ""
        self._parts = 0
        self._started = False
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

    def _read(self, event: SseEvent, out: list[Event]) -> None:
        if event.data is None or event.data.strip() == b"[DONE]":
            return
        fields = object_or_none(msgspec.Raw(event.data))
        if fields is None:
            self.failure = self._garbage.skip()
            return
        self._garbage.row = 0
        kind = loose_string(fields.get("type")) or event.event or ""
        delta = object_or_none(fields.get("delta")) or {}
        if not self._started:
            self._started = True
            out.append(Started(loose_string(fields.get("id")) or "", ""))
        if kind == "message-end":
            self._finish(delta, out)
            return
        message = object_or_none(delta.get("message")) or {}
        if kind == "tool-plan-delta":
            self._text(_PLAN, Thinking("", extras=PLAN), Taking(message).take("tool_plan", TEXT), out)
        elif kind in ("content-start", "content-delta"):
            self._content(kind, object_or_none(message.get("content")) or {}, out)
        elif kind in ("tool-call-start", "tool-call-delta"):
            self._call(kind, message.get("tool_calls"), out)
        elif kind == "citation-start" and self._open == "text" and "citations" in message:
            for citation in parse_citations(message["citations"]):
                out.append(PartDelta(0, self._parts - 1, citation=citation))

    def _content(self, kind: str, content: Fields, out: list[Event]) -> None:
        taking = Taking(content)
        if kind == "content-start":
            self._close(out)  # a new block, although it may be of the same kind
        for name, first in (("thinking", Thinking("")), ("text", Text(""))):
            self._text(name, first, taking.take(name, TEXT), out)

    def _text(self, name: str, first: ReplyPart, text: str | None, out: list[Event]) -> None:
        if text:
            if self._open != name:
                self._start(name, first, out)
            out.append(PartDelta(0, self._parts - 1, text))

    def _call(self, kind: str, raw: msgspec.Raw | None, out: list[Event]) -> None:
        call = parse_call(raw or msgspec.Raw(b"{}"))
        if kind == "tool-call-start":
            self._start("call", msgspec.structs.replace(call, arguments=""), out)
        if call.arguments and self._open == "call":
            out.append(PartDelta(0, self._parts - 1, call.arguments))

    def _start(self, name: str, first: ReplyPart, out: list[Event]) -> None:
        self._close(out)
        out.append(PartStarted(0, self._parts, first))
        self._open = name
        self._parts += 1

    def _close(self, out: list[Event]) -> None:
        if self._open:
            out.append(PartEnded(0, self._parts - 1))
            self._open = ""

    def _finish(self, delta: Fields, out: list[Event]) -> None:
        reason = delta.get("finish_reason")
        self.failure = parse_end(loose_string(reason), delta.get("error"))
        if self.failure is not None:
            out.append(Failed(self.failure.code, self.failure.message))
            return
        self._close(out)
        finish, kept = read_finish(reason)
        out.append(Finished(0, finish or Finish.STOP, kept))
        usage = parse_counts(delta.get("usage"))
        if usage is not None:
            out.append(Used(usage))
        self.finished = True
