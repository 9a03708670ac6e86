"""Messages, in both directions; an answer's message is read in the same way as one of the history."""

from __future__ import annotations

import msgspec

from waypost.core.request import (
    Extras,
    Media,
    Message,
    Opaque,
    Part,
    Refusal,
    Role,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from waypost.dialects.fields import NULL, Fields
from waypost.dialects.openai_chat.own import NAME, Taking, own_form, with_extras
from waypost.dialects.openai_chat.parts import CONTENT, parse_part, render_part
from waypost.dialects.taking import ITEMS, TEXT, Json, object_or_none
from waypost.errors import InvalidRequest, Unrepresentable

_ROLE: msgspec.json.Decoder[Role] = msgspec.json.Decoder(Role)
_CALLS = "tool_calls"
#: Fields that carry reasoning text: DeepSeek, vLLM and others say the first, OpenRouter and Ollama the second.
REASONING = ("reasoning_content", "reasoning")
#: Marks a refusal that was the message's own field and not a content part.
_FIELD = "field"


def parse_message(raw: msgspec.Raw, where: str) -> Message:
    """Raises InvalidRequest and Unrepresentable, naming `where`."""
    fields = object_or_none(raw)
    if fields is None:
        raise InvalidRequest(f"{where} has to be an object.", param=where)
    taking = Taking(fields)
    role = taking.take("role", _ROLE)
    if role is None:
        raise Unrepresentable(
            f"{where}.role has to be system, developer, user, assistant or tool.", param=f"{where}.role"
        )
    if role == "tool":
        call_id = taking.take("tool_call_id", TEXT)
        if call_id is None:
            raise InvalidRequest(f"{where}.tool_call_id is missing.", param=f"{where}.tool_call_id")
        content, form = _parse_content(taking)
        return Message("tool", (ToolResult(call_id, tuple(content)),), taking.extras(form))
    parts, extras = parse_parts(taking)
    return Message(role, parts, extras)


def parse_parts(taking: Taking) -> tuple[tuple[Part, ...], Extras | None]:
    """Reasoning, content, refusal and tool calls, in this order, and what is left over."""
    parts: list[Part] = []
    for name in REASONING:
        text = taking.take(name, TEXT)
        if text is not None:
            parts.append(Thinking(text, extras=_written_as(name)))
    content, form = _parse_content(taking)
    parts.extend(content)
    refusal = taking.take("refusal", TEXT)
    if refusal is not None:
        parts.append(Refusal(refusal, Extras(NAME, {}, _FIELD)))
    parts.extend(_parse_calls(taking))
    return tuple(parts), taking.extras(form)


def _written_as(name: str) -> Extras | None:
    return None if name == REASONING[0] else Extras(NAME, {}, name)


def _parse_content(taking: Taking) -> tuple[list[Text | Media | Refusal | Opaque], str]:
    """The parts, and which of the ways of writing content was used."""
    raw = taking.rest.pop("content", None)
    if raw is None:
        return [], "absent"
    text = bytes(raw)
    if text == NULL:
        return [], "null"
    try:
        return [Text(TEXT.decode(raw))], ""
    except ValueError:
        pass
    try:
        return [parse_part(item) for item in ITEMS.decode(raw)], "parts"
    except ValueError:
        # Neither text nor list: kept as it is, and only this dialect can say it.
        return [Opaque(NAME, raw, CONTENT)], "value"


def _parse_calls(taking: Taking) -> list[ToolCall | Opaque]:
    raw = taking.rest.get(_CALLS)
    try:
        items = ITEMS.decode(raw) if raw is not None else []
    except ValueError:
        items = []
    if items:
        del taking.rest[_CALLS]
    return [_parse_call(item) for item in items]


def _parse_call(raw: msgspec.Raw) -> ToolCall | Opaque:
    fields = object_or_none(raw)
    if fields is not None:
        call = Taking(fields)
        function = call.take_object("function")
        call_id = call.take("id", TEXT)
        if call.take_constant("type", "function") and function is not None and call_id is not None:
            inner = Taking(function)
            name, arguments = inner.take("name", TEXT), inner.take("arguments", TEXT)
            if name is not None and arguments is not None and not inner.rest:
                return ToolCall(call_id, name, arguments, call.extras())
    return Opaque(NAME, raw, _CALLS)


def render_message(message: Message, where: str) -> Json:
    """Raises Unrepresentable, naming the part."""
    out: Json = {"role": message.role}
    if message.role == "tool":
        result = message.parts[0] if len(message.parts) == 1 else None
        if not isinstance(result, ToolResult):
            raise Unrepresentable(f"{where} has to hold one tool result.", param=where)
        out["tool_call_id"] = result.call_id
        _put_content(out, list(result.parts), own_form(message.extras), where)
        return with_extras(out, message.extras)
    put_parts(out, message.parts, message.extras, where)
    return with_extras(out, message.extras)


def put_parts(out: Json, parts: tuple[Part, ...], extras: Extras | None, where: str) -> None:
    """Each part in the field where it belongs."""
    content: list[Part] = []
    calls: list[Json | msgspec.Raw] = []
    for part in parts:
        if isinstance(part, ToolCall):
            calls.append(render_call(part))
        elif isinstance(part, Opaque) and part.slot == _CALLS:
            calls.append(part.data)
        elif isinstance(part, Thinking):
            name = own_form(part.extras) or REASONING[0]
            out[name] = f"{out.get(name, '')}{part.text}"
        elif isinstance(part, Refusal) and own_form(part.extras) == _FIELD:
            out["refusal"] = part.text
        else:
            content.append(part)
    _put_content(out, content, own_form(extras), where)
    if calls:
        out[_CALLS] = calls


def render_call(call: ToolCall) -> Json:
    """One tool call of a message."""
    function = {"name": call.name, "arguments": call.arguments}
    return with_extras({"id": call.call_id, "type": "function", "function": function}, call.extras)


def _put_content(out: Json, content: list[Part], form: str, where: str) -> None:
    if not content and form in ("absent", "null", ""):
        if form != "absent":
            out["content"] = None
        return
    only = content[0] if len(content) == 1 else None
    if form == "value" and isinstance(only, Opaque):
        out["content"] = only.data
    elif form != "parts" and isinstance(only, Text) and only.cache is None and only.extras is None:
        out["content"] = only.text
    else:
        out["content"] = [
            render_part(part, f"{where}.content[{number}]") for number, part in enumerate(content)
        ]


def message_fields(raw: msgspec.Raw | None) -> Fields:
    """The fields of an answer's message; none when it is missing or no object."""
    return (object_or_none(raw) if raw is not None else None) or {}
