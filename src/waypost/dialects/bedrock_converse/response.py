"""A whole Converse answer to and from the core: the cross-dialect lane.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html#API_runtime_Converse_ResponseSyntax
(2026-11-25).
"""

from __future__ import annotations

from typing import Final

import msgspec

from waypost.core.loss import Loss
from waypost.core.request import Extras, Media, Opaque, Refusal, Text, Thinking, ToolCall
from waypost.core.response import ChatResponse, Choice, Finish
from waypost.core.usage import Usage
from waypost.dialects.bedrock_converse.messages import parse_blocks
from waypost.dialects.bedrock_converse.own import NAME, Taking, is_own, with_extras
from waypost.dialects.bedrock_converse.parts import Writer
from waypost.dialects.bedrock_converse.reply import parse_reply
from waypost.dialects.bedrock_converse.usage import parse_usage, usage_object
from waypost.dialects.costs import put_cost
from waypost.dialects.fields import Fields
from waypost.dialects.taking import ITEMS, TEXT, Json, object_or_none, object_raw, text_or_none
from waypost.errors import Garbled, Unrepresentable

FINISHES: Final = {
    "end_turn": Finish.STOP,
    "stop_sequence": Finish.STOP,
    "max_tokens": Finish.LENGTH,
    "model_context_window_exceeded": Finish.LENGTH,
    "tool_use": Finish.TOOLS,
    "content_filtered": Finish.FILTERED,
    "guardrail_intervened": Finish.FILTERED,
}
#: `malformed_model_output`, `malformed_tool_use` and whatever is new are `Finish.OTHER`.
_WORDS: Final = {
    Finish.STOP: "end_turn",
    Finish.LENGTH: "max_tokens",
    Finish.TOOLS: "tool_use",
    Finish.FILTERED: "content_filtered",
    Finish.REFUSED: "content_filtered",
    Finish.PAUSED: "end_turn",
    Finish.OTHER: "end_turn",
}
_TIERS: Final = frozenset(("priority", "default", "flex", "reserved"))
_REASON: Final = "stopReason"
_MORE: Final = "additionalModelResponseFields"
_ENCODER = msgspec.json.Encoder()


def parse_response(body: bytes) -> ChatResponse:
    """Raises Garbled, and what the provider reports inside a 200."""
    taking = Taking(parse_reply(body).fields)
    output = Taking(taking.take_object("output") or {})
    message = output.take_object("message")
    if message is None:
        raise Garbled("The provider's answer has no message. Try again, or another model.")
    inner = Taking(message)
    inner.take_constant("role", "assistant")
    parts, points = parse_blocks(inner.take("content", ITEMS) or [])
    kept = tuple(
        part for part in parts if isinstance(part, Text | Thinking | ToolCall | Media | Refusal | Opaque)
    )
    finish, left = read_finish(taking.rest.pop(_REASON, None))
    left |= {**inner.rest, **points}
    if output.rest:
        left["output"] = object_raw(output.rest)
    stop_text = read_stop_text(taking.rest.get(_MORE))
    choice = Choice(0, kept, finish, Extras(NAME, left) if left else None, stop_text)
    tier = object_or_none(taking.rest.get("serviceTier"))
    return ChatResponse(
        response_id="",
        model="",
        choices=(choice,),
        # Their wire forms stay among the extras: they may say more than what is read.
        usage=parse_usage(taking.rest.get("usage")),
        tier=None if tier is None else Taking(tier).take("type", TEXT),
        extras=taking.extras("whole"),
    )


def read_finish(raw: msgspec.Raw | None) -> tuple[Finish | None, Fields]:
    """The reason, and its word where the core's does not lead back to it."""
    word = None if raw is None else text_or_none(raw)
    if raw is None or word is None:
        return None, {}
    finish = FINISHES.get(word, Finish.OTHER)
    return finish, {} if _WORDS[finish] == word else {_REASON: raw}


def read_stop_text(raw: msgspec.Raw | None) -> str | None:
    """Claude's own `stop_sequence`, which a client asks for by `additionalModelResponseFieldPaths`."""
    found = (object_or_none(raw) or {}).get("stop_sequence")
    return None if found is None else text_or_none(found)


def finish_word(finish: Finish | None, extras: Extras | None, stop_text: str | None) -> object:
    """What this dialect calls it."""
    if extras is not None and extras.dialect == NAME and _REASON in extras.fields:
        return extras.fields[_REASON]
    if finish is Finish.STOP and stop_text is not None:
        return "stop_sequence"
    # None: it was cut, and nobody said why. The limit is the one end here that tells there was to be more.
    return _WORDS[Finish.LENGTH if finish is None else finish]


def render_response(response: ChatResponse, cost_nusd: int | None) -> bytes:
    """Raises Unrepresentable for a part that this dialect can not say, and for more than one choice."""
    if len(response.choices) > 1:
        raise Unrepresentable(
            "The answer has several choices, and Bedrock Converse shows one. Ask for one.", param="choices"
        )
    choice = response.choices[0] if response.choices else Choice(0, (), Finish.STOP)
    content = Writer(Loss(), reply=True).blocks(choice.parts, "output.message")
    message: Json = {"role": "assistant", "content": content}
    out: Json = {
        "output": {"message": message},
        _REASON: finish_word(choice.finish, choice.extras, choice.stop_text),
    }
    own = is_own(response.extras)
    if response.usage is not None and not own:
        out["usage"] = priced(response.usage, cost_nusd)
    if not own:
        out |= closing(response.tier, choice.stop_text)
    with_extras(out, response.extras)
    return _ENCODER.encode(out)


def priced(usage: Usage, cost_nusd: int | None) -> Json:
    """The counts with their cost; those that no provider reported are marked."""
    counts: Json = {**usage_object(usage)}
    if usage.source != "reported":
        counts["estimated"] = True
    put_cost(counts, cost_nusd)
    return counts


def closing(tier: str | None, stop_text: str | None) -> Json:
    """What stands beside an answer of another dialect. SDKs want `metrics`; a latency of 0 is one nobody measured."""
    out: Json = {"metrics": {"latencyMs": 0}}
    if tier in _TIERS:
        out["serviceTier"] = {"type": tier}
    if stop_text is not None:
        out[_MORE] = {"stop_sequence": stop_text}
    return out
