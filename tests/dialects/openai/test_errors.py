from __future__ import annotations

from typing import Any

import msgspec
import pytest

from waypost.dialects.openai.errors import parse_error, parse_inline, render_error, render_stream_error
from waypost.dialects.sse import SseParser
from waypost.errors import BudgetExceeded, InvalidRequest, Rejected, Truncated


def envelope(**fields: Any) -> bytes:
    return msgspec.json.encode(
        {"error": {"message": "no", "type": "t", "param": None, "code": None, **fields}}
    )


@pytest.mark.parametrize(
    ("status", "body", "code", "client_status"),
    [
        (400, envelope(), "upstream_rejected", 400),
        (404, envelope(), "upstream_rejected", 404),
        (409, envelope(), "upstream_unavailable", 502),
        (413, b"<html>", "upstream_rejected", 413),
        (422, b'{"detail":"bad"}', "upstream_rejected", 422),
        (401, envelope(), "upstream_credential_refused", 502),
        (402, envelope(), "upstream_quota_spent", 502),
        (403, b"", "upstream_credential_refused", 502),
        (429, envelope(), "upstream_rate_limited", 429),
        (429, envelope(code="insufficient_quota"), "upstream_quota_spent", 502),
        (429, envelope(type="insufficient_quota"), "upstream_quota_spent", 502),
        (529, b"", "upstream_overloaded", 503),
        (408, b"", "upstream_unavailable", 502),
        (500, envelope(), "upstream_unavailable", 502),
        (503, b"\xff\xfe", "upstream_unavailable", 502),
        (599, b"[]", "upstream_unavailable", 502),
        (302, b"", "upstream_garbled", 502),
    ],
)
def test_status_table(status: int, body: bytes, code: str, client_status: int) -> None:
    error = parse_error(status, [], body)
    assert (error.code, error.status) == (code, client_status)
    assert not error.may_have_billed


def test_a_gateway_timeout_may_have_billed() -> None:
    assert parse_error(504, [], b"").may_have_billed


def test_retry_after_is_kept() -> None:
    assert parse_error(429, [(b"Retry-After", b"7")], b"").retry_after_s == 7
    assert parse_error(503, [(b"retry-after-ms", b"500")], b"").retry_after_s == 0.5


def test_an_openai_envelope_goes_out_as_it_came() -> None:
    body = b'{ "error": {"message":"too long","type":"invalid_request_error","param":"messages","code":"x","extra":1}}'
    error = parse_error(400, [], body)
    assert render_error(error) == body
    assert error.param == "messages"
    assert error.message.endswith("too long")
    [event] = SseParser().feed(render_stream_error(error))
    assert msgspec.json.decode(event.data or b"") == msgspec.json.decode(body)


@pytest.mark.parametrize(
    "body", [b'{"detail":"bad"}', b'{"message":"bad","object":"error"}', b'{"error":"bad"}']
)
def test_another_shape_is_rendered_anew(body: bytes) -> None:
    shown = msgspec.json.decode(render_error(parse_error(422, [], body)))["error"]
    assert shown["message"].endswith("bad")
    assert set(shown) == {"message", "type", "param", "code"}


def test_secrets_never_pass() -> None:
    secret = "sk-proj-abcdefghijklmnop1234"
    for status in (400, 401, 429, 500):
        error = parse_error(status, [], envelope(message=f"Incorrect key {secret} given"))
        assert secret.encode() not in render_error(error)
        assert b"***" in render_error(error)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ({"message": "x", "type": "rate_limit_error"}, "upstream_rate_limited"),
        ({"message": "x", "code": 429}, "upstream_rate_limited"),
        ({"message": "x", "code": "502"}, "upstream_unavailable"),
        ({"message": "x", "type": "server_error"}, "upstream_unavailable"),
        ({"message": "x", "code": "insufficient_quota"}, "upstream_quota_spent"),
        ({"message": "x"}, "upstream_failed"),
        ("x", "upstream_failed"),
        (17, "upstream_failed"),
    ],
)
def test_errors_inside_an_answer(value: Any, code: str) -> None:
    error = parse_inline(msgspec.Raw(msgspec.json.encode(value)))
    assert error.code == code
    assert error.may_have_billed


def test_our_own_errors() -> None:
    shown = msgspec.json.decode(render_error(InvalidRequest("wrong", param="n")))
    assert shown == {
        "error": {
            "message": "wrong",
            "type": "invalid_request_error",
            "param": "n",
            "code": "invalid_request",
        }
    }
    assert msgspec.json.decode(render_error(BudgetExceeded("spent")))["error"]["type"] == "insufficient_quota"
    assert (
        msgspec.json.decode(render_error(Rejected("no", status=422)))["error"]["code"] == "upstream_rejected"
    )


def test_a_stream_error_is_one_event_without_terminator() -> None:
    rendered = render_stream_error(Truncated("cut\nhere"))
    assert rendered.startswith(b'data: {"error":{')
    assert rendered.endswith(b"}\n\n")
    assert b"[DONE]" not in rendered
    assert rendered.count(b"\n") == 2
