"""An answer of another dialect as output items, the same whether it is streamed or whole."""

from __future__ import annotations

from typing import Literal

import msgspec

from waypost.core.request import Media, Opaque, Refusal, Text, Thinking, ToolCall
from waypost.core.response import ReplyPart
from waypost.dialects.fields import loose_string
from waypost.dialects.openai_responses.identity import item_id
from waypost.dialects.openai_responses.output import (
    CUSTOM,
    EMPTY,
    ITEM,
    STRING,
    put_frame,
    render_call,
    render_output_part,
    render_reasoning,
)
from waypost.dialects.openai_responses.own import NAME, is_own, read_form
from waypost.dialects.openai_responses.sealed import MADE, OURS, seal
from waypost.dialects.taking import Json
from waypost.errors import Unrepresentable

Kind = Literal["message", "function_call", "custom_tool_call", "reasoning", "image_generation_call", "other"]

#: What the ids of made items begin with.
_PREFIXES: dict[Kind, str] = {
    "message": "msg",
    "function_call": "fc",
    "custom_tool_call": "ctc",
    "reasoning": MADE,
    "image_generation_call": "ig",
    "other": "item",
}


class OutputItem:
    """One output item. `parts` has one part, or the content of a message."""

    __slots__ = ("index", "item_id", "kind", "parts")

    def __init__(self, kind: Kind, index: int, made_id: str, first: ReplyPart) -> None:
        self.kind = kind
        self.index = index
        self.parts: list[ReplyPart] = [first]
        own = None if isinstance(first, Opaque | Media) else read_form(first.extras).kept.get("id")
        self.item_id = loose_string(own) or made_id

    @property
    def content(self) -> list[Text | Refusal]:
        """The content parts of a message."""
        return [
            part
            for part in self.parts
            if isinstance(part, Text | Refusal) and read_form(part.extras).words != EMPTY
        ]

    def render(self, status: str) -> Json | msgspec.Raw:
        """The item as it is now."""
        part = self.parts[0]
        if isinstance(part, Opaque):
            return part.data
        out: Json = {"id": self.item_id, "type": self.kind}
        if isinstance(part, Media):
            kind = (part.mime or "image/png").removeprefix("image/")
            return out | {"status": status, "result": part.data, "output_format": kind}
        if isinstance(part, Thinking):
            return put_frame(out | render_reasoning(part, seal(part)), part.extras)
        out["status"] = status
        if isinstance(part, ToolCall):
            return out | render_call(part, custom=self.kind == "custom_tool_call")
        out["role"] = "assistant"
        out["content"] = [render_output_part(each, whole=True) for each in self.content]
        return put_frame(out, part.extras)

    def begun(self) -> Json | msgspec.Raw:
        """The item before anything of it was said."""
        part = self.parts[0]
        out = {"id": self.item_id, "type": self.kind}
        if isinstance(part, Opaque):
            return part.data
        if isinstance(part, Media):
            return out | {"status": "in_progress", "result": None}
        if isinstance(part, Thinking):
            return out | {"summary": []}
        if isinstance(part, ToolCall):
            call = render_call(
                msgspec.structs.replace(part, arguments=""), custom=self.kind == "custom_tool_call"
            )
            return out | {"status": "in_progress"} | call
        return put_frame(out | {"status": "in_progress", "role": "assistant", "content": []}, part.extras)


class Answer:
    """Puts parts into items, one after the other. State: the last item, and how many there are."""

    __slots__ = ("_custom", "_exchange_id", "_last", "count")

    def __init__(self, exchange_id: str, custom: frozenset[str]) -> None:
        """`custom`: names of the custom tools that the client offered."""
        self._exchange_id = exchange_id
        self._custom = custom
        self._last: OutputItem | None = None
        self.count = 0

    def place(self, part: ReplyPart) -> OutputItem:
        """The item that `part` belongs to, with it in it: texts in a row share a message. Raises Unrepresentable."""
        kind = self._kind(part)
        last = self._last
        if kind == "message" and last is not None and last.kind == kind and not _opens_message(part):
            last.parts.append(part)
            return last
        index = self.take_index()
        if isinstance(part, ToolCall) and not part.call_id:
            part = msgspec.structs.replace(part, call_id=item_id("call", self._exchange_id, index))
        self._last = OutputItem(kind, index, item_id(_PREFIXES[kind], self._exchange_id, index), part)
        return self._last

    def take_index(self) -> int:
        """The number of the next item."""
        self.count += 1
        return self.count - 1

    def signature_of(self, item: OutputItem) -> Json | None:
        """A call's signature of another maker, as the item that follows it; see `sealed.py`."""
        part = item.parts[0]
        if not isinstance(part, ToolCall) or part.signature is None or part.maker in (OURS, None):
            return None
        made = item_id(MADE, self._exchange_id, item.index)
        return {"id": made, "type": "reasoning", "summary": [], "encrypted_content": seal(part)}

    def _kind(self, part: ReplyPart) -> Kind:
        if isinstance(part, Text | Refusal):
            return "message"
        if isinstance(part, Thinking):
            return "reasoning"
        if isinstance(part, ToolCall):
            custom = part.name in self._custom or read_form(part.extras).words == CUSTOM
            return "custom_tool_call" if custom else "function_call"
        if isinstance(part, Opaque) and part.dialect == NAME:
            return "other"
        if isinstance(part, Media) and part.kind == "image" and part.data is not None:
            return "image_generation_call"
        raise Unrepresentable(
            "The answer has a part that the client's format has no form for. Choose another model, or ask in the "
            "provider's own format.",
            param="output",
        )


def _opens_message(part: ReplyPart) -> bool:
    words = "" if isinstance(part, Opaque | Media) else read_form(part.extras).words
    return words in (ITEM, EMPTY, STRING)


def shown_as_content(part: Thinking) -> bool:
    """Reasoning that is in `content` and not in `summary`."""
    return is_own(part.extras) and read_form(part.extras).words == "content"


def with_text(part: ReplyPart, text: str, signature: str | None) -> ReplyPart:
    """A part whose text and signature are known whole now."""
    if isinstance(part, Text | Refusal):
        return msgspec.structs.replace(part, text=text)
    if isinstance(part, Thinking):
        return msgspec.structs.replace(part, text=text, signature=signature or part.signature)
    if isinstance(part, ToolCall):
        return msgspec.structs.replace(part, arguments=text, signature=signature or part.signature)
    return part
