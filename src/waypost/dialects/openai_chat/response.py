"""A whole chat answer to and from the core: the cross-dialect lane."""

from __future__ import annotations

import msgspec

from waypost.core.request import Extras, Media, Opaque, Refusal, Text, Thinking, ToolCall
from waypost.core.response import ChatResponse, Choice, Finish
from waypost.core.usage import Usage
from waypost.dialects.costs import cost_raw
from waypost.dialects.openai.reply import parse_reply
from waypost.dialects.openai.usage import parse_usage
from waypost.dialects.openai_chat.messages import message_fields, parse_parts, put_parts
from waypost.dialects.openai_chat.own import NAME, Taking, own_form, with_extras
from waypost.dialects.taking import INTEGER, ITEMS, TEXT, Json, object_or_none, object_raw
from waypost.errors import Garbled

#: https://platform.openai.com/docs/api-reference/chat/object (2026-11-21)
FINISHES = {
    "stop": Finish.STOP,
    "length": Finish.LENGTH,
    "tool_calls": Finish.TOOLS,
    "content_filter": Finish.FILTERED,
}
_WORDS = {finish: word for word, finish in FINISHES.items()} | {
    Finish.REFUSED: "content_filter",
    Finish.PAUSED: "stop",
    Finish.OTHER: "stop",
}
_ENCODER = msgspec.json.Encoder()


def parse_response(body: bytes) -> ChatResponse:
    """Raises Garbled, and what the provider reports inside a 200."""
    taking = Taking(parse_reply(body).fields)
    items = taking.take("choices", ITEMS)
    if items is None:
        raise Garbled("The provider's answer has no choices. Try again, or another model.")
    return ChatResponse(
        response_id=taking.take("id", TEXT) or "",
        model=taking.take("model", TEXT) or "",
        choices=tuple(_parse_choice(item, number) for number, item in enumerate(items)),
        created=taking.take("created", INTEGER),
        # Its wire form stays among the extras: it says more than the counts do.
        usage=parse_usage(taking.rest.get("usage")),
        tier=taking.take("service_tier", TEXT),
        extras=taking.extras("whole"),
    )


def _parse_choice(raw: msgspec.Raw, number: int) -> Choice:
    fields = object_or_none(raw)
    if fields is None:
        raise Garbled("The provider's answer has a choice that is no object. Try again, or another model.")
    taking = Taking(fields)
    index = taking.take("index", INTEGER)
    message = Taking(message_fields(taking.rest.pop("message", None)))
    finish, leave = read_finish(taking.rest.get("finish_reason"))
    if not leave:
        taking.rest.pop("finish_reason", None)
    parts, left = parse_parts(message)
    if left is not None and left.fields:
        taking.rest["message"] = object_raw(left.fields)
    kept = tuple(
        part for part in parts if isinstance(part, Text | Thinking | ToolCall | Media | Refusal | Opaque)
    )
    form = left.form if left is not None else ""
    return Choice(number if index is None else index, kept, finish, taking.extras(form))


def read_finish(raw: msgspec.Raw | None) -> tuple[Finish | None, bool]:
    """The reason, and whether the wire's own word has to be kept beside it."""
    if raw is None or bytes(raw) == b"null":
        return None, True
    word = bytes(raw)[1:-1].decode("utf-8", "replace")
    finish = FINISHES.get(word)
    return (finish, False) if finish is not None else (Finish.OTHER, True)


def finish_word(finish: Finish, extras: Extras | None) -> object:
    """What this dialect calls it."""
    if extras is not None and extras.dialect == NAME and "finish_reason" in extras.fields:
        return extras.fields["finish_reason"]
    return _WORDS[finish]


def usage_object(usage: Usage) -> Json:
    """A usage object of this dialect, from the core's counts."""
    return {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.input + usage.output,
        "prompt_tokens_details": {
            "cached_tokens": usage.cache_read,
            "cache_write_tokens": usage.cache_write,
            "audio_tokens": usage.audio_input,
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning,
            "audio_tokens": usage.audio_output,
        },
    }


def render_response(response: ChatResponse, cost_nusd: int | None = None, created: int = 0) -> bytes:
    """`created` is for answers of dialects that do not date them. Raises Unrepresentable for a part that this dialect
    can not say."""
    own = own_form(response.extras) == "whole"
    out: Json = {}
    if response.response_id or not own:
        out["id"] = response.response_id
    if not own:
        out["object"] = "chat.completion"
        out["created"] = created if response.created is None else response.created
    elif response.created is not None:
        out["created"] = response.created
    if response.model or not own:
        out["model"] = response.model
    out["choices"] = [_render_choice(choice) for choice in response.choices]
    if response.tier is not None:
        out["service_tier"] = response.tier
    with_extras(out, response.extras)
    if response.usage is not None:
        out.setdefault("usage", usage_object(response.usage) | ({} if own else {"cost": cost_raw(cost_nusd)}))
    return _ENCODER.encode(out)


def _render_choice(choice: Choice) -> Json:
    message: Json = {"role": "assistant"}
    extras = choice.extras
    put_parts(message, choice.parts, extras, f"choices[{choice.index}].message")
    out: Json = {"index": choice.index, "message": message}
    own = extras is not None and extras.dialect == NAME
    if extras is not None and own and "message" in extras.fields:
        with_extras(message, Extras(NAME, message_fields(extras.fields["message"])))
    if choice.finish is not None:
        out["finish_reason"] = finish_word(choice.finish, extras)
    elif not own:
        out["finish_reason"] = None
    return with_extras(out, extras)
