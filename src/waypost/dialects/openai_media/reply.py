"""What is metered of an answer: https://platform.openai.com/docs/api-reference/images/object (2026-11-25)."""

from __future__ import annotations

import msgspec

from waypost.core.asked import Reply
from waypost.core.usage import Usage
from waypost.dialects.costs import Count, put_cost
from waypost.dialects.fields import Fields, parse_nested, parse_object, render_fields
from waypost.dialects.openai.errors import parse_inline
from waypost.errors import Garbled

_HTML = (b"<!doctype", b"<html")


class _Details(msgspec.Struct, gc=False):
    cached_tokens: Count = 0
    audio_tokens: Count = 0


class _WireUsage(msgspec.Struct, gc=False):
    input_tokens: Count
    output_tokens: Count = 0
    input_tokens_details: _Details | None = None
    input_token_details: _Details | None = None
    """Transcriptions spell it so."""


_USAGE = msgspec.json.Decoder(_WireUsage)


def parse_usage(raw: msgspec.Raw | None) -> Usage | None:
    """The counts; None when there are none, when they are seconds (`type: duration`) or absurd."""
    if raw is None:
        return None
    try:
        wire = _USAGE.decode(raw)
    except ValueError:
        return None
    details = wire.input_tokens_details or wire.input_token_details or _Details()
    return Usage(
        input=wire.input_tokens,
        output=wire.output_tokens,
        cache_read=min(details.cached_tokens, wire.input_tokens),
        audio_input=min(details.audio_tokens, wire.input_tokens),
    )


def parse_reply(body: bytes) -> Reply:
    """JSON, or the plain text of a transcription (`response_format` text, srt, vtt). Raises Garbled and what the
    provider reports inside a 200."""
    try:
        fields = parse_object(body)
    except ValueError:
        return _plain(body)
    error = fields.get("error")
    if error is not None and bytes(error) != b"null":
        raise parse_inline(error)
    return Reply(fields, parse_usage(fields.get("usage")))


def _plain(body: bytes) -> Reply:
    if not body.strip() or body.lstrip()[:9].lower().startswith(_HTML) or body.lstrip()[:1] in (b"{", b"["):
        raise Garbled(
            "The provider's answer is neither JSON nor a transcript. Try again, or another model; if it stays, check "
            "the provider's base URL."
        )
    return Reply({}, None, raw=body)


def render_reply(reply: Reply, cost_nusd: int | None) -> bytes:
    """The answer as it came; where it has a usage, the cost stands in it."""
    if reply.raw is not None:
        return reply.raw
    raw = reply.fields.get("usage")
    if raw is None:
        return render_fields(reply.fields)
    fields: Fields = reply.fields.copy()
    try:
        usage = parse_nested(raw)
    except ValueError:
        return render_fields(fields)
    put_cost(usage, cost_nusd)
    fields["usage"] = msgspec.Raw(render_fields(usage))
    return render_fields(fields)
