from __future__ import annotations

from typing import Any

import msgspec
import pytest

from waypost.dialects.anthropic_messages.errors import (
    error_type,
    parse_error,
    parse_inline,
    render_error,
    render_stream_error,
)
from waypost.errors import (
    BudgetExceeded,
    CredentialRefused,
    Failed,
    Forbidden,
    GatewayError,
    InvalidRequest,
    ModelNotFound,
    Overcrowded,
    Overloaded,
    QuotaSpent,
    RateLimited,
    Rejected,
    Throttled,
    TimedOut,
    TooLarge,
    Unauthenticated,
    Unavailable,
)


def body(kind: str, message: str = "because", **details: Any) -> bytes:
    inner = {"type": kind, "message": message} | ({"details": details} if details else {})
    return msgspec.json.encode({"type": "error", "error": inner, "request_id": "req_1"})


@pytest.mark.parametrize(
    ("status", "kind", "expected"),
    [
        (400, "invalid_request_error", Rejected),
        (401, "authentication_error", CredentialRefused),
        (402, "billing_error", QuotaSpent),
        (403, "permission_error", CredentialRefused),
        (404, "not_found_error", Rejected),
        (409, "conflict_error", Unavailable),
        (413, "request_too_large", Rejected),
        (429, "rate_limit_error", Throttled),
        (500, "api_error", Unavailable),
        (504, "timeout_error", Unavailable),
        (529, "overloaded_error", Overcrowded),
    ],
)
def test_by_status(status: int, kind: str, expected: type[GatewayError]) -> None:
    error = parse_error(status, [], body(kind))
    assert type(error) is expected
    assert "because" in error.message
    assert error.may_have_billed is (status == 504)


def test_an_account_that_is_spent_is_the_operators() -> None:
    said = "Your credit balance is too low to access the Anthropic API."
    assert isinstance(parse_error(400, [], body("invalid_request_error", said)), CredentialRefused)
    coded = body("rate_limit_error", error_code="contract_spend_limit_reached")
    assert isinstance(parse_error(429, [], coded), CredentialRefused)
    assert isinstance(parse_inline(coded), CredentialRefused)


def test_how_long_to_wait() -> None:
    error = parse_error(429, [(b"retry-after", b"12")], body("rate_limit_error"))
    assert error.retry_after_s == 12


def test_the_envelope_is_kept_and_masked() -> None:
    error = parse_error(400, [], body("invalid_request_error", "bad key sk-ant-api03-abcdefgh"))
    assert isinstance(error, Rejected)
    assert error.body is not None
    assert b"sk-ant" not in error.body
    assert render_error(error) == error.body
    assert b'"request_id":"req_1"' in error.body


@pytest.mark.parametrize(
    "said", [b"", b"<html>", b"[]", b'{"error":"no"}', b'{"error":{"code":400,"message":"no","status":"X"}}']
)
def test_other_envelopes_are_not_passed_on(said: bytes) -> None:
    error = parse_error(400, [], said)
    assert isinstance(error, Rejected)
    assert error.body is None
    assert msgspec.json.decode(render_error(error))["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("overloaded_error", Overcrowded),
        ("rate_limit_error", Throttled),
        ("api_error", Unavailable),
        ("timeout_error", Unavailable),
        ("authentication_error", CredentialRefused),
        ("invalid_request_error", Failed),
        ("", Failed),
    ],
)
def test_inside_an_answer(kind: str, expected: type[GatewayError]) -> None:
    error = parse_inline(body(kind))
    assert type(error) is expected
    assert error.may_have_billed


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (InvalidRequest("x", param="max_tokens"), "invalid_request_error", "invalid_request"),
        (Unauthenticated("x"), "authentication_error", "invalid_api_key"),
        (BudgetExceeded("x"), "billing_error", "budget_exceeded"),
        (Forbidden("x"), "permission_error", "permission_denied"),
        (ModelNotFound("x"), "not_found_error", "model_not_found"),
        (TooLarge("x"), "request_too_large", "request_too_large"),
        (RateLimited("x"), "rate_limit_error", "rate_limit_exceeded"),
        (TimedOut("x", phase="idle"), "timeout_error", "upstream_timeout"),
        (Overloaded("x"), "overloaded_error", "overloaded"),
        (Unavailable("x"), "api_error", "upstream_unavailable"),
        (CredentialRefused("x"), "api_error", "upstream_credential_refused"),
    ],
)
def test_rendered(error: GatewayError, kind: str, code: str) -> None:
    shown = msgspec.json.decode(render_error(error))
    assert shown["type"] == "error"
    assert shown["error"]["type"] == kind
    assert shown["error"]["message"] == "x"
    details = {"error_code": code} | ({"param": "max_tokens"} if error.param else {})
    assert shown["error"]["details"] == details


def test_every_status_has_a_type() -> None:
    assert error_type(405) == "invalid_request_error"
    assert error_type(502) == "api_error"


def test_inside_a_stream() -> None:
    event = render_stream_error(Overloaded("busy"))
    assert event.startswith(b"event: error\ndata: {")
    assert event.endswith(b"}\n\n")
    kept = render_stream_error(Rejected("x", status=400, body=b'{\n "a": 1}'))
    assert kept == b'event: error\ndata: { "a": 1}\n\n'
