from __future__ import annotations

import msgspec
import pytest

from waypost.dialects.fields import parse_object
from waypost.dialects.openai_responses.errors import (
    read_error_event,
    read_failure,
    render_error_event,
    render_stream_error,
)
from waypost.dialects.sse import parse_event
from waypost.errors import (
    Failed,
    InvalidRequest,
    QuotaSpent,
    Rejected,
    Throttled,
    Unavailable,
    UpstreamError,
)


@pytest.mark.parametrize(
    ("wire", "kind"),
    [
        (b'{"code":"server_error","message":"m"}', Unavailable),
        (b'{"code":"rate_limit_exceeded","message":"m"}', Throttled),
        (b'{"code":"invalid_prompt","message":"m","param":"input"}', Rejected),
        (b'{"code":"image_too_large","message":"m"}', Rejected),
        (b'{"code":"vector_store_timeout","message":"m"}', Failed),
        (b'{"code":"credit_balance_exhausted","type":"insufficient_quota","message":"m"}', QuotaSpent),
        (b"null", Failed),
    ],
)
def test_a_failed_response(wire: bytes, kind: type[UpstreamError]) -> None:
    error = read_failure(msgspec.Raw(wire))
    assert type(error) is kind
    assert error.may_have_billed


def test_a_refused_prompt_says_which_field() -> None:
    error = read_failure(msgspec.Raw(b'{"code":"invalid_prompt","message":"m","param":"input"}'))
    assert (error.status, error.param, error.message) == (400, "input", "The provider refused the request: m")
    assert type(read_failure(None)) is Failed


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b'{"type":"error","code":"rate_limit_exceeded","message":"m","param":null}', Throttled),
        (b'{"type":"error","error":{"code":"too_many_requests","message":"m"}}', Throttled),
        (b'{"error":{"message":"m"}}', Failed),
        (b'{"type":"error"}', Failed),
    ],
)
def test_an_error_event_in_both_forms(data: bytes, kind: type[UpstreamError]) -> None:
    assert type(read_error_event(data, parse_object(data))) is kind


def test_an_error_event_is_written_in_both_forms() -> None:
    event = parse_event(render_stream_error(InvalidRequest("No.", param="input"), 7))
    assert event.event == "error"
    assert event.data is not None
    assert msgspec.json.decode(event.data) == {
        "type": "error",
        "code": "invalid_request",
        "message": "No.",
        "param": "input",
        "error": {
            "type": "invalid_request_error",
            "code": "invalid_request",
            "message": "No.",
            "param": "input",
        },
        "sequence_number": 7,
    }
    assert render_error_event("c", "k", "m", None, 0).endswith(b'"sequence_number":0}\n\n')
