"""Google's error envelope, both ways: `{"error": {code, message, status, details: [{"@type": …}]}}`.

https://google.aip.dev/193, https://ai.google.dev/gemini-api/docs/troubleshooting and, for `details`,
https://github.com/googleapis/googleapis/blob/master/google/rpc/error_details.proto (2026-11-25).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from waypost.dialects.masking import clean_message, mask_json
from waypost.dialects.refusals import NO_MESSAGE, Headers, Said, lower
from waypost.dialects.retry_after import MAX_WAIT_S
from waypost.dialects.verdict import refuse, refuse_inside
from waypost.errors import ContextTooLong, GatewayError, Rejected, UpstreamError

_RPC = "type.googleapis.com/google.rpc."
_ENCODER = msgspec.json.Encoder()
_SECONDS = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)s")

#: `google.rpc.Code` for the gateway's own answers: https://google.aip.dev/193#http-mapping (2026-11-25). 402 is not
#: among Google's; a spent budget is no rate limit, so it is not RESOURCE_EXHAUSTED.
_STATUSES: Mapping[int, str] = MappingProxyType(
    {
        401: "UNAUTHENTICATED",
        402: "FAILED_PRECONDITION",
        403: "PERMISSION_DENIED",
        404: "NOT_FOUND",
        405: "UNIMPLEMENTED",
        408: "DEADLINE_EXCEEDED",
        409: "ABORTED",
        429: "RESOURCE_EXHAUSTED",
        499: "CANCELLED",
        500: "INTERNAL",
        501: "UNIMPLEMENTED",
        502: "UNAVAILABLE",
        503: "UNAVAILABLE",
        504: "DEADLINE_EXCEEDED",
    }
)
#: Words that blame the gateway's own account. A bad key is a 400 INVALID_ARGUMENT; FAILED_PRECONDITION: no billing, or
#: not offered where the gateway stands.
_KEY_REASON = "API_KEY_"
_NOT_HERE = "FAILED_PRECONDITION"
#: Said to clients that look for Google's own sentence.
_TOO_LONG = "exceeds the maximum number of tokens"


class _Violation(msgspec.Struct):
    field: str | None = None
    quota_id: str | None = msgspec.field(default=None, name="quotaId")


class _Detail(msgspec.Struct):
    kind: str = msgspec.field(default="", name="@type")
    reason: str | None = None
    retry_delay: str | None = msgspec.field(default=None, name="retryDelay")
    field_violations: list[_Violation] | None = msgspec.field(default=None, name="fieldViolations")
    violations: list[_Violation] | None = None


class _Error(msgspec.Struct):
    code: int | None = None
    message: str | None = None
    status: str | None = None
    details: msgspec.Raw = msgspec.Raw()


class _Envelope(msgspec.Struct):
    error: msgspec.Raw


_ERROR = msgspec.json.Decoder(_Error)
_DETAILS = msgspec.json.Decoder(list[_Detail])
_ENVELOPE = msgspec.json.Decoder(_Envelope)
_LISTED: msgspec.json.Decoder[list[_Envelope]] = msgspec.json.Decoder(list[_Envelope])
_TEXT = msgspec.json.Decoder(str)


def find_error(body: bytes) -> msgspec.Raw | None:
    """The error object of a body that is an envelope, or the list of one that array streams are refused with."""
    try:
        if body.lstrip()[:1] == b"[":
            listed = _LISTED.decode(body)
            return listed[0].error if listed else None
        return _ENVELOPE.decode(body).error
    except (ValueError, RecursionError):
        return None


def read_error(raw: msgspec.Raw | None) -> Said:
    """The value of an `error` field. The words are its status and the reasons of its details, the reasons first."""
    if raw is None:
        return Said()
    try:
        error = _ERROR.decode(raw)
    except (ValueError, RecursionError):
        return Said(_read_text(raw))
    try:
        details = _DETAILS.decode(error.details) if bytes(error.details) else []
    except (ValueError, RecursionError):
        details = []
    waits = [wait for detail in details if (wait := _wait(detail.retry_delay)) is not None]
    fields = [each.field for detail in details for each in detail.field_violations or () if each.field]
    quotas = [each.quota_id or "" for detail in details for each in detail.violations or ()]
    code = None if error.code is None else str(error.code)
    words = [_word(word) for word in (*(detail.reason for detail in details), error.status, code)]
    return Said(
        clean_message(error.message or "") or NO_MESSAGE,
        lower(words),
        fields[0][:200] if fields else None,
        max(waits, default=None),
        envelope=error.message is not None,
        daily=any("PerDay" in quota for quota in quotas),
    )


def _word(word: str | None) -> str | None:
    if word is not None and (word.startswith(_KEY_REASON) or word == _NOT_HERE):
        return "permission_denied"
    return word


def _read_text(raw: msgspec.Raw) -> str:
    try:
        return clean_message(_TEXT.decode(raw)) or NO_MESSAGE
    except (ValueError, RecursionError):
        return NO_MESSAGE


def _wait(delay: str | None) -> float | None:
    found = _SECONDS.fullmatch(delay or "")
    return None if found is None else min(float(found[1]), MAX_WAIT_S)


def parse_error(status: int, headers: Headers, body: bytes) -> UpstreamError:
    """A non-2xx answer, by its status first and then by its body. 499: what Google calls a cancellation of its own."""
    said = read_error(find_error(body))
    error = refuse(503 if status == 499 else status, said, headers)
    if isinstance(error, Rejected) and said.envelope:
        error.body = mask_json(body)
    return error


def parse_inline(raw: msgspec.Raw | None) -> UpstreamError:
    """An error inside an answer with status 200. By then the provider may have billed."""
    return refuse_inside(read_error(raw))


def render_failed(code: str, message: str) -> bytes:
    """The envelope for what a stream of another dialect told of as it broke; `code` is that of a `GatewayError`."""
    info = {
        "@type": f"{_RPC}ErrorInfo",
        "reason": code.upper(),
        "domain": "waypost",
        "metadata": {"code": code},
    }
    error = {"code": 502, "message": message, "status": _STATUSES[502], "details": [info]}
    return _ENCODER.encode({"error": error})


def render_error(error: GatewayError) -> bytes:
    """Google's envelope; a provider's own goes out as it came. The gateway's `code` and `param` are in an ErrorInfo."""
    if isinstance(error, Rejected) and error.body is not None:
        return error.body
    metadata = {"code": error.code} | ({"param": error.param} if error.param else {})
    details: list[dict[str, object]] = [
        {
            "@type": f"{_RPC}ErrorInfo",
            "reason": error.code.upper(),
            "domain": "waypost",
            "metadata": metadata,
        }
    ]
    if error.param:
        violation = {"field": error.param, "description": error.message}
        details.append({"@type": f"{_RPC}BadRequest", "fieldViolations": [violation]})
    if error.retry_after_s is not None:
        details.append({"@type": f"{_RPC}RetryInfo", "retryDelay": f"{error.retry_after_s:g}s"})
    fallback = "INVALID_ARGUMENT" if error.status < 500 else "INTERNAL"
    message = error.message
    if isinstance(error, ContextTooLong) and _TOO_LONG not in message:
        message = f"The input {_TOO_LONG} allowed. {message}"
    shown = {
        "code": error.status,
        "message": message,
        "status": _STATUSES.get(error.status, fallback),
        "details": details,
    }
    return _ENCODER.encode({"error": shown})
