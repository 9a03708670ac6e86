"""A whole answer to and from the core: the cross-dialect lane."""

from __future__ import annotations

import msgspec

from waypost.core.asked import Stamp
from waypost.core.loss import Loss
from waypost.core.request import Extras, Media, Opaque, Refusal, ToolCall
from waypost.core.response import ChatResponse, Choice, Finish, ReplyPart
from waypost.dialects.anthropic_messages.blocks import parse_block, render_part
from waypost.dialects.anthropic_messages.own import NAME, OWN, Taking, is_own, own_form, with_extras
from waypost.dialects.anthropic_messages.plain import parse_blocks, render_answer
from waypost.dialects.anthropic_messages.reply import read_answer
from waypost.dialects.anthropic_messages.usage import MODELLED, TIERS, parse_usage, tier_in, usage_object
from waypost.dialects.costs import put_cost
from waypost.dialects.fields import Fields
from waypost.dialects.taking import ITEMS, TEXT, Json, object_or_none, object_raw, text_or_none
from waypost.errors import Garbled, Unrepresentable

#: https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons; `compaction`: the beta's types of
#: anthropic 2.14.0 on PyPI (2026-11-25).
FINISHES = {
    "end_turn": Finish.STOP,
    "stop_sequence": Finish.STOP,
    "max_tokens": Finish.LENGTH,
    "model_context_window_exceeded": Finish.LENGTH,
    "tool_use": Finish.TOOLS,
    "pause_turn": Finish.PAUSED,
    "compaction": Finish.PAUSED,
    "refusal": Finish.REFUSED,
}
#: For answers of other dialects. A filter's and the model's own refusal are one to Anthropic.
_WORDS = {
    Finish.STOP: "end_turn",
    Finish.LENGTH: "max_tokens",
    Finish.TOOLS: "tool_use",
    Finish.FILTERED: "refusal",
    Finish.REFUSED: "refusal",
    Finish.PAUSED: "pause_turn",
    Finish.OTHER: "end_turn",
}
#: Fields of an answer that a stream says at its end.
_AT_END = ("stop_details", "container", "context_management", "input_transformations")
_USAGE = "usage"
_REASON = "stop_reason"
_END = (*_AT_END, _REASON, "stop_sequence")
_NOTHING = msgspec.Raw(b"null")
_FOREIGN = (Media, Opaque)
_ENCODER = msgspec.json.Encoder()


def parse_response(body: bytes) -> ChatResponse:
    """Raises Garbled, and what the provider reports inside a 200."""
    taking = Taking(read_answer(body))
    parts = _take_content(taking)
    usage = taking.rest.pop(_USAGE, None)
    counts = object_or_none(usage) or {}
    # By place, which is far cheaper than by name.
    return ChatResponse(
        taking.take("id", TEXT) or "",
        taking.take("model", TEXT) or "",
        (take_ending(taking, counts, parts),),
        None,
        parse_usage(usage),
        TIERS.get(tier_in(counts) or ""),
        take_head(taking),
    )


def _take_content(taking: Taking) -> tuple[ReplyPart, ...]:
    texts = parse_blocks(taking.rest["content"]) if "content" in taking.rest else None
    if texts:
        del taking.rest["content"]
        return texts
    items = taking.take("content", ITEMS)
    if items is None:
        raise Garbled("The provider's answer has no content. Try again, or another model.")
    return tuple(parse_block(item) for item in items)


def take_head(taking: Taking) -> Extras | None:
    """What of a message the core has no words for, apart from its end."""
    taking.take_constant("type", "message")
    taking.take_constant("role", "assistant")
    rest = taking.rest
    if rest:
        for name in _END:
            rest.pop(name, None)
        taking.drop_nulls()
    return taking.extras(OWN)


def take_ending(taking: Taking, usage: Fields, parts: tuple[ReplyPart, ...] = ()) -> Choice:
    """How a message ended, as a choice of these parts. `usage`: all that was said of it."""
    rest = taking.rest
    raw = rest.pop(_REASON, _NOTHING)
    word = text_or_none(raw)
    finish = None if word is None else FINISHES.get(word, Finish.OTHER)
    left: Fields = {}
    for name in _AT_END:
        value = rest.pop(name, _NOTHING)
        if value is not _NOTHING and bytes(value) != b"null":
            left[name] = value
    if word is not None and finish is not None and _WORDS[finish] != word and word != "stop_sequence":
        left[_REASON] = raw
    if not usage.keys() <= MODELLED:
        unknown = {
            name: value for name, value in usage.items() if name not in MODELLED and bytes(value) != b"null"
        }
        if unknown:
            left[_USAGE] = object_raw(unknown)
    stop_text = taking.take("stop_sequence", TEXT)
    return Choice(0, parts, finish, Extras(NAME, left) if left else None, stop_text)


def stop_fields(choice: Choice) -> Json:
    """`stop_reason` and `stop_sequence`. Other servers call an end with calls or a refusal in it a mere stop."""
    own = is_own(choice.extras)
    if choice.extras is not None and own and _REASON in choice.extras.fields:
        return {_REASON: choice.extras.fields[_REASON], "stop_sequence": choice.stop_text}
    finish, kinds = choice.finish, {type(part) for part in choice.parts}
    if finish is Finish.STOP and choice.stop_text is not None:
        word: str | None = "stop_sequence"
    elif finish is Finish.STOP and ToolCall in kinds:
        word = "tool_use"
    elif finish is Finish.STOP and Refusal in kinds:
        word = "refusal"
    else:
        word = None if finish is None else _WORDS[finish]
    return {_REASON: word, "stop_sequence": choice.stop_text}


def end_fields(choice: Choice) -> Json:
    """What else is said at the end, in this dialect only."""
    extras = choice.extras
    if extras is None or not is_own(extras):
        return {}
    return {name: extras.fields[name] for name in _AT_END if name in extras.fields}


def left_of_usage(choice: Choice) -> Fields:
    """What of a usage object the core has no words for."""
    extras = choice.extras
    if extras is None or not is_own(extras):
        return {}
    return object_or_none(extras.fields.get(_USAGE)) or {}


def render_block(part: ReplyPart, where: str) -> Json | msgspec.Raw | None:
    """None: nothing to show. Raises Unrepresentable for a part that this dialect can not say."""
    if isinstance(part, _FOREIGN) and not (isinstance(part, Opaque) and part.dialect == NAME):
        raise Unrepresentable(
            f"{where} of the answer is of a kind that Anthropic's format has no form for. Ask in the format of the "
            "model's provider, or choose another model.",
            param=where,
        )
    return render_part(part, where, Loss(), answer=True)


def several_choices() -> Unrepresentable:
    """For an answer with more than this dialect can show."""
    return Unrepresentable(
        "The provider gave several answers, and Anthropic's format has room for one. Ask for one.",
        param="content",
    )


def response_id(response_id: str, stamp: Stamp) -> str:
    """The provider's, or one of the gateway's."""
    return response_id or f"msg_{stamp.exchange_id}"


def render_response(response: ChatResponse, cost_nusd: int | None, stamp: Stamp) -> bytes:
    """Raises Unrepresentable, also for several choices: this dialect knows one."""
    plain = render_answer(response, cost_nusd, stamp)
    return render_any(response, cost_nusd, stamp) if plain is None else plain


def render_any(response: ChatResponse, cost_nusd: int | None, stamp: Stamp) -> bytes:
    """See `render_response`."""
    if len(response.choices) > 1:
        raise several_choices()
    choice = response.choices[0] if response.choices else Choice(0, (), Finish.OTHER)
    blocks = [render_block(part, f"content[{number}]") for number, part in enumerate(choice.parts)]
    out: Json = {
        "id": response_id(response.response_id, stamp),
        "type": "message",
        "role": "assistant",
        "model": response.model,
        "content": [block for block in blocks if block is not None],
        **stop_fields(choice),
        **end_fields(choice),
    }
    if response.usage is not None:
        usage = {**left_of_usage(choice), **usage_object(response.usage, response.tier)}
        if own_form(response.extras) != OWN:
            put_cost(usage, cost_nusd)
            if response.usage.source != "reported":
                usage["estimated"] = True
        out[_USAGE] = usage
    return _ENCODER.encode(with_extras(out, response.extras))
