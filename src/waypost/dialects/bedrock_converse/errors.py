"""Bedrock's errors, both ways: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
and https://docs.aws.amazon.com/bedrock/latest/userguide/troubleshooting-api-error-codes.html (2026-11-25).

The type stands in the header `x-amzn-errortype`, and for clients that do not see it in the body's `code`; SDKs of AWS
read either.
"""

from __future__ import annotations

import msgspec

from waypost.dialects.bedrock_converse.eventstream import Frame, Header, encode_frame
from waypost.dialects.fields import Fields, loose_string, parse_object, render_fields, render_raw
from waypost.dialects.masking import clean_message, mask_json
from waypost.dialects.refusals import NO_MESSAGE, Headers, Said, lower
from waypost.dialects.verdict import refuse, refuse_inside
from waypost.errors import ContextTooLong, GatewayError, Rejected, UpstreamError

#: Statuses that say what only their type says elsewhere.
_TYPES = {408: "ModelTimeoutException", 424: "ModelErrorException"}
#: Said to clients that look for Bedrock's own sentence.
_TOO_LONG = "Input is too long for requested model"

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
_ERROR_TYPE = b"x-amzn-errortype"


def _word(text: str) -> str:
    """`com.amazon#ThrottlingException:http://…` → `throttlingexception`."""
    return text.partition(":")[0].rpartition("#")[2].strip().lower()


def _read_fields(fields: Fields, stated: str = "") -> Said:
    """`stated`: the type as it was said outside the body."""
    kind = next((text for name in ("__type", "code", "Code") if (text := loose_string(fields.get(name)))), "")
    message = next(
        (
            text
            for name in ("message", "Message", "errorMessage", "originalMessage")
            if (text := loose_string(fields.get(name)))
        ),
        "",
    )
    return Said(clean_message(message) or NO_MESSAGE, lower((_word(stated), _word(kind))))


def parse_error(status: int, headers: Headers, body: bytes) -> UpstreamError:
    """A non-2xx answer: by its status, and by its type, which tells more than most statuses here."""
    try:
        fields = parse_object(body)
    except ValueError:
        fields = {}
    stated = next((value for name, value in headers if name.lower() == _ERROR_TYPE), b"")
    said = _read_fields(fields, stated.decode("latin-1") or ("" if fields else _TYPES.get(status, "")))
    # 408 is a model that took too long, not a client that did.
    error = refuse(424 if status == 408 else status, said, headers)
    if isinstance(error, Rejected):
        error.body = _kept(fields, body, error.status)
    return error


def _kept(fields: Fields, body: bytes, status: int) -> bytes | None:
    """The provider's envelope, masked, with its type in it: the client does not see the header that said it."""
    masked = mask_json(body) if "message" in fields or "Message" in fields else None
    if masked is None:
        return None
    return render_fields(
        {**parse_object(masked), "code": render_raw(_NAMES.get(status, "ValidationException"))}
    )


def parse_inline(fields: Fields) -> UpstreamError:
    """An error object inside an answer with status 200. By then the provider may have billed."""
    return refuse_inside(_read_fields(fields))


def parse_exception(frame: Frame) -> UpstreamError:
    """A stream's message of type `exception` or `error`."""
    try:
        fields = parse_object(frame.payload)
    except ValueError:
        fields = {}
    said = _read_fields(fields, frame.text(":exception-type") or frame.text(":error-code"))
    if said.message == NO_MESSAGE:
        message = clean_message(frame.text(":error-message"))
        said = msgspec.structs.replace(said, message=message or NO_MESSAGE)
    return refuse_inside(said)


def _name_of(error: GatewayError) -> str:
    return _NAMES.get(
        error.status, "InternalServerException" if error.status >= 500 else "ValidationException"
    )


def render_error(error: GatewayError) -> bytes:
    """`{"message", "code"}`, with the gateway's own code beside; a provider's own envelope goes out as it came."""
    if isinstance(error, Rejected) and error.body is not None:
        return error.body
    ours = {"code": error.code, "param": error.param}
    return msgspec.json.encode({"message": _message(error), "code": _name_of(error), "waypost": ours})


def _message(error: GatewayError) -> str:
    if isinstance(error, ContextTooLong) and _TOO_LONG not in error.message:
        return f"{_TOO_LONG}. {error.message}"
    return error.message


def render_exception(error: GatewayError) -> bytes:
    """The same as the last message of a stream that has begun."""
    kind = _IN_STREAM.get(_name_of(error), "internalServerException")
    body: dict[str, object] = {
        "message": _message(error),
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
