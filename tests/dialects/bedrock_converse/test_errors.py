from __future__ import annotations

import msgspec
import pytest

from dialects.bedrock_converse.frames import frame, said
from waypost.dialects.bedrock_converse.errors import (
    parse_error,
    parse_exception,
    parse_inline,
    render_error,
    render_exception,
)
from waypost.dialects.bedrock_converse.eventstream import decode_frame
from waypost.dialects.fields import parse_object
from waypost.errors import (
    BudgetExceeded,
    Bug,
    CredentialRefused,
    Failed,
    Garbled,
    GatewayError,
    InvalidRequest,
    ModelNotFound,
    Overloaded,
    QuotaSpent,
    RateLimited,
    Rejected,
    Throttled,
    TimedOut,
    Unauthenticated,
    Unavailable,
    UpstreamError,
)

NO_MODEL = b'{"message":"The provided model identifier is invalid."}'


@pytest.mark.parametrize(
    ("status", "kind", "body", "expected", "answer", "billed"),
    [
        (429, "ThrottlingException", b'{"message":"slow"}', Throttled, 429, False),
        (429, "ModelNotReadyException", b"{}", Throttled, 429, False),
        (400, "ThrottlingException", b"{}", Throttled, 429, False),
        (400, "ServiceQuotaExceededException", b"{}", Throttled, 429, False),
        (403, "AccessDeniedException", b'{"message":"no"}', CredentialRefused, 502, False),
        (400, "UnrecognizedClientException", b"{}", CredentialRefused, 502, False),
        (400, "ValidationException", b'{"message":"bad"}', Rejected, 400, False),
        (400, "ValidationException", NO_MODEL, Rejected, 404, False),
        (404, "ResourceNotFoundException", b"{}", Rejected, 404, False),
        (408, "ModelTimeoutException", b"{}", Unavailable, 502, True),
        (424, "ModelErrorException", b"{}", Unavailable, 502, True),
        (500, "InternalServerException", b"{}", Unavailable, 502, False),
        (503, "ServiceUnavailableException", b"{}", Unavailable, 502, False),
        (401, "", b"", CredentialRefused, 502, False),
        (402, "", b"", QuotaSpent, 502, False),
        (429, "", b"<html>", Throttled, 429, False),
        (424, "", b"", Unavailable, 502, True),
        (504, "", b"", Unavailable, 502, True),
        (418, "NewException", b'{"message":"tea"}', Rejected, 418, False),
        (302, "", b"", Garbled, 502, False),
    ],
)
def test_every_type(
    status: int, kind: str, body: bytes, expected: type[UpstreamError], answer: int, billed: bool
) -> None:
    headers = [(b"X-Amzn-ErrorType", f"{kind}:http://internal.amazon.com/x/".encode())] if kind else []
    error = parse_error(status, headers, body)
    assert type(error) is expected
    assert (error.status, error.may_have_billed) == (answer, billed)


def test_the_type_may_stand_in_the_body() -> None:
    body = b'{"__type":"com.amazon.coral.availability#ThrottlingException","Message":"Slow down"}'
    error = parse_error(400, [(b"retry-after", b"3")], body)
    assert isinstance(error, Throttled)
    assert error.retry_after_s == 3
    assert "Slow down" in error.message


def test_a_refusals_envelope_is_kept_and_masked_and_says_its_type() -> None:
    error = parse_error(400, [], b'{"message":"bad key sk-abcdefghijklmnop","reason":1}')
    assert isinstance(error, Rejected)
    body = parse_object(render_error(error))
    assert (bytes(body["code"]), bytes(body["reason"])) == (b'"ValidationException"', b"1")
    assert b"sk-" not in render_error(error)


@pytest.mark.parametrize(
    ("error", "code", "event"),
    [
        (InvalidRequest("x", param="p"), "ValidationException", "validationException"),
        (Unauthenticated("x"), "AccessDeniedException", "validationException"),
        (BudgetExceeded("x"), "ServiceQuotaExceededException", "throttlingException"),
        (ModelNotFound("x"), "ResourceNotFoundException", "validationException"),
        (RateLimited("x"), "ThrottlingException", "throttlingException"),
        (Overloaded("x"), "ServiceUnavailableException", "serviceUnavailableException"),
        (TimedOut("x", phase="idle"), "ModelTimeoutException", "modelStreamErrorException"),
        (Unavailable("x"), "ModelErrorException", "modelStreamErrorException"),
        (Bug("x"), "InternalServerException", "internalServerException"),
        (Rejected("x", status=451), "ValidationException", "validationException"),
        (Rejected("x", status=505), "InternalServerException", "internalServerException"),
    ],
)
def test_our_errors_in_its_words(error: GatewayError, code: str, event: str) -> None:
    body = msgspec.json.decode(render_error(error))
    assert (body["message"], body["code"]) == ("x", code)
    assert body["waypost"] == {"code": error.code, "param": error.param}
    [message] = said(render_exception(error))
    assert list(message) == [event]
    assert message[event]["message"] == "x"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("internalServerException", Unavailable),
        ("modelStreamErrorException", Unavailable),
        ("validationException", Failed),
        ("throttlingException", Throttled),
        ("serviceUnavailableException", Unavailable),
        ("newException", Failed),
    ],
)
def test_exceptions_of_a_stream(name: str, expected: type[UpstreamError]) -> None:
    error = parse_exception(decode_frame(frame({name: {"message": "gone"}})))
    assert type(error) is expected
    assert "gone" in error.message
    assert error.may_have_billed


def test_an_error_inside_a_200() -> None:
    error = parse_inline(parse_object(b'{"__type":"x#ThrottlingException","message":"slow"}'))
    assert isinstance(error, Throttled)
    assert isinstance(parse_inline({}), Failed)
