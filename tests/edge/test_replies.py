"""Errors as the edge says them."""

from __future__ import annotations

import msgspec
import pytest

from waypost.edge.replies import error_body, error_headers, raw_refusal
from waypost.errors import (
    GatewayError,
    HeadersTooLarge,
    InvalidRequest,
    Overloaded,
    RateLimited,
    TooSlow,
)


def test_the_envelope_is_openais() -> None:
    error = msgspec.json.decode(error_body(InvalidRequest("Say more.", param="messages")))["error"]
    assert error == {
        "message": "Say more.",
        "type": "invalid_request_error",
        "param": "messages",
        "code": "invalid_request",
    }


def test_whether_to_ask_again_is_always_said_once() -> None:
    for error, expected in ((RateLimited("Wait.", retry_after_s=0.2), b"true"), (TooSlow("Late."), b"false")):
        headers = error_headers(error, "req_1")
        assert [value for name, value in headers if name == b"x-should-retry"] == [expected]
        assert len(dict(headers)) == len(headers)


@pytest.mark.parametrize(
    "error", [InvalidRequest("No."), HeadersTooLarge("No."), TooSlow("No."), Overloaded("No.")]
)
def test_a_raw_refusal_is_one_whole_response(error: GatewayError) -> None:
    head, _, body = raw_refusal(error).partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    headers = dict(line.split(b": ", 1) for line in lines)  # type: ignore[misc]  # two parts each
    assert first.startswith(b"HTTP/1.1 %d " % error.status)
    assert len(first) > len(b"HTTP/1.1 400 ")
    assert int(headers[b"content-length"]) == len(body)
    assert headers[b"connection"] == b"close"
    assert msgspec.json.decode(body)["error"]["code"] == error.code
