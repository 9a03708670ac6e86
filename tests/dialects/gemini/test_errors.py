from __future__ import annotations

from typing import Any

import msgspec
import pytest

from waypost.dialects.gemini.errors import find_error, parse_error, parse_inline, render_error
from waypost.errors import (
    BudgetExceeded,
    CredentialRefused,
    Failed,
    Garbled,
    GatewayError,
    InvalidRequest,
    ModelNotFound,
    Overloaded,
    RateLimited,
    Rejected,
    Throttled,
    Unavailable,
    UpstreamError,
)

RPC = "type.googleapis.com/google.rpc."


def body(code: int, status: str, message: str = "It said so.", *details: Any) -> bytes:
    return msgspec.json.encode(
        {"error": {"code": code, "message": message, "status": status, "details": details}}
    )


BAD_KEY = {"@type": f"{RPC}ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"}


@pytest.mark.parametrize(
    ("status", "answer", "kind", "billed"),
    [
        (400, body(400, "INVALID_ARGUMENT"), Rejected, False),
        (400, body(400, "INVALID_ARGUMENT", "API key not valid.", BAD_KEY), CredentialRefused, False),
        (400, body(400, "FAILED_PRECONDITION", "Enable billing."), CredentialRefused, False),
        (401, body(401, "UNAUTHENTICATED"), CredentialRefused, False),
        (403, body(403, "PERMISSION_DENIED"), CredentialRefused, False),
        (404, body(404, "NOT_FOUND"), Rejected, False),
        (429, body(429, "RESOURCE_EXHAUSTED"), Throttled, False),
        (499, body(499, "CANCELLED"), Unavailable, False),
        (500, body(500, "INTERNAL"), Unavailable, False),
        (503, body(503, "UNAVAILABLE", "The model is overloaded."), Unavailable, False),
        (504, body(504, "DEADLINE_EXCEEDED"), Unavailable, True),
        (302, b"", Garbled, False),
        (500, b"<html>", Unavailable, False),
        (400, b"[" + body(400, "INVALID_ARGUMENT", "x", BAD_KEY) + b"]", CredentialRefused, False),
    ],
)
def test_statuses(status: int, answer: bytes, kind: type[UpstreamError], billed: bool) -> None:
    error = parse_error(status, [], answer)
    assert type(error) is kind
    assert error.may_have_billed is billed


@pytest.mark.parametrize(
    ("delay", "wait"), [("3s", 3.0), ("22.5s", 22.5), ("99999s", 3600.0), ("soon", None), (None, None)]
)
def test_retry_delay(delay: str | None, wait: float | None) -> None:
    info = {"@type": f"{RPC}RetryInfo", "retryDelay": delay}
    quota = {"@type": f"{RPC}QuotaFailure", "violations": [{"quotaId": "GenerateRequestsPerMinute"}]}
    error = parse_error(429, [], body(429, "RESOURCE_EXHAUSTED", "Slow down.", quota, info))
    assert error.retry_after_s == wait
    assert parse_error(429, [(b"retry-after", b"7")], body(429, "x")).retry_after_s == 7.0


def test_a_refusal_keeps_the_masked_envelope_and_the_field() -> None:
    bad = {"@type": f"{RPC}BadRequest", "fieldViolations": [{"field": "contents[0]", "description": "x"}]}
    said = "Wrong, see https://user:secret@example.org/"
    error = parse_error(400, [], body(400, "INVALID_ARGUMENT", said, bad))
    assert isinstance(error, Rejected)
    assert error.param == "contents[0]"
    assert error.body is not None
    assert b"secret" not in error.body + error.message.encode()
    assert render_error(error) == error.body
    bare = parse_error(400, [], b"no")
    assert isinstance(bare, Rejected)
    assert bare.body is None
    assert "no reason" in bare.message


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (body(429, "RESOURCE_EXHAUSTED"), Throttled),
        (body(400, "INVALID_ARGUMENT", "x", BAD_KEY), CredentialRefused),
        (body(503, "UNAVAILABLE"), Unavailable),
        (b'{"error":{"code":502}}', Unavailable),
        (b'{"error":{"code":400,"details":7}}', Failed),
        (b'{"error":"words"}', Failed),
        (b'{"error":7}', Failed),
    ],
)
def test_inside_an_answer(answer: bytes, kind: type[UpstreamError]) -> None:
    error = parse_inline(find_error(answer))
    assert type(error) is kind
    assert error.may_have_billed


def test_no_error_is_none() -> None:
    assert find_error(b"[]") is find_error(b"{}") is find_error(b"x") is None
    assert isinstance(parse_inline(None), Failed)


@pytest.mark.parametrize(
    ("error", "code", "status"),
    [
        (InvalidRequest("No.", param="contents"), 400, "INVALID_ARGUMENT"),
        (ModelNotFound("No."), 404, "NOT_FOUND"),
        (BudgetExceeded("No."), 402, "FAILED_PRECONDITION"),
        (RateLimited("No.", retry_after_s=2.5), 429, "RESOURCE_EXHAUSTED"),
        (Overloaded("No."), 503, "UNAVAILABLE"),
        (Failed("No."), 502, "UNAVAILABLE"),
        (GatewayError("No."), 500, "INTERNAL"),
        (Rejected("No.", status=422), 422, "INVALID_ARGUMENT"),
    ],
)
def test_rendered(error: GatewayError, code: int, status: str) -> None:
    shown = msgspec.json.decode(render_error(error))["error"]
    assert (shown["code"], shown["status"], shown["message"]) == (code, status, "No.")
    info = shown["details"][0]
    assert (info["reason"], info["metadata"]["code"]) == (error.code.upper(), error.code)
    kinds = [detail["@type"].rpartition(".")[2] for detail in shown["details"]]
    assert ("BadRequest" in kinds) is bool(error.param)
    assert ("RetryInfo" in kinds) is (error.retry_after_s is not None)


def test_what_is_rendered_is_read_again() -> None:
    again = parse_error(429, [], render_error(RateLimited("Slow down.", retry_after_s=2.5)))
    assert again.retry_after_s == 2.5
    refused = parse_error(400, [], render_error(InvalidRequest("No.", param="contents")))
    assert refused.param == "contents"
