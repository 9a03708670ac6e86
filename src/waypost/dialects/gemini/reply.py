"""Whole answers: what the meter reads, and the cost written into them."""

from __future__ import annotations

import msgspec

from waypost.core.asked import Asked, Reply
from waypost.core.usage import Usage
from waypost.dialects.cross import BYTES_PER_TOKEN
from waypost.dialects.fields import NULL, Fields, parse_object, render_fields
from waypost.dialects.gemini.chunk import Candidate, Feedback
from waypost.dialects.gemini.errors import find_error, parse_inline
from waypost.dialects.gemini.usage import parse_tier, parse_usage, splice_cost
from waypost.errors import Garbled

_CANDIDATES: msgspec.json.Decoder[list[Candidate]] = msgspec.json.Decoder(list[Candidate])
_FEEDBACK = msgspec.json.Decoder(Feedback)
_NONE, _NOTHING = msgspec.Raw(b"[]"), msgspec.Raw(b"{}")


class _Ended(msgspec.Struct, rename="camel", gc=False):
    index: int = 0
    finish_reason: str | None = None


_ENDED: msgspec.json.Decoder[list[_Ended]] = msgspec.json.Decoder(list[_Ended])


def read_answer(body: bytes) -> Fields:
    """Raises Garbled, and what the provider reports inside a 200 (Failed, Throttled, …)."""
    try:
        fields = parse_object(body)
    except ValueError:
        error = find_error(body)
        if error is not None:
            raise parse_inline(error) from None
        raise Garbled(
            "The provider's answer is not a JSON object. Try again, or another model; "
            "if it stays, check the provider's base URL."
        ) from None
    if "error" in fields and "candidates" not in fields and bytes(fields["error"]) != NULL:
        raise parse_inline(fields["error"])
    return fields


def parse_reply(body: bytes) -> Reply:
    """Raises as `read_answer`."""
    fields = read_answer(body)
    raw = fields.get("usageMetadata")
    return Reply(
        fields=fields,
        usage=parse_usage(raw),
        tier=parse_tier(raw),
        finish_reason=_finish_reason(fields),
    )


def _finish_reason(fields: Fields) -> str | None:
    try:
        ended = _ENDED.decode(fields.get("candidates", _NONE))
        feedback = _FEEDBACK.decode(fields.get("promptFeedback", _NOTHING))
    except (ValueError, RecursionError):
        return None
    if not ended:
        return feedback.block_reason
    return next((each.finish_reason for each in ended if each.index == 0), None)


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
