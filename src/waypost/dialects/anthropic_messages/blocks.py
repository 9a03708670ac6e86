"""Content blocks, in requests and in answers: https://platform.claude.com/docs/en/api/messages (2026-11-25)."""

from __future__ import annotations

import re

import msgspec

from waypost.core.loss import Loss
from waypost.core.request import Media, Opaque, Part, Refusal, Text, Thinking, ToolCall, ToolResult
from waypost.dialects import naming
from waypost.dialects.anthropic_messages.citations import render_citation, take_citations
from waypost.dialects.anthropic_messages.media import parse_document, parse_image, render_media
from waypost.dialects.anthropic_messages.own import MAKER, NAME, Taking, is_own, own_form, with_extras
from waypost.dialects.anthropic_messages.plain import WRITTEN
from waypost.dialects.fields import parse_nested
from waypost.dialects.taking import FLAG, ITEMS, TEXT, Json, object_or_none, put, put_cache, text_or_none

Block = Text | Thinking | ToolCall | Media | Opaque

CONTENT = "content"
_UNSAFE = re.compile(r"[^a-zA-Z0-9_-]")
_EMPTY = msgspec.Raw(b"{}")


def parse_block(raw: msgspec.Raw) -> Block:
    """One element of a content array; what the core has no word for becomes `Opaque`."""
    fields = object_or_none(raw)
    kind = text_or_none(fields["type"]) if fields is not None and "type" in fields else None
    part: Block | None = None
    if fields is not None and kind is not None:
        taking = Taking(fields)
        del taking.rest["type"]
        part = _parse(kind, taking)
    return part if part is not None else Opaque(NAME, raw, CONTENT)


def _parse(kind: str, taking: Taking) -> Block | None:
    match kind:
        case "text":
            return _text(taking)
        case "thinking":
            return _thinking(taking)
        case "redacted_thinking":
            data = taking.take("data", TEXT)
            return None if data is None else Thinking("", data, taking.extras(), MAKER, redacted=True)
        case "tool_use":
            return _tool_use(taking)
        case "image":
            return parse_image(taking)
        case "document":
            return parse_document(taking)
        case _:
            return None


def _text(taking: Taking) -> Text | None:
    text = taking.take("text", TEXT)
    if text is None:
        return None
    cache, citations = taking.take_cache(), take_citations(taking)
    return Text(text, cache, taking.extras(), citations)


def _thinking(taking: Taking) -> Thinking | None:
    text = taking.take("thinking", TEXT)
    if text is None:
        return None
    return Thinking(text, taking.take("signature", TEXT), taking.extras(), MAKER)


def _tool_use(taking: Taking) -> ToolCall | None:
    call_id, name = taking.take("id", TEXT), taking.take("name", TEXT)
    given = taking.rest.pop("input", _EMPTY)
    if call_id is None or name is None or object_or_none(given) is None:
        return None
    return ToolCall(call_id, name, bytes(given).decode(), taking.extras())


def parse_tool_result(fields: dict[str, msgspec.Raw]) -> ToolResult | None:
    """A block of type `tool_result`; None when it does not name its call, or holds no list of blocks."""
    taking = Taking(fields)
    del taking.rest["type"]
    call_id = taking.take("tool_use_id", TEXT)
    text = taking.take("content", TEXT)
    items = None if text is not None else taking.take("content", ITEMS)
    if call_id is None or "content" in taking.rest:
        return None
    parts: list[Text | Media | Refusal | Opaque] = [] if text is None else [Text(text)]
    for item in items or []:
        part = parse_block(item)
        parts.append(part if isinstance(part, Text | Media) else Opaque(NAME, item, CONTENT))
    is_error = taking.take("is_error", FLAG) or False
    cache = taking.take_cache()
    return ToolResult(call_id, tuple(parts), is_error, cache, taking.extras("" if text is None else WRITTEN))


def render_part(part: Part, where: str, loss: Loss, *, answer: bool = False) -> Json | msgspec.Raw | None:
    """None: there is nothing to send, or it was handed to `loss`. `where`: `messages[i].content[j]`. In an `answer`
    reasoning and citations of other makers are shown; in a request Anthropic would refuse them. A request that came in
    this dialect says what it said, as an answer does."""
    if isinstance(part, Text):
        return _render_text(part, where, loss, answer)
    if isinstance(part, Thinking):
        return _render_thinking(part, where, loss, answer)
    if isinstance(part, ToolCall):
        return with_extras(
            {
                "type": "tool_use",
                "id": safe_id(part.call_id),
                "name": _call_name(part, answer),
                "input": tool_input(part),
            },
            part.extras,
        )
    if isinstance(part, ToolResult):
        return _render_tool_result(part, where, loss, answer)
    if isinstance(part, Media):
        return render_media(part, where, loss)
    if isinstance(part, Refusal):
        # There is no block for it: the words are what the reader is given.
        return _render_text(Text(part.text), where, loss, answer)
    if part.dialect == NAME:
        return part.data
    loss.content(
        where,
        f"{where} is of a kind that Anthropic's format has no form for. Leave it out, or choose another model.",
    )
    return None


def _message(where: str) -> str:
    return where.partition(".")[0]


def _render_text(part: Text, where: str, loss: Loss, answer: bool) -> Json | None:
    # Anthropic refuses texts without anything in them.
    if not part.text.strip():
        return None
    out: Json = {"type": "text", "text": part.text}
    put_cache(out, part.cache)
    shown = [each for each in part.citations if answer or is_own(each.extras)]
    if len(shown) != len(part.citations):
        loss.setting(f"{_message(where)}.citations")
    if shown:
        out["citations"] = [render_citation(each) for each in shown]
    return with_extras(out, part.extras)


def _render_thinking(part: Thinking, where: str, loss: Loss, answer: bool) -> Json | None:
    if part.maker == MAKER and part.redacted and part.signature is not None:
        if part.text.strip() and not answer:
            loss.setting(f"{_message(where)}.thinking")  # a block that hides its text has no place for words
        return with_extras({"type": "redacted_thinking", "data": part.signature}, part.extras)
    if part.maker == MAKER and not part.redacted:
        # Servers of this dialect that sign nothing take their thinking back; an empty signature says nothing there.
        out: Json = {"type": "thinking", "thinking": part.text}
        signature = part.signature if answer else part.signature or None
        return with_extras(put(out, signature=signature), part.extras)
    if answer and part.text:
        return {"type": "thinking", "thinking": part.text, "signature": ""}  # the SDKs' types want one
    if not answer and (part.text or part.redacted):
        loss.setting(f"{_message(where)}.thinking")
    return None


def tool_input(call: ToolCall) -> msgspec.Raw:
    """The arguments as an object. What is none goes as Anthropic says that invalid JSON may go back:
    https://platform.claude.com/docs/en/agents-and-tools/tool-use/fine-grained-tool-streaming (2026-11-25)."""
    text = call.arguments.strip()
    if not text:
        return _EMPTY
    raw = msgspec.Raw(text.encode())
    try:
        parse_nested(raw)
    except (ValueError, RecursionError):
        return msgspec.Raw(msgspec.json.encode({"INVALID_JSON": call.arguments}))
    return raw


def _call_name(call: ToolCall, answer: bool) -> str:
    return call.name if answer else naming.CLAUDE.mended(call.name)


def safe_id(call_id: str) -> str:
    """Anthropic takes letters, digits, `_` and `-` in ids of calls; other servers put dots and colons there."""
    return _UNSAFE.sub("_", call_id)


def _render_tool_result(part: ToolResult, where: str, loss: Loss, answer: bool) -> Json:
    out: Json = {"type": "tool_result", "tool_use_id": safe_id(part.call_id)}
    only = part.parts[0] if len(part.parts) == 1 else None
    if own_form(part.extras) == WRITTEN and isinstance(only, Text):
        out["content"] = only.text
    else:
        rendered = [
            render_part(inner, f"{where}.content[{number}]", loss) for number, inner in enumerate(part.parts)
        ]
        blocks = [block for block in rendered if block is not None]
        if blocks:
            out["content"] = blocks
    if part.is_error and (out.get("content") or answer):
        out["is_error"] = True
    elif part.is_error:
        loss.setting(f"{_message(where)}.is_error")  # Anthropic refuses an error that says nothing
    put_cache(out, part.cache)
    return with_extras(out, part.extras)
