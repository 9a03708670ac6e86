from __future__ import annotations

import msgspec
import pytest

from waypost.dialects.cohere.errors import parse_end, parse_error, render_error, render_stream_error
from waypost.dialects.sse import parse_event
from waypost.errors import (
    CredentialRefused,
    Failed,
    Overloaded,
    Rejected,
    Throttled,
    Unavailable,
    UpstreamError,
)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, Rejected),
        (401, CredentialRefused),
        (403, CredentialRefused),
        (404, Rejected),
        (422, Rejected),
        (429, Throttled),
        (498, CredentialRefused),
        (499, Unavailable),
        (500, Unavailable),
        (501, Rejected),
        (503, Unavailable),
        (504, Unavailable),
    ],
)
def test_every_status(status: int, expected: type[UpstreamError]) -> None:
    error = parse_error(status, [(b"retry-after", b"2")], b'{"message":"no luck","id":"x"}')
    assert type(error) is expected
    assert "no luck" in error.message


def test_a_refusals_envelope_is_kept_and_masked() -> None:
    error = parse_error(400, [], b'{"message":"bad key sk-abcdefghijklmnop"}')
    assert render_error(error) == b'{"message":"bad key ***"}'
    assert b"message" in render_error(parse_error(400, [], b"<html>"))


def test_our_errors() -> None:
    error = Overloaded("busy")
    assert msgspec.json.decode(render_error(error)) == {
        "message": "busy",
        "code": "overloaded",
        "param": None,
    }
    event = parse_event(render_stream_error(error))
    assert event.event == "message-end"
    assert msgspec.json.decode(event.data or b"")["delta"] == {
        "finish_reason": "ERROR",
        "error": "busy",
        "code": "overloaded",
    }


def test_reasons_that_are_failures() -> None:
    assert parse_end("COMPLETE", None) is None
    assert parse_end(None, None) is None
    error = parse_end("ERROR", msgspec.Raw(b'"out of luck"'))
    assert isinstance(error, Failed)
    assert "out of luck" in error.message
    assert isinstance(parse_end("TIMEOUT", None), Unavailable)
