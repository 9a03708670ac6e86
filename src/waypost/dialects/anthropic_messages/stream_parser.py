"""A stream to the core's events: https://platform.claude.com/docs/en/build-with-claude/streaming (2026-11-25)."""

from __future__ import annotations

import msgspec

from waypost.core.events import Event, Failed, Finished, PartDelta, PartEnded, PartStarted, Started, Used
from waypost.core.request import Citation, Opaque, Text, ToolCall
from waypost.dialects.anthropic_messages.blocks import parse_block
from waypost.dialects.anthropic_messages.citations import parse_citation
from waypost.dialects.anthropic_messages.errors import parse_inline
from waypost.dialects.anthropic_messages.own import Taking
from waypost.dialects.anthropic_messages.plain import read_delta
from waypost.dialects.anthropic_messages.response import take_ending, take_head
from waypost.dialects.anthropic_messages.usage import TIERS, merge, parse_usage, tier_of
from waypost.dialects.fields import Fields, parse_object
from waypost.dialects.garbage import Garbage
from waypost.dialects.sse import SseEvent, SseParser
from waypost.dialects.taking import INTEGER, TEXT, object_or_none, object_raw
from waypost.errors import Garbled, Truncated, UpstreamError

#: Per kind of delta: the field with its text.
_TEXTS = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}


class _OpenBlock:
    """A block under way. What only this dialect can say is gathered, and told as one part at its end."""

    __slots__ = ("input", "opaque", "part")

    def __init__(self, part: int, opaque: Fields | None) -> None:
        self.part = part
        self.opaque = opaque
        #: Of a call: the input that the block began with, until a delta says more.
        self.input = ""


class AnthropicStreamParser:
    """A `StreamParser`."""

    __slots__ = ("_blocks", "_counts", "_ended", "_garbage", "_parts", "_sse", "failure", "finished")

    def __init__(self) -> None:
        self._sse = SseParser()
        self._garbage = Garbage()
        self._blocks: dict[int, _OpenBlock] = {}
        self._parts = 0
        self._counts: Fields = {}
        self._ended = False
        self.finished = False
        self.failure: UpstreamError | None = None

    @property
    def skipped(self) -> int:
        """See `StreamParser`."""
        return self._garbage.skipped

    def feed(self, chunk: bytes) -> list[Event]:
        """See `StreamParser`. Garbled: an event that is no JSON object, or over the size limit."""
        if self._blocks and not self._sse.pending:
            usual = self._usual(chunk)
            if usual is not None:
                return [usual]
        events: list[Event] = []
        try:
            for event in self._sse.feed(chunk):
                if not self.finished and self.failure is None:
                    self._read(event, events)
        except Garbled as error:
            self.failure = error
        return events

    def _usual(self, chunk: bytes) -> Event | None:
        """More of a text that has begun, when that is all there is in `chunk`."""
        found = read_delta(chunk)
        if found is None or self.finished or self.failure is not None:
            return None
        index, text = found
        block = self._blocks.get(index)
        if not text or block is None or block.opaque is not None:
            return None
        self._garbage.row = 0
        block.input = ""
        return PartDelta(0, block.part, text)

    def end(self) -> list[Event]:
        """See `StreamParser`. A message that was stopped is whole even without its terminator."""
        events = self.feed(b"\n\n")  # some servers leave the last blank line out
        if not self.finished and self.failure is None:
            if self._ended:
                self.finished = True
            else:
                self.failure = Truncated(
                    "The provider closed the stream before its end. What came so far may be incomplete; ask again."
                )
        return events

    def _read(self, event: SseEvent, out: list[Event]) -> None:
        if event.data is None:
            return
        try:
            fields = parse_object(event.data)
        except ValueError:
            self.failure = self._garbage.skip()
            return
        self._garbage.row = 0
        taking = Taking(fields)
        kind = taking.take("type", TEXT) or event.event
        if kind == "error" or event.event == "error":
            self.failure = parse_inline(event.data)
            out.append(Failed(self.failure.code, self.failure.message))
        elif kind == "content_block_delta":
            self._delta(taking, out)
        elif kind == "content_block_start":
            self._start_block(taking, out)
        elif kind == "content_block_stop":
            self._stop_block(taking.take("index", INTEGER) or 0, out)
        elif kind == "message_start":
            self._start(Taking(taking.take_object("message") or {}), out)
        elif kind == "message_delta":
            self._end_message(taking, out)
        elif kind == "message_stop":
            self.finished = True

    def _start(self, message: Taking, out: list[Event]) -> None:
        raw = message.rest.pop("usage", None)
        self._counts = merge({}, raw)
        message.rest.pop("content", None)
        name, model = message.take("id", TEXT) or "", message.take("model", TEXT) or ""
        tier = TIERS.get(tier_of(raw) or "")
        out.append(Started(name, model, None, tier, take_head(message)))
        usage = parse_usage(raw)
        if usage is not None:
            out.append(Used(usage))

    def _start_block(self, taking: Taking, out: list[Event]) -> None:
        index = taking.take("index", INTEGER) or 0
        self._stop_block(index, out)
        raw = taking.rest.get("content_block", msgspec.Raw(b"{}"))
        first = parse_block(raw)
        block = _OpenBlock(self._parts, object_or_none(raw) if isinstance(first, Opaque) else None)
        self._parts += 1
        self._blocks[index] = block
        if isinstance(first, Opaque):
            return
        citations: tuple[Citation, ...] = ()
        if isinstance(first, ToolCall):
            block.input = first.arguments
            first = msgspec.structs.replace(first, arguments="")
        elif isinstance(first, Text):
            citations = first.citations
            first = msgspec.structs.replace(first, citations=())
        out.append(PartStarted(0, block.part, first))
        out.extend(PartDelta(0, block.part, citation=citation) for citation in citations)

    def _delta(self, taking: Taking, out: list[Event]) -> None:
        block = self._blocks.get(taking.take("index", INTEGER) or 0)
        delta = Taking(taking.take_object("delta") or {})
        kind = delta.take("type", TEXT) or ""
        if block is None:
            return
        name = _TEXTS.get(kind)
        text = "" if name is None else delta.take(name, TEXT) or ""
        if block.opaque is not None:
            if kind == "input_json_delta":
                block.input += text
            else:
                block.opaque.update(delta.rest)
        elif text:
            block.input = ""
            out.append(PartDelta(0, block.part, text))
        elif kind == "signature_delta":
            signature = delta.take("signature", TEXT)
            if signature is not None:
                out.append(PartDelta(0, block.part, signature=signature))
        elif kind == "citations_delta":
            citation = parse_citation(delta.rest.get("citation", msgspec.Raw(b"null")))
            if citation is not None:
                out.append(PartDelta(0, block.part, citation=citation))

    def _stop_block(self, index: int, out: list[Event]) -> None:
        block = self._blocks.pop(index, None)
        if block is None:
            return
        if block.opaque is not None:
            given = msgspec.Raw(block.input.encode())
            if object_or_none(given) is not None:
                block.opaque["input"] = given
            out.append(PartStarted(0, block.part, parse_block(object_raw(block.opaque))))
        elif block.input:
            out.append(PartDelta(0, block.part, block.input))
        out.append(PartEnded(0, block.part))

    def _end_message(self, taking: Taking, out: list[Event]) -> None:
        delta = Taking(taking.take_object("delta") or {})
        self._counts = merge(self._counts, taking.rest.pop("usage", None))
        delta.rest.update(taking.rest)
        ending = take_ending(delta, self._counts)
        usage = parse_usage(object_raw(self._counts))
        if ending.finish is not None and not self._ended:
            self._ended = True
            for index in sorted(self._blocks):
                self._stop_block(index, out)
            out.append(Finished(0, ending.finish, ending.extras, ending.stop_text))
        if usage is not None:
            out.append(Used(usage))
