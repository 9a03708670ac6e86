"""Cohere's errors, `{"message"}`, both ways: https://docs.cohere.com/reference/errors (2026-11-25)."""

from __future__ import annotations

import msgspec

from waypost.dialects.fields import loose_string, parse_object
from waypost.dialects.masking import clean_message, mask_json
from waypost.dialects.openai import errors as shared
from waypost.dialects.refusals import Headers, Said
from waypost.dialects.sse import render
from waypost.dialects.taking import Json
from waypost.dialects.verdict import refuse_inside
from waypost.errors import ContextTooLong, GatewayError, Rejected, Unavailable, UpstreamError

#: Said to clients that look for Cohere's own words.
_TOO_LONG = "too many tokens"
#: Cohere's own statuses and those that are known by their place: an invalid token, a closed request, a missing feature.
_STATUSES = {498: 401, 499: 408, 501: 404}


def parse_error(status: int, headers: Headers, body: bytes) -> UpstreamError:
    """A non-2xx answer, by its status."""
    error = shared.parse_error(_STATUSES.get(status, status), headers, body)
    if isinstance(error, Rejected) and error.body is None:
        error.body = _kept(body)
    return error


def _kept(body: bytes) -> bytes | None:
    try:
        fields = parse_object(body)
    except ValueError:
        return None
    return mask_json(body) if "message" in fields else None


def parse_end(reason: str | None, said: msgspec.Raw | None) -> UpstreamError | None:
    """The failure that a finish reason of an answer with status 200 tells of, or None. `said` is the message beside."""
    if reason not in ("ERROR", "TIMEOUT"):
        return None
    message = clean_message(loose_string(said) or "") or "The provider gave no reason."
    if reason == "ERROR":
        return refuse_inside(Said(message))
    error = Unavailable(f"The provider took too long and gave up: {message}")
    error.may_have_billed = True
    return error


def error_object(error: GatewayError) -> Json:
    """`{"message"}`, with the gateway's own words beside."""
    message = error.message
    if isinstance(error, ContextTooLong) and _TOO_LONG not in message:
        message = f"{_TOO_LONG}: {message}"
    return {"message": message, "code": error.code, "param": error.param}


def render_error(error: GatewayError) -> bytes:
    """The body; a provider's own goes out as it came."""
    if isinstance(error, Rejected) and error.body is not None:
        return error.body
    return msgspec.json.encode(error_object(error))


def render_stream_error(error: GatewayError) -> bytes:
    """The end of a stream that has begun: `message-end` says that it failed and why."""
    delta: Json = {"finish_reason": "ERROR", "error": error.message, "code": error.code}
    return render(msgspec.json.encode({"type": "message-end", "delta": delta}), "message-end")
