"""Items of a stream that are under way: what each of their events adds to the core's parts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import msgspec

from waypost.core.events import Event, PartDelta, PartEnded, PartStarted
from waypost.core.request import Citation, Extras, Opaque, Refusal, Text, Thinking, ToolCall
from waypost.dialects.fields import Fields
from waypost.dialects.openai_responses.output import (
    EMPTY,
    ITEM,
    SHOWN,
    keep_frame,
    parse_citation,
    parse_item,
    parse_output_part,
    wrap_input,
)
from waypost.dialects.openai_responses.own import NAME, Form, Taking
from waypost.dialects.openai_responses.parts import type_of
from waypost.dialects.openai_responses.reply import read_items
from waypost.dialects.openai_responses.sealed import OURS
from waypost.dialects.taking import INTEGER, TEXT, object_raw

#: What stands between two parts of a summary, which the core has as one text.
_BETWEEN = "\n\n"
_NOTHING = msgspec.Raw(b"{}")
#: Content parts of a message, before their first delta.
_EMPTY = {
    "output_text": msgspec.Raw(b'{"type":"output_text","text":""}'),
    "refusal": msgspec.Raw(b'{"type":"refusal","refusal":""}'),
}
#: Arguments that stand for a custom tool's text: what is in front of the text, and behind it.
_BEFORE, _BEHIND = wrap_input("")[:-2], wrap_input("")[-2:]


class Growing:
    """One part that is under way, and how much of it was given out."""

    __slots__ = ("_ended", "citations", "number", "text")

    def __init__(self, number: int) -> None:
        self.number = number
        self.text = ""
        self.citations = 0
        self._ended = False

    def add(self, text: str, out: list[Event]) -> None:
        """More text."""
        if text and not self._ended:
            self.text += text
            out.append(PartDelta(0, self.number, text))

    def fill(self, whole: str | None, out: list[Event]) -> None:
        """The rest of a text that is known whole now."""
        if whole is not None and whole.startswith(self.text):
            self.add(whole[len(self.text) :], out)

    def cite(self, citation: Citation, out: list[Event]) -> None:
        """One more source."""
        if not self._ended:
            self.citations += 1
            out.append(PartDelta(0, self.number, citation=citation))

    def sign(self, signature: str, out: list[Event]) -> None:
        """The signature of the whole part."""
        if not self._ended:
            out.append(PartDelta(0, self.number, signature=signature))

    def end(self, out: list[Event]) -> None:
        """Once."""
        if not self._ended:
            self._ended = True
            out.append(PartEnded(0, self.number))


class OpenItem(ABC):
    """An output item between its `added` and its `done`."""

    __slots__ = ()

    @abstractmethod
    def read(self, kind: str, taking: Taking, out: list[Event]) -> None:
        """One event of it, without the `response.` of its name."""

    @abstractmethod
    def close(self, item: Taking, out: list[Event], raw: msgspec.Raw = _NOTHING) -> None:
        """It is done, and this is the whole of it; nothing, where the server did not say. Harmless when repeated."""


class OpenMessage(OpenItem):
    """Text and refusals, each a part."""

    __slots__ = ("_frame", "_new", "_open", "_outer")

    def __init__(self, new: Callable[[], int], fields: Fields) -> None:
        self._new = new
        taking = Taking(fields)
        self._frame = keep_frame(taking, whole=True)
        self._frame.pop("type", None)
        for name in ("role", "content"):
            taking.rest.pop(name, None)
        self._outer = taking.rest
        self._open: dict[int, Growing] = {}

    def read(self, kind: str, taking: Taking, out: list[Event]) -> None:
        """See `OpenItem`."""
        index = taking.take("content_index", INTEGER) or 0
        part = taking.rest.get("part")
        if kind == "output_text.delta":
            self._part(index, "output_text", out).add(taking.take("delta", TEXT) or "", out)
        elif kind == "refusal.delta":
            self._part(index, "refusal", out).add(taking.take("delta", TEXT) or "", out)
        elif kind == "output_text.annotation.added":
            citation = parse_citation(taking.rest.get("annotation", _NOTHING))
            if citation is not None:
                self._part(index, "output_text", out).cite(citation, out)
        elif kind == "output_text.done":
            self._part(index, "output_text", out).fill(taking.take("text", TEXT), out)
        elif kind == "refusal.done":
            self._part(index, "refusal", out).fill(taking.take("refusal", TEXT), out)
        elif kind == "content_part.added" and part is not None and type_of(part) in _EMPTY:
            self._part(index, type_of(part), out)
        elif kind == "content_part.done" and part is not None:
            self._whole(index, part, out)

    def close(self, item: Taking, out: list[Event], raw: msgspec.Raw = _NOTHING) -> None:
        """See `OpenItem`."""
        for index, part in enumerate(read_items(item.rest.get("content"))):
            self._whole(index, part, out)
        if not self._open:
            growing = self._open[0] = Growing(self._new())
            empty = Extras(NAME, self._outer, str(Form(EMPTY, self._frame)))
            out.append(PartStarted(0, growing.number, Text("", extras=empty)))
        for growing in self._open.values():
            growing.end(out)

    def _part(self, index: int, kind: str, out: list[Event]) -> Growing:
        growing = self._open.get(index)
        if growing is None:
            first = None if self._open else (self._frame, self._outer)
            value = parse_output_part(_EMPTY[kind], whole=True, first=first)
            assert value is not None  # noqa: S101 - it was made just so
            growing = self._open[index] = Growing(self._new())
            out.append(PartStarted(0, growing.number, value))
        return growing

    def _whole(self, index: int, raw: msgspec.Raw, out: list[Event]) -> None:
        part = parse_output_part(raw, whole=True, first=None)
        if part is None:
            return
        growing = self._part(index, "refusal" if isinstance(part, Refusal) else "output_text", out)
        growing.fill(part.text, out)
        if isinstance(part, Text):
            for citation in part.citations[growing.citations :]:
                growing.cite(citation, out)
        growing.end(out)


def open_call(number: int, fields: Fields, custom: bool, out: list[Event]) -> OpenItem | None:
    """A call that begins; None for one without a name or an id."""
    empty = {**fields, "input" if custom else "arguments": msgspec.Raw(b'""')}
    [value] = parse_item(object_raw(empty), whole=True)
    if not isinstance(value, ToolCall):
        return None
    out.append(PartStarted(0, number, msgspec.structs.replace(value, arguments="")))
    return OpenCall(number, custom, out)


class OpenCall(OpenItem):
    """A call of a function, or of a custom tool."""

    __slots__ = ("_custom", "_growing", "_text")

    def __init__(self, number: int, custom: bool, out: list[Event]) -> None:
        self._custom = custom
        self._growing = Growing(number)
        self._text = ""
        if custom:
            self._growing.add(_BEFORE, out)

    def read(self, kind: str, taking: Taking, out: list[Event]) -> None:
        """See `OpenItem`."""
        if kind in ("function_call_arguments.delta", "custom_tool_call_input.delta"):
            self._add(taking.take("delta", TEXT) or "", out)
        elif kind == "function_call_arguments.done":
            self._fill(taking.take("arguments", TEXT), out)
        elif kind == "custom_tool_call_input.done":
            self._fill(taking.take("input", TEXT), out)

    def close(self, item: Taking, out: list[Event], raw: msgspec.Raw = _NOTHING) -> None:
        """See `OpenItem`."""
        self._fill(item.take("input" if self._custom else "arguments", TEXT), out)
        if self._custom:
            self._growing.add(_BEHIND, out)
        self._growing.end(out)

    def _add(self, text: str, out: list[Event]) -> None:
        self._text += text
        self._growing.add(msgspec.json.encode(text)[1:-1].decode() if self._custom else text, out)

    def _fill(self, whole: str | None, out: list[Event]) -> None:
        if whole is not None and whole.startswith(self._text):
            self._add(whole[len(self._text) :], out)


class OpenReasoning(OpenItem):
    """Reasoning: its summary, or else its text. Whether it is hidden is known only at its end."""

    __slots__ = ("_frame", "_growing", "_last", "_number", "_rest")

    def __init__(self, number: int, fields: Fields) -> None:
        self._number = number
        taking = Taking(fields)
        self._frame = keep_frame(taking, whole=True)
        self._frame.pop("type", None)
        for name in ("summary", "content", "encrypted_content"):
            taking.rest.pop(name, None)
        self._rest = taking.rest
        self._growing: Growing | None = None
        self._last: tuple[str, int] | None = None

    def read(self, kind: str, taking: Taking, out: list[Event]) -> None:
        """See `OpenItem`."""
        if kind == "reasoning_summary_text.delta":
            self._add(ITEM, taking.take("summary_index", INTEGER) or 0, taking.take("delta", TEXT) or "", out)
        elif kind == "reasoning_text.delta":
            self._add(
                SHOWN, taking.take("content_index", INTEGER) or 0, taking.take("delta", TEXT) or "", out
            )

    def _add(self, words: str, index: int, text: str, out: list[Event]) -> None:
        if self._last is not None and self._last[0] != words:
            return  # the other of the two says the same again
        if self._growing is None:
            self._growing = self._start(words, None, out)
        elif self._last is not None and self._last[1] != index:
            self._growing.add(_BETWEEN, out)
        self._last = (words, index)
        self._growing.add(text, out)

    def _start(self, words: str, hidden: str | None, out: list[Event]) -> Growing:
        growing = Growing(self._number)
        extras = Taking(self._rest).extras(str(Form(words, self._frame)))
        value = Thinking("", hidden, extras, OURS, redacted=hidden is not None)
        out.append(PartStarted(0, self._number, value))
        return growing

    def close(self, item: Taking, out: list[Event], raw: msgspec.Raw = _NOTHING) -> None:
        """See `OpenItem`."""
        [whole] = parse_item(raw, whole=True)
        text = whole.text if isinstance(whole, Thinking) else ""
        signature = item.take("encrypted_content", TEXT)
        if self._growing is None:
            words = SHOWN if text and not read_items(item.rest.get("summary")) else ITEM
            self._growing = self._start(words, None if text else signature, out)
            signature = signature if text else None
        self._growing.fill(text, out)
        if signature is not None:
            self._growing.sign(signature, out)
        self._growing.end(out)


class OpenOther(OpenItem):
    """An item that only this dialect has: whole, once it is done."""

    __slots__ = ("_done", "_number")

    def __init__(self, number: int) -> None:
        self._number = number
        self._done = False

    def read(self, kind: str, taking: Taking, out: list[Event]) -> None:
        """Nothing of it is shown before it is done."""

    def close(self, item: Taking, out: list[Event], raw: msgspec.Raw = _NOTHING) -> None:
        """See `OpenItem`."""
        if not self._done and item.rest:
            self._done = True
            out.append(PartStarted(0, self._number, Opaque(NAME, raw, ITEM)))
            out.append(PartEnded(0, self._number))
