"""Whole Converse answers: what the meter reads, and the cost written into them."""

from __future__ import annotations

import msgspec

from waypost.core.asked import Asked, Reply
from waypost.core.usage import Usage
from waypost.dialects.bedrock_converse.errors import parse_inline
from waypost.dialects.bedrock_converse.usage import parse_usage, splice_cost
from waypost.dialects.cross import BYTES_PER_TOKEN
from waypost.dialects.fields import Fields, loose_string, parse_object, render_fields
from waypost.dialects.taking import object_or_none
from waypost.dialects.verdict import no_answer
from waypost.errors import Garbled


def parse_reply(body: bytes) -> Reply:
    """Raises Garbled, and what the provider reports inside a 200."""
    try:
        fields = parse_object(body)
    except ValueError:
        raise Garbled(
            "The provider's answer is not a JSON object. Try again, or another model; "
            "if it stays, check the provider's base URL."
        ) from None
    if "output" not in fields and ("__type" in fields or "message" in fields):
        raise parse_inline(fields)
    if "output" not in fields:
        raise no_answer()
    return Reply(
        fields=fields,
        usage=parse_usage(fields.get("usage")),
        tier=read_tier(fields),
        finish_reason=loose_string(fields.get("stopReason")),
    )


def read_tier(fields: Fields) -> str | None:
    """`serviceTier.type` of an answer."""
    return loose_string((object_or_none(fields.get("serviceTier")) or {}).get("type"))


def render_reply(reply: Reply, cost_nusd: int | None) -> bytes:
    """The answer as it came, with `usage.cost`; counts that are ours and not the provider's are marked so."""
    fields = reply.fields.copy()
    fields["usage"] = splice_cost(fields.get("usage"), reply.usage, cost_nusd)
    return render_fields(fields)


def estimate_output(asked: Asked, reply: Reply) -> Usage:
    """Input as estimated at admission; output from the bytes of the message's content, four to a token."""
    message = object_or_none((object_or_none(reply.fields.get("output")) or {}).get("message")) or {}
    size = max(0, len(bytes(message.get("content", msgspec.Raw(b"")))) - 2)
    return Usage(input=asked.input_estimate, output=-(-size // BYTES_PER_TOKEN), source="estimated")
