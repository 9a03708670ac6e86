"""Answers that the edge gives itself: refusals before a call reaches the pipeline, and headers all answers share."""

from __future__ import annotations

import msgspec

from waypost.dialects.dialect import Dialect
from waypost.edge.asgi import Headers
from waypost.errors import GatewayError
from waypost.pipeline.headers import identity, refusal

JSON = (b"content-type", b"application/json")
#: On every answer: it is data for a program, to be neither guessed at nor stored on the way.
SHARED: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
)

_REASONS = {
    400: b"Bad Request",
    408: b"Request Timeout",
    431: b"Request Header Fields Too Large",
    503: b"Service Unavailable",
}


class _Detail(msgspec.Struct):
    message: str
    type: str
    param: str | None
    code: str


class _Envelope(msgspec.Struct):
    error: _Detail


def error_body(error: GatewayError, dialect: Dialect | None = None) -> bytes:
    """The error in the matched route's dialect, or in OpenAI's envelope where none was matched
    (https://platform.openai.com/docs/guides/error-codes, 2026-11-21)."""
    if dialect is not None:
        return dialect.render_error(error)
    return msgspec.json.encode(_Envelope(_Detail(error.message, error.kind, error.param, error.code)))


def error_headers(error: GatewayError, exchange_id: str) -> Headers:
    """Content type, identity, and whether and when to ask again (`x-should-retry` is always said)."""
    headers = [JSON, *identity(exchange_id), *refusal(error)]
    if error.repeatable:
        headers.append((b"x-should-retry", b"true"))
    return headers


def raw_refusal(error: GatewayError) -> bytes:
    """A whole HTTP/1.1 response, for requests that are no requests: it closes the connection."""
    body = error_body(error)
    lines = [
        b"HTTP/1.1 %d %s" % (error.status, _REASONS.get(error.status, b"")),
        b"content-type: application/json",
        b"content-length: %d" % len(body),
        b"connection: close",
        *(b"%s: %s" % pair for pair in SHARED),
        b"x-should-retry: %s" % (b"true" if error.repeatable else b"false"),
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body
