"""A whole chat answer to and from the core: the cross-dialect lane."""

from __future__ import annotations

import msgspec

from waypost.core.plain import plain_choice
from waypost.core.request import Extras, Media, Opaque, Refusal, Text, Thinking, ToolCall
from waypost.core.response import ChatResponse, Choice, Finish
from waypost.core.usage import Usage
from waypost.dialects.costs import put_cost
from waypost.dialects.openai.reply import read_answer
from waypost.dialects.openai.usage import parse_usage
from waypost.dialects.openai_chat.calls import OLD_CALL
from waypost.dialects.openai_chat.citations import FIELD as ANNOTATIONS
from waypost.dialects.openai_chat.citations import cited_in
from waypost.dialects.openai_chat.media import AUDIO, sound
from waypost.dialects.openai_chat.messages import message_fields, parse_parts, put_parts
from waypost.dialects.openai_chat.own import NAME, Taking, own_form, to_client, with_extras
from waypost.dialects.openai_chat.plain import parse_choice
from waypost.dialects.taking import INTEGER, ITEMS, TEXT, Json, object_or_none, object_raw, text_or_none
from waypost.errors import Garbled

#: https://platform.openai.com/docs/api-reference/chat/object (2026-11-21). `function_call` is that of `functions`.
FINISHES = {
    "stop": Finish.STOP,
    "length": Finish.LENGTH,
    "tool_calls": Finish.TOOLS,
    "content_filter": Finish.FILTERED,
    OLD_CALL: Finish.TOOLS,
}
_WORDS = {
    Finish.STOP: "stop",
    Finish.LENGTH: "length",
    Finish.TOOLS: "tool_calls",
    Finish.FILTERED: "content_filter",
    Finish.REFUSED: "content_filter",
    Finish.PAUSED: "stop",
    Finish.OTHER: "stop",
}
#: Where OpenAI's word says less, `native_finish_reason` says it as its provider did:
#: https://openrouter.ai/docs/api-reference/overview, https://docs.claude.com/en/api/handling-stop-reasons (2026-11-25).
NATIVE = "native_finish_reason"
_NATIVE_FINISHES = {"refusal": Finish.REFUSED, "pause_turn": Finish.PAUSED}
_NATIVE_WORDS = {finish: word for word, finish in _NATIVE_FINISHES.items()}
#: The stop text that was met, or a token's number: https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html.
STOP_REASON = "stop_reason"
#: The parts that an answer may have. (A union is made anew wherever it is written.)
_KEPT = (Text, Thinking, ToolCall, Media, Refusal, Opaque)
_ENCODER = msgspec.json.Encoder()


def parse_response(body: bytes) -> ChatResponse:
    """Raises Garbled, and what the provider reports inside a 200."""
    taking = Taking(read_answer(body))
    choices = _take_choices(taking)
    return ChatResponse(
        taking.take("id", TEXT) or "",
        taking.take("model", TEXT) or "",
        choices,
        taking.take("created", INTEGER),
        # Its wire form stays among the extras: it says more than the counts do.
        parse_usage(taking.rest.get("usage")),
        taking.take("service_tier", TEXT),
        taking.extras("whole"),
    )


def _take_choices(taking: Taking) -> tuple[Choice, ...]:
    plain = parse_choice(taking.rest["choices"]) if "choices" in taking.rest else None
    if plain is not None:
        del taking.rest["choices"]
        return (plain,)
    items = taking.take("choices", ITEMS)
    if items is None:
        raise Garbled("The provider's answer has no choices. Try again, or another model.")
    return tuple([_parse_choice(item, number) for number, item in enumerate(items)])


def _parse_choice(raw: msgspec.Raw, number: int) -> Choice:
    fields = object_or_none(raw)
    if fields is None:
        raise Garbled("The provider's answer has a choice that is no object. Try again, or another model.")
    taking = Taking(fields)
    index = taking.take("index", INTEGER)
    message = Taking(message_fields(taking.rest.pop("message", None)))
    message.take_constant("role", "assistant")
    finish = take_finish(taking)
    stop_text = taking.take(STOP_REASON, TEXT)
    parts, left = parse_parts(message)
    if left is not None and left.fields:
        taking.rest["message"] = object_raw(left.fields)
    kept = tuple([part for part in parts if isinstance(part, _KEPT)])
    form = left.form if left is not None else ""
    return Choice(number if index is None else index, kept, finish, taking.extras(form), stop_text)


def take_finish(taking: Taking) -> Finish | None:
    """Why it ended. A word that the core does not say as it is stays in `taking`."""
    raw = taking.rest.get("finish_reason")
    if raw is None or bytes(raw) == b"null":
        return None
    word = text_or_none(raw) or ""
    finish = FINISHES.get(word, Finish.OTHER)
    native = taking.rest.get(NATIVE)
    said = None if native is None else _NATIVE_FINISHES.get(text_or_none(native) or "")
    if said is not None and _WORDS[said] == word:
        del taking.rest["finish_reason"], taking.rest[NATIVE]
        return said
    if _WORDS[finish] == word:
        del taking.rest["finish_reason"]
    return finish


def put_finish(out: Json, finish: Finish, stop_text: str | None, *, old: bool = False) -> None:
    """What this dialect calls it. `old`: a `function_call` is what the client waits for."""
    out["finish_reason"] = OLD_CALL if old and finish is Finish.TOOLS else _WORDS[finish]
    if finish in _NATIVE_WORDS:
        out[NATIVE] = _NATIVE_WORDS[finish]
    if stop_text is not None:
        out[STOP_REASON] = stop_text


def usage_object(usage: Usage) -> Json:
    """A usage object of this dialect, from the core's counts. Counts that are ours are marked so."""
    out: Json = {
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
    return out if usage.source == "reported" else {**out, "estimated": True}


def render_response(
    response: ChatResponse,
    cost_nusd: int | None = None,
    created: int = 0,
    *,
    old: bool = False,
    made_id: str = "",
) -> bytes:
    """`created` and `made_id` are for answers of dialects that do not date or name them. `old`: the client asked with
    `functions`. Raises Unrepresentable for a part that this dialect can not say."""
    plain = render_plain(response, cost_nusd, created, old=old, made_id=made_id)
    return render_any(response, cost_nusd, created, old=old, made_id=made_id) if plain is None else plain


def render_plain(
    response: ChatResponse, cost_nusd: int | None, created: int, *, old: bool, made_id: str
) -> bytes | None:
    """An answer of another dialect that is nothing but text; None: the general way says it."""
    found, usage = plain_choice(response, NAME), response.usage
    if found is None or usage is None:
        return None
    choice, text = found
    ended: Json = {"index": 0, "message": {"role": "assistant", "content": text}}
    put_finish(ended, choice.finish or Finish.STOP, None, old=old)
    out: Json = {
        "id": response.response_id or made_id,
        "object": "chat.completion",
        "created": created if response.created is None else response.created,
        "model": response.model,
        "choices": [ended],
    }
    if response.tier is not None:
        out["service_tier"] = response.tier
    counts = usage_object(usage)
    put_cost(counts, cost_nusd)
    out["usage"] = counts
    return _ENCODER.encode(out)


def render_any(
    response: ChatResponse, cost_nusd: int | None, created: int, *, old: bool = False, made_id: str = ""
) -> bytes:
    """See `render_response`."""
    own = own_form(response.extras) == "whole"
    out: Json = {}
    if response.response_id or not own:
        out["id"] = response.response_id or made_id
    if not own:
        out["object"] = "chat.completion"
        out["created"] = created if response.created is None else response.created
    elif response.created is not None:
        out["created"] = response.created
    if response.model or not own:
        out["model"] = response.model
    out["choices"] = [_render_choice(choice, created, old) for choice in response.choices]
    if response.tier is not None:
        out["service_tier"] = response.tier
    with_extras(out, response.extras)
    if response.usage is not None:
        usage: Json = {**usage_object(response.usage)}
        if not own:
            put_cost(usage, cost_nusd)
        out.setdefault("usage", usage)
    return _ENCODER.encode(out)


def _render_choice(choice: Choice, created: int, old: bool) -> Json:
    message: Json = {"role": "assistant"}
    extras = choice.extras
    where = f"choices[{choice.index}].message"
    put_parts(message, choice.parts, own_form(extras).split(), to_client(), where, old=old)
    for part in choice.parts:
        if isinstance(part, Media) and part.kind == "audio" and own_form(part.extras) != AUDIO:
            message[AUDIO] = sound(part, created)
    cited = list(cited_in(choice.parts))
    if cited:
        message[ANNOTATIONS] = cited
    out: Json = {"index": choice.index, "message": message}
    own = extras is not None and extras.dialect == NAME
    if extras is not None and own and "message" in extras.fields:
        put_left(message, extras)
    if choice.finish is not None:
        put_finish(out, choice.finish, choice.stop_text, old=old)
        if extras is not None and own and "finish_reason" in extras.fields:
            out["finish_reason"] = extras.fields["finish_reason"]
    elif not own:
        out["finish_reason"] = None
    elif choice.stop_text is not None:
        out[STOP_REASON] = choice.stop_text
    return with_extras(out, extras)


def put_left(message: Json, extras: Extras) -> None:
    """What the core does not model of an answer's message."""
    left = message_fields(extras.fields["message"])
    also = left.get(ANNOTATIONS)
    cited = message.get(ANNOTATIONS)
    if also is not None and isinstance(cited, list):
        cited.extend(ITEMS.decode(also))
    with_extras(message, Extras(NAME, left))
