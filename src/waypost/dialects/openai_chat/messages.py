"""Messages, in both directions; an answer's message is read in the same way as one of the history."""

from __future__ import annotations

from collections.abc import Sequence

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
from waypost.dialects.openai_chat.calls import CALLS, OLD_CALL, put_calls, take_calls
from waypost.dialects.openai_chat.citations import FIELD as ANNOTATIONS
from waypost.dialects.openai_chat.citations import cited_in, take_citations
from waypost.dialects.openai_chat.media import AUDIO, IMAGES, put_media, take_media
from waypost.dialects.openai_chat.own import NAME, Saying, Taking, own_form, with_extras
from waypost.dialects.openai_chat.parts import CONTENT, ContentPart, is_plain, parse_part, render_part
from waypost.dialects.openai_chat.thinking import DETAILS, GEMINI, put_thinking, take_signature, take_thinking
from waypost.dialects.taking import ITEMS, TEXT, Json, object_or_none
from waypost.errors import InvalidRequest, Unrepresentable

_ROLE: msgspec.json.Decoder[Role] = msgspec.json.Decoder(Role)
#: Marks a refusal that was the message's own field and not a content part.
REFUSAL_FIELD = "field"
#: What stood before `tool`, and the mark of a tool's answer that said the tool's name.
_OLD_ROLE = "function"
_NAMED = "name"


def parse_messages(items: Sequence[msgspec.Raw]) -> tuple[Message, ...]:
    """Raises InvalidRequest and Unrepresentable. A `function` message answers the call before it."""
    messages: list[Message] = []
    old_id = OLD_CALL
    for number, item in enumerate(items):
        message = parse_message(item, f"messages[{number}]", f"{OLD_CALL}_{number}", old_id)
        for part in message.parts:
            if isinstance(part, ToolCall) and own_form(part.extras) == OLD_CALL:
                old_id = part.call_id
        messages.append(message)
    return tuple(messages)


def parse_message(raw: msgspec.Raw, where: str, new_id: str = OLD_CALL, old_id: str = OLD_CALL) -> Message:
    """`new_id` is for a `function_call` in it, `old_id` that of the last one. Raises InvalidRequest and
    Unrepresentable, naming `where`."""
    fields = object_or_none(raw)
    if fields is None:
        raise InvalidRequest(f"{where} has to be an object.", param=where)
    taking = Taking(fields)
    if taking.take_constant("role", _OLD_ROLE):
        return _parse_result(taking, old_id, [_OLD_ROLE])
    role = taking.take("role", _ROLE)
    if role is None:
        raise Unrepresentable(
            f"{where}.role has to be system, developer, user, assistant or tool.", param=f"{where}.role"
        )
    if role == "tool":
        call_id = taking.take("tool_call_id", TEXT)
        if call_id is None:
            raise InvalidRequest(f"{where}.tool_call_id is missing.", param=f"{where}.tool_call_id")
        return _parse_result(taking, call_id, [])
    parts, extras = parse_parts(taking, new_id)
    return Message(role, parts, extras)


def _parse_result(taking: Taking, call_id: str, forms: list[str]) -> Message:
    content = _parse_content(taking, forms)
    kept = tuple(part for part in content if isinstance(part, Text | Media | Refusal | Opaque))
    name = taking.take("name", TEXT)
    if name is not None:
        forms.append(_NAMED)
    return Message("tool", (ToolResult(call_id, kept, name=name),), taking.extras(" ".join(forms)))


def parse_parts(taking: Taking, old_id: str = OLD_CALL) -> tuple[tuple[Part, ...], Extras | None]:
    """Reasoning, content, media, refusal and tool calls, in this order, and what is left over."""
    forms: list[str] = []
    parts: list[Part] = list(take_thinking(taking, forms))
    content: list[Part] = list(_parse_content(taking, forms))
    take_citations(taking, content)
    parts.extend(content)
    signature = take_signature(taking)
    if signature is not None:
        parts.append(Thinking("", signature, maker=GEMINI))
    parts.extend(take_media(taking))
    refusal = taking.take("refusal", TEXT)
    if refusal is not None:
        parts.append(Refusal(refusal, Extras(NAME, {}, REFUSAL_FIELD)))
    parts.extend(take_calls(taking, old_id))
    return tuple(parts), taking.extras(" ".join(forms))


def _parse_content(taking: Taking, forms: list[str]) -> list[ContentPart]:
    """The parts; `forms` gets which of the ways of writing content was used."""
    raw = taking.rest.pop("content", None)
    if raw is None:
        forms.append("absent")
        return []
    if bytes(raw) == NULL:
        forms.append("null")
        return []
    try:
        return [Text(TEXT.decode(raw))]
    except ValueError:
        pass
    try:
        parts = [parse_part(item) for item in ITEMS.decode(raw)]
    except ValueError:
        # Neither text nor list: kept as it is, and only this dialect can say it.
        forms.append("value")
        return [Opaque(NAME, raw, CONTENT)]
    forms.append("parts")
    return parts


#: What is left of a turn whose parts could not be said: OpenAI refuses it, and it says nothing.
_SPEECHLESS: Json = {"role": "assistant", "content": None}
#: A part that stands in a later message than its own, and which that was.
_Moved = tuple[str, Part]


def render_messages(messages: Sequence[Message], say: Saying) -> list[Json]:
    """Raises Unrepresentable, naming the part. What a tool answers besides text goes into a message of the user after
    the answers of all tools: nothing may stand between a call and them."""
    out: list[Json] = []
    moved: list[_Moved] = []
    for number, message in enumerate(messages):
        where = f"messages[{number}]"
        if moved and message.role != "tool":
            out.append(_user(moved, say))
            moved = []
        shown = render_message(message, where, say, moved)
        if not message.parts or shown != _SPEECHLESS:
            out.append(shown)
    if moved:
        out.append(_user(moved, say))
    return out


def _user(moved: list[_Moved], say: Saying) -> Json:
    shown = [render_part(part, where, say) for where, part in moved]
    return {"role": "user", "content": [part for part in shown if part is not None]}


def render_message(message: Message, where: str, say: Saying, moved: list[_Moved] | None = None) -> Json:
    """`moved` takes what a tool answers besides text. Raises Unrepresentable, naming the part."""
    forms = own_form(message.extras).split()
    if message.role == "tool":
        return _render_result(message, forms, where, say, [] if moved is None else moved)
    role = message.role
    if role == "developer" and role not in say.takes:
        role = "system"  # what it was called before; OpenAI takes one for the other
    out: Json = {"role": role}
    put_parts(out, message.parts, forms, say, where)
    if any(isinstance(part, Text) and part.citations for part in message.parts):
        if DETAILS in say.takes:  # who takes an answer's reasoning back takes its annotations back too
            out[ANNOTATIONS] = list(cited_in(message.parts))
        else:
            say.loss.setting(f"{where}.citations")
    return with_extras(out, message.extras)


def _render_result(message: Message, forms: list[str], where: str, say: Saying, moved: list[_Moved]) -> Json:
    result = message.parts[0] if len(message.parts) == 1 else None
    if not isinstance(result, ToolResult):
        raise Unrepresentable(f"{where} has to hold one tool result.", param=where)
    old = _OLD_ROLE in forms
    out: Json = {"role": _OLD_ROLE} if old else {"role": "tool", "tool_call_id": result.call_id}
    if result.name is not None and _NAMED in forms:
        out["name"] = result.name
    parts: list[Part] = list(result.parts)
    media = [part for part in parts if isinstance(part, Media)]
    if media and "parts" not in forms:
        parts = [part for part in parts if not isinstance(part, Media)]
        parts.append(Text("(What else it answered is in the next message of the user.)"))
        moved.append((where, Text(f"What the tool call {result.call_id} answered:")))
        moved.extend((where, part) for part in media)
    last = parts[-1] if parts else None
    if result.cache is not None and isinstance(last, Text | Media):
        parts[-1] = msgspec.structs.replace(last, cache=result.cache)
    elif result.cache is not None:
        say.loss.setting("cache")
    if result.is_error:
        say.loss.setting(f"{where}.is_error")
    if any(isinstance(part, Text) and part.citations for part in result.parts):
        say.loss.setting(f"{where}.citations")
    if not parts and not forms:
        parts = [Text("")]
    _put_content(out, parts, forms, say, where)
    return with_extras(out, message.extras)


def put_parts(
    out: Json, parts: Sequence[Part], forms: Sequence[str], say: Saying, where: str, *, old: bool = False
) -> None:
    """Each part in the field where it belongs. `old`: see `calls.put_calls`."""
    content: list[Part] = []
    calls: list[ToolCall | Opaque] = []
    thoughts: list[Thinking | Opaque] = []
    media: list[Media] = []
    for part in parts:
        if type(part) is Text:  # nearly always, and it has no other place
            content.append(part)
            continue
        slot = part.slot if isinstance(part, Opaque) and part.dialect == NAME else None
        if isinstance(part, ToolCall) or (isinstance(part, Opaque) and slot == CALLS):
            calls.append(part)
        elif (isinstance(part, Thinking) and own_form(part.extras) != CONTENT) or (
            isinstance(part, Opaque) and slot == DETAILS
        ):
            thoughts.append(part)
        elif isinstance(part, Media) and _is_field(part, forms, out, say):
            media.append(part)
        elif isinstance(part, Refusal) and _is_refusal_field(part, forms, out):
            out["refusal"] = f"{out.get('refusal', '')}{part.text}"
        else:
            content.append(part)
    _put_content(out, content, forms, say, where)
    put_thinking(out, thoughts, forms, say, where)
    if media:
        put_media(out, media, say, where)
    if calls:
        put_calls(out, calls, say, old=old)


def _is_field(part: Media, forms: Sequence[str], out: Json, say: Saying) -> bool:
    if own_form(part.extras) in (IMAGES, AUDIO):
        return True
    return say.answer or (out["role"] == "assistant" and "parts" not in forms)


def _is_refusal_field(part: Refusal, forms: Sequence[str], out: Json) -> bool:
    """An assistant's, unless it came as a content part."""
    return own_form(part.extras) == REFUSAL_FIELD or (out["role"] == "assistant" and "parts" not in forms)


def _put_content(out: Json, content: list[Part], forms: Sequence[str], say: Saying, where: str) -> None:
    if not content and "parts" not in forms:
        if "absent" not in forms:
            out["content"] = None
        return
    if say.answer and "parts" not in forms and all(isinstance(part, Text) for part in content):
        # Clients expect one text, and no array.
        out["content"] = "".join(part.text for part in content if isinstance(part, Text))
        return
    only = content[0] if len(content) == 1 else None
    if "value" in forms and isinstance(only, Opaque) and only.dialect == NAME:
        out["content"] = only.data
    elif "parts" not in forms and isinstance(only, Text) and is_plain(only, say):
        out["content"] = only.text
    else:
        shown = [render_part(part, f"{where}.content[{number}]", say) for number, part in enumerate(content)]
        kept = [part for part in shown if part is not None]
        # An empty array is refused; what was empty from the start is the client's affair.
        out["content"] = kept if kept or not content else ""


def message_fields(raw: msgspec.Raw | None) -> Fields:
    """The fields of an answer's message; none when it is missing or no object."""
    return (object_or_none(raw) if raw is not None else None) or {}
