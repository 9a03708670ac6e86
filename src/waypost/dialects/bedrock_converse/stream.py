"""A Converse stream to the core's events: the cross-dialect lane.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStreamOutput.html (2026-11-25).
"""

from __future__ import annotations

import msgspec

from waypost.core.events import Event, Failed, Finished, PartDelta, PartEnded, PartStarted, Started, Used
from waypost.core.request import Extras, Media, Opaque, Text, Thinking, ToolCall
from waypost.core.response import Finish, ReplyPart
from waypost.dialects.bedrock_converse.citations import parse_citation
from waypost.dialects.bedrock_converse.errors import parse_exception
from waypost.dialects.bedrock_converse.eventstream import FrameSplitter, decode_frame, is_lost
from waypost.dialects.bedrock_converse.own import CLAUDE, NAME, Taking
from waypost.dialects.bedrock_converse.parts import CONTENT, OWN, parse_block, unredact
from waypost.dialects.bedrock_converse.response import read_finish, read_stop_text
from waypost.dialects.bedrock_converse.usage import parse_usage
from waypost.dialects.fields import Fields, parse_object
from waypost.dialects.garbage import Garbage
from waypost.dialects.taking import INTEGER, ITEMS, TEXT, object_or_none, object_raw
from waypost.errors import Garbled, Truncated, UpstreamError

_REASONING = Extras(NAME, {}, OWN)


class _Block:
    """A content block under way. It is a part from its first delta on; what only comes whole is one at its end."""

    __slots__ = ("head", "kind", "number", "pieces", "signature")

    def __init__(self, kind: str, head: Fields) -> None:
        self.kind = kind
        self.head = head
        self.number: int | None = None
        self.pieces: list[msgspec.Raw | str] = []
        self.signature: list[str] = []


class ConverseStreamParser:
    """A `StreamParser`."""

    __slots__ = ("_blocks", "_garbage", "_parts", "_splitter", "_started", "_stopped", "failure", "finished")

    def __init__(self) -> None:
        self._splitter = FrameSplitter()
        self._garbage = Garbage()
        self._blocks: dict[int, _Block] = {}
        self._parts = 0
        self._started = False
        self._stopped = False
        self.finished = False
        self.failure: UpstreamError | None = None

    @property
    def skipped(self) -> int:
        """See `StreamParser`."""
        return self._garbage.skipped

    def feed(self, chunk: bytes) -> list[Event]:
        """See `StreamParser`. Garbled: a message that can not be read, or is over the size limit."""
        events: list[Event] = []
        for raw in self._splitter.feed(chunk):
            if not self.finished and self.failure is None:
                self._read(raw, events)
        if self._splitter.overflow and self.failure is None:
            self.failure = Garbled("The provider sent a stream event over the size limit. Try another model.")
        return events

    def end(self) -> list[Event]:
        """See `StreamParser`. An answer that said why it stopped is whole, even without its counts."""
        if not self.finished and self.failure is None:
            if self._stopped and not self._splitter.flush():
                self.finished = True
            else:
                self.failure = Truncated(
                    "The provider closed the stream before its end. What came so far may be incomplete; ask again."
                )
        return []

    def _read(self, raw: bytes, out: list[Event]) -> None:
        try:
            frame = decode_frame(raw)
        except Garbled as error:
            self.failure = error if is_lost(raw) else self._garbage.skip()
            return
        if frame.text(":message-type") not in ("event", ""):
            self.failure = parse_exception(frame)
            out.append(Failed(self.failure.code, self.failure.message))
            return
        try:
            fields = parse_object(frame.payload)
        except ValueError:
            self.failure = self._garbage.skip()
            return
        self._garbage.row = 0
        if not self._started:
            self._started = True
            out.append(Started("", ""))
        event = frame.text(":event-type")
        if event == "contentBlockStart":
            self._start(fields)
        elif event == "contentBlockDelta":
            self._delta(fields, out)
        elif event == "contentBlockStop":
            self._stop(Taking(fields).take("contentBlockIndex", INTEGER) or 0, out)
        elif event == "messageStop":
            self._finish(fields, out)
        elif event == "metadata":
            usage = parse_usage(fields.get("usage"))
            if usage is not None:
                out.append(Used(usage))
            self.finished = self._stopped

    def _start(self, fields: Fields) -> None:
        index = Taking(fields).take("contentBlockIndex", INTEGER) or 0
        start = object_or_none(fields.get("start")) or {}
        for kind, value in start.items():
            self._blocks[index] = _Block(kind, object_or_none(value) or {})

    def _delta(self, fields: Fields, out: list[Event]) -> None:
        index = Taking(fields).take("contentBlockIndex", INTEGER) or 0
        for kind, value in (object_or_none(fields.get("delta")) or {}).items():
            block = self._blocks.get(index)
            if block is None:
                block = self._blocks[index] = _Block("text" if kind == "citation" else kind, {})
            if kind in ("text", "citation") and block.kind == "text":
                self._text(block, kind, value, out)
            elif kind == "reasoningContent":
                self._reason(block, object_or_none(value) or {}, out)
            elif kind == "toolUse" and block.kind == kind:
                self._call(block, Taking(object_or_none(value) or {}).take("input", TEXT) or "", out)
            else:
                block.pieces.append(value)

    def _open(self, block: _Block, first: ReplyPart, out: list[Event]) -> int:
        """The number of the block's part; it begins now, if it has not."""
        if block.number is None:
            block.number = self._parts
            self._parts += 1
            out.append(PartStarted(0, block.number, first))
        return block.number

    def _text(self, block: _Block, kind: str, value: msgspec.Raw, out: list[Event]) -> None:
        text, citation = "", None
        if kind == "text":
            text = Taking({"text": value}).take("text", TEXT) or ""
        else:
            citation = parse_citation(object_or_none(value))
        if text or citation is not None:
            number = self._open(block, Text(""), out)
            out.append(PartDelta(0, number, text, citation=citation))

    def _reason(self, block: _Block, fields: Fields, out: list[Event]) -> None:
        taking = Taking(fields)
        text, signature = taking.take("text", TEXT), taking.take("signature", TEXT)
        hidden = taking.take("redactedContent", TEXT)
        if hidden is not None:
            block.kind = "redacted"
            block.pieces.append(hidden)
        if text or signature:
            number = self._open(block, Thinking("", None, _REASONING, CLAUDE), out)
            if signature:
                block.signature.append(signature)
            if text:
                out.append(PartDelta(0, number, text))

    def _call(self, block: _Block, text: str, out: list[Event]) -> None:
        block.pieces.append(text)
        if "type" in block.head:
            return  # a tool of the provider's own: shown whole
        number = self._open(block, _call_of(block), out)
        if text:
            out.append(PartDelta(0, number, text))

    def _stop(self, index: int, out: list[Event]) -> None:
        block = self._blocks.pop(index, None)
        if block is None:
            return
        if block.kind == "toolUse" and "type" not in block.head:
            number = self._open(block, _call_of(block), out)
            if not any(block.pieces):
                out.append(PartDelta(0, number, "{}"))  # a tool without arguments streams none
        if block.number is None:
            whole = _whole(block)
            if whole is None:
                return
            self._open(block, whole, out)
        elif block.signature:
            out.append(PartDelta(0, block.number, signature="".join(block.signature)))
        out.append(PartEnded(0, block.number if block.number is not None else 0))

    def _finish(self, fields: Fields, out: list[Event]) -> None:
        for index in sorted(self._blocks):
            self._stop(index, out)
        finish, left = read_finish(fields.get("stopReason"))
        stop_text = read_stop_text(fields.get("additionalModelResponseFields"))
        extras = Extras(NAME, left) if left else None
        out.append(Finished(0, finish or Finish.STOP, extras, stop_text))
        self._stopped = True


def _call_of(block: _Block) -> ToolCall:
    taking = Taking(block.head)
    return ToolCall(
        taking.take("toolUseId", TEXT) or "", taking.take("name", TEXT) or "", "", taking.extras()
    )


def _whole(block: _Block) -> ReplyPart | None:
    """A block that is shown only once it is complete, in the form that a whole answer has it in."""
    if block.kind == "redacted":
        joined = "".join(piece for piece in block.pieces if isinstance(piece, str))
        data = unredact(joined)
        return None if data is None else Thinking("", data, maker=CLAUDE, redacted=True)
    if block.kind == "image":
        said = [fields for piece in block.pieces if (fields := _fields(piece)) is not None]
        merged: Fields = dict(block.head)
        for fields in said:
            merged |= fields
        part = parse_block(object_raw({"image": object_raw(merged)}))
        return part if isinstance(part, Media | Opaque) else None
    if block.kind == "toolUse":
        text = "".join(piece for piece in block.pieces if isinstance(piece, str)) or "{}"
        return _opaque(block, "input", msgspec.Raw(text.encode()))
    if block.kind == "toolResult":
        results = [
            each for piece in block.pieces for each in Taking({"x": _raw(piece)}).take("x", ITEMS) or []
        ]
        return _opaque(block, "content", msgspec.Raw(msgspec.json.encode(results)))
    return None


def _opaque(block: _Block, name: str, value: msgspec.Raw) -> Opaque:
    return Opaque(NAME, object_raw({block.kind: object_raw({**block.head, name: value})}), CONTENT)


def _fields(piece: msgspec.Raw | str) -> Fields | None:
    return None if isinstance(piece, str) else object_or_none(piece)


def _raw(piece: msgspec.Raw | str) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(piece)) if isinstance(piece, str) else piece
