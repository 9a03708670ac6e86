"""Anthropic's error envelope, both ways: https://platform.claude.com/docs/en/api/errors (2026-11-25)."""

from __future__ import annotations

import msgspec

from waypost.dialects.fields import loose_string, parse_object
from waypost.dialects.masking import clean_message, mask_json
from waypost.dialects.refusals import NO_MESSAGE, Headers, Said, lower
from waypost.dialects.sse import render
from waypost.dialects.taking import Json, object_or_none
from waypost.dialects.verdict import refuse, refuse_inside
from waypost.errors import ContextTooLong, GatewayError, Overcrowded, Rejected, UpstreamError

#: The type that a client of this dialect expects with a status. Others below 500 are invalid_request_error.
TYPES = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}
#: What a client that shortens its conversation by itself looks for in a message.
_TOO_LONG = "prompt is too long"
_ENCODER = msgspec.json.Encoder()


def read_error(body: bytes) -> Said:
    """The envelope `{"type": "error", "error": {…}}`; of other shapes what there is of a message."""
    try:
        fields = parse_object(body)
    except ValueError:
        return Said()
    inner = object_or_none(fields.get("error"))
    if inner is None:
        text = loose_string(fields.get("error")) or loose_string(fields.get("message")) or ""
        return Said(clean_message(text) or NO_MESSAGE)
    kind = loose_string(inner.get("type"))
    details = object_or_none(inner.get("details")) or {}
    return Said(
        clean_message(loose_string(inner.get("message")) or "") or NO_MESSAGE,
        # `code` is of servers that speak this dialect beside their own.
        lower((loose_string(details.get("error_code")), loose_string(inner.get("code")), kind)),
        envelope=bool(kind) and "message" in inner,
    )


def parse_error(status: int, headers: Headers, body: bytes) -> UpstreamError:
    """A non-2xx answer, by its status first and then by its body."""
    said = read_error(body)
    error = refuse(status, said, headers)
    if isinstance(error, Rejected) and said.envelope:
        error.body = mask_json(body)
    return error


def parse_inline(body: bytes) -> UpstreamError:
    """An error inside an answer with status 200, or a stream's error event. By then the provider may have billed."""
    return refuse_inside(read_error(body))


def error_type(status: int) -> str:
    """This dialect's word for an error with this status."""
    return TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error")


def render_error(error: GatewayError) -> bytes:
    """`{"type": "error", "error": {type, message, details}}`; a provider's own envelope goes out as it came.

    `details.error_code` is where Anthropic's SDKs look for the cause; the gateway's `code` stands there.
    """
    if isinstance(error, Rejected) and error.body is not None:
        return error.body
    kind = error_type(529 if isinstance(error, Overcrowded) else error.status)
    message = error.message
    if isinstance(error, ContextTooLong) and _TOO_LONG not in message:
        message = f"{_TOO_LONG}: {message}"
    return _ENCODER.encode(envelope(kind, message, error.code, error.param))


def envelope(kind: str, message: str, code: str, param: str | None = None) -> Json:
    """An error of this dialect. The request's id is in the headers."""
    details = {"error_code": code} | ({} if param is None else {"param": param})
    return {"type": "error", "error": {"type": kind, "message": message, "details": details}}


def render_stream_error(error: GatewayError) -> bytes:
    """The same as an event of a stream that has begun."""
    body = render_error(error)
    return render(b" ".join(body.split()) if isinstance(error, Rejected) else body, "error")
