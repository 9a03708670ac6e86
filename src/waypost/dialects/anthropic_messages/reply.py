"""Whole answers: what the meter reads, and the cost written into them."""

from __future__ import annotations

import msgspec

from waypost.core.asked import Asked, Reply
from waypost.core.usage import Usage
from waypost.dialects.anthropic_messages.errors import parse_inline
from waypost.dialects.anthropic_messages.usage import parse_usage, splice_cost, tier_of
from waypost.dialects.cross import BYTES_PER_TOKEN
from waypost.dialects.fields import Fields, loose_string, parse_object, render_fields
from waypost.dialects.taking import ITEMS, object_or_none
from waypost.dialects.verdict import no_answer
from waypost.errors import Garbled

#: One of them is there in every message, and in every count.
_ANSWERS = ("content", "input_tokens")


def read_answer(body: bytes) -> Fields:
    """Raises Garbled, and what the provider reports inside a 200 (Failed, Throttled, …)."""
    try:
        fields = parse_object(body)
    except ValueError:
        raise Garbled(
            "The provider's answer is not a JSON object. Try again, or another model; "
            "if it stays, check the provider's base URL."
        ) from None
    if "content" not in fields and bytes(fields.get("error", msgspec.Raw(b"null"))) != b"null":
        raise parse_inline(body)
    if fields.keys().isdisjoint(_ANSWERS):
        raise no_answer()
    return fields


def parse_reply(body: bytes) -> Reply:
    """Raises as `read_answer`."""
    fields = read_answer(body)
    usage = fields.get("usage")
    return Reply(
        fields=fields,
        usage=parse_usage(usage),
        tier=tier_of(usage),
        finish_reason=loose_string(fields.get("stop_reason")),
    )


def render_reply(reply: Reply, cost_nusd: int | None) -> bytes:
    """The answer as it came, with `usage.cost`; counts that are ours and not the provider's are marked so."""
    fields = reply.fields.copy()
    fields["usage"] = splice_cost(object_or_none(fields.get("usage")) or {}, reply.usage, cost_nusd)
    return render_fields(fields)


def estimate_output(asked: Asked, reply: Reply) -> Usage:
    """Input as estimated at admission; output from the bytes of the content blocks, four to a token."""
    size = sum(content_size(block) for block in _blocks(reply))
    return Usage(input=asked.input_estimate, output=-(-size // BYTES_PER_TOKEN), source="estimated")


def _blocks(reply: Reply) -> list[msgspec.Raw]:
    try:
        return ITEMS.decode(reply.fields.get("content", msgspec.Raw(b"[]")))
    except ValueError:
        return []


def content_size(block: msgspec.Raw) -> int:
    """Bytes of a content block that somebody is given; 0 for one that is still empty."""
    fields = object_or_none(block)
    if fields is None:
        return len(bytes(block))
    size = 0
    for name, raw in fields.items():
        value = bytes(raw)
        if name != "type" and value not in (b'""', b"{}", b"[]", b"null"):
            size += max(1, len(value) - 2)
    return size
