"""The core's events to a stream: https://platform.claude.com/docs/en/build-with-claude/streaming (2026-11-25)."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from waypost.core.asked import Stamp
from waypost.core.events import Event, Failed, Finished, PartDelta, PartEnded, PartStarted, Started, Used
from waypost.core.request import Opaque, Refusal, Text, Thinking, ToolCall
from waypost.core.response import Choice, Finish, ReplyPart
from waypost.core.usage import Usage
from waypost.dialects.anthropic_messages.blocks import safe_id
from waypost.dialects.anthropic_messages.citations import render_citation
from waypost.dialects.anthropic_messages.errors import envelope, render_stream_error
from waypost.dialects.anthropic_messages.own import MAKER, NAME, OWN, own_form, with_extras
from waypost.dialects.anthropic_messages.response import (
    end_fields,
    left_of_usage,
    render_block,
    response_id,
    several_choices,
    stop_fields,
)
from waypost.dialects.anthropic_messages.usage import usage_object
from waypost.dialects.costs import put_cost
from waypost.dialects.sse import render
from waypost.dialects.taking import Json
from waypost.errors import GatewayError

_ENCODER = msgspec.json.Encoder()
_PLACE = "content"
#: What nearly every event of an answer is.
_TEXT_DELTA = (
    b"event: content_block_delta\n"
    b'data: {"type":"content_block_delta","index":%d,"delta":{"type":"text_delta","text":%b}}\n\n'
)


class _Block:
    """One part, until it has been sent. Blocks of a message follow each other, so what comes for a later part waits
    for the end of the one before it."""

    __slots__ = ("ended", "events", "index", "value")

    def __init__(self, value: ReplyPart) -> None:
        self.value = value
        self.events: list[PartDelta] = []
        self.ended = False
        #: Its number in the message, once it was begun.
        self.index: int | None = None


class AnthropicStreamRenderer:
    """A `StreamRenderer`. Of one choice: this dialect knows no others."""

    __slots__ = ("_blocks", "_choice", "_failed", "_open", "_own", "_sent", "_stamp", "_tier", "_usage")

    def __init__(self, stamp: Stamp) -> None:
        self._stamp = stamp
        #: The parts that are not yet through, in order; the first one is under way.
        self._blocks: dict[int, _Block] = {}
        #: The part under way and its block's number, when it is a text that has begun.
        self._open: tuple[int, int] | None = None
        self._sent = 0
        self._choice = Choice(0, (), Finish.OTHER)
        self._tier: str | None = None
        self._usage: Usage | None = None
        self._own = False
        self._failed = False

    def render(self, event: Event) -> bytes:
        """See `StreamRenderer`."""
        if isinstance(event, PartDelta) and self._open is not None and event.part == self._open[0]:
            text = event.text
            if text and event.citation is None and event.choice == 0:
                return _TEXT_DELTA % (self._open[1], _ENCODER.encode(text))
        if isinstance(event, PartStarted | PartDelta | PartEnded | Finished):
            if event.choice != 0:
                raise several_choices()
            return self._part(event)
        if isinstance(event, Started):
            return self._start(event)
        if isinstance(event, Used):
            self._usage = event.usage
        elif isinstance(event, Failed):
            self._failed = True
            return render(_ENCODER.encode(envelope("api_error", event.message, event.code)), "error")
        return b""

    def end(self, usage: Usage | None = None, cost_nusd: int | None = None) -> bytes:
        """Why it ended, the usage with its cost, and the terminator; nothing after a failure. Without `usage`, what
        the events said."""
        if self._failed:
            return b""
        counted = usage or self._usage or Usage(source="estimated")
        counts: Json = {**left_of_usage(self._choice), **usage_object(counted)}
        if not self._own:
            put_cost(counts, cost_nusd)
            if counted.source != "reported":
                counts["estimated"] = True
        delta: Json = {**stop_fields(self._choice), **end_fields(self._choice)}
        last = _event("message_delta", delta=delta, usage=counts)
        return self._flush(closing=True) + last + _event("message_stop")

    def fail(self, error: GatewayError) -> bytes:
        """See `StreamRelay.fail`."""
        self._failed = True
        return render_stream_error(error)

    def _start(self, event: Started) -> bytes:
        self._tier = event.tier
        self._own = own_form(event.extras) == OWN
        message: Json = {
            "id": response_id(event.response_id, self._stamp),
            "type": "message",
            "role": "assistant",
            "model": event.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            # What the prompt used is known at the end, and is said there.
            "usage": usage_object(Usage(), event.tier),
        }
        return _event("message_start", message=with_extras(message, event.extras))

    def _part(self, event: PartStarted | PartDelta | PartEnded | Finished) -> bytes:
        if isinstance(event, Finished):
            parts = self._choice.parts
            self._choice = Choice(0, parts, event.finish, event.extras, event.stop_text)
            return b""
        if isinstance(event, PartStarted):
            self._choice = msgspec.structs.replace(self._choice, parts=(*self._choice.parts, event.value))
            self._blocks[event.part] = _Block(event.value)
        else:
            block = self._blocks.get(event.part)
            if block is None:
                return b""
            if isinstance(event, PartDelta):
                block.events.append(event)
            else:
                block.ended = True
        return self._flush()

    def _flush(self, closing: bool = False) -> bytes:
        """What can be sent of the parts in order."""
        out: list[bytes] = []
        while self._blocks:
            number = next(iter(self._blocks))
            block = self._blocks[number]
            self._send(block, out)
            if not (block.ended or closing):
                break
            if block.index is not None:
                out.append(_event("content_block_stop", index=block.index))
            del self._blocks[number]
        self._open = self._text_under_way()
        return b"".join(out)

    def _text_under_way(self) -> tuple[int, int] | None:
        for number, block in self._blocks.items():
            if block.index is not None and isinstance(block.value, Text | Refusal):
                return number, block.index
            return None
        return None

    def _send(self, block: _Block, out: list[bytes]) -> None:
        value, deltas = block.value, block.events
        if block.index is None:
            if _is_empty(block):
                return
            if isinstance(value, Thinking) and value.redacted:
                value = msgspec.structs.replace(value, signature=_signature(block))
            start = self._begin(value)
            if start is None:
                deltas.clear()
                return
            block.index = self._sent
            self._sent += 1
            out.append(_event("content_block_start", index=block.index, content_block=start))
            first = PartDelta(0, 0, _text_of(value))
            citations = value.citations if isinstance(value, Text) else ()
            deltas[:0] = [first, *(PartDelta(0, 0, citation=citation) for citation in citations)]
        for delta in deltas:
            out.extend(_render_delta(block.index, value, delta))
        deltas.clear()

    def _begin(self, value: ReplyPart) -> Json | msgspec.Raw | None:
        """A block as it starts. None: it is not shown. Raises Unrepresentable."""
        where = f"{_PLACE}[{self._sent}]"
        if isinstance(value, Text | Refusal):
            return {"type": "text", "text": ""}
        if isinstance(value, ToolCall):
            call_id = safe_id(value.call_id) or f"toolu_{self._stamp.exchange_id}_{self._sent}"
            start: Json = {"type": "tool_use", "id": call_id, "name": value.name, "input": {}}
            return with_extras(start, value.extras)
        if isinstance(value, Thinking) and not value.redacted:
            signature = (value.maker == MAKER and value.signature) or ""
            return with_extras({"type": "thinking", "thinking": "", "signature": signature}, value.extras)
        if isinstance(value, Opaque) and value.dialect == NAME:
            return value.data
        return render_block(value, where)


def _is_empty(block: _Block) -> bool:
    """Nothing to show so far. Anthropic sends no empty texts and refuses them, and those of white space, when they
    come back; a signature of another maker is not shown."""
    value = block.value
    text = _text_of(value) + "".join(delta.text for delta in block.events)
    if isinstance(value, Text | Refusal):
        return not text.strip()
    if isinstance(value, Thinking) and value.redacted:
        return not _signature(block)
    return isinstance(value, Thinking) and value.maker != MAKER and not text


def _signature(block: _Block) -> str | None:
    value = block.value
    said = [delta.signature for delta in block.events if delta.signature is not None]
    return said[-1] if said else value.signature if isinstance(value, Thinking) else None


def _text_of(value: ReplyPart) -> str:
    if isinstance(value, Text | Refusal | Thinking):
        return value.text
    return value.arguments if isinstance(value, ToolCall) else ""


def _render_delta(index: int, value: ReplyPart, delta: PartDelta) -> Iterator[bytes]:
    text = delta.text
    if text and isinstance(value, ToolCall):
        yield _kind(index, type="input_json_delta", partial_json=text)
    elif text and isinstance(value, Thinking):
        yield _kind(index, type="thinking_delta", thinking=text)
    elif text:
        yield _kind(index, type="text_delta", text=text)
    signed = isinstance(value, Thinking) and value.maker == MAKER and not value.redacted
    if signed and delta.signature is not None:
        yield _kind(index, type="signature_delta", signature=delta.signature)
    if delta.citation is not None:
        yield _kind(index, type="citations_delta", citation=render_citation(delta.citation))


def _kind(index: int, **delta: object) -> bytes:
    return _event("content_block_delta", index=index, delta=delta)


def _event(kind: str, **fields: object) -> bytes:
    return render(_ENCODER.encode({"type": kind, **fields}), kind)
