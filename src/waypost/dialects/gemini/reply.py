"""Whole answers: what the meter reads, and the cost written into them."""

from __future__ import annotations

import msgspec

from waypost.core.asked import Asked, Reply
from waypost.core.usage import Usage
from waypost.dialects.cross import BYTES_PER_TOKEN
from waypost.dialects.fields import parse_object, render_fields
from waypost.dialects.gemini.chunk import Candidate, Chunk
from waypost.dialects.gemini.errors import find_error, parse_inline
from waypost.dialects.gemini.usage import parse_tier, parse_usage, splice_cost
from waypost.errors import Garbled

_CANDIDATES: msgspec.json.Decoder[list[Candidate]] = msgspec.json.Decoder(list[Candidate])
_CHUNK = msgspec.json.Decoder(Chunk)


def parse_reply(body: bytes) -> Reply:
    """Raises Garbled, and what the provider reports inside a 200 (Failed, Throttled, …)."""
    error = find_error(body)
    if error is not None:
        raise parse_inline(error)
    try:
        fields = parse_object(body)
    except ValueError:
        raise Garbled(
            "The provider's answer is not a JSON object. Try again, or another model; "
            "if it stays, check the provider's base URL."
        ) from None
    raw = fields.get("usageMetadata")
    return Reply(
        fields=fields,
        usage=parse_usage(raw),
        tier=parse_tier(raw),
        finish_reason=_finish_reason(body),
    )


def _finish_reason(body: bytes) -> str | None:
    try:
        return _CHUNK.decode(body).finish_reason()
    except (ValueError, RecursionError):
        return None


def render_reply(reply: Reply, cost_nusd: int | None) -> bytes:
    """The answer as it came, with `usageMetadata.cost`; counts that are ours and not the provider's are marked so."""
    fields = reply.fields.copy()
    fields["usageMetadata"] = splice_cost(fields.get("usageMetadata"), reply.usage, cost_nusd)
    return render_fields(fields)


def estimate_output(asked: Asked, reply: Reply) -> Usage:
    """Input as estimated at admission; output from the bytes of the candidates' parts, four to a token."""
    try:
        candidates = _CANDIDATES.decode(reply.fields.get("candidates", msgspec.Raw(b"[]")))
    except (ValueError, RecursionError):
        candidates = []
    size = sum(candidate.content_size() for candidate in candidates)
    return Usage(input=asked.input_estimate, output=-(-size // BYTES_PER_TOKEN), source="estimated")
