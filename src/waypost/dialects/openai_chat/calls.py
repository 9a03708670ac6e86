"""Tool calls of a message, both ways, and `function_call`, which they replaced.

https://platform.openai.com/docs/api-reference/chat/create (2026-11-25).
"""

from __future__ import annotations

import msgspec

from waypost.core.request import Extras, Opaque, ToolCall
from waypost.dialects.openai_chat.own import NAME, Saying, Taking, own_form, with_extras
from waypost.dialects.openai_chat.thinking import EXTRA, GEMINI, signature_field, take_signature
from waypost.dialects.taking import ITEMS, TEXT, Json, object_or_none

CALLS = "tool_calls"
OLD_CALL = "function_call"


def take_calls(taking: Taking, old_id: str = OLD_CALL) -> list[ToolCall | Opaque]:
    """`old_id` stands for the id that a `function_call` has not."""
    raw = taking.rest.get(CALLS)
    try:
        items = ITEMS.decode(raw) if raw is not None else []
    except ValueError:
        items = []
    if items:
        del taking.rest[CALLS]
    found = [_parse_call(item) for item in items]
    old = object_or_none(taking.rest.get(OLD_CALL))
    if old is not None:
        inner = Taking(old)
        name, arguments = inner.take("name", TEXT), inner.take("arguments", TEXT)
        if name is not None and arguments is not None and not inner.rest:
            del taking.rest[OLD_CALL]
            found.append(ToolCall(old_id, name, arguments, Extras(NAME, {}, OLD_CALL)))
    return found


def _parse_call(raw: msgspec.Raw) -> ToolCall | Opaque:
    fields = object_or_none(raw)
    if fields is not None:
        call = Taking(fields)
        function = call.take_object("function")
        call_id = call.take("id", TEXT)
        if call.take_constant("type", "function") and function is not None and call_id is not None:
            inner = Taking(function)
            name, arguments = inner.take("name", TEXT), inner.take("arguments", TEXT)
            # OpenAI's SDKs leave it in the calls they put together, which come back as they are.
            inner.rest.pop("parsed_arguments", None)
            if name is not None and arguments is not None and not inner.rest:
                signature = take_signature(call)
                maker = None if signature is None else GEMINI
                return ToolCall(call_id, name, arguments, call.extras(), signature, maker)
    return Opaque(NAME, raw, CALLS)


def put_calls(out: Json, calls: list[ToolCall | Opaque], say: Saying, *, old: bool = False) -> None:
    """`old`: the client asked with `functions`, and its first call goes where it looks for it."""
    shown: list[Json | msgspec.Raw] = []
    for call in calls:
        if isinstance(call, Opaque):
            shown.append(call.data)
        elif OLD_CALL not in out and (old or own_form(call.extras) == OLD_CALL):
            out[OLD_CALL] = _function(call)
        else:
            shown.append(render_call(call, say))
    if shown:
        out[CALLS] = shown


def _function(call: ToolCall) -> Json:
    # A call without arguments has an empty object: readers parse the text.
    return {"name": call.name, "arguments": call.arguments or "{}"}


def render_call(call: ToolCall, say: Saying) -> Json:
    """One tool call. A signature goes to whom it may go back to its maker through, and nowhere else."""
    out: Json = {"id": call.call_id, "type": "function", "function": _function(call)}
    if call.signature is not None and call.maker == GEMINI and "thought_signature" in say.takes:
        out[EXTRA] = signature_field(call.signature)
    return with_extras(out, call.extras)
