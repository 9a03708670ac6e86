"""A whole chat answer to the core: the cross-dialect lane. https://docs.cohere.com/reference/chat (2026-11-25)."""

from __future__ import annotations

from typing import Final

import msgspec

from waypost.core.request import Citation, Extras, Text, Thinking, ToolCall
from waypost.core.response import ChatResponse, Choice, Finish, ReplyPart
from waypost.dialects.cohere.counts import parse_counts
from waypost.dialects.cohere_chat.own import NAME, TOOL_PLAN, Taking
from waypost.dialects.fields import Fields
from waypost.dialects.taking import INTEGER, ITEMS, TEXT, object_or_none, text_or_none
from waypost.errors import Garbled

#: `ERROR` and `TIMEOUT` are failures; `ERROR_TOXIC` is what older models say of a filtered answer.
FINISHES: Final = {
    "COMPLETE": Finish.STOP,
    "STOP_SEQUENCE": Finish.STOP,
    "MAX_TOKENS": Finish.LENGTH,
    "TOOL_CALL": Finish.TOOLS,
    "ERROR_TOXIC": Finish.FILTERED,
}
PLAN: Final = Extras(NAME, {}, TOOL_PLAN)


def parse_response(fields: Fields) -> ChatResponse:
    """An answer that `parse_reply` has passed. Raises Garbled."""
    taking = Taking(fields)
    message = taking.take_object("message")
    if message is None:
        raise Garbled("The provider's answer has no message. Try again, or another model.")
    inner = Taking(message)
    inner.take_constant("role", "assistant")
    parts: list[ReplyPart] = []
    plan = inner.take("tool_plan", TEXT)
    if plan:
        parts.append(Thinking(plan, extras=PLAN))
    # A citation counts content blocks, so each keeps its place until they are hung on.
    blocks = [_block(item) for item in inner.take("content", ITEMS) or []]
    cited = [(_index(item), parse_citations(item)) for item in inner.take("citations", ITEMS) or []]
    parts += [part for part in _hang(blocks, cited) if part is not None]
    parts += [parse_call(item) for item in inner.take("tool_calls", ITEMS) or []]
    finish, kept = read_finish(taking.rest.pop("finish_reason", None))
    choice = Choice(0, tuple(parts), finish, kept)
    usage = parse_counts(taking.rest.get("usage"))
    response_id = taking.take("id", TEXT) or ""
    return ChatResponse(response_id, "", (choice,), usage=usage, extras=taking.extras())


def _block(raw: msgspec.Raw) -> Text | Thinking | None:
    taking = Taking(object_or_none(raw) or {})
    kind = taking.take("type", TEXT)
    if kind == "thinking":
        return Thinking(taking.take("thinking", TEXT) or "")
    return Text(taking.take("text", TEXT) or "") if kind == "text" else None


def _hang(
    blocks: list[Text | Thinking | None], cited: list[tuple[int | None, tuple[Citation, ...]]]
) -> list[Text | Thinking | None]:
    """Citations on the text they count the characters of: the block they name, or the first text."""
    first = next((place for place, block in enumerate(blocks) if isinstance(block, Text)), None)
    for index, citations in cited:
        place = index if index is not None and 0 <= index < len(blocks) else first
        block = blocks[place] if place is not None else None
        if isinstance(block, Text) and place is not None:
            blocks[place] = msgspec.structs.replace(block, citations=(*block.citations, *citations))
    return blocks


def _index(raw: msgspec.Raw) -> int | None:
    return Taking(object_or_none(raw) or {}).take("content_index", INTEGER)


def parse_citations(raw: msgspec.Raw) -> tuple[Citation, ...]:
    """One of the core's citations for each source of one of Cohere's."""
    taking = Taking(object_or_none(raw) or {})
    start, end = taking.take("start", INTEGER), taking.take("end", INTEGER)
    sources = taking.take("sources", ITEMS) or []
    if not sources:
        return (Citation(start=start, end=end, extras=taking.extras()),)
    return tuple(_citation(source, start, end) for source in sources)


def _citation(raw: msgspec.Raw, start: int | None, end: int | None) -> Citation:
    source = object_or_none(raw) or {}
    document = object_or_none(source.get("document")) or object_or_none(source.get("tool_output")) or {}
    said = {name: text_or_none(value) for name, value in document.items()}
    quote = said.get("snippet") or said.get("text")
    return Citation(said.get("url"), said.get("title"), quote, start, end, Extras(NAME, source))


def parse_call(raw: msgspec.Raw) -> ToolCall:
    """One tool call, of a whole answer or of a stream's start."""
    taking = Taking(object_or_none(raw) or {})
    function = Taking(taking.take_object("function") or {})
    return ToolCall(
        taking.take("id", TEXT) or "",
        function.take("name", TEXT) or "",
        function.take("arguments", TEXT) or "",
    )


def read_finish(raw: msgspec.Raw | None) -> tuple[Finish | None, Extras | None]:
    """The reason, and its word where the core has none for it."""
    word = None if raw is None else text_or_none(raw)
    if raw is None or word is None:
        return None, None
    finish = FINISHES.get(word)
    return (finish, None) if finish is not None else (Finish.OTHER, Extras(NAME, {"finish_reason": raw}))
