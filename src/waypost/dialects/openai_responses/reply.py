"""Whole answers: what the meter reads, and the cost written into them."""

from __future__ import annotations

import msgspec

from waypost.core.asked import Asked, Reply
from waypost.core.usage import Usage
from waypost.dialects.cross import BYTES_PER_TOKEN
from waypost.dialects.fields import NULL, Fields, loose_string, parse_object, render_fields
from waypost.dialects.openai.errors import parse_instead
from waypost.dialects.openai_responses.errors import read_failure
from waypost.dialects.openai_responses.usage import parse_usage, splice_cost
from waypost.dialects.taking import ITEMS, TEXT, object_or_none
from waypost.errors import Garbled

#: One of them is there in every response.
_ANSWERS = ("output", "status")
_EMPTY = frozenset({b"", NULL, b'""', b"[]", b"{}"})
#: What of an output item a reader, or a tool, is given.
_SHOWN = ("content", "summary", "arguments", "input", "result", "code", "action", "operation", "outputs")


def parse_reply(body: bytes) -> Reply:
    """Raises Garbled, and what the provider reports inside a 200 (Failed, Throttled, Rejected, …)."""
    try:
        fields = parse_object(body)
    except ValueError:
        raise Garbled(
            "The provider's answer is not a JSON object. Try again, or another model; "
            "if it stays, check the provider's base URL."
        ) from None
    failed = loose_string(fields.get("status")) == "failed"
    error = fields.get("error")
    if failed or (error is not None and bytes(error) not in _EMPTY and "output" not in fields):
        raise read_failure(error)
    if fields.keys().isdisjoint(_ANSWERS):
        raise parse_instead(fields)
    tier = fields.get("service_tier")
    return Reply(
        fields=fields,
        usage=parse_usage(fields.get("usage")),
        tier=loose_string(tier),
        finish_reason=finish_word(fields),
    )


def finish_word(fields: Fields) -> str | None:
    """Why a response ended: its status, or the reason of an incomplete one."""
    details = object_or_none(fields.get("incomplete_details")) or {}
    return loose_string(details.get("reason")) or loose_string(fields.get("status"))


def render_reply(reply: Reply, cost_nusd: int | None) -> bytes:
    """The answer as it came, with `usage.cost`; counts that are ours and not the provider's are marked so."""
    fields = reply.fields.copy()
    fields["usage"] = splice_cost(fields.get("usage"), reply.usage, cost_nusd)
    return render_fields(fields)


def estimate_output(asked: Asked, reply: Reply) -> Usage:
    """Input as estimated at admission; output from the bytes of the items' content, four to a token."""
    size = sum(_size(item) for item in read_items(reply.fields.get("output")))
    return Usage(input=asked.input_estimate, output=-(-size // BYTES_PER_TOKEN), source="estimated")


def read_items(raw: msgspec.Raw | None) -> list[msgspec.Raw]:
    """The items of an array; none when it is missing or no array."""
    try:
        return [] if raw is None else ITEMS.decode(raw)
    except ValueError:
        return []


def _size(raw: msgspec.Raw) -> int:
    fields = object_or_none(raw) or {}
    return sum(_content_size(fields[name]) for name in _SHOWN if name in fields)


def _content_size(raw: msgspec.Raw) -> int:
    parts = read_items(raw)
    if not parts:
        text = bytes(raw)
        return 0 if text in _EMPTY else max(0, len(text) - 2)
    size = 0
    for part in parts:
        fields = object_or_none(part) or {}
        for name in ("text", "refusal"):
            if name in fields:
                try:
                    size += len(TEXT.decode(fields[name]).encode())
                except ValueError:
                    size += len(bytes(fields[name]))
    return size
