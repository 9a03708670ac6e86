"""What is metered of an answer: https://platform.openai.com/docs/api-reference/images/object (2026-11-25)."""

from __future__ import annotations

import msgspec

from waypost.core.asked import Reply
from waypost.core.usage import Units, Usage
from waypost.dialects.costs import Count, put_cost
from waypost.dialects.durations import Seconds, whole_ms
from waypost.dialects.fields import Fields, parse_nested, parse_object, render_fields
from waypost.dialects.openai.errors import parse_inline
from waypost.dialects.openai_media.ask import kind_of
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


class _Heard(msgspec.Struct, gc=False):
    """`type: duration`; and Mistral's seconds beside tokens that it does not bill."""

    seconds: Seconds | None = None
    prompt_audio_seconds: Seconds | None = None


_USAGE = msgspec.json.Decoder(_WireUsage)
_HEARD = msgspec.json.Decoder(_Heard)
_SECONDS = msgspec.json.Decoder(Seconds, strict=False)
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])


def parse_usage(raw: msgspec.Raw | None) -> Usage | None:
    """The counts, of tokens or of seconds; None when there are none or they are absurd."""
    if raw is None:
        return None
    try:
        wire = _USAGE.decode(raw)
    except ValueError:
        return _heard(raw)
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
    usage = parse_usage(fields.get("usage"))
    units = _units(fields) if usage is None or usage.units is None else None
    if units is not None:
        usage = msgspec.structs.replace(usage or Usage(), units=units)
    return Reply(fields, usage)


def _heard(raw: msgspec.Raw) -> Usage | None:
    try:
        wire = _HEARD.decode(raw)
    except ValueError:
        return None
    seconds = wire.seconds if wire.prompt_audio_seconds is None else wire.prompt_audio_seconds
    return None if seconds is None else Usage(units=Units(audio_ms=whole_ms(seconds)))


def _units(fields: Fields) -> Units | None:
    """What the answer itself tells: the length of a transcript (`verbose_json`), or the images that it has."""
    try:
        if "duration" in fields:
            return Units(audio_ms=whole_ms(_SECONDS.decode(fields["duration"])))
        if "data" in fields:
            return Units(images=len(_ITEMS.decode(fields["data"])), image=kind_of(fields))
    except ValueError:
        return None
    return None


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
