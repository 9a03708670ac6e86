"""OpenAI's error envelope, both ways: https://platform.openai.com/docs/guides/error-codes (2026-11-21)."""

from __future__ import annotations

import msgspec

from waypost.dialects.fields import (
    Fields,
    loose_string,
    parse_nested,
    parse_object,
    render_fields,
    render_raw,
)
from waypost.dialects.masking import clean_message, mask_json
from waypost.dialects.refusals import NO_MESSAGE, WORDS, Cause, Headers, Said, lower
from waypost.dialects.sse import render
from waypost.dialects.taking import ITEMS, object_or_none, object_raw
from waypost.dialects.verdict import no_answer, refuse, refuse_inside
from waypost.errors import ContextTooLong, Filtered, GatewayError, Rejected, UpstreamError

_ENCODER = msgspec.json.Encoder()


def read_error(raw: msgspec.Raw) -> Said:
    """The value of an `error` field: an object, or a text."""
    text = loose_string(raw)
    if text is not None:
        return Said(clean_message(text) or NO_MESSAGE)
    try:
        fields = parse_nested(raw)
    except (ValueError, RecursionError):
        return Said()
    return _said(fields, envelope="message" in fields)


def _said(fields: Fields, envelope: bool) -> Said:
    """`innererror` is Azure's, `metadata` OpenRouter's."""
    inner = object_or_none(fields.get("innererror")) or {}
    metadata = object_or_none(fields.get("metadata")) or {}
    words = [
        _word(fields.get("code")),
        _word(inner.get("code")),
        _word(metadata.get("error_type")),
        _word(fields.get("type")),
        _word(fields.get("status")),
    ]
    message = next(
        (text for name in ("message", "detail", "msg") if (text := loose_string(fields.get(name)))), ""
    )
    return Said(
        clean_message(message) or NO_MESSAGE,
        lower(words),
        loose_string(fields.get("param")),
        envelope=envelope,
        flagged=_is_listed(metadata.get("reasons")),
    )


def _word(raw: msgspec.Raw | None) -> str | None:
    if raw is None:
        return None
    text = bytes(raw)
    return text.decode() if text.isdigit() and len(text) < 6 else loose_string(raw)


def _is_listed(raw: msgspec.Raw | None) -> bool:
    try:
        return raw is not None and bool(ITEMS.decode(raw))
    except ValueError:
        return False


def _read_body(body: bytes) -> Said:
    """An envelope; the flat form of other servers; or the list of one envelope that Google's server of this format
    sends."""
    try:
        fields = parse_object(body)
    except ValueError:
        return _read_list(body)
    error = fields.get("error")
    return _said(fields, envelope=False) if error is None else read_error(error)


def _read_list(body: bytes) -> Said:
    try:
        listed = ITEMS.decode(body) if body[:1] == b"[" else []
    except (ValueError, RecursionError):
        return Said()
    fields = object_or_none(listed[0]) if listed else None
    if fields is None or "error" not in fields:
        return Said()
    return msgspec.structs.replace(read_error(fields["error"]), envelope=False)


def parse_error(status: int, headers: Headers, body: bytes) -> UpstreamError:
    """A non-2xx answer, by its status first and then by its body."""
    said = _read_body(body)
    error = refuse(status, said, headers)
    if isinstance(error, Rejected) and said.envelope:
        error.body = _kept(error, body)
    return error


def _kept(error: Rejected, body: bytes) -> bytes | None:
    """The provider's envelope, masked. Where the cause is known and the envelope has no word of OpenAI's for it, its
    `code` is one: that is what clients look at."""
    masked = mask_json(body)
    cause = _CAUSES.get(type(error))
    if masked is None or cause is None:
        return masked
    fields = parse_object(masked)
    inner = object_or_none(fields.get("error")) or {}
    if WORDS.get((loose_string(inner.get("code")) or "").lower()) is cause:
        return masked
    inner["code"] = render_raw(error.code)
    fields["error"] = object_raw(inner)
    return render_fields(fields)


_CAUSES: dict[type[Rejected], Cause] = {ContextTooLong: Cause.CONTEXT, Filtered: Cause.FILTER}


def parse_instead(fields: Fields) -> UpstreamError:
    """An object with status 200 that is no answer: an error in another server's flat form, or anything."""
    said = _said(fields, envelope=False)
    return no_answer() if said.message == NO_MESSAGE else refuse_inside(said)


def parse_inline(raw: msgspec.Raw) -> UpstreamError:
    """An error inside an answer with status 200. By then the provider may have billed."""
    return refuse_inside(read_error(raw))


def render_error(error: GatewayError) -> bytes:
    """`{"error": {message, type, param, code}}`; a provider's own envelope goes out as it came."""
    if isinstance(error, Rejected) and error.body is not None:
        return error.body
    return _ENCODER.encode(
        {"error": {"message": error.message, "type": error.kind, "param": error.param, "code": error.code}}
    )


def render_stream_error(error: GatewayError) -> bytes:
    """The same as an event of a stream that has begun."""
    return render(
        b" ".join(render_error(error).split()) if isinstance(error, Rejected) else render_error(error)
    )
