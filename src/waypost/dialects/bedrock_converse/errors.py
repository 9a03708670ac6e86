"""Bedrock's errors, both ways: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
and https://docs.aws.amazon.com/bedrock/latest/userguide/troubleshooting-api-error-codes.html (2026-11-25).

The type stands in the header `x-amzn-errortype`, and for clients that do not see it in the body's `code`; SDKs of AWS
read either.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

import msgspec

from waypost.dialects.bedrock_converse.eventstream import Frame, Header, encode_frame
from waypost.dialects.fields import Fields, loose_string, parse_object, render_fields, render_raw
from waypost.dialects.masking import clean_message, mask_json
from waypost.dialects.retry_after import retry_after_s
from waypost.errors import (
    CredentialRefused,
    Failed,
    GatewayError,
    Rejected,
    Throttled,
    Unavailable,
    UpstreamError,
)

Headers = Sequence[tuple[bytes, bytes]]


class _Kind(Enum):
    THROTTLED = "throttled"
    CREDENTIAL = "credential"
    REJECTED = "rejected"
    DOWN = "down"
    FAILED = "failed"  # a model was at work: it may have billed


_KINDS: dict[str, _Kind] = {
    "throttlingexception": _Kind.THROTTLED,
    "toomanyrequestsexception": _Kind.THROTTLED,
    "modelnotreadyexception": _Kind.THROTTLED,
    "servicequotaexceededexception": _Kind.THROTTLED,
    "accessdeniedexception": _Kind.CREDENTIAL,
    "unauthorizedexception": _Kind.CREDENTIAL,
    "unrecognizedclientexception": _Kind.CREDENTIAL,
    "invalidsignatureexception": _Kind.CREDENTIAL,
    "incompletesignature": _Kind.CREDENTIAL,
    "incompletesignatureexception": _Kind.CREDENTIAL,
    "missingauthenticationtoken": _Kind.CREDENTIAL,
    "missingauthenticationtokenexception": _Kind.CREDENTIAL,
    "invalidclienttokenid": _Kind.CREDENTIAL,
    "signaturedoesnotmatch": _Kind.CREDENTIAL,
    "expiredtoken": _Kind.CREDENTIAL,
    "expiredtokenexception": _Kind.CREDENTIAL,
    "notauthorized": _Kind.CREDENTIAL,
    "optinrequired": _Kind.CREDENTIAL,
    "validationexception": _Kind.REJECTED,
    "validationerror": _Kind.REJECTED,
    "resourcenotfoundexception": _Kind.REJECTED,
    "modeltimeoutexception": _Kind.FAILED,
    "modelerrorexception": _Kind.FAILED,
    "modelstreamerrorexception": _Kind.FAILED,
    "internalserverexception": _Kind.DOWN,
    "internalfailure": _Kind.DOWN,
    "serviceunavailableexception": _Kind.DOWN,
    "serviceunavailable": _Kind.DOWN,
}
#: The status of a refusal whose type says it better than the answer's own status.
_STATUSES = {"resourcenotfoundexception": 404}
#: A ValidationException about the model's id and not about the request: another target may have the model.
_NO_SUCH_MODEL = ("model identifier is invalid", "on-demand throughput isn", "model id is invalid")

#: What a status of ours is called in Bedrock's words, the first that fits.
_NAMES: dict[int, str] = {
    400: "ValidationException",
    401: "AccessDeniedException",
    402: "ServiceQuotaExceededException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    405: "ValidationException",
    408: "ModelTimeoutException",
    413: "ValidationException",
    415: "ValidationException",
    422: "ValidationException",
    424: "ModelErrorException",
    429: "ThrottlingException",
    431: "ValidationException",
    500: "InternalServerException",
    502: "ModelErrorException",
    503: "ServiceUnavailableException",
    504: "ModelTimeoutException",
}
#: The five that a stream can say: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStreamOutput.html
_IN_STREAM: dict[str, str] = {
    "ValidationException": "validationException",
    "AccessDeniedException": "validationException",
    "ServiceQuotaExceededException": "throttlingException",
    "ResourceNotFoundException": "validationException",
    "ThrottlingException": "throttlingException",
    "ServiceUnavailableException": "serviceUnavailableException",
    "ModelErrorException": "modelStreamErrorException",
    "ModelTimeoutException": "modelStreamErrorException",
}
_NO_MESSAGE = "The provider gave no reason."
_ERROR_TYPE = b"x-amzn-errortype"


def _word(text: str) -> str:
    """`com.amazon#ThrottlingException:http://…` → `throttlingexception`."""
    return text.partition(":")[0].rpartition("#")[2].strip().lower()


def _read_fields(fields: Fields) -> tuple[str, str]:
    """(type in lower case, message) of an error's body."""
    kind = next((text for name in ("__type", "code", "Code") if (text := loose_string(fields.get(name)))), "")
    said = next(
        (
            text
            for name in ("message", "Message", "errorMessage", "originalMessage")
            if (text := loose_string(fields.get(name)))
        ),
        "",
    )
    return _word(kind), clean_message(said) or _NO_MESSAGE


def parse_error(status: int, headers: Headers, body: bytes) -> UpstreamError:
    """A non-2xx answer: by its type, and by its status where the type is not known."""
    try:
        fields = parse_object(body)
    except ValueError:
        fields = {}
    word, message = _read_fields(fields)
    stated = next((value for name, value in headers if name.lower() == _ERROR_TYPE), b"")
    word = _word(stated.decode("latin-1")) or word
    kind = _KINDS.get(word) or _kind_of(status)
    if kind is _Kind.REJECTED:
        status = _STATUSES.get(word, status)
        if any(phrase in message for phrase in _NO_SUCH_MODEL):
            status = 404
        return Rejected(
            f"The provider refused the request: {message}", status=status, body=_kept(fields, body, status)
        )
    error = _build(kind, message)
    error.retry_after_s = retry_after_s(headers)
    error.may_have_billed = kind is _Kind.FAILED or status == 504
    return error


def _kept(fields: Fields, body: bytes, status: int) -> bytes | None:
    """The provider's envelope, masked, with its type in it: the client does not see the header that said it."""
    masked = mask_json(body) if "message" in fields or "Message" in fields else None
    if masked is None:
        return None
    return render_fields(
        {**parse_object(masked), "code": render_raw(_NAMES.get(status, "ValidationException"))}
    )


def _kind_of(status: int) -> _Kind:
    if status in (401, 402, 403):
        return _Kind.CREDENTIAL
    if status in (429, 529):
        return _Kind.THROTTLED
    if status in (408, 424):
        return _Kind.FAILED
    return _Kind.DOWN if status >= 500 or status < 400 else _Kind.REJECTED


def _build(kind: _Kind, message: str) -> UpstreamError:
    if kind is _Kind.THROTTLED:
        return Throttled(f"The provider's rate limit was reached: {message}")
    if kind is _Kind.CREDENTIAL:
        return CredentialRefused(
            "The provider refused the gateway's own credential, or does not let its account use this model. Whoever "
            f"runs this gateway has to look at it; your key is fine. The provider says: {message}"
        )
    if kind is _Kind.REJECTED:
        return Failed(f"The provider refused the request after it had begun to answer: {message}")
    return Unavailable(f"The provider failed: {message} Ask again, or choose another model.")


def parse_inline(fields: Fields) -> UpstreamError:
    """An error object inside an answer with status 200. By then the provider may have billed."""
    word, message = _read_fields(fields)
    return _inline(word, message)


def parse_exception(frame: Frame) -> UpstreamError:
    """A stream's message of type `exception` or `error`."""
    try:
        fields = parse_object(frame.payload)
    except ValueError:
        fields = {}
    word, message = _read_fields(fields)
    said = frame.text(":exception-type") or frame.text(":error-code")
    if message == _NO_MESSAGE:
        message = clean_message(frame.text(":error-message")) or message
    return _inline(_word(said) or word, message)


def _inline(word: str, message: str) -> UpstreamError:
    kind = _KINDS.get(word)
    error = (
        Failed(f"The provider reported an error in its answer: {message}")
        if kind is None
        else _build(kind, message)
    )
    error.may_have_billed = True
    return error


def _name_of(error: GatewayError) -> str:
    return _NAMES.get(
        error.status, "InternalServerException" if error.status >= 500 else "ValidationException"
    )


def render_error(error: GatewayError) -> bytes:
    """`{"message", "code"}`, with the gateway's own code beside; a provider's own envelope goes out as it came."""
    if isinstance(error, Rejected) and error.body is not None:
        return error.body
    ours = {"code": error.code, "param": error.param}
    return msgspec.json.encode({"message": error.message, "code": _name_of(error), "waypost": ours})


def render_exception(error: GatewayError) -> bytes:
    """The same as the last message of a stream that has begun."""
    kind = _IN_STREAM.get(_name_of(error), "internalServerException")
    body: dict[str, object] = {
        "message": error.message,
        "waypost": {"code": error.code, "param": error.param},
    }
    if kind == "modelStreamErrorException":
        body |= {"originalStatusCode": error.status, "originalMessage": error.message}
    headers = (
        Header(":exception-type", kind),
        Header(":content-type", "application/json"),
        Header(":message-type", "exception"),
    )
    return encode_frame(headers, msgspec.json.encode(body))
