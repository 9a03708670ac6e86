"""Input items to messages, and back.

Consecutive items of the assistant are one message; each answer of a tool is one; an item that only this dialect knows
is an `Opaque` with slot `item`: in the assistant's message where the model wrote it, else in a user message of its own.
"""

from __future__ import annotations

from typing import Literal, TypeGuard

import msgspec

from waypost.core.loss import Loss
from waypost.core.request import Message, Opaque, Part, Refusal, Text, Thinking, ToolCall, ToolResult
from waypost.dialects.openai_responses.output import (
    CUSTOM,
    EMPTY,
    ITEM,
    MORE,
    STRING,
    keep_frame,
    parse_item,
    put_frame,
    render_call,
    render_output_part,
    render_reasoning,
)
from waypost.dialects.openai_responses.own import NAME, Form, Taking, is_own, read_form, with_extras
from waypost.dialects.openai_responses.parts import is_plain, parse_input_part, render_input_part
from waypost.dialects.openai_responses.reply import read_items
from waypost.dialects.openai_responses.sealed import OURS
from waypost.dialects.taking import TEXT, Json, object_or_none
from waypost.errors import InvalidRequest

_GIVEN: msgspec.json.Decoder[Literal["user", "system", "developer"]] = msgspec.json.Decoder(
    Literal["user", "system", "developer"]
)
#: Items that the client writes, though they are no messages.
_CLIENTS = frozenset(
    {
        "computer_call_output",
        "local_shell_call_output",
        "shell_call_output",
        "apply_patch_call_output",
        "mcp_approval_response",
        "tool_search_output",
        "additional_tools",
        "configuration_update",
        "compaction_trigger",
        "item_reference",
    }
)
#: Word of a form: content, or a tool's output, is a list of parts though one text could stand as a string.
_PARTS = "parts"
#: The tool's name stands with its answer, which only the newest servers take.
_NAMED = "named"


def parse_items(items: list[msgspec.Raw]) -> list[Message]:
    """Raises InvalidRequest, naming the item."""
    messages: list[Message] = []
    said: list[Part] = []
    for number, raw in enumerate(items):
        message = _parse_given(raw, f"input[{number}]")
        if message is None:
            _add(said, raw)
            continue
        if said:
            messages.append(Message("assistant", tuple(said)))
            said = []
        messages.append(message)
    if said:
        messages.append(Message("assistant", tuple(said)))
    return messages


def _add(said: list[Part], raw: msgspec.Raw) -> None:
    """One more item of the assistant's. A signature that belongs to the call before it is put there."""
    for part in parse_item(raw, whole=False):
        last = said[-1] if said else None
        if isinstance(last, ToolCall) and last.signature is None and _belongs_before(part):
            said[-1] = msgspec.structs.replace(last, signature=part.signature, maker=part.maker)
            continue
        said.append(part)


def _belongs_before(part: Part) -> TypeGuard[Thinking]:
    return isinstance(part, Thinking) and not (part.text or part.redacted or part.signature is None)


def _parse_given(raw: msgspec.Raw, where: str) -> Message | None:
    """A message of the client's, or a tool's answer; None for an item of the assistant's."""
    fields = object_or_none(raw)
    if fields is None:
        raise InvalidRequest(f"{where} has to be an object.", param=where)
    taking = Taking(fields)
    kind = taking.take("type", TEXT)
    if kind in ("function_call_output", "custom_tool_call_output"):
        return _parse_result(taking, kind == "custom_tool_call_output") or _opaque(raw)
    if kind in _CLIENTS:
        return _opaque(raw)
    if kind not in ("message", None):
        return None
    role = taking.take("role", _GIVEN)
    if role is None:
        if kind is None and taking.take("role", TEXT) != "assistant":
            raise InvalidRequest(
                f"{where} needs a `type`, or the `role` user, assistant, system or developer.", param=where
            )
        return None
    if kind is not None:
        taking.rest["type"] = fields["type"]
    kept = keep_frame(taking, whole=False)
    content = _parse_content(taking, "content")
    if content is None:
        raise InvalidRequest(
            f"{where}.content has to be a text, or an array of parts.", param=f"{where}.content"
        )
    parts, words = content
    return Message(role, tuple(parts), taking.extras(str(Form(words, kept))))


def _opaque(raw: msgspec.Raw) -> Message:
    return Message("user", (Opaque(NAME, raw, ITEM),))


def _parse_content(taking: Taking, name: str) -> tuple[list[Text | Opaque | Part], str] | None:
    text = taking.take(name, TEXT)
    if text is not None:
        return [Text(text)], ""
    raw = taking.rest.get(name)
    if raw is None or bytes(raw)[:1] != b"[":
        return None
    del taking.rest[name]
    return [parse_input_part(item) for item in read_items(raw)], _PARTS


def _parse_result(taking: Taking, custom: bool) -> Message | None:
    call_id = taking.take("call_id", TEXT)
    content = _parse_content(taking, "output")
    if call_id is None or content is None:
        return None
    found, words = content
    parts = tuple(part for part in found if not isinstance(part, Thinking | ToolCall | ToolResult))
    kept = keep_frame(taking, whole=False)
    name = taking.take("name", TEXT)
    said = (CUSTOM if custom else "", words, _NAMED if name is not None else "")
    form = Form(" ".join(filter(None, said)), kept)
    return Message("tool", (ToolResult(call_id, parts, extras=taking.extras(str(form)), name=name),))


def render_messages(messages: tuple[Message, ...], first: int, loss: Loss) -> list[Json | msgspec.Raw]:
    """The input items for `messages` from number `first` on. A call is one of a custom tool where it came as one: a
    function may have the same name."""
    items: list[Json | msgspec.Raw] = []
    for number, message in enumerate(messages[first:], first):
        where = f"messages[{number}]"
        if message.role == "assistant":
            items += _render_said(message, where, loss)
        else:
            items += _render_given(message, where, loss)
    return items


def _render_given(message: Message, where: str, loss: Loss) -> list[Json | msgspec.Raw]:
    items: list[Json | msgspec.Raw] = []
    content: list[Part] = []
    for number, part in enumerate(message.parts):
        if isinstance(part, ToolResult):
            items.append(_render_result(part, where, loss))
        elif isinstance(part, Opaque) and part.dialect == NAME and part.slot == ITEM:
            items.append(part.data)
        elif isinstance(part, ToolCall):
            items.append(render_call(part))
        elif isinstance(part, Thinking | Refusal):
            loss.content(
                f"{where}.content[{number}]",
                f"{where} has a part that only an assistant's message can have. Leave it out.",
            )
        else:
            content.append(part)
    if content or not items:
        before = len(loss.names)
        form = read_form(message.extras)
        out: Json = {"role": "developer" if message.role == "tool" else message.role}
        out["content"] = _render_content(tuple(content), form, where, loss)
        if out["content"] == [] and len(loss.names) > before:
            return items  # of what was left out nothing remains, and OpenAI refuses a message of nothing
        out.update(form.kept)
        items.append(with_extras(out, message.extras))
    return items


def _render_content(parts: tuple[Part, ...], form: Form, where: str, loss: Loss) -> object:
    only = parts[0] if len(parts) == 1 else None
    if isinstance(only, Text) and _PARTS not in form.words and is_plain(only):
        return only.text
    rendered = (
        render_input_part(part, f"{where}.content[{number}]", loss) for number, part in enumerate(parts)
    )
    return [part for part in rendered if part is not None]


def _render_result(result: ToolResult, where: str, loss: Loss) -> Json:
    form = read_form(result.extras)
    kind = "custom_tool_call_output" if CUSTOM in form.words else "function_call_output"
    if result.is_error:
        loss.setting(f"{where}.is_error")
    if result.cache is not None:
        loss.setting(f"{where}.cache")
    out: Json = {"type": kind, "call_id": result.call_id}
    out["output"] = ""
    if result.parts or _PARTS in form.words:
        out["output"] = _render_content(result.parts, form, where, loss)
    if _NAMED in form.words:
        out["name"] = result.name
    out.update(form.kept)
    return with_extras(out, result.extras)


def _render_said(message: Message, where: str, loss: Loss) -> list[Json | msgspec.Raw]:
    items: list[Json | msgspec.Raw] = []
    content: list[Json] = []  # of the message item that is under way
    for number, part in enumerate(message.parts):
        if isinstance(part, Text | Refusal):
            if isinstance(part, Text) and part.cache is not None:
                loss.setting(
                    f"{where}.content[{number}].cache"
                )  # breakpoints stand in what the client says only
            if read_form(part.extras).words == MORE and content:
                content.append(render_output_part(part, whole=False))
            else:
                item, content = _render_message(part)
                items.append(item)
            continue
        content = []
        if isinstance(part, ToolCall):
            items.append(render_call(part))
        elif isinstance(part, Thinking):
            item_or_none = _render_thinking(part)
            if item_or_none is None:
                loss.setting(f"{where}.thinking")
            else:
                items.append(item_or_none)
        elif isinstance(part, Opaque) and part.dialect == NAME:
            items.append(part.data)
        else:
            path = f"{where}.content[{number}]"
            loss.content(
                path,
                f"{path} is of a kind that the target's format has no form for in an assistant's message. "
                "Leave it out, or choose another model.",
            )
    return items


def _render_message(part: Text | Refusal) -> tuple[Json, list[Json]]:
    """A message item, and its list of content, which may go on."""
    words = read_form(part.extras).words
    out: Json = {"role": "assistant"}
    content: list[Json] = []
    if (
        words == STRING
        or is_plain(part)
        or (isinstance(part, Text) and not is_own(part.extras) and not part.citations)
    ):
        out["content"] = part.text
    else:
        if words != EMPTY:
            content = [render_output_part(part, whole=False)]
        out["content"] = content
        if not words:
            out["type"] = "message"
    return put_frame(out, part.extras), content


def _render_thinking(part: Thinking) -> Json | None:
    """None for what only another maker's model takes back, and for the text of another dialect alone: OpenAI would
    look the item up and not find it."""
    if is_own(part.extras) and part.signature is None:
        return render_reasoning(part, None)
    if part.signature is None or part.maker != OURS:
        return None
    # OpenAI checks an id against the encrypted content, and takes an item without one:
    # https://github.com/BerriAI/litellm/pull/15782 (2026-11-25).
    return render_reasoning(part, part.signature)
